package credfiles

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles/clientlock"
	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/replace"
)

// A lab is a throwaway home folder with one client's files in it.
type lab struct {
	t      testing.TB
	client *client
	host   Host
	dir    string // the client's home
	was    *Store // the store when it was last there
}

func newLab(t testing.TB, c *client) *lab {
	t.Helper()
	home := t.TempDir()
	l := &lab{t: t, client: c, dir: filepath.Join(home, c.dir)}
	l.host = Host{OS: "linux", Home: home, Getenv: func(string) string { return "" }}
	l.must(os.MkdirAll(l.dir, 0o755))
	return l
}

// realLab has the files that the real client wrote.
func realLab(t testing.TB, c *client) *lab {
	t.Helper()
	l := newLab(t, c)
	l.copy(real[c])
	l.store()
	return l
}

// real are the folders of testdata/real that most tests begin with.
var real = map[*client]string{
	&codex: "codex-0.169.0", &claude: "claude-2.1.329", &mcpRemote: "mcp-remote-0.15.1", &gemini: "gemini-0.61.0", &qwen: "qwen-0.24.4",
	&hermes: "hermes-0.21.3", &crush: "crush-0.90.0", &amazonQ: "amazon-q-1.19.7", &copilot: "copilot-1.0.48",
	&opencode: "opencode-1.18.33", &cline: "cline-0.0.86",
}

// copy brings files from testdata/real; those that stand beside the client's
// home go there.
func (l *lab) copy(dir string) {
	l.t.Helper()
	from := filepath.Join("testdata", "real", dir)
	l.must(filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (path == from || !strings.HasPrefix(d.Name(), "after-")) {
			return err
		}
		if d.IsDir() {
			return fs.SkipDir
		}
		text, err := os.ReadFile(path)
		l.must(err)
		name, err := filepath.Rel(from, path)
		l.must(err)
		switch beside, isBeside := strings.CutPrefix(filepath.ToSlash(name), "home/"); {
		case name == "README", strings.HasPrefix(name, "after-"):
		case isBeside:
			name, err := filepath.Rel(l.dir, filepath.Join(l.host.Home, beside))
			l.must(err)
			l.put(name, string(text))
		case name == ".claude.json":
			l.put(filepath.Join("..", name), string(text))
		default:
			l.put(name, string(text))
			l.must(os.Chtimes(l.path(name), written, written))
		}
		return nil
	}))
}

// written is when the real clients are taken to have written their files.
var written = time.Date(2026, 11, 21, 8, 48, 59, 731_000_000, time.UTC)

// together are the clients that keep all their entries in one store, locked
// those of them that have a lock for it.
var (
	together = slices.DeleteFunc(slices.Clone(clients), func(c *client) bool { return c.files[0].many })
	locked   = slices.DeleteFunc(slices.Clone(together), func(c *client) bool { return c.storeLock.path == "" })
)

func (l *lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

// put writes a file of the client's home.
func (l *lab) put(name, text string) {
	l.t.Helper()
	l.must(os.MkdirAll(filepath.Dir(l.path(name)), 0o755))
	l.must(os.WriteFile(l.path(name), []byte(text), 0o600))
}

func (l *lab) get(name string) string {
	l.t.Helper()
	text, err := os.ReadFile(l.path(name))
	l.must(err)
	return string(text)
}

// stores are the client's, with a fresh memory.
func (l *lab) stores(extra ...Home) []*Store {
	return slices.DeleteFunc(Stores(l.host, extra), func(s *Store) bool { return s.client != l.client })
}

// store is the one whose entries may be refreshed: lab's, where each has one.
func (l *lab) store() *Store {
	all := l.stores()
	slices.SortStableFunc(all, func(a, b *Store) int { return l.rank(a) - l.rank(b) })
	for _, s := range all {
		if l.was != nil && s.entry != l.was.entry {
			continue // another entry's
		}
		if slices.ContainsFunc(s.file.kinds, func(k kind) bool { return k.watchOnly == "" }) {
			l.was = s
			return s
		}
	}
	if l.was == nil {
		l.t.Fatal("no store that may be written")
	}
	// A client that has a file for each entry has no store without it.
	s := l.was
	return &Store{client: s.client, file: s.file, host: l.host, home: s.home, profile: s.profile, path: s.path, entry: s.entry, commands: s.commands}
}

// rank is 0 for lab's own store, where each entry has one, and where it matters
// which.
func (l *lab) rank(s *Store) int {
	if s.entry == "" || l.was != nil {
		return 0
	}
	all, _ := s.Scan(context.Background())
	if slices.ContainsFunc(all, func(c Credential) bool { return c.Name == "lab" }) {
		return 0
	}
	return 1
}

// file is the name of that store.
func (l *lab) file() string { return l.fileOf(l.store()) }

func (l *lab) fileOf(s *Store) string {
	l.t.Helper()
	name, err := filepath.Rel(l.dir, s.path)
	l.must(err)
	return name
}

// storeOf is the one that a credential stands in.
func (l *lab) storeOf(c Credential) *Store {
	l.t.Helper()
	for _, s := range l.stores() {
		if s.Real() == c.Key.Store {
			return s
		}
	}
	return l.store()
}

// scan reads the client's stores, as a Snapshot does, and wants no Problem.
func (l *lab) scan() []Credential {
	l.t.Helper()
	all, problems := l.look()
	for _, p := range problems {
		l.t.Errorf("problem: %v", &p)
	}
	return all
}

// there are those of them that stand in a store.
func (l *lab) there() []Credential {
	l.t.Helper()
	return slices.DeleteFunc(l.scan(), func(c Credential) bool { return c.Missing })
}

func (l *lab) look() (all []Credential, problems []Problem) {
	for _, s := range l.stores() {
		found, p := s.Scan(context.Background())
		all, problems = append(all, found...), append(problems, p...)
	}
	NameAll(all)
	return all, problems
}

// one is the credential of that name.
func (l *lab) one(name string) Credential {
	l.t.Helper()
	for _, c := range l.scan() {
		if c.Name == name && c.Kind == "mcp" {
			return c
		}
	}
	l.t.Fatalf("there is no credential called %s", name)
	return Credential{}
}

// place is where a credential stands in a text of its store.
func (l *lab) place(c Credential, text string) (*kind, []string) {
	l.t.Helper()
	root, err := jsonedit.Parse([]byte(text))
	l.must(err)
	return l.storeOf(c).place(root, c.Key)
}

// hold takes the client's lock on a credential, and wants it ready.
func (l *lab) hold(c Credential) *Hold {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	h, err := l.storeOf(c).Hold(ctx, c)
	l.must(err)
	l.must(h.Ready())
	return h
}

// race is hold for a test in which others write at the same time, for which
// the file system must be able to exchange two files.
func (l *lab) race(c Credential) *Hold {
	l.t.Helper()
	h := l.hold(c)
	if target, ok := h.ready.swap.(*replace.Target); ok && !target.Atomic() {
		l.t.Cleanup(func() { h.Close() })
		l.t.Skip("this file system cannot exchange files")
	}
	return h
}

// write does what a refresh does: Hold, Read, Ready, Write, ClearMark, Close.
func (l *lab) write(c Credential, t Token) Result {
	l.t.Helper()
	h := l.hold(c)
	now, err := h.Read(context.Background())
	l.must(err)
	result, err := h.Write(context.Background(), now, t, noImage)
	l.must(err)
	l.must(h.ClearMark(c))
	l.must(h.Close())
	return result
}

// noImage is for stores that are not written in place.
func noImage([]byte) error { panic("the store is written in place") }

// files are all files below the home folder with their bytes, but for the lock
// files that stay.
func (l *lab) files() map[string]string {
	l.t.Helper()
	all := map[string]string{}
	l.must(filepath.WalkDir(l.host.Home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() != "mcp-oauth-locks" {
			if err == nil && strings.HasSuffix(d.Name(), ".lock") {
				all[path] = "a lock that was left"
			}
			return err
		}
		if d.IsDir() {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".json.refresh.lock") || strings.HasSuffix(path, "/crush.json.lock") {
			return nil
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	}))
	return all
}

// fresh is a token as a server gives it, unlike any other.
func fresh(name string) Token {
	return Token{
		Access: NewSecret("at_new_" + name + "_EXAMPLE"), Refresh: NewSecret("rt_new_" + name + "_EXAMPLE"),
		Expiry: time.UnixMilli(1_900_000_000_000 + int64(len(name))), Scope: "read write offline_access",
	}
}

// before makes a Hold's pause of what happens before each exchange.
func before(f func()) func(step) {
	return func(s step) {
		if s == exchanging {
			f()
		}
	}
}

// tryLock asks once for one of the client's locks.
func (l *lab) tryLock(lock clientLock) (*clientlock.Lock, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	return l.store().lock(ctx, lock)
}

// busy takes one of the client's locks as another process would.
func (l *lab) busy(lock clientLock) *clientlock.Lock {
	l.t.Helper()
	held, err := l.store().lock(context.Background(), lock)
	l.must(err)
	l.t.Cleanup(func() { held.Release() })
	return held
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}
