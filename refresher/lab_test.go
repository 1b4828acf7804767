package refresher_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
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
	via   http.RoundTripper // in place of a network; nil: loopback
	owns  []credfiles.Own   // the user's own credentials
	vault ledger.Vault      // the keyring; nil: none
	gone  bool              // they were removed from the config
}

func newLab(t testing.TB) *lab {
	t.Helper()
	l := &lab{t: t, home: t.TempDir(), state: t.TempDir()}
	l.Refresher = l.keeper()
	return l
}

// bubble runs a test in a time of its own, with a server that is reached
// without a network.
func bubble(t *testing.T, o authtest.Options, test func(t *testing.T, l *lab, s *authtest.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.Memory = true
		s := authtest.New(t, o)
		l := newLab(t)
		l.over(s.Transport())
		test(t, l, s)
	})
}

// over reaches every server through via.
func (l *lab) over(via http.RoundTripper) {
	l.via = via
	l.restart()
}

// restart is a new process in place of the one before.
func (l *lab) restart() {
	l.t.Helper()
	l.Refresher = l.keeper()
}

// keeper is another process's refresher on the same home and state.
func (l *lab) keeper() *refresher.Refresher {
	l.t.Helper()
	led, err := ledger.Open(l.state)
	if err != nil {
		l.t.Fatal(err)
	}
	led.Vault = l.vault
	host := credfiles.Host{OS: "linux", Home: l.home, Getenv: func(string) string { return "" }, Own: l.owned(led)}
	stores := credfiles.Stores(host, nil)
	r := &refresher.Refresher{
		Stores: func() []*credfiles.Store { return stores },
		Policy: func() refresher.Policy { return policy },
		Ledger: led,
		Finder: &discovery.Finder{Dir: filepath.Join(l.state, "discovery"), Transport: l.via},
	}
	if l.via != nil {
		r.Transport = func(credfiles.Grant) http.RoundTripper { return l.via }
	}
	return r
}

// other is a lab of another process on the same home and state.
func (l *lab) other() *lab {
	o := *l
	o.Refresher = l.keeper()
	return &o
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

// The credential that most tests are about, in either client's store.
const (
	linear  = "codex/mcp/linear"
	linearC = "claude/mcp/linear"
)

var (
	codexStore  = []string{".codex", ".credentials.json"}
	claudeStore = []string{".claude", ".credentials.json"}
	due         = authtest.GrantOptions{AccessLeft: time.Minute}
)

// storeOf is where an ID's credential stands.
func storeOf(id string) []string {
	if strings.HasPrefix(id, "claude/") {
		return claudeStore
	}
	return codexStore
}

// codexEntry is a grant as Codex writes it.
func codexEntry(name string, g authtest.Grant) map[string]any {
	return map[string]any{
		"server_name": name, "server_url": g.ServerURL, "issuer": g.Issuer, "client_id": g.ClientID,
		"access_token": g.AccessToken, "expires_at": g.Expiry.UnixMilli(), "refresh_token": g.RefreshToken,
		"scopes": []string{"read", "write", "offline_access"},
	}
}

// claudeEntry is a grant as Claude Code writes it.
func claudeEntry(name string, g authtest.Grant) map[string]any {
	return map[string]any{
		"serverName": name, "serverUrl": g.ServerURL, "clientId": g.ClientID, "issuer": g.Issuer,
		"accessToken": g.AccessToken, "expiresAt": g.Expiry.UnixMilli(), "refreshToken": g.RefreshToken,
		"discoveryState": map[string]any{"authorizationServerUrl": g.Issuer, "oauthMetadataFound": true},
	}
}

// codex puts grants into Codex's store.
func (l *lab) codex(grants map[string]authtest.Grant) {
	l.t.Helper()
	store := map[string]any{}
	for name, g := range grants {
		store[credfiles.EntryKey(name, g.ServerURL)] = codexEntry(name, g)
	}
	l.write(marshal(store), codexStore...)
}

// claude puts grants into Claude Code's store.
func (l *lab) claude(grants map[string]authtest.Grant) {
	l.t.Helper()
	store := map[string]any{}
	for name, g := range grants {
		store[credfiles.EntryKey(name, g.ServerURL)] = claudeEntry(name, g)
	}
	l.write(marshal(map[string]any{"mcpOAuth": store}), claudeStore...)
}

// put puts one grant into the store of the ID's client, under the name linear.
func (l *lab) put(id string, g authtest.Grant) {
	l.t.Helper()
	grants := map[string]authtest.Grant{"linear": g}
	if id == linearC {
		l.claude(grants)
	} else {
		l.codex(grants)
	}
}

// one makes a grant and puts it into Codex's store.
func (l *lab) one(s *authtest.Server, o authtest.GrantOptions) authtest.Grant {
	l.t.Helper()
	g := s.Grant(o)
	l.put(linear, g)
	return g
}

// edit is somebody else who changes the only entry of Codex's store, in place
// and without a lock.
func (l *lab) edit(change func(entry map[string]any)) {
	l.t.Helper()
	var store map[string]map[string]any
	if err := json.Unmarshal([]byte(l.read(codexStore...)), &store); err != nil {
		l.t.Fatal(err)
	}
	for _, entry := range store {
		change(entry)
	}
	l.write(marshal(store), codexStore...)
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

// keep is one refresh as a keeper would do it.
func (l *lab) keep(id string) refresher.Outcome {
	l.t.Helper()
	return l.Refresh(context.Background(), l.row(id), refresher.Options{})
}

func (l *lab) want(out refresher.Outcome, did refresher.Did, state refresher.State) {
	l.t.Helper()
	if out.Did != did || out.State != state {
		l.t.Errorf("did %s, want %s; it is %s (%s), want %s; answer %s %s, %v", out.Did, did, out.State, out.Why, state, out.Answer.Kind, out.Answer.Code, out.Err)
	}
}

// wantPosts checks how often a grant's refresh tokens were presented.
func (l *lab) wantPosts(s *authtest.Server, grant string, n int) {
	l.t.Helper()
	if got := s.TokenPosts(grant); got != n {
		l.t.Errorf("%d POSTs, want %d", got, n)
	}
}

// wantStored checks that the newest tokens of a grant, and no others, are in
// the store of the ID's client.
func (l *lab) wantStored(s *authtest.Server, grant, id string) {
	l.t.Helper()
	row, now := l.row(id), s.Current(grant)
	if row.Refresh.Reveal() != now.RefreshToken || row.Access.Reveal() != now.AccessToken {
		l.t.Errorf("the store holds %s, the newest is %s", s.Serial(row.Refresh.Reveal()), s.Serial(now.RefreshToken))
	}
}

// wantQuiet checks that nothing is left of a refresh: no record, no lock, no
// temporary file.
func (l *lab) wantQuiet() {
	l.t.Helper()
	if n := len(l.pending()); n != 0 {
		l.t.Errorf("%d records are in the journal", n)
	}
	for _, name := range []string{".codex", ".claude"} {
		entries, _ := os.ReadDir(l.path(name))
		for _, e := range entries {
			if strings.Contains(e.Name(), "lamplighter") || e.IsDir() && strings.HasSuffix(e.Name(), ".lock") {
				l.t.Errorf("%s is left in %s", e.Name(), name)
			}
		}
	}
	for _, held := range l.held() {
		l.t.Errorf("the lock %s is still held", held)
	}
}

func (l *lab) pending() []ledger.Record {
	l.t.Helper()
	records, err := l.Ledger.Pending()
	if err != nil {
		l.t.Fatal(err)
	}
	return records
}

// held are the file locks that somebody holds, ours and Codex's.
func (l *lab) held() (names []string) {
	for _, dir := range []string{filepath.Join(l.state, "locks"), l.path(".codex", "mcp-oauth-locks")} {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if name := filepath.Join(dir, e.Name()); taken(name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func taken(path string) bool {
	if _, err := os.Stat(path); err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	lock, err := clientlock.File(ctx, path, clientlock.FileOptions{Mode: 0o600, Retry: time.Millisecond})
	if err != nil {
		return true
	}
	lock.Release()
	return false
}

// Where the clients and we lock the credential of these tests.

func (l *lab) storeLockPath() string { return l.path(".codex", "mcp-oauth-locks", "file-store.lock") }

func (l *lab) grantLockPath(id string, g authtest.Grant) string {
	key := credfiles.EntryKey("linear", g.ServerURL)
	if id == linearC {
		safe := strings.Map(func(r rune) rune {
			if strings.ContainsRune("|:/.-", r) {
				return '_'
			}
			return r
		}, key)
		return l.path(".claude", "mcp-refresh-"+safe+".lock.lock")
	}
	sum := sha256.Sum256([]byte(key))
	return l.path(".codex", "mcp-oauth-locks", hex.EncodeToString(sum[:])+".lock")
}

func (l *lab) ourLockPath(id string) string {
	return filepath.Join(l.state, "locks", l.Ledger.OwnerOf(l.row(id).Key))
}

// lock takes one of the client's locks as the client does.
func (l *lab) lock(path string) *clientlock.Lock {
	l.t.Helper()
	var lock *clientlock.Lock
	var err error
	if strings.HasSuffix(path, ".lock.lock") || strings.HasSuffix(path, ".storage-write.lock") {
		lock, err = clientlock.Dir(context.Background(), path, clientlock.DirOptions{Stale: time.Minute, Heartbeat: 5 * time.Second, Retry: time.Millisecond})
	} else {
		lock, err = clientlock.File(context.Background(), path, clientlock.FileOptions{Mode: 0o644, FolderMode: 0o755, Retry: time.Millisecond})
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return lock
}
