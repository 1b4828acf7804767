package refresher_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
)

// mcpRemote puts a grant where mcp-remote keeps it, and its server into a
// configuration that starts mcp-remote.
func (l *lab) mcpRemote(g authtest.Grant) (store []string) {
	l.t.Helper()
	sum := md5.Sum([]byte(g.ServerURL))
	hash := hex.EncodeToString(sum[:])
	folder := []string{".mcp-auth", "mcp-remote-v1"}
	l.write(marshal(map[string]any{"client_id": g.ClientID, "token_endpoint_auth_method": "none", "issuer": g.Issuer}), append(folder, hash+"_client_info.json")...)
	store = append(folder, hash+"_tokens.json")
	l.write(marshal(map[string]any{
		"access_token": g.AccessToken, "token_type": "Bearer", "refresh_token": g.RefreshToken,
		"expires_in": 3600, "expires_at": g.Expiry.UnixMilli(), "scope": g.Scope,
	}), store...)
	l.write(marshal(map[string]any{"mcpServers": map[string]any{
		"linear": map[string]any{"command": "npx", "args": []string{"mcp-remote", g.ServerURL}},
	}}), ".cursor", "mcp.json")
	l.restart()
	return store
}

const linearM = "mcp-remote/mcp/linear"

func TestATokenOfMcpRemoteIsRefreshedUnderItsLease(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(due)
		store := l.mcpRemote(g)
		lease := l.path(append(store[:2:2], strings.TrimSuffix(store[2], "tokens.json")+"refresh_in_progress.json")...)
		s.Next(authtest.Token, authtest.Behaviour{OnArrival: func() {
			if _, err := os.Stat(lease); err != nil {
				t.Error("no lease while the request is under way:", err)
			}
		}})
		l.want(l.keep(linearM), refresher.Refreshed, refresher.Fresh)
		l.wantPosts(s, g.ID, 1)
		row := l.row(linearM)
		if row.Access.Reveal() == g.AccessToken || time.Until(row.Expiry).Round(time.Second) != time.Hour {
			t.Errorf("%s, until %v", row.State, row.Expiry)
		}
		for _, e := range s.Log() {
			if e.Endpoint == authtest.Token && (e.Scope != g.Scope || len(e.Resource) != 1 || e.Resource[0] != g.ServerURL) {
				t.Errorf("scope %q, resource %q", e.Scope, e.Resource)
			}
		}
		if _, err := os.Stat(lease); err == nil {
			t.Error("the lease was left behind")
		}
	})
}

// It deletes what the server refused, and its configuration still names the
// server: somebody has to sign in. Where nobody ever saw a token, a sign-in was
// only begun.
func TestAStoreThatMcpRemoteDeletedWantsASignIn(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		store := l.mcpRemote(s.Grant(authtest.GrantOptions{}))
		text := l.read(store...)
		remove := func() {
			if err := os.Remove(l.path(store...)); err != nil {
				t.Fatal(err)
			}
			l.restart()
		}
		remove()
		if snap := l.Scan(context.Background()); len(snap.Rows) > 0 {
			t.Errorf("%s is %s before anybody signed in", snap.Rows[0].ID, snap.Rows[0].State)
		}
		l.write(text, store...)
		l.restart()
		l.Observe(l.row(linearM))
		remove()
		row := l.row(linearM)
		if row.State != refresher.SignInNeeded || row.Due || !row.NeedsPerson() || len(row.SignIn) == 0 {
			t.Errorf("%s, %s, due %v", row.State, row.Why, row.Due)
		}
		l.Observe(row)
		l.want(l.refresh(linearM), refresher.Nothing, refresher.SignInNeeded)
		if _, err := os.Stat(l.path(store...)); err == nil {
			t.Error("the store was made again")
		}
		// Given up: nobody misses it.
		l.write(`{"mcpServers":{}}`, ".cursor", "mcp.json")
		time.Sleep(time.Minute)
		if snap := l.Scan(context.Background()); len(snap.Rows) > 0 {
			t.Errorf("%s is %s", snap.Rows[0].ID, snap.Rows[0].State)
		}
		// Signed in anew.
		l.mcpRemote(s.Grant(authtest.GrantOptions{}))
		if row := l.row(linearM); row.State != refresher.Fresh {
			t.Errorf("after a sign-in: %s, %s", row.State, row.Why)
		}
	})
}

// Without a configuration that names the server nobody knows where the token
// goes.
func TestATokenOfAnUnknownServerIsOnlyWatched(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(due)
		l.mcpRemote(g)
		l.write(`{}`, ".cursor", "mcp.json")
		l.restart()
		for _, row := range l.Scan(context.Background()).Rows {
			if row.State != refresher.WatchOnly || row.WatchOnly != credfiles.NoServer {
				t.Errorf("%s: %s, %s", row.ID, row.State, row.WatchOnly)
			}
			l.want(l.Refresh(context.Background(), row, refresher.Options{Force: true, Word: true}), refresher.Nothing, refresher.WatchOnly)
		}
		l.wantPosts(s, g.ID, 0)
	})
}
