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
)

// A lab is a throwaway home folder with one client's files in it.
type lab struct {
	t      testing.TB
	client *client
	host   Host
	dir    string // the client's home
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
	l.copy(map[*client]string{&codex: "codex-0.169.0", &claude: "claude-2.1.329"}[c])
	return l
}

// copy brings files from testdata/real; those of Claude Code that stand beside
// its home go there.
func (l *lab) copy(dir string) {
	l.t.Helper()
	from := filepath.Join("testdata", "real", dir)
	entries, err := os.ReadDir(from)
	l.must(err)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(from, e.Name()))
		l.must(err)
		switch {
		case e.Name() == "README", strings.HasPrefix(e.Name(), "after-"):
		case e.Name() == ".claude.json":
			l.put(filepath.Join("..", e.Name()), string(text))
		default:
			l.put(e.Name(), string(text))
		}
	}
}

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

// store is the one whose entries may be refreshed.
func (l *lab) store() *Store {
	for _, s := range l.stores() {
		if slices.ContainsFunc(s.file.kinds, func(k kind) bool { return k.watchOnly == "" }) {
			return s
		}
	}
	l.t.Fatal("no store that may be written")
	return nil
}

// file is the name of that store.
func (l *lab) file() string { return l.store().file.name }

// scan reads the client's stores, as a Snapshot does, and wants no Problem.
func (l *lab) scan() []Credential {
	l.t.Helper()
	all, problems := l.look()
	for _, p := range problems {
		l.t.Errorf("problem: %v", &p)
	}
	return all
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

// hold takes the client's lock on a credential, and wants it ready.
func (l *lab) hold(c Credential) *Hold {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	h, err := l.store().Hold(ctx, c)
	l.must(err)
	l.must(h.Ready())
	return h
}

// race is hold for a test in which others write at the same time, for which
// the file system must be able to exchange two files.
func (l *lab) race(c Credential) *Hold {
	l.t.Helper()
	h := l.hold(c)
	if h.target != nil && !h.target.Atomic() {
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
