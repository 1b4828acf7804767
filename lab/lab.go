// Package lab is a throwaway computer for tests of the real program: a home
// with stores as the clients write them, a state folder, and the built program
// to run on them. What is asserted is what the authorization servers saw
// (package authtest) and what stands in the stores.
package lab

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lamplighter/credfiles"
	"lamplighter/credfiles/agefile"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/ledger"
)

// A Lab is one throwaway computer. Its methods may be called from several
// goroutines once the stores are filled.
type Lab struct {
	T     testing.TB
	Home  string // the user's
	State string // the program's state folder

	mu      sync.Mutex
	lines   []*Line
	homes   []credfiles.Home
	outputs []*output
	bus     string            // of its session; empty: there is none
	keyring credfiles.Keyring // on that
}

// New makes a home without any store.
func New(t testing.TB) *Lab {
	t.Helper()
	dir := t.TempDir()
	l := &Lab{T: t, Home: filepath.Join(dir, "home"), State: filepath.Join(dir, "state", "lamplighter")}
	if err := os.MkdirAll(l.Home, 0o755); err != nil {
		t.Fatal(err)
	}
	return l
}

// Path is a place in the home.
func (l *Lab) Path(elem ...string) string {
	return filepath.Join(append([]string{l.Home}, elem...)...)
}

// A Line is one credential of the lab: a grant at a server, and the entry that
// stands for it in a client's store.
type Line struct {
	ID     string
	Store  string // path of the store file
	Server *authtest.Server
	Grant  authtest.Grant // as it was stored first

	before string // the store's text then
	read   func() (string, error)
	// protected: the store is not plain, so that nothing else may be.
	protected bool
	seen      Seen
}

// Seen is what the checks ask about a line: an authtest.Server, or whoever
// watches a server of another make.
type Seen interface {
	Current(grant string) authtest.Grant
	Serial(refreshToken string) string
	Secrets() []string
	Check() []string
}

// CodexOf adds a grant of a server of another make to the store of ~/.codex.
// Line.Server is nil.
func (l *Lab) CodexOf(name string, s Seen, g authtest.Grant) *Line {
	l.T.Helper()
	return l.codex(&Line{ID: "codex/mcp/" + name, Grant: g, seen: s}, l.Path(".codex"), name)
}

// ClaudeOf is CodexOf for the store of ~/.claude.
func (l *Lab) ClaudeOf(name string, s Seen, g authtest.Grant) *Line {
	l.T.Helper()
	return l.claude(&Line{ID: "claude/mcp/" + name, Grant: g, seen: s}, l.Path(".claude"), name)
}

// Codex makes a grant and adds it to the store of ~/.codex.
func (l *Lab) Codex(name string, s *authtest.Server, o authtest.GrantOptions) *Line {
	l.T.Helper()
	return l.CodexIn(l.Path(".codex"), "codex/mcp/"+name, name, s, s.Grant(o))
}

// Claude makes a grant and adds it to the store of ~/.claude.
func (l *Lab) Claude(name string, s *authtest.Server, o authtest.GrantOptions) *Line {
	l.T.Helper()
	return l.ClaudeIn(l.Path(".claude"), "claude/mcp/"+name, name, s, s.Grant(o))
}

// CodexIn adds a grant to the store of any Codex home. id is what the program
// calls it.
func (l *Lab) CodexIn(home, id, name string, s *authtest.Server, g authtest.Grant) *Line {
	l.T.Helper()
	return l.codex(&Line{ID: id, Server: s, Grant: g, seen: s}, home, name)
}

func (l *Lab) codex(line *Line, home, name string) *Line {
	l.T.Helper()
	line.Store = filepath.Join(home, ".credentials.json")
	l.add([]*Line{line}, []string{codexText(name, line.Grant)}, codexHead, codexTail)
	return line
}

// ClaudeIn adds a grant to the store of any Claude Code home.
func (l *Lab) ClaudeIn(home, id, name string, s *authtest.Server, g authtest.Grant) *Line {
	l.T.Helper()
	return l.claude(&Line{ID: id, Server: s, Grant: g, seen: s}, home, name)
}

func (l *Lab) claude(line *Line, home, name string) *Line {
	l.T.Helper()
	line.Store = filepath.Join(home, ".credentials.json")
	l.add([]*Line{line}, []string{claudeText(name, line.Grant)}, claudeHead, claudeTail)
	return line
}

// Many adds a grant for each name to the store of one home of a client, in one
// writing: path is what AddHome returned, or the default home. Their IDs end in
// suffix.
func (l *Lab) Many(client, path, suffix string, names []string, s *authtest.Server, o authtest.GrantOptions) []*Line {
	l.T.Helper()
	var lines []*Line
	var entries []string
	for _, name := range names {
		g := s.Grant(o)
		lines = append(lines, &Line{ID: client + "/mcp/" + name + suffix, Store: filepath.Join(path, ".credentials.json"), Server: s, Grant: g, seen: s})
		if client == "claude" {
			entries = append(entries, claudeText(name, g))
		} else {
			entries = append(entries, codexText(name, g))
		}
	}
	if client == "claude" {
		l.add(lines, entries, claudeHead, claudeTail)
	} else {
		l.add(lines, entries, codexHead, codexTail)
	}
	return lines
}

func (l *Lab) add(lines []*Line, entries []string, head, tail string) {
	l.T.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	store, text := lines[0].Store, head+strings.Join(entries, ",\n")+tail
	if old, err := os.ReadFile(store); err == nil {
		text = strings.TrimSuffix(string(old), tail) + ",\n" + strings.Join(entries, ",\n") + tail
	}
	if err := os.MkdirAll(filepath.Dir(store), 0o755); err != nil {
		l.T.Fatal(err)
	}
	if err := os.WriteFile(store, []byte(text), 0o600); err != nil {
		l.T.Fatal(err)
	}
	l.lines = append(l.lines, lines...)
	for _, line := range l.lines {
		if line.Store == store {
			line.before = text
			line.read = func() (string, error) {
				text, err := os.ReadFile(store)
				return string(text), err
			}
		}
	}
}

// Environ is the environment of the program in this lab, and nothing of the
// test's own but PATH.
func (l *Lab) Environ() []string {
	return []string{
		"HOME=" + l.Home, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8",
		"XDG_STATE_HOME=" + filepath.Dir(l.State), "XDG_CONFIG_HOME=" + l.Path(".config"),
		"DBUS_SESSION_BUS_ADDRESS=" + l.bus,
	}
}

// Stored is the credential as its store has it now.
func (l *Lab) Stored(line *Line) (credfiles.Credential, bool) {
	l.T.Helper()
	env := map[string]string{}
	for _, v := range l.Environ() {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	host := credfiles.Host{OS: "linux", Home: l.Home, Getenv: func(name string) string { return env[name] }, Keyring: l.keyring}
	host.Opener = &credfiles.Opener{Process: agefile.Process{Program: Program(l.T)}}
	var all []credfiles.Credential
	for _, store := range credfiles.Stores(host, l.homes) {
		creds, _ := store.Scan(context.Background())
		all = append(all, creds...)
	}
	credfiles.NameAll(all)
	for _, c := range all {
		if c.ID == line.ID {
			return c, true
		}
	}
	return credfiles.Credential{}, false
}

// Ledger opens the state folder as the program does.
func (l *Lab) Ledger() *ledger.Ledger {
	l.T.Helper()
	led, err := ledger.Open(l.State)
	if err != nil {
		l.T.Fatal(err)
	}
	return led
}

// Pending is what stands in the journal.
func (l *Lab) Pending() []ledger.Record {
	l.T.Helper()
	records, err := l.Ledger().Pending()
	if err != nil {
		l.T.Fatal(err)
	}
	return records
}

var built struct {
	sync.Once
	name string
	err  error
}

// Main runs the tests of a package that uses Program and removes what was
// built.
func Main(m *testing.M) {
	code := m.Run()
	if built.name != "" {
		os.RemoveAll(filepath.Dir(built.name))
	}
	os.Exit(code)
}

// Program builds the real program, once for a test binary, and returns its
// path. A package that calls it has Main in its TestMain.
func Program(t testing.TB) string {
	t.Helper()
	built.Do(func() {
		var dir string
		if dir, built.err = os.MkdirTemp("", "lamplighter-lab-"); built.err != nil {
			return
		}
		os.Chmod(dir, 0o755) // other users run it too
		built.name = filepath.Join(dir, "lamplighter")
		cmd := exec.Command("go", "build", "-trimpath", "-o", built.name, "lamplighter")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = &exec.Error{Name: "go build: " + string(out), Err: err}
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.name
}
