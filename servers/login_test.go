//go:build servers && linux

package servers

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"lamplighter/lab"
)

// wither ends a grant as its server's own rules do.
func wither(t *testing.T, s *server, l *lab.Lab, line *lab.Line) {
	t.Helper()
	if s.kind.strict {
		refresh(t, l, 0, line.ID)
		s.steal(line.Grant.ClientID, line.Grant.RefreshToken)
	} else {
		s.grant(line.Grant.ClientID, line.Grant.Redirect)
	}
	refresh(t, l, 4, line.ID)
	if st, _ := l.Status(line.ID); st.State != "sign-in-needed" {
		t.Fatalf("%s is %q", line.ID, st.State)
	}
}

// loginCommand signs in, with this program for a browser.
func loginCommand(t *testing.T, l *lab.Lab, id string) *exec.Cmd {
	t.Helper()
	return withBrowser(t, l, "login", id)
}

// withBrowser is a command of the program with this program for a browser.
func withBrowser(t *testing.T, l *lab.Lab, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "browser")
	if err := os.Symlink(self, name); err != nil {
		t.Fatal(err)
	}
	cmd := l.Command(args...)
	cmd.Env = append(cmd.Env, "BROWSER="+name)
	return cmd
}

func runLogin(t *testing.T, l *lab.Lab, id string) lab.Result {
	t.Helper()
	return l.Ends(loginCommand(t, l, id))
}

// login signs in, and returns what was said.
func login(t *testing.T, l *lab.Lab, id string) (said string) {
	t.Helper()
	got := runLogin(t, l, id)
	if got.Code != 0 {
		t.Fatalf("login ended with %d: %s", got.Code, got.Output)
	}
	return got.Output
}

// signedInAnew checks what a sign-in left: another grant, that lives.
func signedInAnew(t *testing.T, s *server, l *lab.Lab, line *lab.Line) {
	t.Helper()
	n, _ := s.refreshes()
	for range 2 {
		c, _ := l.Stored(line)
		if grant := strings.Fields(s.Serial(c.Refresh.Reveal()))[0]; grant == line.Grant.ID {
			t.Fatalf("%s holds the old grant", line.ID)
		}
		if !s.accepts(c.Access.Reveal()) {
			t.Fatal("the server does not accept the access token in the store")
		}
		if st, _ := l.Status(line.ID); st.State != "fresh" {
			t.Fatalf("%s is %q: %s", line.ID, st.State, st.Reason)
		}
		refresh(t, l, 0, line.ID)
	}
	if sent, _ := s.refreshes(); sent != n+2 {
		t.Errorf("%d refreshes were sent for two", sent-n)
	}
	for what, wrong := range map[string]string{
		"oracle": strings.Join(s.Check(), "; "), "left": l.Quiet(), "leak": l.Leaks(),
	} {
		if wrong != "" {
			t.Errorf("%s: %s", what, wrong)
		}
	}
}

// The refresh token is dead, the client is as good as ever, wherever its program
// gets its codes.
func TestSigningInAgain(t *testing.T) {
	type store struct {
		claude, own bool // own: the redirect URI is the server's own
	}
	stores := map[string]store{"codex": {own: true}, "older codex": {}, "claude": {claude: true}}
	eachOf(t, stores, func(t *testing.T, k kind, where store) {
		s, l := start(t, k, time.Hour), lab.New(t)
		add, back := l.CodexOf, redirect
		switch {
		case where.claude:
			add, back = l.ClaudeOf, claudesRedirect(t)
		case where.own && !k.names:
			hash := sha256.Sum256([]byte(s.origin + "/mcp"))
			back += "/" + base64.RawURLEncoding.EncodeToString(hash[:9])
		}
		line := add("linear", s, s.grant(s.register(back), back))
		wither(t, s, l, line)
		said := login(t, l, line.ID)
		if c, _ := l.Stored(line); c.ClientID != line.Grant.ClientID {
			t.Errorf("another client was registered; login said: %s", said)
		}
		signedInAnew(t, s, l, line)
	})
}

var address = regexp.MustCompile(`(?m)^http\S+`)

// The browser is on another computer: the address on which it ends is pasted.
func TestSigningInByPaste(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := signedIn(t, k)
		wither(t, s, l, line)
		cmd := l.Command("login", "linear", "--no-browser")
		keys, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := cmd.Stdout.(fmt.Stringer)
		if !lab.Until(20*time.Second, func() bool { return address.MatchString(said.String()) }) {
			t.Errorf("no address was shown: %s", said)
			keys.Close()
		} else {
			io.WriteString(keys, s.browse(address.FindString(said.String()))+"\n")
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("login failed: %v: %s", err, said)
		}
		signedInAnew(t, s, l, line)
	})
}

// The client's registration has ended: the sign-in makes a new one, also where
// no refresh has told of it yet.
func TestSigningInWithADeadClient(t *testing.T) {
	eachOf(t, map[string]bool{"known": true, "unknown": false}, func(t *testing.T, k kind, known bool) {
		s, l, line := signedIn(t, k)
		s.forget(line.Grant.ClientID)
		if known {
			refresh(t, l, 4, "linear")
		}
		if said := login(t, l, "linear"); !strings.Contains(said, "a new client is registered") {
			t.Errorf("login said: %s", said)
		}
		if c, _ := l.Stored(line); c.ClientID == line.Grant.ClientID {
			t.Error("the store names the old client")
		}
		signedInAnew(t, s, l, line)
	})
}

// A client that was registered for a redirect URI that nobody wrote down cannot
// be used, and a new one takes its place.
func TestSigningInWithARedirectThatNobodyWroteDown(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l := start(t, k, time.Hour), lab.New(t)
		const back = "http://127.0.0.1:1/elsewhere"
		line := l.CodexOf("linear", s, s.grant(s.register(back), back))
		if said := login(t, l, "linear"); !strings.Contains(said, "a new client is registered") {
			t.Errorf("login said: %s", said)
		}
		signedInAnew(t, s, l, line)
	})
}

// The server dies with the code on its hands. The entry is as it was, and the
// next sign-in is one like any other.
func TestAServerKilledDuringASignIn(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := signedIn(t, k)
		s.nextCode(func(pass func()) bool {
			pass()
			s.kill()
			s.start()
			return false
		})
		got := runLogin(t, l, "linear")
		if got.Code != 1 {
			t.Fatalf("login ended with %d: %s", got.Code, got.Output)
		}
		if wrong := l.Landed(line) + l.Whole(line) + l.Quiet(); wrong != "" {
			t.Fatal(wrong)
		}
		login(t, l, "linear")
		signedInAnew(t, s, l, line)
	})
}

// The command dies with the new tokens in the journal, before the store has
// them. Whoever comes next puts them there.
func TestASignInKilledBetweenAnswerAndWrite(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := signedIn(t, k)
		release := lockStore(t, line)
		cmd := loginCommand(t, l, "linear")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		journaled := lab.Until(30*time.Second, func() bool { return answered(l) })
		crash(cmd)
		if !journaled {
			t.Fatal("no answer came to stand in the journal")
		}
		release()
		refresh(t, l, 0)
		signedInAnew(t, s, l, line)
	})
}

// Keepers and commands want the token while the user signs in anew.
func TestASignInAmongKeepers(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := due(t, k)
		for range 2 {
			l.Keep()
		}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				for range 3 {
					l.Run("refresh", "linear")
				}
			})
		}
		login(t, l, "linear")
		all.Wait()
		signedInAnew(t, s, l, line)
	})
}

// Two rows share a client. The command names the other one first; where the
// server ends the older grants, that one dies, and only that one.
func TestASignInNamesWhatItMayEnd(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := signedIn(t, k)
		other := l.ClaudeOf("notion", s, s.grant(line.Grant.ClientID, line.Grant.Redirect))
		if said := login(t, l, line.ID); !strings.Contains(said, other.ID+" has the same registration as "+line.ID) {
			t.Errorf("login said: %s", said)
		}
		signedInAnew(t, s, l, line)
		code := 4
		if k.strict {
			code = 0
		}
		refresh(t, l, code, other.ID)
		signedInAnew(t, s, l, line)
	})
}
