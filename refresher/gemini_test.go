package refresher_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
)

const linearG = "gemini/mcp/linear"

var (
	geminiStore    = []string{".gemini", "mcp-oauth-tokens.json"}
	geminiSettings = []string{".gemini", "settings.json"}
)

// gemini puts a grant into Gemini CLI's store, and its server into the
// settings.
func (l *lab) gemini(g authtest.Grant) {
	l.t.Helper()
	l.write(marshal(map[string]any{"mcpServers": map[string]any{"linear": map[string]any{"httpUrl": g.ServerURL}}}), geminiSettings...)
	text, err := json.MarshalIndent([]any{map[string]any{
		"serverName": "linear",
		"token": map[string]any{
			"accessToken": g.AccessToken, "tokenType": "Bearer", "refreshToken": g.RefreshToken, "scope": g.Scope,
			"expiresAt": g.Expiry.UnixMilli(),
		},
		"clientId": g.ClientID, "tokenUrl": g.TokenURL, "mcpServerUrl": g.ServerURL, "updatedAt": time.Now().UnixMilli(),
	}}, "", "  ")
	if err != nil {
		l.t.Fatal(err)
	}
	l.write(string(text), geminiStore...)
}

func TestAStoreThatNamesItsTokenEndpointNeedsNoDiscovery(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(due)
		l.gemini(g)
		if out := l.refresh(linearG); out.Did != refresher.Refreshed {
			t.Fatalf("did %s, %s, %v", out.Did, out.State, out.Err)
		}
		if n := len(s.Log()); n != 1 {
			t.Errorf("%d requests, want the one POST", n)
		}
		if got := s.Last(g.ID).Resource; len(got) != 1 || got[0] != g.ServerURL {
			t.Errorf("resource %q, want the server's URL as Gemini CLI sends it", got)
		}
	})
}

// Whoever writes another endpoint beside a refresh token does not get it; the
// client's own sign-in, which brings another one, may.
func TestARefreshTokenGoesNowhereElseThanWhereItCameFrom(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		thief := authtest.New(t, authtest.Options{Memory: true, Origin: "https://thief.example", ResourceOrigin: "https://rs.thief.example"})
		l.over(authtest.Network(s, thief))
		g := s.Grant(due)
		l.gemini(g)
		moved := strings.ReplaceAll(l.read(geminiStore...), g.TokenURL, "https://thief.example/oauth/token")
		for _, refreshed := range []bool{false, true} {
			if refreshed {
				l.gemini(s.Current(g.ID))
				if out := l.refresh(linearG); out.Did != refresher.Refreshed {
					t.Fatalf("at home it did %s, %s, %v", out.Did, out.State, out.Err)
				}
				moved = strings.ReplaceAll(l.read(geminiStore...), g.TokenURL, "https://thief.example/oauth/token")
			} else {
				l.Observe(l.row(linearG)) // as whoever runs first does
			}
			l.write(moved, geminiStore...)
			for range 2 {
				time.Sleep(25 * time.Hour)
				out := l.refresh(linearG)
				if out.Did != refresher.Failed || out.State != refresher.Misconfigured || out.Memory.Code != "endpoint" {
					t.Errorf("did %s, %s, %s", out.Did, out.State, out.Memory.Code)
				}
			}
		}
		if n := thief.Requests(authtest.Token); n != 0 {
			t.Errorf("the other one was sent %d token requests", n)
		}
		// It is put back, and all is well.
		l.write(strings.ReplaceAll(l.read(geminiStore...), "https://thief.example/oauth/token", g.TokenURL), geminiStore...)
		if out := l.refresh(linearG); out.Did != refresher.Refreshed {
			t.Errorf("at home again it did %s, %s, %v", out.Did, out.State, out.Err)
		}
		// A new login at another one.
		time.Sleep(25 * time.Hour)
		other := thief.Grant(authtest.GrantOptions{AccessLeft: time.Minute})
		l.gemini(other)
		if out := l.refresh(linearG); out.Did != refresher.Refreshed {
			t.Errorf("a new login did %s, %s, %v", out.Did, out.State, out.Err)
		}
	})
}
