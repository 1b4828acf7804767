package credfiles_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/credfiles/secretservice"
	"lamplighter/lab"
	"lamplighter/lab/desktop"
)

// A ringLab is a throwaway home of Codex beside a real keyring.
type ringLab struct {
	*testing.T
	bus  *desktop.Bus
	ring *desktop.Keyring
	host credfiles.Host

	stores []*credfiles.Store
}

func newRingLab(t *testing.T) *ringLab {
	l := &ringLab{T: t, bus: desktop.NewBus(t)}
	l.ring = l.bus.NewKeyring()
	service := secretservice.New(func() (string, error) { return l.bus.Address(), nil })
	t.Cleanup(func() { service.Close() })
	home := t.TempDir()
	env := map[string]string{}
	l.host = credfiles.Host{OS: "linux", Home: home, Getenv: func(name string) string { return env[name] }, Keyring: service}
	l.put(".codex/config.toml", "")
	return l
}

func (l *ringLab) put(name, text string) {
	l.Helper()
	name = filepath.Join(l.host.Home, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		l.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		l.Fatal(err)
	}
}

// payload is what Codex 0.169.0 writes into an item, byte for byte.
func payload(name, access string, expires int64) string {
	return fmt.Sprintf(`{"server_name":%q,"url":"https://%s.example/mcp","issuer":"https://%s.example","client_id":"cli_EXAMPLE","token_response":{"access_token":%q,"token_type":"bearer","expires_in":3600,"refresh_token":"rt_%s_EXAMPLE","scope":"read write offline_access"},"expires_at":%d}`,
		name, name, name, access, access, expires)
}

func account(name string) string {
	return credfiles.EntryKey(name, "https://"+name+".example/mcp")
}

// item makes one as Rust's keyring crate 3.6.3 does.
func (l *ringLab) item(name, access string) {
	l.Helper()
	l.ring.Put(account(name)+"@Codex MCP Credentials:default (keyring v3.6.3)", payload(name, access, 1_900_000_000_000), l.attributes(name)...)
}

func (l *ringLab) attributes(name string) []string {
	return []string{
		"application", "rust-keyring", "service", "Codex MCP Credentials", "target", "default",
		"username", account(name), "xdg:schema", "org.freedesktop.Secret.Generic",
	}
}

func (l *ringLab) entry(name string) string {
	return fmt.Sprintf(`%q:{"server_name":%q,"server_url":"https://%s.example/mcp","client_id":"cli_EXAMPLE","access_token":"at_file_EXAMPLE","expires_at":1900000000000,"refresh_token":"rt_file_EXAMPLE","scopes":["read"]}`, account(name), name, name)
}

// scan looks at everything, with the stores of before.
func (l *ringLab) scan(extra ...credfiles.Home) (all []credfiles.Credential, of []*credfiles.Store, problems []credfiles.Problem) {
	l.stores = credfiles.Stores(l.host, extra, l.stores...)
	for _, s := range l.stores {
		found, p := s.Scan(context.Background())
		for range found {
			of = append(of, s)
		}
		all, problems = append(all, found...), append(problems, p...)
	}
	credfiles.NameAll(all)
	return all, of, credfiles.Distinct(problems)
}

func (l *ringLab) ids(extra ...credfiles.Home) string {
	all, _, problems := l.scan(extra...)
	var words []string
	for _, c := range all {
		words = append(words, c.ID+" "+string(c.WatchOnly))
	}
	for _, p := range problems {
		words = append(words, fmt.Sprintf("%s(%s)%v", p.Kind, p.Entry, p.Perhaps))
	}
	return strings.ReplaceAll(strings.Join(words, "; "), " ;", ";")
}

func (l *ringLab) one(name string) (credfiles.Credential, *credfiles.Store) {
	l.Helper()
	all, of, problems := l.scan()
	for i, c := range all {
		if c.Name == name {
			return c, of[i]
		}
	}
	l.Fatalf("%s is not there: %v", name, problems)
	return credfiles.Credential{}, nil
}

func (l *ringLab) hold(name string) (credfiles.Credential, *credfiles.Hold) {
	l.Helper()
	c, s := l.one(name)
	h, err := s.Hold(context.Background(), c)
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { h.Close() })
	return c, h
}

var newToken = credfiles.Token{
	Access: credfiles.NewSecret("at_new_EXAMPLE"), Refresh: credfiles.NewSecret("rt_new_EXAMPLE"),
	Expiry: time.UnixMilli(1_950_000_000_000), Scope: "read write offline_access",
}

// What Codex reads afterwards is what it would have written, and all that
// makes it find the item is as it was.
func TestAnItemInTheKeyringIsRefreshedInPlace(t *testing.T) {
	l := newRingLab(t)
	l.item("linear", "at_old_EXAMPLE")
	l.item("notes", "at_notes_EXAMPLE")
	service := map[string]string{"service": "Codex MCP Credentials"}
	before := l.ring.Dress(service)
	c, h := l.hold("linear")
	if c.ID != "codex/mcp/linear" || c.Key != (credfiles.Key{Store: "keyring: Codex MCP Credentials", Entry: account("linear")}) ||
		c.Refresh.Reveal() != "rt_at_old_EXAMPLE_EXAMPLE" || c.Scope != "read write offline_access" || c.Issuer != "https://linear.example" ||
		c.Expiry.UnixMilli() != 1_900_000_000_000 || c.WatchOnly != "" {
		t.Errorf("%+v", c)
	}
	if err := h.Ready(); err != nil {
		t.Fatal(err)
	}
	if got, err := h.Write(context.Background(), c, newToken, nil); err != nil || got != credfiles.Written {
		t.Fatal(got, err)
	}
	text, _ := l.ring.Get(l.attributes("linear")...)
	left := text[strings.Index(text, `"expires_in":`)+13:]
	left = left[:strings.IndexByte(left, ',')]
	want := strings.NewReplacer("at_old_EXAMPLE_EXAMPLE", "new_EXAMPLE", "at_old_EXAMPLE", "at_new_EXAMPLE", "3600", left, "1900000000000", "1950000000000").
		Replace(payload("linear", "at_old_EXAMPLE", 1_900_000_000_000))
	if text != want {
		t.Errorf("the item holds\n%s\nwant\n%s", text, want)
	}
	if text, _ := l.ring.Get(l.attributes("notes")...); text != payload("notes", "at_notes_EXAMPLE", 1_900_000_000_000) {
		t.Error("another item changed")
	}
	if now := l.ring.Dress(service); !reflect.DeepEqual(now, before) {
		t.Errorf("not only a secret changed:\n got %v\nwant %v", now, before)
	}
	if _, err := os.Stat(filepath.Join(l.host.Home, ".codex", ".credentials.json")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a file was created")
	}
}

// Whoever wrote in the meantime is not written over.
func TestAnItemThatChangedMeanwhileIsMergedNotOverwritten(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(*ringLab)
		want      credfiles.Result
		access    string
	}{
		"the same grant, refreshed": {func(l *ringLab) { l.item("linear", "at_theirs_EXAMPLE") }, credfiles.Theirs, "at_theirs_EXAMPLE"},
		"logged out":                {func(l *ringLab) { l.ring.Delete(l.attributes("linear")...) }, credfiles.Gone, ""},
		"an unknown member": {func(l *ringLab) {
			l.ring.Put("x", strings.Replace(payload("linear", "at_old_EXAMPLE", 1_900_000_000_000), "{", `{"new":1,`, 1), l.attributes("linear")...)
		}, credfiles.Written, "at_new_EXAMPLE"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newRingLab(t)
			l.item("linear", "at_old_EXAMPLE")
			c, h := l.hold("linear")
			if err := h.Ready(); err != nil {
				t.Fatal(err)
			}
			test.meanwhile(l)
			if got, err := h.Write(context.Background(), c, newToken, nil); err != nil || got != test.want {
				t.Errorf("%v, %v", got, err)
			}
			text, there := l.ring.Get(l.attributes("linear")...)
			if there != (test.access != "") || !strings.Contains(text, test.access) {
				t.Errorf("the item holds %q", text)
			}
			if strings.HasPrefix(name, "an unknown") && !strings.HasPrefix(text, `{"new":1,`) {
				t.Errorf("a member is lost: %s", text)
			}
		})
	}
}

// A keyring that is locked is found out before anything is at stake, says so
// once, and counts nothing as gone.
func TestALockedKeyringIsAState(t *testing.T) {
	l := newRingLab(t)
	l.item("linear", "at_old_EXAMPLE")
	l.item("notes", "at_notes_EXAMPLE")
	both := "codex/mcp/linear; codex/mcp/notes "
	if got := l.ids(); got != both {
		t.Fatal(got)
	}
	c, h := l.hold("linear")
	moved := l.host.Stamps(context.Background())
	l.ring.Lock()
	prompts := l.bus.Calls("org.freedesktop.Secret.Prompt")
	calls := l.bus.Calls("org.freedesktop.Secret.Service")
	is := func(err error) bool {
		var p *credfiles.Problem
		return errors.As(err, &p) && p.Kind == credfiles.Locked && !errors.Is(err, credfiles.ErrGone)
	}
	if _, err := h.Read(context.Background()); !is(err) {
		t.Errorf("Read: %v", err)
	}
	if err := h.Ready(); !is(err) {
		t.Errorf("Ready: %v", err)
	}
	if _, err := h.Write(context.Background(), c, newToken, nil); !is(err) {
		t.Errorf("Write: %v", err)
	}
	if got := l.ids(); got != "locked()false" {
		t.Errorf("it tells %q", got)
	}
	if got := l.host.Stamps(context.Background()); got == moved {
		t.Error("a poll does not see it")
	}
	if !lab.Until(desktop.Patience, func() bool { return slices.Contains(calls(), "SearchItems") }) {
		t.Fatal("the monitor sees nothing")
	}
	for _, name := range append(calls(), prompts()...) {
		if name == "Unlock" || name == "Prompt" {
			t.Errorf("%s was called", name)
		}
	}
	l.ring.Unlock()
	if got := l.ids(); got != both {
		t.Errorf("unlocked: %q", got)
	}
	if got, err := h.Write(context.Background(), c, newToken, nil); err != nil || got != credfiles.Written {
		t.Errorf("unlocked: %v, %v", got, err)
	}
}

// Where a keyring was never seen with anything, its absence matters to nobody;
// where Codex keeps everything there, it does.
func TestAnAbsentKeyringIsAState(t *testing.T) {
	l := newRingLab(t)
	l.ring.Kill()
	if got := l.ids(); got != "no-keyring()true" {
		t.Errorf("never seen: %q", got)
	}
	l.put(".codex/config.toml", `mcp_oauth_credentials_store = "file"`)
	if got := l.ids(); got != "" {
		t.Errorf("not used: %q", got)
	}
	l.put(".codex/config.toml", `mcp_oauth_credentials_store = "keyring"`)
	if got := l.ids(); got != "no-keyring()false" {
		t.Errorf("needed: %q", got)
	}
	l.put(".codex/config.toml", "")
	l.ring.Start()
	l.ring.Unlock()
	l.item("linear", "at_old_EXAMPLE")
	if got := l.ids(); got != "codex/mcp/linear " {
		t.Errorf("started later: %q", got)
	}
	l.ring.Kill()
	for range 2 {
		if got := l.ids(); got != "no-keyring()false" {
			t.Errorf("crashed: %q", got)
		}
	}
	l.ring.Start()
	if got := l.ids(); got != "locked()false" {
		t.Errorf("started again: %q", got)
	}
	l.ring.Unlock()
	if got := l.ids(); got != "codex/mcp/linear " {
		t.Errorf("and unlocked: %q", got)
	}
}

// File and keyring of one home are one store: the place that Codex reads
// counts, and an old copy in the other is told, not refreshed.
func TestTheFileIsReadWhereCodexReadsIt(t *testing.T) {
	const unread = "codex/mcp/notes client-config; codex/mcp/linear client-config; bad-config()false; stale-copy(linear)false"
	const stale = "codex/mcp/notes; codex/mcp/linear; stale-copy(linear)false"
	for config, want := range map[string]string{
		"":                                     stale,
		`mcp_oauth_credentials_store = "auto"`: stale,
		`mcp_oauth_credentials_store = "keyring"`: stale,
		`mcp_oauth_credentials_store = "file"`:    "codex/mcp/linear; codex/mcp/notes ",
		"not toml":                                unread,
		"[features]\nsecret_auth_storage = true":  "codex/mcp/linear; codex/mcp/notes ",
	} {
		l := newRingLab(t)
		l.put(".codex/.credentials.json", "{"+l.entry("linear")+","+l.entry("notes")+"}")
		l.item("linear", "at_ring_EXAMPLE")
		l.put(".codex/config.toml", config)
		got := l.ids()
		if got != want {
			t.Errorf("%q: %q, want %q", config, got, want)
		}
		for _, c := range func() []credfiles.Credential { all, _, _ := l.scan(); return all }() {
			if unused := c.Name == "notes" && strings.Contains(config, `"keyring"`); c.Unused != unused {
				t.Errorf("%q: %s is unused: %v", config, c.ID, c.Unused)
			}
			if inRing := c.Access.Reveal() == "at_ring_EXAMPLE"; c.Name == "linear" && inRing != strings.HasPrefix(want, "codex/mcp/notes") {
				t.Errorf("%q: linear is that of the keyring: %v", config, inRing)
			}
		}
	}
}

// What a keyring that is on the disk and does not run holds may be newer than
// the file.
func TestAFileOfCodexIsOnlyWatchedWhereAKeyringDoesNotRun(t *testing.T) {
	l := newRingLab(t)
	l.put(".codex/.credentials.json", "{"+l.entry("linear")+"}")
	l.host.Keyring = secretservice.New(func() (string, error) { return "", errors.New("no session") })
	if c, _ := l.one("linear"); c.WatchOnly != "" {
		t.Errorf("on a computer without any: %s", c.WatchOnly)
	}
	l.put(".local/share/keyrings/user.keystore", "")
	if c, _ := l.one("linear"); c.WatchOnly != "" {
		t.Errorf("beside a keyring that keeps nothing: %s", c.WatchOnly)
	}
	for _, name := range []string{".local/share/keyrings/login.keyring", ".local/share/kwalletd/kdewallet.kwl", ".config/keepassxc/keepassxc.ini"} {
		l.put(name, "")
		if c, _ := l.one("linear"); c.WatchOnly != credfiles.KeyringUnread {
			t.Errorf("beside %s: %q", name, c.WatchOnly)
		}
		l.put(".codex/config.toml", `mcp_oauth_credentials_store = "file"`)
		if c, _ := l.one("linear"); c.WatchOnly != "" {
			t.Errorf("where it does not look there: %q", c.WatchOnly)
		}
		l.put(".codex/config.toml", "")
		if err := os.RemoveAll(filepath.Dir(filepath.Join(l.host.Home, name))); err != nil {
			t.Fatal(err)
		}
	}
}

// An entry of the file whose item in the keyring cannot be read now is an old
// copy all the same.
func TestALockedItemStillHidesItsCopy(t *testing.T) {
	l := newRingLab(t)
	l.put(".codex/.credentials.json", "{"+l.entry("linear")+"}")
	c, h := l.hold("linear")
	l.item("linear", "at_ring_EXAMPLE")
	if _, err := h.Read(context.Background()); !errors.Is(err, credfiles.ErrGone) {
		t.Errorf("what was planned for the file: %v", err)
	}
	// What was answered goes where it was asked for.
	if got, err := h.Write(context.Background(), c, newToken, nil); err != nil || got != credfiles.Written {
		t.Errorf("%v, %v", got, err)
	}
	l.ring.Lock()
	if got := l.ids(); got != "stale-copy(linear)false; locked()false" {
		t.Error(got)
	}
}

// Items are bound to no home: two homes that use one are one credential, of
// the home that names its server, and its locks are taken in both.
func TestTwoHomesShareAnItem(t *testing.T) {
	l := newRingLab(t)
	l.item("linear", "at_old_EXAMPLE")
	l.item("notes", "at_notes_EXAMPLE")
	work := credfiles.Home{Client: "codex", Path: filepath.Join(l.host.Home, "work"), Name: "work"}
	l.put("work/config.toml", "[mcp_servers.notes]\nurl = \"https://notes.example/mcp\"\n")
	gone := credfiles.Home{Client: "codex", Path: filepath.Join(l.host.Home, "gone"), Name: "gone"}
	apart := credfiles.Home{Client: "codex", Path: filepath.Join(l.host.Home, "apart"), Name: "apart"}
	l.put("apart/config.toml", "mcp_oauth_credentials_store = \"file\"\n[mcp_servers.linear]\nurl = \"https://linear.example/mcp\"\n")
	homes := []credfiles.Home{work, gone, apart}
	if got := l.ids(homes...); got != "codex/mcp/linear; codex/mcp/notes@work " {
		t.Fatal(got)
	}
	all, of, _ := l.scan(homes...)
	h, err := of[1].Hold(context.Background(), all[1])
	if err != nil {
		t.Fatal(err)
	}
	locks := func() (held []string) {
		paths, _ := filepath.Glob(filepath.Join(l.host.Home, "*", "mcp-oauth-locks", "*.lock"))
		more, _ := filepath.Glob(filepath.Join(l.host.Home, ".codex", "mcp-oauth-locks", "*.lock"))
		for _, path := range append(paths, more...) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
			lock, err := clientlock.File(ctx, path, clientlock.FileOptions{Mode: 0o644, Retry: time.Millisecond})
			cancel()
			if err == nil {
				lock.Release()
				continue
			}
			held = append(held, filepath.Base(filepath.Dir(filepath.Dir(path))))
		}
		slices.Sort(held)
		return slices.Compact(held)
	}
	if got := locks(); !slices.Equal(got, []string{".codex", "work"}) {
		t.Errorf("held in %v", got)
	}
	h.Close()
	if got := locks(); len(got) != 0 {
		t.Errorf("left in %v", got)
	}
	if _, err := os.Stat(gone.Path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a home was created")
	}
}

// A change that the keyring does not tell of is seen by a look at its times.
func TestAReplacedSecretIsSeenByAPoll(t *testing.T) {
	l := newRingLab(t)
	l.item("linear", "at_old_EXAMPLE")
	ctx := context.Background()
	before := l.host.Stamps(ctx)
	if before == "" || l.host.Stamps(ctx) != before {
		t.Fatalf("%q", before)
	}
	n := 0
	if !lab.Until(desktop.Patience, func() bool { // its times are whole seconds
		n++
		l.host.Keyring.Write(ctx, "Codex MCP Credentials", account("linear"), fmt.Appendf(nil, `{"n":%d}`, n))
		return l.host.Stamps(ctx) != before
	}) {
		t.Error("it is not seen")
	}
	if _, _, problems := l.scan(); len(problems) != 1 || problems[0].Kind != credfiles.OddShape {
		t.Errorf("what is no entry: %v", problems)
	}
	l.host.Keyring.Write(ctx, "Codex MCP Credentials", account("linear"), []byte("{"))
	if _, _, problems := l.scan(); len(problems) != 1 || problems[0].Kind != credfiles.Torn || problems[0].Entry != "linear" {
		t.Errorf("what is no JSON: %v", problems)
	}
}
