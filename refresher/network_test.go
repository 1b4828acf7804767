package refresher_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/ledger"
)

// After hours without a network the waits have grown to half an hour. They end
// with the next tick after it is back, for all, also for those whose attempt
// was under way.
func TestWaitsForAServerThatWasNotReachedEndWhenTheNetworkIsBack(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		const n = 20
		w.many(n, due)
		w.connect("")
		k := w.keep()
		time.Sleep(5 * hour)
		tried := w.said(string(ledger.Unsent), "")
		if tried < n*8 || tried > n*18 {
			t.Errorf("%d attempts in 5 h without a network, for %d credentials", tried, n)
		}
		if scans := k.scanned(); scans > 2*tried+100 {
			t.Errorf("%d scans for %d attempts", scans, tried)
		}
		if row := k.shows("codex/mcp/s00"); row.State != refresher.Retrying || row.Why != refresher.TroubleUnsent {
			t.Errorf("%s, %s", row.State, row.Why)
		}
		w.connect("café")
		time.Sleep(minute + 35*time.Second) // a tick, and half a minute after an attempt that just failed
		if got := w.said("refreshed", ""); got != n {
			t.Errorf("%d of %d refreshed a minute after the network was back", got, n)
		}
	})
}

// An attempt that began on the old network and fails on the new one says
// nothing about that.
func TestAnAttemptThatTheNetworkChangedUnderIsNotHeldAgainstTheNewOne(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		w.one(w.s, due)
		w.observe()
		row := w.row(linear)
		if _, err := w.Finder.Find(context.Background(), row.Grant); err != nil {
			t.Fatal(err)
		}
		w.s.SetReach(authtest.Silent)
		// After many failures, the next attempt begins two seconds before the
		// keeper looks at the network, and lasts for five.
		w.remember(row, func(m *ledger.Memory) {
			m.For, m.Wait, m.Failures = m.Refresh, ledger.Unsent, 9
			m.Tried, m.Until = time.Now(), time.Now().Add(58*time.Second)
		})
		k := w.keep()
		time.Sleep(59 * time.Second)
		w.connect("café")
		time.Sleep(6 * time.Second)
		if row := k.shows(linear); row.State != refresher.Retrying || time.Until(row.At) < 20*minute {
			t.Fatalf("%s, %s, for %v", row.State, row.Why, time.Until(row.At))
		}
		time.Sleep(minute)
		if row := k.shows(linear); row.State != refresher.Fresh {
			t.Errorf("%s, %s, for %v", row.State, row.Why, time.Until(row.At))
		}
	})
}

func TestAnotherNetworkMakesNothingDue(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		g := w.one(w.s, authtest.GrantOptions{})
		w.keep()
		for range 20 {
			time.Sleep(2 * minute)
			w.connect(fmt.Sprint(time.Now().Unix()))
		}
		if n := w.s.TokenPosts(g.ID); n != 0 {
			t.Errorf("%d POSTs", n)
		}
	})
}

func TestAfterASleepEverythingIsLookedAtWithinAMinute(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		c := w.tenants(authtest.GrantOptions{})[0]
		k := w.keep()
		time.Sleep(minute / 2)
		next := w.s.Grant(authtest.GrantOptions{}) // another login, of which no signal tells
		w.codex(map[string]authtest.Grant{"linear": next})
		scans := k.scanned()
		w.suspend(30 * minute) // nothing falls due
		time.Sleep(minute + time.Second)
		if k.scanned() == scans {
			t.Error("no look at the stores after the sleep")
		}
		if row := k.shows(c.id); row.Token.Access.Reveal() != next.AccessToken {
			t.Error("the store's new token is not seen")
		}
	})
}
