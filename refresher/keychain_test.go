package refresher_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/keychain"
	"lamplighter/lab/security"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
)

// mac makes the lab a Mac, with a stand-in for its keychain that holds one
// credential of Claude Code.
func (l *lab) mac(t *testing.T, g authtest.Grant, mood security.Mood) *security.Security {
	t.Helper()
	chain := security.New(t)
	l.chain(chain, g, mood)
	host := credfiles.Host{
		OS: "darwin", Home: l.home, Getenv: func(name string) string { return map[string]string{"USER": "ada"}[name] },
		Keychain: &credfiles.Keychain{Keychain: keychain.Keychain{Program: chain.Program}},
	}
	var stores []*credfiles.Store
	l.Stores = func() []*credfiles.Store {
		stores = credfiles.Stores(host, nil, stores...)
		return stores
	}
	l.write("{}", ".claude", "settings.json") // the home is there
	return chain
}

// codexItem is one that Codex made for linear, which nobody else may read.
func codexItem(g authtest.Grant) security.Item {
	return security.Item{
		Service: "Codex MCP Credentials", Account: credfiles.EntryKey("linear", g.ServerURL), Mood: security.Asking,
		Modified: time.Now().Add(-time.Hour), Secret: []byte("{}"),
	}
}

// Codex looks into its file only where the keychain has no item: what the file
// holds besides may be spent.
func TestNothingIsSentForACopyOfAnItemThatOnlyCodexReads(t *testing.T) {
	s, l := authtest.New(t, authtest.Options{}), newLab(t)
	g := s.Grant(due)
	chain := l.mac(t, g, security.Willing)
	chain.Set(codexItem(g))
	l.codex(map[string]authtest.Grant{"linear": g})
	l.want(l.keep(linear), refresher.Nothing, refresher.WatchOnly)
	row := l.row(linear)
	if row.WatchOnly != credfiles.KeychainOwn || !row.Expiry.IsZero() || row.Due {
		t.Errorf("it is %s, %q, until %s", row.State, row.WatchOnly, row.Expiry)
	}
	l.want(l.Refresh(t.Context(), row, refresher.Options{Force: true, Word: true}), refresher.Nothing, refresher.WatchOnly)
	if out := l.SignedInByClient(t.Context(), row); out.Did != refresher.SignedIn {
		t.Errorf("after its command has signed in: %v", out.Did)
	}
	l.wantPosts(s, g.ID, 0)
}

// Codex' own command may put into the keychain what was in its file.
func TestASignInThatMovesTheEntryIntoTheKeychainIsDone(t *testing.T) {
	s, l := authtest.New(t, authtest.Options{}), newLab(t)
	g := s.Grant(due)
	chain := l.mac(t, g, security.Willing)
	chain.Set()
	l.codex(map[string]authtest.Grant{"linear": g})
	row := l.row(linear)
	if out := l.SignedInByClient(t.Context(), row); out.Did != refresher.Nothing {
		t.Errorf("before it did anything: %v", out.Did)
	}
	l.write("{}", ".codex", ".credentials.json")
	l.write("[mcp_servers.linear]\nurl = \""+g.ServerURL+"\"\n", ".codex", "config.toml")
	chain.Set(codexItem(g))
	if out := l.SignedInByClient(t.Context(), row); out.Did != refresher.SignedIn || out.WatchOnly != credfiles.KeychainOwn {
		t.Errorf("%v, %q", out.Did, out.WatchOnly)
	}
	l.wantPosts(s, g.ID, 0)
}

// It may have signed in, into the keychain, since the last look there.
func TestNothingIsSentForAnEntryWhoseItemHasJustCome(t *testing.T) {
	s, l := authtest.New(t, authtest.Options{}), newLab(t)
	g := s.Grant(due)
	chain := l.mac(t, g, security.Willing)
	chain.Set()
	l.codex(map[string]authtest.Grant{"linear": g})
	row := l.row(linear)
	if row.State != refresher.Refreshing && !row.Due {
		t.Fatalf("it is %s, %q", row.State, row.WatchOnly)
	}
	chain.Set(codexItem(g))
	if out := l.Refresh(t.Context(), row, refresher.Options{Word: true}); out.Did == refresher.Refreshed {
		t.Errorf("%v, %s", out.Did, out.State)
	}
	l.wantPosts(s, g.ID, 0)
}

// chain puts a grant into the keychain.
func (l *lab) chain(s *security.Security, g authtest.Grant, mood security.Mood) {
	entry := map[string]any{credfiles.EntryKey("linear", g.ServerURL): claudeEntry("linear", g)}
	s.Set(security.Item{
		Service: "Claude Code-credentials", Account: "ada", Mood: mood, Modified: time.Now().Add(-time.Hour),
		Secret: []byte(marshal(map[string]any{"someday": 1, "mcpOAuth": entry})),
	})
}

func TestAnItemOfTheKeychainIsRefreshed(t *testing.T) {
	s, l := authtest.New(t, authtest.Options{}), newLab(t)
	g := s.Grant(due)
	chain := l.mac(t, g, security.Willing)
	l.want(l.keep(linearC), refresher.Refreshed, refresher.Fresh)
	l.wantStored(s, g.ID, linearC)
	l.wantPosts(s, g.ID, 1)
	l.wantQuiet()
	if text := string(chain.Items()[0].Secret); !strings.HasPrefix(text, `{"mcpOAuth":`) || !strings.HasSuffix(text, `"someday":1}`) {
		t.Errorf("the item holds %s", text)
	}
}

// An item that can be read and not changed shows that only when it is written.
func TestAnAnswerWaitsForAnItemThatCannotBeChanged(t *testing.T) {
	s, l := authtest.New(t, authtest.Options{}), newLab(t)
	g := s.Grant(due)
	chain := l.mac(t, g, security.Frozen)
	l.want(l.keep(linearC), refresher.Failed, refresher.Unsaved)
	if n := len(l.pending()); n != 1 {
		t.Fatalf("%d records are in the journal", n)
	}
	items := chain.Items()
	items[0].Mood = security.Willing
	chain.Set(items...)
	l.want(l.refresh(linearC), refresher.Refreshed, refresher.Fresh)
	l.wantStored(s, g.ID, linearC)
	l.wantPosts(s, g.ID, 1)
	l.wantQuiet()
}

// What cannot be read is not refreshed, and nothing is sent for the copy in
// the file.
func TestNothingIsSentWhileTheKeychainIsLocked(t *testing.T) {
	s, l := authtest.New(t, authtest.Options{}), newLab(t)
	g := s.Grant(due)
	chain := l.mac(t, g, security.Locked)
	l.claude(map[string]authtest.Grant{"linear": g})
	if row := l.row(linearC); row.WatchOnly != credfiles.Fallback {
		t.Errorf("the copy is %q", row.WatchOnly)
	}
	l.refresh(linearC)
	l.wantPosts(s, g.ID, 0)
	l.chain(chain, g, security.Willing)
	l.want(l.keep(linearC), refresher.Refreshed, refresher.Fresh)
	l.wantPosts(s, g.ID, 1)
	if got := l.read(filepath.Join(claudeStore...)); !strings.Contains(got, g.RefreshToken) {
		t.Error("the file was written")
	}
}
