//go:build screenshots

package e2e

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/lab/desktop"
	"lamplighter/refresher/authtest"
)

// A sample is a computer as its user has it, to be looked at.
type sample struct {
	*desk
	screen *desktop.Screen
	web    *web
	item   *desktop.Item
	dir    string // for the pictures
	suffix string // of their names
}

func newSample(t *testing.T, look desktop.Look) *sample {
	t.Helper()
	d, screen := onScreen(t, look)
	if !d.realWindow() {
		t.Fatal("lamplighter-window is not built (make window)")
	}
	s := &sample{desk: d, screen: screen, web: newWeb(t), dir: os.Getenv("SCREENSHOTS")}
	if s.dir == "" {
		s.dir = filepath.Join("..", "screenshots")
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	theme := "light"
	if look == desktop.Dark {
		theme = "dark"
	}
	d.env = append(append(d.env, s.web.environ()...), "FYNE_THEME="+theme)
	s.hand("xsetroot", "-solid", map[desktop.Look]string{desktop.Light: "#8a9a94", desktop.Dark: "#2b3438"}[look])
	return s
}

// life is a token of which so much is left of so long a life.
func life(whole, left time.Duration) authtest.GrantOptions {
	return authtest.GrantOptions{AccessLeft: left, Policy: &authtest.Policy{JWT: true, AccessLifetime: whole}}
}

// codex and claude sign in to a server of this name.
func (s *sample) codex(name string, whole, left time.Duration) *lab.Line {
	return s.Codex(name, s.web.server(name), life(whole, left))
}

func (s *sample) claude(name string, whole, left time.Duration) *lab.Line {
	return s.Claude(name, s.web.server(name), life(whole, left))
}

// remote is mcp-remote's sign-in, started by Cursor.
func (s *sample) remote(name string, whole, left time.Duration) {
	g := s.web.server(name).Grant(life(whole, left))
	sum := md5.Sum([]byte(g.ServerURL))
	place := filepath.Join(".mcp-auth", "mcp-remote-v1", hex.EncodeToString(sum[:]))
	s.write(place+"_client_info.json", map[string]any{"client_id": g.ClientID, "token_endpoint_auth_method": "none", "issuer": g.Issuer})
	s.write(place+"_tokens.json", map[string]any{
		"access_token": g.AccessToken, "token_type": "Bearer", "refresh_token": g.RefreshToken,
		"expires_in": int(whole.Seconds()), "expires_at": g.Expiry.UnixMilli(), "scope": g.Scope,
	})
	s.write(filepath.Join(".cursor", "mcp.json"), map[string]any{"mcpServers": map[string]any{
		name: map[string]any{"command": "npx", "args": []string{"mcp-remote", g.ServerURL}},
	}})
}

// logins are the user's own at the clients' vendors.
func (s *sample) logins() {
	now := time.Now()
	claims, _ := json.Marshal(map[string]int64{"iat": now.Add(-50 * time.Hour).Unix(), "exp": now.Add(190 * time.Hour).Unix()})
	access := "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString(claims) + ".c2ln"
	s.write(filepath.Join(".codex", "auth.json"), map[string]any{"auth_mode": "chatgpt", "tokens": map[string]string{"access_token": access, "refresh_token": "rt_EXAMPLE"}})
}

func (s *sample) write(name string, v any) {
	s.T.Helper()
	text, err := json.Marshal(v)
	name = s.Path(name)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(name), 0o755)
	}
	if err == nil {
		err = os.WriteFile(name, text, 0o600)
	}
	if err != nil {
		s.T.Fatal(err)
	}
}

// everyday is what a user of three clients has.
func (s *sample) everyday() (slack *lab.Line) {
	s.codex("linear", 24*time.Hour, 19*time.Hour)
	s.codex("sentry", 8*time.Hour, 3*time.Hour+20*time.Minute)
	notion := s.codex("notion", time.Hour, time.Minute)
	slack = s.claude("slack", 12*time.Hour, 9*time.Hour+50*time.Minute)
	s.claude("atlassian", 8*time.Hour, 6*time.Hour+10*time.Minute)
	s.claude("figma", time.Hour, 34*time.Minute)
	s.remote("grafana", time.Hour, 48*time.Minute)
	s.logins()
	for range 3 { // so that there is something to tell
		if r := s.Ends(s.run("refresh", notion.ID)); r.Code != 0 {
			s.T.Fatal(r.Output)
		}
	}
	return slack
}

// names of so many servers, as teams have them.
func teamNames(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%s", []string{"billing", "search", "identity", "warehouse", "support", "release", "catalog", "mobile"}[i%8],
			[]string{"linear", "sentry", "notion", "grafana", "wiki"}[i/8%5]))
	}
	return all
}
