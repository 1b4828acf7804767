package refresher_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/ledger"
)

func TestAPauseHoldsEveryKeeperAlsoAfterARestartAndEndsByItself(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		all := w.tenants(authtest.GrantOptions{})
		w.keep()
		second := w.keep()
		for _, c := range all {
			if err := w.Ledger.SetMode(w.row(c.id).Key, ledger.Mode{Paused: true, Until: time.Now().Add(2 * hour)}); err != nil {
				t.Fatal(err)
			}
		}
		w.signal()
		time.Sleep(hour)
		second.end()
		third := w.keep()
		time.Sleep(hour - minute)
		for _, c := range all {
			if row := third.shows(c.id); row.State != refresher.Paused || c.posts() != 0 {
				t.Errorf("%s: %s, %s, %d POSTs", c.id, row.State, row.Why, c.posts())
			}
		}
		time.Sleep(minute + time.Second)
		w.pass(2*hour, all)
	})
}

func TestAWatchOnlyCredentialIsNeverSent(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		all := w.tenants(authtest.GrantOptions{})
		for _, c := range all {
			if err := w.Ledger.SetMode(w.row(c.id).Key, ledger.Mode{Mode: "watch-only"}); err != nil {
				t.Fatal(err)
			}
		}
		k := w.keep()
		time.Sleep(3 * day)
		for _, c := range all {
			w.Refresh(context.Background(), w.row(c.id), refresher.Options{Word: true, Force: true, Anyway: true, Retry: true})
			if row := k.shows(c.id); row.State != refresher.WatchOnly || c.posts() != 0 {
				t.Errorf("%s: %s, %s, %d POSTs", c.id, row.State, row.Why, c.posts())
			}
		}
	})
}

// The pause hides that the store went back; the word that ends it must not
// send what stands there.
func TestAWordOnAPausedStoreThatWentBackSendsNothingSpent(t *testing.T) {
	for name, pause := range map[string]func(w *world){
		"this one": func(w *world) {
			if err := w.Ledger.SetMode(w.row(linear).Key, ledger.Mode{Paused: true}); err != nil {
				t.Fatal(err)
			}
		},
		"everything": func(w *world) {
			all := policy
			all.PausedUntil = time.Now().Add(day)
			w.Refresher.Policy = func() refresher.Policy { return all }
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, authtest.Options{}, func(w *world) {
				g := w.one(w.s, due)
				before := w.read(".codex", ".credentials.json")
				if out := w.refresh(linear); out.Did != refresher.Refreshed {
					t.Fatal(out.Did)
				}
				after := w.read(".codex", ".credentials.json")
				w.write(before, ".codex", ".credentials.json")
				pause(w)
				out := w.Refresh(context.Background(), w.row(linear), refresher.Options{Word: true, Force: true, Anyway: true})
				if out.Did != refresher.Restored && out.Did != refresher.Refreshed {
					t.Errorf("did %s, %v", out.Did, out.Err)
				}
				if w.s.TokenPosts(g.ID) == 1 && w.read(".codex", ".credentials.json") != after {
					t.Error("the successor is not back")
				}
			})
		})
	}
}

func TestAnEntryThatItsClientNoLongerReadsHoldsNothingUp(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		g := w.s.Grant(due)
		// The same grant under the key that Codex looks for, and under another.
		right := credfiles.EntryKey("linear", g.ServerURL)
		w.codex(map[string]authtest.Grant{"linear": g})
		entry := strings.TrimPrefix(strings.TrimSuffix(w.read(".codex", ".credentials.json"), "}"), "{")
		w.write("{"+entry+","+strings.Replace(entry, right, "linear|0123456789abcdef", 1)+"}", ".codex", ".credentials.json")
		snap := w.Scan(context.Background())
		if len(snap.Rows) != 2 || !snap.Rows[1].Unused || snap.Rows[0].Unused {
			t.Fatalf("%d rows; the second is the one that is not used: %v", len(snap.Rows), snap.Rows[1].Unused)
		}
		if used, other := snap.Rows[0], snap.Rows[1]; !used.Due || other.State != refresher.WatchOnly || other.Why != refresher.OtherOwner {
			t.Fatalf("used: %s, %s; the other: %s, %s", used.State, used.Why, other.State, other.Why)
		}
		w.keep()
		time.Sleep(5 * minute)
		snap = w.Scan(context.Background())
		if used, other := snap.Rows[0], snap.Rows[1]; used.State != refresher.Fresh || other.State != refresher.WatchOnly || other.Why != refresher.OldCopy {
			t.Errorf("afterwards: %s, %s; the other: %s, %s", used.State, used.Why, other.State, other.Why)
		}
		if n := w.s.TokenPosts(g.ID); n != 1 {
			t.Errorf("%d POSTs", n)
		}
	})
}
