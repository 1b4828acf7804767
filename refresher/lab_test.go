package refresher_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/ledger"
)

// A lab is a throwaway home with the stores of both clients, a state folder,
// and a refresher between them.
type lab struct {
	*refresher.Refresher
	t     testing.TB
	home  string
	state string
}

func newLab(t testing.TB) *lab {
	t.Helper()
	l := &lab{t: t, home: t.TempDir(), state: t.TempDir()}
	l.Refresher = l.keeper()
	return l
}

// keeper is another process's refresher on the same home and state.
func (l *lab) keeper() *refresher.Refresher {
	l.t.Helper()
	led, err := ledger.Open(l.state)
	if err != nil {
		l.t.Fatal(err)
	}
	host := credfiles.Host{OS: "linux", Home: l.home, Getenv: func(string) string { return "" }}
	stores := credfiles.Stores(host, nil)
	return &refresher.Refresher{
		Stores: func() []*credfiles.Store { return stores },
		Policy: func() refresher.Policy { return policy },
		Ledger: led,
		Finder: &discovery.Finder{Dir: filepath.Join(l.state, "discovery")},
	}
}

var policy = refresher.Policy{
	Mode: "keep", LeadLeast: 10 * time.Minute, LeadMost: 30 * time.Minute, LeadShare: 0.1,
	LogSize: 1 << 20, LogKeep: 1,
}

func (l *lab) path(elem ...string) string { return filepath.Join(append([]string{l.home}, elem...)...) }

func (l *lab) write(text string, elem ...string) {
	l.t.Helper()
	name := l.path(elem...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) read(elem ...string) string {
	l.t.Helper()
	text, err := os.ReadFile(l.path(elem...))
	if err != nil {
		l.t.Fatal(err)
	}
	return string(text)
}

// codex puts grants into Codex's store, as Codex writes them.
func (l *lab) codex(grants map[string]authtest.Grant) {
	l.t.Helper()
	store := map[string]any{}
	for name, g := range grants {
		store[credfiles.EntryKey(name, g.ServerURL)] = map[string]any{
			"server_name": name, "server_url": g.ServerURL, "issuer": g.Issuer, "client_id": g.ClientID,
			"access_token": g.AccessToken, "expires_at": g.Expiry.UnixMilli(), "refresh_token": g.RefreshToken,
			"scopes": []string{"read", "write", "offline_access"},
		}
	}
	l.write(marshal(store), ".codex", ".credentials.json")
}

// claude puts grants into Claude Code's store.
func (l *lab) claude(grants map[string]authtest.Grant) {
	l.t.Helper()
	store := map[string]any{}
	for name, g := range grants {
		store[credfiles.EntryKey(name, g.ServerURL)] = map[string]any{
			"serverName": name, "serverUrl": g.ServerURL, "clientId": g.ClientID, "issuer": g.Issuer,
			"accessToken": g.AccessToken, "expiresAt": g.Expiry.UnixMilli(), "refreshToken": g.RefreshToken,
			"discoveryState": map[string]any{"authorizationServerUrl": g.Issuer, "oauthMetadataFound": true},
		}
	}
	l.write(marshal(map[string]any{"mcpOAuth": store}), ".claude", ".credentials.json")
}

func marshal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// row is the credential of that ID, as a scan sees it now.
func (l *lab) row(id string) refresher.Row {
	l.t.Helper()
	snap := l.Scan(context.Background())
	for _, row := range snap.Rows {
		if row.ID == id {
			return row
		}
	}
	l.t.Fatalf("no %s among %d credentials; problems: %v", id, len(snap.Rows), snap.Problems)
	return refresher.Row{}
}

// refresh is one refresh as a command would do it.
func (l *lab) refresh(id string) refresher.Outcome {
	l.t.Helper()
	return l.Refresh(context.Background(), l.row(id), refresher.Options{Word: true})
}
