package refresher_test

import (
	"errors"
	"testing"
	"time"

	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
)

func TestADeferredRefreshComesWithinAMinuteOfTheHoldersEnd(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		g := w.one(w.s, authtest.GrantOptions{AccessLeft: 20 * minute})
		w.run("codex", "0.140.0")
		k := w.keep()
		time.Sleep(2 * hour)
		row := k.shows(linear)
		if row.State != refresher.Deferred || row.By == nil || row.By.PID != 4711 || row.By.Version != "0.140.0" {
			t.Fatalf("%s, %s, by %+v", row.State, row.Why, row.By)
		}
		if n := w.s.TokenPosts(g.ID); n != 0 {
			t.Fatalf("%d POSTs beside a program that never looks", n)
		}
		if n := k.scanned(); n > 125 {
			t.Errorf("%d scans in two hours", n)
		}
		w.quit()
		time.Sleep(minute + time.Second)
		if row := k.shows(linear); row.State != refresher.Fresh || w.s.TokenPosts(g.ID) != 1 {
			t.Errorf("a minute after its end: %s, %s, %d POSTs", row.State, row.Why, w.s.TokenPosts(g.ID))
		}
	})
}

func TestAListOfProgramsThatFailsForAWhileDoesNotHarmAHolder(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		g := w.one(w.s, due)
		w.run("codex", "0.140.0")
		k := w.keep()
		time.Sleep(10 * minute)
		blind := func(err error) {
			w.mu.Lock()
			w.blind = err
			w.mu.Unlock()
		}
		blind(errors.New("too many open files"))
		time.Sleep(50 * minute)
		if row := k.shows(linear); row.State != refresher.Deferred || w.s.TokenPosts(g.ID) != 0 {
			t.Errorf("%s, %s, %d POSTs while nobody can tell who runs", row.State, row.Why, w.s.TokenPosts(g.ID))
		}
		blind(nil)
		time.Sleep(10 * minute)
		blind(errors.New("too many open files"))
		time.Sleep(hour + 2*minute)
		if row := k.shows(linear); row.State != refresher.Fresh {
			t.Errorf("%s, %s for ever", row.State, row.Why)
		}
	})
}

func TestBesideAClientThatLooksAgainARefreshIsNotDeferred(t *testing.T) {
	for client, version := range map[string]string{"codex": "0.145.0", "claude": "2.1.240"} {
		inWorld(t, authtest.Options{}, func(w *world) {
			all := w.tenants(authtest.GrantOptions{})
			w.run(client, version)
			w.keep()
			w.pass(6*hour, all)
		})
	}
}

// The client refreshes tokens so short before we would; when it has ended, we
// do.
func TestAShortTokenIsItsRunningClientsAndOursWhenThatEnds(t *testing.T) {
	inWorld(t, authtest.Options{Policy: authtest.Policy{AccessLifetime: 10 * minute}}, func(w *world) {
		c := w.tenants(authtest.GrantOptions{})[1]
		w.run("claude", "2.1.240")
		k := w.keep()
		for range 10 {
			time.Sleep(6 * minute)
			c.refresh() // at 4 min left, as Claude Code would
		}
		if n := c.posts() - c.own; n != 0 {
			t.Errorf("%d refreshes of ours beside it", n)
		}
		time.Sleep(5 * minute)
		if row := k.shows(c.id); row.Why != refresher.ClientDoes || row.By == nil {
			t.Errorf("%s, %s", row.State, row.Why)
		}
		w.quit()
		time.Sleep(minute + time.Second)
		if n := c.posts() - c.own; n != 1 {
			t.Errorf("%d refreshes within a minute of its end", n)
		}
		w.pass(hour, []*tenant{c})
	})
}

func TestAServerSlowerThanItsClientWaitsIsAskedWhenThatEndsOrTheTokenDoes(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		c := w.tenants(authtest.GrantOptions{})[1]
		w.s.Behave(authtest.Token, authtest.Behaviour{DelayAfter: 10 * time.Second}) // Claude Code waits for 7 s
		k := w.keep()
		time.Sleep(51 * minute)
		if n := c.posts(); n != 1 {
			t.Fatalf("%d refreshes", n)
		}
		w.run("claude", "2.1.240")
		time.Sleep(58 * minute)
		if row := k.shows(c.id); c.posts() != 1 || row.State != refresher.Deferred || row.Why != refresher.ClientDoes {
			t.Errorf("beside it: %d refreshes, %s, %s", c.posts(), row.State, row.Why)
		}
		time.Sleep(time.Until(k.shows(c.id).Expiry) + time.Second)
		if n := c.posts(); n != 2 {
			t.Errorf("%d refreshes a second after the token's end", n)
		}
		time.Sleep(56 * minute)
		w.quit()
		time.Sleep(minute + 15*time.Second)
		if n := c.posts(); n != 3 {
			t.Errorf("%d refreshes when the client has ended", n)
		}
	})
}

// An older Codex without locks that starts while we wait would send what we are
// about to send, and the server would end the grant.
func TestAHolderThatStartsDuringAWaitIsSeenBeforeTheRefreshTokenIsSent(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		g := w.one(w.s, due)
		w.s.Next(authtest.Metadata, authtest.Behaviour{Delay: 3 * time.Second})
		k := w.keep()
		time.Sleep(time.Second)
		w.run("codex", "0.140.0")
		time.Sleep(10 * time.Second)
		if row := k.shows(linear); row.State != refresher.Deferred || w.s.TokenPosts(g.ID) != 0 {
			t.Errorf("%s, %s, %d POSTs beside a program that never looks", row.State, row.Why, w.s.TokenPosts(g.ID))
		}
	})
}
