package refresher_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
)

// wipe is Gemini CLI that could not refresh: with its last entry the file goes.
func (l *lab) wipe() {
	l.t.Helper()
	if err := os.Remove(l.path(geminiStore...)); err != nil {
		l.t.Fatal(err)
	}
}

// none wants that a credential is not shown.
func (l *lab) none(id, when string) {
	l.t.Helper()
	for _, row := range l.Scan(context.Background()).Rows {
		if row.ID == id {
			l.t.Errorf("%s: %s (%s)", when, row.State, row.Why)
		}
	}
}

func (l *lab) restore(id string) refresher.Outcome {
	l.t.Helper()
	return l.Restore(context.Background(), l.row(id))
}

// look is a turn of a keeper that refreshes nothing.
func (l *lab) look() {
	for _, row := range l.Scan(context.Background()).Rows {
		l.Observe(row)
	}
}

func TestWhatAClientWipedAfterAnErrorIsPutBack(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(due)
		l.gemini(g)
		l.look()
		before := l.read(geminiStore...)
		l.wipe()
		row := l.row(linearG)
		if row.State != refresher.SignInNeeded || row.Why != refresher.WasWiped || !row.Restorable() {
			t.Fatalf("%s, %s", row.State, row.Why)
		}
		l.want(l.restore(linearG), refresher.Restored, refresher.Fresh)
		if after := l.read(geminiStore...); strings.Count(after, g.RefreshToken) != 1 || len(after) != len(before) {
			t.Errorf("the store is\n%s\nwas\n%s", after, before)
		}
		l.want(l.refresh(linearG), refresher.Refreshed, refresher.Fresh)
		if row := l.row(linearG); row.Restorable() {
			t.Error("it can be restored still")
		}
	})
}

// What we refreshed is what was there last.
func TestTheTokenOfOurLastRefreshIsPutBack(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(due)
		l.gemini(g)
		l.want(l.refresh(linearG), refresher.Refreshed, refresher.Fresh)
		time.Sleep(2 * time.Hour)
		l.wipe()
		l.want(l.restore(linearG), refresher.Restored, refresher.Refreshing)
		if !strings.Contains(l.read(geminiStore...), s.Current(g.ID).RefreshToken) {
			t.Error("another token was put back")
		}
		l.want(l.refresh(linearG), refresher.Refreshed, refresher.Fresh)
	})
}

func TestARefreshTokenThatTheServerRefusedOrThatIsSpentIsNeverPutBack(t *testing.T) {
	for name, make := range map[string]func(l *lab, s *authtest.Server, g authtest.Grant){
		"refused": func(l *lab, s *authtest.Server, g authtest.Grant) {
			s.KillGrant(g.ID)
			l.refresh(linearG)
		},
		"used by its client since": func(l *lab, s *authtest.Server, g authtest.Grant) {
			g.RefreshToken, g.AccessToken = "rt-theirs-EXAMPLE", "at-theirs-EXAMPLE"
			l.gemini(g)
			l.look()
			l.Ledger.Prune()
			g.RefreshToken, g.AccessToken = "rt-newer-EXAMPLE", "at-newer-EXAMPLE"
			l.gemini(g) // seen by nobody
			l.look()
			if err := os.RemoveAll(l.state + "/kept"); err != nil {
				l.t.Fatal(err)
			}
		},
		"kept for a week": func(l *lab, s *authtest.Server, g authtest.Grant) { time.Sleep(8 * 24 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
				g := s.Grant(due)
				l.gemini(g)
				l.look()
				make(l, s, g)
				l.wipe()
				row := l.row(linearG)
				if row.State != refresher.SignInNeeded || row.Restorable() {
					t.Errorf("%s, %s", row.State, row.Why)
				}
				if out := l.restore(linearG); out.Did != refresher.Nothing {
					t.Errorf("did %s", out.Did)
				}
				if _, err := os.Stat(l.path(geminiStore...)); err == nil {
					t.Error("the store is there again")
				}
			})
		})
	}
}

// A client has no reason to wipe a token that is fresh: a person removed it.
// That stays so when the token would have ended.
func TestALogoutIsNotOfferedBack(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.gemini(s.Grant(authtest.GrantOptions{}))
		ctx, stop := context.WithCancel(context.Background())
		changed, done := make(chan struct{}, 1), make(chan struct{})
		go func() {
			defer close(done)
			l.Run(ctx, changed, func() {}, func(refresher.Snapshot) {})
		}()
		time.Sleep(time.Second)
		l.wipe()
		changed <- struct{}{}
		time.Sleep(10 * time.Second)
		l.none(linearG, "at once")
		time.Sleep(3 * time.Hour)
		l.none(linearG, "hours later")
		stop()
		<-done
		// Signed in again, and wiped by an error then.
		g := s.Grant(due)
		l.gemini(g)
		l.look()
		l.wipe()
		if row := l.row(linearG); !row.Restorable() {
			t.Errorf("%s, %s", row.State, row.Why)
		}
		// A server that is not named any more is no business of ours.
		l.write(`{"mcpServers":{}}`, geminiSettings...)
		l.none(linearG, "no server")
	})
}

func TestASignInMeanwhileStays(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(due)
		l.gemini(g)
		l.look()
		l.wipe()
		row := l.row(linearG)
		other := s.Grant(authtest.GrantOptions{})
		l.gemini(other)
		if out := l.Restore(context.Background(), row); out.Did != refresher.Nothing {
			t.Errorf("did %s, %v", out.Did, out.Err)
		}
		if !l.row(linearG).Refresh.Equal(credfiles.NewSecret(other.RefreshToken)) {
			t.Error("the new login is gone")
		}
	})
}

// A wipe by a client that wipes only what the server refused is its word.
func TestAWipeByAClientThatWasRefusedIsNeverPutBack(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(due)
		l.claude(map[string]authtest.Grant{"linear": g})
		l.look()
		l.write(strings.NewReplacer(g.AccessToken, "", g.RefreshToken, "", `"expiresAt":`, `"expiresAt":0,"x":`).Replace(l.read(claudeStore...)), claudeStore...)
		row := l.row(linearC)
		if row.State != refresher.SignInNeeded || row.Restorable() {
			t.Errorf("%s, %s", row.State, row.Why)
		}
		if out := l.restore(linearC); out.Did != refresher.Nothing {
			t.Errorf("did %s", out.Did)
		}
	})
}

// The client wipes while our request is under way: the answer is the newer
// value, and is kept.
func TestAnAnswerThatFoundItsEntryWipedCanBePutBack(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(due)
		l.gemini(g)
		meanwhile(s, l.wipe)
		if out := l.refresh(linearG); out.Did != refresher.Lost {
			t.Fatalf("did %s, %v", out.Did, out.Err)
		}
		l.want(l.restore(linearG), refresher.Restored, refresher.Fresh)
		if !strings.Contains(l.read(geminiStore...), s.Current(g.ID).RefreshToken) {
			t.Error("another token was put back")
		}
	})
}
