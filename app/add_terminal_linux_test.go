package app

import (
	"strings"
	"testing"

	"lamplighter/refresher/authtest"
)

// What is typed in is not shown, and Ctrl-C leaves nothing behind.
func TestASecretThatIsTypedInIsNotShown(t *testing.T) {
	t.Parallel()
	s := authtest.New(t, authtest.Options{})
	s.AddApplication("app", "cs-typed-EXAMPLE", "read")
	home := t.TempDir()
	args := []string{"add", "graph", "--token-endpoint", s.URL(authtest.Token), "--client-id", "app"}
	shown, code := onTerminal(t, home, 100, nil, map[string]string{"the client secret: ": "\x03"}, args...)
	if code == 0 || s.Asked("app") != 0 {
		t.Errorf("Ctrl-C: code %d: %s", code, shown)
	}
	shown, _ = onTerminal(t, home, 100, nil, nil, "status")
	if strings.Contains(shown, "own/graph") {
		t.Errorf("Ctrl-C left something: %s", shown)
	}
	shown, code = onTerminal(t, home, 100, nil, map[string]string{"the client secret: ": "cs-typed-EXAMPLE\r"}, args...)
	if code != 0 || !strings.Contains(shown, "own/graph: refreshed") || strings.Contains(shown, "EXAMPLE") {
		t.Errorf("code %d: %s", code, strings.ReplaceAll(shown, "EXAMPLE", "SECRET"))
	}
	shown, code = onTerminal(t, home, 100, nil, map[string]string{"the client secret: ": "wrong-EXAMPLE\r"}, "login", "graph")
	if code != exitSignIn || strings.Contains(shown, "EXAMPLE") {
		t.Errorf("a wrong one: code %d: %s", code, strings.ReplaceAll(shown, "EXAMPLE", "SECRET"))
	}
}

func TestTwoSecretsMayBePastedAtOnce(t *testing.T) {
	t.Parallel()
	s := authtest.New(t, authtest.Options{})
	g := s.Grant(authtest.GrantOptions{Confidential: true})
	args := []string{"add", "hand", "--token-endpoint", g.TokenURL, "--client-id", g.ClientID, "--grant", "refresh_token", "--auth-method", "client_secret_post"}
	shown, code := onTerminal(t, t.TempDir(), 100, nil, map[string]string{"the client secret: ": g.ClientSecret + "\r" + g.RefreshToken + "\r"}, args...)
	if code != 0 || strings.Contains(shown, g.ClientSecret) || strings.Contains(shown, g.RefreshToken) {
		t.Errorf("code %d: %s", code, strings.NewReplacer(g.ClientSecret, "SECRET", g.RefreshToken, "TOKEN").Replace(shown))
	}
}
