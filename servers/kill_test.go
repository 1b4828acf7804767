//go:build servers && linux

package servers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"lamplighter/credfiles/clientlock"
	"lamplighter/lab"
)

// The server dies with a refresh on its hands and is up again before its
// connection is given up. The refresh token is sent once more, at once.
func TestAServerKilledBeforeItRotated(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := signedIn(t, k)
		s.next(func(func()) bool {
			s.kill()
			s.start()
			return false
		})
		refresh(t, l, 0, "linear")
		holds(t, s, l, line, "fresh", 2, 1)
	})
}

// The server had rotated, and nobody has the successor. Where a lost answer is
// forgiven the repeat gets another; elsewhere it is what the server takes for
// a replay, and the grant was lost with the answer.
func TestAServerKilledAfterItRotated(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := signedIn(t, k)
		s.next(func(pass func()) bool {
			pass()
			s.kill()
			s.start()
			return false
		})
		if k.strict {
			refresh(t, l, 4, "linear")
			holds(t, s, l, line, "sign-in-needed", 2, 1)
			return
		}
		refresh(t, l, 0, "linear")
		holds(t, s, l, line, "fresh", 2, 1)
		refresh(t, l, 0, "linear")
		holds(t, s, l, line, "fresh", 3, 2)
	})
}

// The server dies and stays away: the one repeat finds nobody, which is
// trouble that passes. What becomes of the grant shows when the server is back.
func TestAServerThatStaysAway(t *testing.T) {
	eachOf(t, map[string]bool{"unseen": false, "rotated": true}, func(t *testing.T, k kind, rotated bool) {
		s, l, line := signedIn(t, k)
		s.next(func(pass func()) bool {
			if rotated {
				pass()
			}
			s.shut()
			s.kill()
			return false
		})
		refresh(t, l, 3, "linear")
		refresh(t, l, 3, "linear")
		holds(t, s, l, line, "retrying", 1, 0)
		s.start()
		if rotated && k.strict {
			refresh(t, l, 4, "linear")
			holds(t, s, l, line, "sign-in-needed", 2, 1)
			return
		}
		refresh(t, l, 0, "linear")
		holds(t, s, l, line, "fresh", 2, 1)
	})
}

// The server is away when a refresh falls due. The keeper goes on trying.
func TestAKeeperOutlivesItsServer(t *testing.T) {
	if testing.Short() {
		t.Skip("the second try comes after half a minute")
	}
	each(t, func(t *testing.T, k kind) {
		s, l, line := due(t, k)
		s.shut()
		s.kill()
		keeper := l.Keep()
		defer l.Stop(keeper)
		if !lab.Until(time.Minute, func() bool { st, _ := l.Status(line.ID); return st.State == "retrying" }) {
			t.Fatal("the keeper did not notice that the server is away")
		}
		s.start()
		if !lab.Until(2*time.Minute, func() bool {
			_, answered := s.refreshes()
			return answered == 1 && l.Landed(line) == "" && l.Quiet() == ""
		}) {
			t.Fatal(l.Landed(line))
		}
		holds(t, s, l, line, "fresh", 1, 1)
	})
}

// crash ends a keeper as a power button does.
func crash(keeper *exec.Cmd) {
	keeper.Process.Signal(syscall.SIGKILL)
	keeper.Wait()
}

// due is a server with a grant whose access token has all but ended.
func due(t *testing.T, k kind) (*server, *lab.Lab, *lab.Line) {
	t.Helper()
	s, l := start(t, k, time.Hour), lab.New(t)
	g := s.grant(s.register(redirect), redirect)
	g.Expiry = time.Now().Add(10 * time.Second).Truncate(time.Millisecond)
	return s, l, l.CodexOf("linear", s, g)
}

// lockStore keeps everybody else from writing a line's store.
func lockStore(t *testing.T, line *lab.Line) (release func()) {
	t.Helper()
	name := filepath.Join(filepath.Dir(line.Store), "mcp-oauth-locks", "file-store.lock")
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := clientlock.File(context.Background(), name, clientlock.FileOptions{Mode: 0o600, Retry: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return func() { lock.Release() }
}

// answered reports that an answer stands in the journal.
func answered(l *lab.Lab) bool {
	pending := l.Pending()
	return len(pending) == 1 && pending[0].Answer != nil
}

// The keeper dies with the answer in its journal and a store that it could not
// write yet. The next one puts the token into the store and asks nobody.
func TestAKeeperKilledBetweenAnswerAndWrite(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := due(t, k)
		before, err := os.ReadFile(line.Store)
		if err != nil {
			t.Fatal(err)
		}
		release := lockStore(t, line)
		keeper := l.Keep()
		if !lab.Until(20*time.Second, func() bool { return answered(l) }) {
			t.Fatal("no answer came to stand in the journal")
		}
		crash(keeper)
		if after, err := os.ReadFile(line.Store); err != nil || string(after) != string(before) {
			t.Error("the store changed under another's lock")
		}
		release()
		keeper = l.Keep()
		if !lab.Until(time.Minute, func() bool { return l.Landed(line) == "" && l.Quiet() == "" }) {
			t.Fatal(l.Landed(line))
		}
		l.Stop(keeper)
		holds(t, s, l, line, "fresh", 1, 1)
		refresh(t, l, 0, "linear")
		holds(t, s, l, line, "fresh", 2, 2)
	})
}

// The keeper dies with its request on the way. If the server did not see it,
// nothing is lost; if it did, its answer is lost with the grant, but for the
// servers that forgive.
func TestAKeeperKilledBeforeTheAnswer(t *testing.T) {
	eachOf(t, map[string]bool{"unseen": false, "rotated": true}, func(t *testing.T, k kind, rotated bool) {
		s, l, line := due(t, k)
		keeper := l.Command("keep")
		sent := make(chan struct{})
		s.next(func(pass func()) bool {
			if rotated {
				pass()
			}
			keeper.Process.Signal(syscall.SIGKILL)
			close(sent)
			return false
		})
		if err := keeper.Start(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-sent:
		case <-time.After(time.Minute):
			keeper.Process.Kill()
			t.Error("nothing was sent")
		}
		keeper.Wait()
		keeper = l.Keep()
		defer l.Stop(keeper)
		state := "fresh"
		if rotated && k.strict {
			state = "sign-in-needed"
		}
		if !lab.Until(time.Minute, func() bool { st, _ := l.Status(line.ID); return st.State == state && l.Quiet() == "" }) {
			st, _ := l.Status(line.ID)
			t.Fatalf("it is %s: %s", st.State, st.Reason)
		}
		holds(t, s, l, line, state, 2, 1)
	})
}

// Three keepers and eight commands want the same token at once, three times.
func TestManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := due(t, k)
		for range 3 {
			l.Keep()
		}
		for range 3 {
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					if got := l.Run("refresh", "linear"); got.Code != 0 {
						t.Errorf("a refresh ended with %d: %s", got.Code, got.Output)
					}
				})
			}
			all.Wait()
		}
		sent, _ := s.refreshes()
		t.Logf("24 commands and 3 keepers sent %d refreshes", sent)
		if sent > 24 {
			t.Errorf("%d refreshes were sent", sent)
		}
		holds(t, s, l, line, "fresh", sent, sent)
	})
}
