//go:build servers && linux

package servers

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"lamplighter/lab"
)

// signedIn is a server with one grant, which stands in Codex's store.
func signedIn(t *testing.T, k kind) (*server, *lab.Lab, *lab.Line) {
	t.Helper()
	s, l := start(t, k, time.Hour), lab.New(t)
	return s, l, l.CodexOf("linear", s, s.grant(s.register(redirect), redirect))
}

// refresh runs the command, which has to end with this code.
func refresh(t *testing.T, l *lab.Lab, code int, args ...string) string {
	t.Helper()
	got := l.Run(append([]string{"refresh"}, args...)...)
	if got.Code != code {
		t.Fatalf("refresh %s ended with %d, not %d: %s", strings.Join(args, " "), got.Code, code, got.Output)
	}
	return got.Output
}

// holds checks the state of a credential, and how many refreshes were sent and
// answered up to now.
func holds(t *testing.T, s *server, l *lab.Lab, line *lab.Line, state string, sent, answered int) lab.Status {
	t.Helper()
	if broken := s.Check(); len(broken) > 0 {
		t.Fatal(strings.Join(broken, "; "))
	}
	st, _ := l.Status(line.ID)
	if st.State != state {
		t.Fatalf("%s is %q (%s), not %q", line.ID, st.State, st.Reason, state)
	}
	if n, m := s.refreshes(); n != sent || m != answered {
		t.Fatalf("%d refreshes were sent and %d answered, not %d and %d", n, m, sent, answered)
	}
	if state == "fresh" {
		if wrong := l.Well(); wrong != "" {
			t.Fatal(wrong)
		}
		if c, _ := l.Stored(line); !s.accepts(c.Access.Reveal()) {
			t.Fatal("the server does not accept the access token in the store")
		}
	}
	return st
}

// A program that kept an older refresh token presents it. Where that ends the
// grant, the newest is refused once, is never sent again, and the user is told
// once.
func TestAReplayByAnotherProgram(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := signedIn(t, k)
		refresh(t, l, 0, "linear")
		refresh(t, l, 0, "linear")
		if got := s.steal(line.Grant.ClientID, line.Grant.RefreshToken); got.Error != "invalid_grant" {
			t.Fatalf("the replay was not refused, but answered with %q", got.Error)
		}
		if !k.strict {
			refresh(t, l, 0, "linear")
			holds(t, s, l, line, "fresh", 3, 3)
			return
		}
		refresh(t, l, 4, "linear")
		st := holds(t, s, l, line, "sign-in-needed", 3, 3)
		if !strings.Contains(st.Reason, "invalid_grant") {
			t.Errorf("the reason is %q", st.Reason)
		}
		refresh(t, l, 4, "linear")
		refresh(t, l, 4, "--all")
		toldOnce(t, l, line)
		holds(t, s, l, line, "sign-in-needed", 3, 3)
	})
}

// toldOnce checks that two keepers, one after the other, tell the user once
// that a sign-in is needed.
func toldOnce(t *testing.T, l *lab.Lab, line *lab.Line) {
	t.Helper()
	if testing.Short() {
		return // it is told after a last look, a minute later
	}
	told := func(keeper *exec.Cmd) int {
		return strings.Count(keeper.Stdout.(fmt.Stringer).String(), line.ID+" needs you")
	}
	one := l.Keep()
	if !lab.Until(2*time.Minute, func() bool { return told(one) > 0 }) {
		t.Fatal("the keeper did not say that a sign-in is needed")
	}
	l.Stop(one)
	two := l.Keep()
	lab.Until(10*time.Second, func() bool { return strings.Contains(two.Stdout.(fmt.Stringer).String(), "sign-in") })
	l.Stop(two)
	if n := told(one) + told(two); n != 1 {
		t.Errorf("the user was told %d times", n)
	}
}

// Another program presents the refresh token that we hold, before we do. Ours
// is then the replay: the grant is lost, or, where the last one used stays
// good, it is the other program that is left behind.
func TestAnotherProgramIsFirst(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := signedIn(t, k)
		theirs := s.steal(line.Grant.ClientID, line.Grant.RefreshToken)
		if theirs.Refresh == "" {
			t.Fatalf("the server answered %q", theirs.Error)
		}
		if k.strict {
			refresh(t, l, 4, "linear")
			refresh(t, l, 4, "linear")
			holds(t, s, l, line, "sign-in-needed", 1, 1)
			return
		}
		refresh(t, l, 0, "linear")
		refresh(t, l, 0, "linear")
		holds(t, s, l, line, "fresh", 2, 2)
		if again := s.steal(line.Grant.ClientID, theirs.Refresh); again.Error != "invalid_grant" {
			t.Errorf("the successor that the other program had got %q", again.Error)
		}
	})
}

// The value before ours is good until ours is used. A program that presents it
// gets a successor of its own, and ours is refused once: nobody guesses then.
func TestTheLastValueReplayed(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := signedIn(t, k)
		refresh(t, l, 0, "linear")
		theirs := s.steal(line.Grant.ClientID, line.Grant.RefreshToken)
		if refused := theirs.Error == "invalid_grant"; refused != k.strict {
			t.Fatalf("the server answered %q", theirs.Error)
		}
		refresh(t, l, 4, "linear")
		refresh(t, l, 4, "linear")
		holds(t, s, l, line, "sign-in-needed", 2, 2)
		if !k.strict {
			if again := s.steal(line.Grant.ClientID, theirs.Refresh); again.Refresh == "" {
				t.Errorf("the other program got %q: our refusal cost it its grant", again.Error)
			}
		}
	})
}

// Two rows share a client. Where a sign-in ends the older grants of its client,
// the other row dies by it, and only that one.
func TestASignInMayEndAnother(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := signedIn(t, k)
		other := l.ClaudeOf("notion", s, s.grant(line.Grant.ClientID, line.Grant.Redirect))
		refresh(t, l, 0, other.ID)
		if k.strict {
			refresh(t, l, 0, line.ID)
			holds(t, s, l, line, "fresh", 2, 2)
			return
		}
		refresh(t, l, 4, line.ID)
		holds(t, s, l, line, "sign-in-needed", 2, 2)
		refresh(t, l, 0, other.ID)
		refresh(t, l, 4, line.ID)
		holds(t, s, l, line, "sign-in-needed", 3, 3)
	})
}
