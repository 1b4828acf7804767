package lab_test

import (
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/lab/desktop"
	"lamplighter/refresher/authtest"
)

// addApp adds own/graph, a client that asks for itself, whose secret comes on stdin.
func addApp(t *testing.T, l *lab.Lab, s *authtest.Server) (secret string) {
	t.Helper()
	secret = "cs-" + strings.ToLower(rand.Text())
	s.AddApplication("app", secret, "read")
	cmd := l.Command("add", "graph", "--token-endpoint", s.URL(authtest.Token), "--client-id", "app", "--scope", "read")
	cmd.Stdin = strings.NewReader(secret + "\n")
	if got := l.Ends(cmd); got.Code != 0 {
		t.Fatalf("exit code %d: %s", got.Code, got.Output)
	}
	return secret
}

// where are the files below some folders that hold one of the texts.
func where(t *testing.T, folders []string, texts ...string) (found []string) {
	t.Helper()
	for _, folder := range folders {
		filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil
			}
			text, _ := os.ReadFile(path)
			for _, secret := range texts {
				if strings.Contains(string(text), secret) {
					found = append(found, path)
				}
			}
			return nil
		})
	}
	return found
}

// Neither the secret nor a token of an own credential is readable on a disk
// whose owner has a keyring.
func TestAnOwnCredentialIsSealedByTheKeyring(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, b, k := ringLab(t)
	calls := b.Calls("org.freedesktop.Secret.Service", "org.freedesktop.Secret.Prompt")
	secret := addApp(t, l, s)
	all := []string{l.Home, filepath.Dir(l.State)}
	if found := where(t, all, append(s.Secrets(), secret)...); len(found) > 0 {
		t.Errorf("plain in %v", found)
	}
	if st, _ := l.Status("own/graph"); st.State != "fresh" || strings.Contains(st.Reason, "plain") {
		t.Errorf("it is %q: %s", st.State, st.Reason)
	}
	g, _ := s.Applied("app")
	if got := l.Run("token", "graph"); strings.TrimSpace(got.Output) != g.AccessToken {
		t.Errorf("token: exit code %d", got.Code)
	}

	// Locked: a state with a sentence, nothing sent, nothing lost.
	k.Lock()
	asked := s.Asked("app")
	if st, ok := l.Status("own/graph"); !ok || st.State != "watch-only" || !strings.Contains(st.Reason, "sealed") {
		t.Errorf("locked it is %q: %s", st.State, st.Reason)
	}
	if got := l.Run("refresh", "graph"); got.Code == 0 || !strings.Contains(got.Output, "keyring is locked") {
		t.Errorf("locked: exit code %d: %s", got.Code, got.Output)
	}
	keeper := l.Keep()
	if !lab.Until(desktop.Patience, func() bool { return strings.Contains(l.Said(keeper), "keyring is locked") }) {
		t.Errorf("it says %q", l.Said(keeper))
	}
	if n := s.Asked("app"); n != asked {
		t.Errorf("asked %d times while it was locked", n-asked)
	}
	k.Unlock()
	if !lab.Until(desktop.Patience, func() bool { st, _ := l.Status("own/graph"); return st.State == "fresh" }) {
		st, _ := l.Status("own/graph")
		t.Errorf("unlocked it is %q: %s", st.State, st.Reason)
	}
	if got := l.Run("refresh", "graph"); got.Code != 0 || s.Asked("app") != asked+1 {
		t.Errorf("unlocked: exit code %d, asked %d times: %s", got.Code, s.Asked("app")-asked, got.Output)
	}
	l.Stop(keeper)
	for _, name := range calls() {
		if name == "Prompt" || name == "Unlock" {
			t.Errorf("%s was called", name)
		}
	}

	if got := l.Run("remove", "graph"); got.Code != 0 {
		t.Errorf("remove: exit code %d: %s", got.Code, got.Output)
	}
	if found := where(t, all, append(s.Secrets(), secret, "own/graph")...); len(found) > 1 || len(found) == 1 && filepath.Base(found[0]) != "log.jsonl" {
		t.Errorf("after remove something of it is in %v", found)
	}
}

// A key that is gone for good is said, and a new secret begins anew.
func TestAnOwnCredentialWhoseKeyIsGoneIsGivenItsSecretAgain(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, _, k := ringLab(t)
	secret := addApp(t, l, s)
	k.Kill()
	if st, _ := l.Status("own/graph"); st.State != "watch-only" || !strings.Contains(st.Reason, "locked or does not run") {
		t.Errorf("without a keyring it is %q: %s", st.State, st.Reason)
	}
	k.Erase()
	k.Start()
	k.Unlock()
	if st, _ := l.Status("own/graph"); st.State != "watch-only" || !strings.Contains(st.Reason, "not got any more") {
		t.Errorf("with another keyring it is %q: %s", st.State, st.Reason)
	}
	if got := l.Run("refresh", "graph"); got.Code == 0 || s.Asked("app") != 1 {
		t.Errorf("refresh: exit code %d, asked %d times: %s", got.Code, s.Asked("app"), got.Output)
	}
	cmd := l.Command("login", "graph")
	cmd.Stdin = strings.NewReader(secret + "\n")
	if got := l.Ends(cmd); got.Code != 0 || s.Asked("app") != 2 {
		t.Errorf("login: exit code %d, asked %d times: %s", got.Code, s.Asked("app"), got.Output)
	}
	if found := where(t, []string{l.Home, filepath.Dir(l.State)}, append(s.Secrets(), secret)...); len(found) > 0 {
		t.Errorf("plain in %v", found)
	}
}

// Killed at any moment, an own refresh token is in the store or in the journal,
// and never sent twice.
func TestAnOwnRefreshTokenSurvivesKills(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	s.AddClient("app", "")
	l := lab.New(t)
	g := s.Grant(authtest.GrantOptions{ClientID: "app"})
	cmd := l.Command("add", "mine", "--token-endpoint", s.URL(authtest.Token), "--client-id", "app", "--grant", "refresh_token")
	cmd.Stdin = strings.NewReader(g.RefreshToken + "\n")
	if got := l.Ends(cmd); got.Code != 0 {
		t.Fatalf("exit code %d: %s", got.Code, got.Output)
	}
	store := filepath.Join(l.State, "own", "mine.json")
	lost := 0
	for round := range 25 {
		cmd := l.Command("refresh", "mine")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		posts := s.TokenPosts(g.ID)
		// From before the request to after the write, a little later each time.
		lab.Until(desktop.Patience, func() bool { return s.TokenPosts(g.ID) > posts || cmd.Process.Signal(syscall.Signal(0)) != nil })
		time.Sleep(time.Duration(round) * 200 * time.Microsecond)
		cmd.Process.Kill()
		cmd.Wait()
		lab.Until(desktop.Patience, func() bool { return s.Last(g.ID).Delivery != authtest.Pending })
		now := s.Current(g.ID).RefreshToken
		if len(where(t, []string{store, filepath.Join(l.State, "journal")}, now)) == 0 {
			// Between the answer and the write that journals it there is nobody else.
			lost++
			last := s.Last(g.ID)
			s.NotJournaled(last.N)
			break
		}
		if got := l.Run("refresh", "mine"); got.Code != 0 {
			t.Fatalf("round %d: exit code %d: %s", round, got.Code, got.Output)
		}
		if text, _ := os.ReadFile(store); !strings.Contains(string(text), s.Current(g.ID).RefreshToken) {
			t.Fatalf("round %d: the store does not hold the newest", round)
		}
	}
	t.Logf("killed between answer and journal: %d", lost)
}
