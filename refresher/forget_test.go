package refresher_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/ledger"
)

// forgets forgets the credential of these tests, whatever became of its entry.
func (l *lab) forgets(last bool) error {
	l.t.Helper()
	snap := l.Scan(context.Background())
	rows, err := l.Remembered(snap)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, row := range append(rows, snap.Rows...) {
		if row.ID == linear {
			return l.Forget(context.Background(), row, last)
		}
	}
	l.t.Fatal("nobody knows its name")
	return nil
}

func (l *lab) wantForgotten(there bool) {
	l.t.Helper()
	for _, folder := range []string{"kept", "journal", "memory"} {
		entries, err := os.ReadDir(filepath.Join(l.state, folder))
		if err != nil {
			l.t.Fatal(err)
		}
		if want := folder == "memory" && there; len(entries) > 0 != want {
			l.t.Errorf("%d files are in %s", len(entries), folder)
		}
	}
}

func TestAnAnswerInTheJournalIsNotForgottenWhateverTheStateOfTheStore(t *testing.T) {
	for state, change := range stores {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			l.crash(linear, true)
			change(l, s, g)
			before, _ := os.ReadFile(l.path(codexStore...))
			err := l.forgets(false)
			after, _ := os.ReadFile(l.path(codexStore...))
			var unfinished *refresher.UnfinishedError
			switch state {
			case "same", "blanked":
				if err != nil {
					t.Errorf("%s: %v", state, err)
				}
				l.wantStored(s, g.ID, linear)
				l.wantForgotten(true)
			case "rotated", "entry gone": // nobody else has it
				if !errors.Is(err, refresher.ErrLastCopy) || l.kept() == (ledger.Kept{}) {
					t.Errorf("%s: %v, kept %v", state, err, l.kept())
				}
				if err := l.forgets(true); err != nil {
					t.Errorf("%s: %v", state, err)
				}
				l.wantForgotten(state == "rotated")
			case "store gone":
				if !errors.As(err, &unfinished) || len(l.pending()) != 1 {
					t.Errorf("%s: %v, %d records", state, err, len(l.pending()))
				}
				if err := l.forgets(true); !errors.As(err, &unfinished) || len(l.pending()) != 1 {
					t.Errorf("%s, as the last copy: %v, %d records", state, err, len(l.pending()))
				}
				l.put(linear, g)
				if err := l.forgets(false); err != nil {
					t.Errorf("%s, and back: %v", state, err)
				}
				l.wantStored(s, g.ID, linear)
			case "another login":
				if err != nil {
					t.Errorf("%s: %v", state, err)
				}
				l.wantForgotten(true)
			}
			if state != "same" && state != "blanked" && string(after) != string(before) {
				t.Errorf("%s: the store was written", state)
			}
			if got := l.marked(g.RefreshToken); got != "spent" {
				t.Errorf("%s: the used one is marked %s", state, got)
			}
			l.restart()
			l.put(linear, g)
			l.refresh(linear)
			l.wantPosts(s, g.ID, 1)
			l.wantQuiet()
		})
	}
}

// The rotation may come before the forgetting or after it, and unseen both times.
func TestAValueThatItsClientRotatedIsNotSentAfterAForgetting(t *testing.T) {
	for _, first := range []string{"rotated", "forgotten"} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			l.Observe(l.row(linear))
			forget := func() {
				if err := l.forgets(false); err != nil {
					t.Fatal(first, err)
				}
				l.wantForgotten(true)
			}
			if first == "forgotten" {
				forget()
			}
			l.put(linear, s.Grant(authtest.GrantOptions{ClientID: g.ClientID}))
			if first == "rotated" {
				forget()
				os.Remove(l.path(codexStore...))
				if err := l.forgets(false); err != nil {
					t.Fatal(err)
				}
				l.wantForgotten(false)
				l.put(linear, s.Grant(authtest.GrantOptions{ClientID: g.ClientID}))
			}
			l.restart()
			l.Observe(l.row(linear))
			l.put(linear, g)
			l.refresh(linear)
			l.wantPosts(s, g.ID, 0)
			if got := l.marked(g.RefreshToken); got != "spent" {
				t.Errorf("%s first: marked %s", first, got)
			}
		})
	}
}

func TestATokenOfANewRegistrationIsNotPutOverAForgottenOne(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		l.want(l.keep(linear), refresher.Refreshed, refresher.Fresh)
		os.Remove(l.path(codexStore...))
		if err := l.forgets(false); err != nil {
			t.Fatal(err)
		}
		l.wantForgotten(false)
		l.one(s, authtest.GrantOptions{})
		l.Observe(l.row(linear))
		l.put(linear, g) // from a backup
		before := l.read(codexStore...)
		if row := l.row(linear); row.Why != refresher.WasSpent {
			t.Errorf("%s, %s", row.State, row.Why)
		}
		l.refresh(linear)
		if l.read(codexStore...) != before {
			t.Error("the store was written")
		}
		l.wantPosts(s, g.ID, 1)
	})
}

func TestAWaitThatTheServerAskedForOutlastsAForgetting(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		s.NextGrant(g.ID, authtest.Behaviour{Answer: authtest.RetryAfter(429, "600")})
		l.want(l.refresh(linear), refresher.Failed, refresher.Retrying)
		if err := l.forgets(false); err != nil {
			t.Fatal(err)
		}
		l.restart()
		l.refresh(linear)
		l.wantPosts(s, g.ID, 1)
	})
}

func TestACredentialThatCannotBeReadIsNotForgottenAsIfItWereGone(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		l.Observe(l.row(linear))
		l.write("{", codexStore...)
		if err := l.forgets(false); !errors.Is(err, refresher.ErrLastCopy) {
			t.Errorf("%v, and what became of the store is not known", err)
		}
		if err := l.forgets(true); err != nil {
			t.Fatal(err)
		}
		l.wantForgotten(true)
		l.put(linear, s.Grant(authtest.GrantOptions{ClientID: g.ClientID}))
		l.Observe(l.row(linear))
		l.put(linear, g)
		l.refresh(linear)
		l.wantPosts(s, g.ID, 0)
	})
}

func TestWhatTheUserSaidIsNotForgotten(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.one(s, due)
		key := l.row(linear).Key
		l.Observe(l.row(linear))
		if err := l.Ledger.SetMode(key, ledger.Mode{Mode: "watch-only"}); err != nil {
			t.Fatal(err)
		}
		os.Remove(l.path(codexStore...))
		if err := l.forgets(true); err != nil {
			t.Fatal(err)
		}
		if m, err := l.Ledger.Mode(key); m.Mode != "watch-only" || err != nil {
			t.Errorf("%+v, %v", m, err)
		}
	})
}
