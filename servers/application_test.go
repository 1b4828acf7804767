//go:build servers && linux

package servers

import (
	"strings"
	"testing"
	"time"

	"lamplighter/lab"
)

// A client that asks for itself gets tokens that the server's own resource takes,
// by either way of showing its secret; a wrong one is told apart.
func TestAClientAsksAnotherMakersServerForItself(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"client_secret_basic", "client_secret_post"} {
		t.Run("fosite/"+method, func(t *testing.T) {
			t.Parallel()
			s := start(t, kinds[0], time.Hour)
			client, secret := s.registerFor(redirect, method, "client_credentials")
			l := lab.New(t)
			run := func(stdin string, args ...string) lab.Result {
				cmd := l.Command(args...)
				cmd.Stdin = strings.NewReader(stdin + "\n")
				return l.Ends(cmd)
			}
			if got := run(secret, "add", "app", "--issuer", s.origin, "--client-id", client, "--scope", "mcp:read", "--auth-method", method); got.Code != 0 {
				t.Fatalf("add: exit code %d: %s", got.Code, got.Output)
			}
			first := run("", "token", "app")
			if !s.accepts(strings.TrimSpace(first.Output)) {
				t.Errorf("the token is not taken (exit code %d)", first.Code)
			}
			if got := run("", "refresh", "app"); got.Code != 0 {
				t.Errorf("refresh: exit code %d: %s", got.Code, got.Output)
			}
			if again := run("", "token", "app"); again.Output == first.Output || !s.accepts(strings.TrimSpace(again.Output)) {
				t.Errorf("the next token is not taken (exit code %d)", again.Code)
			}
			if got := run("wrong-EXAMPLE", "login", "app"); got.Code != 4 || !strings.Contains(got.Output, "does not take this client or its secret (invalid_client") {
				t.Errorf("a wrong secret: exit code %d: %s", got.Code, got.Output)
			}
			if got := run(secret, "login", "app"); got.Code != 0 {
				t.Errorf("the right one again: exit code %d: %s", got.Code, got.Output)
			}
			if got := run("", "remove", "app"); got.Code != 0 {
				t.Errorf("remove: exit code %d: %s", got.Code, got.Output)
			}
			for _, out := range []string{secret, "wrong-EXAMPLE"} {
				if strings.Contains(l.Run("log", "--json").Output, out) {
					t.Error("a secret stands in the log")
				}
			}
		})
	}
}

// Signing in by browser with a client of the user's own, and what follows.
func TestAnOwnSignInRotatesAtAnotherMakersServer(t *testing.T) {
	t.Parallel()
	t.Run("fosite", func(t *testing.T) {
		t.Parallel()
		s := start(t, kinds[0], time.Hour)
		client, _ := s.registerFor("http://127.0.0.1/callback", "none")
		l := lab.New(t)
		cmd := withBrowser(t, l, "add", "mine", "--issuer", s.origin, "--client-id", client, "--grant", "authorization_code", "--scope", "mcp:read offline_access")
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %s", err, cmd.Stdout)
		}
		for range 3 {
			if got := l.Run("refresh", "mine"); got.Code != 0 {
				t.Fatalf("exit code %d: %s", got.Code, got.Output)
			}
		}
		if got := l.Run("token", "mine"); !s.accepts(strings.TrimSpace(got.Output)) {
			t.Errorf("the token is not taken (exit code %d)", got.Code)
		}
		if sent, answered := s.refreshes(); sent != 3 || answered != 3 {
			t.Errorf("%d refreshes were sent, %d answered", sent, answered)
		}
		if wrong := s.Check(); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
}
