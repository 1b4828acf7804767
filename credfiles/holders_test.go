package credfiles

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles/processes"
)

// environ is a process's environment; nil is one that the system does not
// tell.
func environ(list ...string) func(string) (string, bool) {
	return func(key string) (string, bool) {
		for _, s := range list {
			if value, ok := strings.CutPrefix(s, key+"="); ok {
				return value, true
			}
		}
		return "", len(list) > 0
	}
}

func TestHolders(t *testing.T) {
	l := newLab(t, &codex)
	home, work := l.host.Home, l.mkdir("work")
	l.must(os.Symlink("work", filepath.Join(home, "worklink")))
	// A Codex as npm installs it: the program below the package.
	install := func(version string) string {
		dir := l.mkdir("npm/" + version)
		l.must(os.MkdirAll(filepath.Join(dir, "bin"), 0o755))
		l.must(os.WriteFile(filepath.Join(dir, "package.json"), fmt.Appendf(nil, `{"name":"@openai/codex","version":"%s-linux-x64"}`, version), 0o644))
		exe := filepath.Join(dir, "bin", "codex")
		l.must(os.WriteFile(exe, nil, 0o755))
		return exe
	}
	started := time.Unix(1_795_000_000, 0)
	none := environ()
	me, root := "1000", "0"
	running := []processes.Process{
		{PID: 1, Name: "codex", Owner: me, Env: environ("HOME=" + home), Exe: install("0.169.0"), Started: started},
		{PID: 2, Name: "codex", Owner: me, Env: environ("HOME="+home, "CODEX_HOME="+work), Exe: install("0.144.9")},
		{PID: 3, Name: "codex", Owner: me, Env: environ("HOME="+home, "CODEX_HOME="+home+"/worklink/"), Exe: install("0.145.0")},
		{PID: 4, Name: "codex", Owner: me, Env: environ("HOME=/another")},
		{PID: 5, Name: "codex", Owner: me, Env: none},
		{PID: 6, Name: "codex", Owner: root, Env: none},
		{PID: 7, Name: "codex", Owner: root, Env: environ("HOME=" + home), Exe: install("1.0.0")},
		{PID: 8, Name: "codex", Owner: me, Env: environ("CODEX_HOME=relative", "HOME="+home)},
		{PID: 9, Name: "codex.exe", Owner: me, Env: environ("HOME=" + home)},
		{PID: 10, Name: "claude", Owner: me, Env: environ("HOME=" + home), Exe: filepath.Join(l.mkdir(".local/share/claude/versions"), "2.1.329")},
		{PID: 11, Name: "node", Owner: me, Env: environ("HOME=" + home), Args: []string{"node", "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js"}},
		{PID: 12, Name: "node", Owner: me, Env: environ("HOME=" + home), Args: []string{"node", "/usr/lib/node_modules/@openai/codex/bin/codex.js"}},
		{PID: 13, Name: "node", Owner: me, Env: environ("HOME=" + home), Args: []string{"node", "/usr/bin/npm", "install", "@anthropic-ai/claude-code"}},
		{PID: 14, Name: "claude", Owner: me, Env: environ("HOME="+home, "CLAUDE_CONFIG_DIR="+work)},
	}
	// What somebody writes about a program is not that program.
	running = append(running, processes.Process{
		PID: 15, Name: "codex", Owner: me, Env: environ("HOME=" + home),
		Args: []string{"codex", "exec", "read /usr/lib/node_modules/@anthropic-ai/claude-code/cli.js"},
	})
	l.must(os.WriteFile(running[9].Exe, nil, 0o755))
	l.host.User = me
	l.host.Processes = func(_ context.Context, want func(string) bool) (found []processes.Process, err error) {
		for _, p := range running {
			if !want(p.Name) {
				t.Errorf("%s is not looked for", p.Name)
			}
			found = append(found, p)
		}
		return found, nil
	}
	stores := Stores(l.host, []Home{{Client: "codex", Path: work}, {Client: "claude", Path: "~/other"}})
	held, err := Holders(context.Background(), stores)
	l.must(err)
	show := func(path string) (all []string) {
		for _, p := range held[path] {
			all = append(all, fmt.Sprint(p.Name, " ", p.PID, " ", p.Version, " ", p.Rereads))
			if (p.PID == 1) != p.Started.Equal(started) {
				t.Error(p)
			}
		}
		return all
	}
	unknown := []string{fmt.Sprint("codex 5  ", NearExpiry), fmt.Sprint("codex 8  ", NearExpiry)}
	equal(t, "the default Codex home", show(filepath.Join(home, ".codex/.credentials.json")), []string{
		fmt.Sprint("codex 1 0.169.0 ", NearExpiry), unknown[0], fmt.Sprint("codex 7 1.0.0 ", NearExpiry), unknown[1], fmt.Sprint("codex 9  ", NearExpiry), fmt.Sprint("codex 15  ", NearExpiry),
	})
	equal(t, "its other store", show(filepath.Join(home, ".codex/auth.json")), show(filepath.Join(home, ".codex/.credentials.json")))
	equal(t, "the Codex home from the config", show(filepath.Join(work, ".credentials.json")), []string{
		fmt.Sprint("codex 2 0.144.9 ", AtStart), fmt.Sprint("codex 3 0.145.0 ", NearExpiry), unknown[0], unknown[1],
	})
	equal(t, "the default Claude home", show(filepath.Join(home, ".claude/.credentials.json")), []string{
		fmt.Sprint("claude 10 2.1.329 ", EachUse), fmt.Sprint("claude 11  ", EachUse),
	})
	equal(t, "a Claude home that nobody uses", show(filepath.Join(home, "other/.credentials.json")), []string(nil))

	// Whoever we are, a program of an unknown home counts then.
	l.host.User = ""
	held, err = Holders(context.Background(), Stores(l.host, nil))
	l.must(err)
	if got := show(filepath.Join(home, ".codex/.credentials.json")); len(got) != 7 {
		t.Errorf("without a user: %q", got)
	}
}

func TestHoldersOfWindows(t *testing.T) {
	host := Host{OS: "windows"}
	home := t.TempDir()
	for _, row := range []struct {
		env   func(string) (string, bool)
		home  string
		known bool
	}{
		{environ("USERPROFILE=" + home), filepath.Join(home, ".codex"), true},
		{environ("HOME=/cygwin", "USERPROFILE="+home), filepath.Join(home, ".codex"), true},
		{environ("HOME=/cygwin"), "", false},
	} {
		if got, known := homeOf(&codex, host, processes.Process{Env: row.env}); got != row.home || known != row.known {
			t.Errorf("%q, %v, want %q, %v", got, known, row.home, row.known)
		}
	}
}

func TestHoldersThatNobodyAskedFor(t *testing.T) {
	l := realLab(t, &codex)
	if held, err := Holders(context.Background(), l.stores()); err != nil || len(held) > 0 {
		t.Error(held, err)
	}
	if held, err := Holders(context.Background(), nil); err != nil || len(held) > 0 {
		t.Error(held, err)
	}
	refused := errors.New("refused")
	l.host.Processes = func(context.Context, func(string) bool) ([]processes.Process, error) { return nil, refused }
	if _, err := Holders(context.Background(), l.stores()); !errors.Is(err, refused) {
		t.Error(err)
	}
}

// 0.145.0 took the locks and looks again; what does not read as a version is
// no reason to think it old.
func TestWhichCodexLooksAgain(t *testing.T) {
	for version, want := range map[string]Rereads{
		"0.118.0": AtStart, "0.140.0": AtStart, "0.144.99": AtStart, "0.99.0": AtStart, "0.9.0": AtStart,
		"0.145.0": NearExpiry, "0.145.0-alpha.3": NearExpiry, "0.169.0": NearExpiry, "1.0.0": NearExpiry, "2.0": NearExpiry,
		"": NearExpiry, "nightly": NearExpiry, "0.x.1": NearExpiry, "v0.140.0": NearExpiry,
	} {
		if got := codex.rereads(version); got != want {
			t.Errorf("%q: %v, want %v", version, got, want)
		}
	}
}
