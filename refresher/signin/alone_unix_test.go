//go:build unix && !darwin

package signin

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// await waits for what a program of a test writes.
func await(t *testing.T, file string) string {
	t.Helper()
	for range 2000 {
		if text, err := os.ReadFile(file); err == nil && len(text) > 0 {
			return string(text)
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s is not written", file)
	panic("unreachable")
}

func TestACommandThatNobodyWatchesHasATerminal(t *testing.T) {
	if !terminals() {
		t.Skip("no terminals here")
	}
	home := t.TempDir()
	path, args := script(t, "client", `[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && is="terminal $TERM"
{ echo "$is"; stty size; pwd; } > "$HOME/said.new" 2>&1; mv "$HOME/said.new" "$HOME/said"
i=0; while [ $i -lt 2000 ]; do echo "https://auth.example/?code=EXAMPLE and more, until a terminal that nobody reads is full"; i=$((i+1)); done
exit 3`)
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "HOME=" + home}
	err := Command(t.Context(), []string{path, "mcp", "login", "a b"}, env, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || strings.Contains(err.Error(), "EXAMPLE") {
		t.Errorf("%v", err)
	}
	real, _ := filepath.EvalSymlinks(home)
	if got, want := await(t, filepath.Join(home, "said")), "terminal xterm-256color\n24 80\n"+real+"\n"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
	if got, _ := os.ReadFile(args); string(got) != "mcp\nlogin\na b\n" {
		t.Errorf("called with %q", got)
	}
}

// A browser that a client started lives on when the client has ended.
func TestABrowserOutlivesTheClientThatStartedIt(t *testing.T) {
	home := t.TempDir()
	path, _ := script(t, "client", `sh -c 'trap "echo hung up > \"$HOME/end\"; exit" HUP; echo $$ > "$HOME/browser"
i=0; while [ $i -lt 20 ]; do sleep 0.02; i=$((i+1)); done; echo well > "$HOME/end"' &
while [ ! -s "$HOME/browser" ]; do sleep 0.02; done`)
	if err := Command(t.Context(), []string{path}, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}, nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := await(t, filepath.Join(home, "end")); got != "well\n" {
		t.Errorf("it ended: %s", got)
	}
}

func number(t *testing.T, file string) (n int) {
	t.Helper()
	for _, c := range strings.TrimSpace(await(t, file)) {
		n = 10*n + int(c-'0')
	}
	return n
}

func TestACommandThatIsCancelledEndsWithAllThatItRunsButTheBrowser(t *testing.T) {
	for what, trap := range map[string]string{"at once": "", "in time": "trap '' INT;"} {
		home := t.TempDir()
		path, _ := script(t, "client", trap+`sh -c 'echo $$ > "$HOME/browser"; while :; do sleep 0.1; done' browser https://auth.example/ &
sh -c 'sh -c "echo \$\$ > \"$HOME/child\"; while :; do sleep 0.1; done"; :'; :`)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- Command(ctx, []string{path}, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}, nil, nil)
		}()
		child, browser := number(t, filepath.Join(home, "child")), number(t, filepath.Join(home, "browser"))
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
		for range 400 {
			if syscall.Kill(child, 0) != nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if syscall.Kill(child, 0) == nil {
			t.Errorf("%s: its child runs", what)
		}
		if err := syscall.Kill(browser, syscall.SIGKILL); err != nil {
			t.Errorf("%s: the browser: %v", what, err)
		}
	}
}

func TestThereIsOneUnwatchedCommandAtATime(t *testing.T) {
	home := t.TempDir()
	path, _ := script(t, "client", `[ -e "$HOME/in" ] && echo two > "$HOME/two"; touch "$HOME/in"; sleep 0.1; rm "$HOME/in"`)
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	ended := make(chan error, 3)
	for range cap(ended) {
		go func() { ended <- Command(t.Context(), []string{path}, env, nil, nil) }()
	}
	for range cap(ended) {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(home, "two")); err == nil {
		t.Error("two run at once")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Command(ctx, []string{path}, env, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestAProgramIsFoundWhereInstallersPutIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, place := range []string{
		".local/bin", ".claude/local", ".npm-global/bin", ".volta/bin", ".bun/bin", ".asdf/shims", ".local/share/pnpm",
		".nvm/versions/node/v20.1.0/bin", ".local/share/fnm/node-versions/v24.0.0/installation/bin", "custom/bin",
	} {
		home := t.TempDir()
		getenv := func(name string) string {
			return map[string]string{"HOME": home, "VOLTA_HOME": home + "/custom", "PNPM_HOME": "relative"}[name]
		}
		words := []string{"lamplighter-test-client", "mcp", "login", "x"}
		if _, ok := Unattended(words, false, getenv); ok {
			t.Fatal("it is found before it is there")
		}
		dir := filepath.Join(home, place)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, words[0])
		// As npm makes them: the interpreter stands beside it.
		if err := errors.Join(os.WriteFile(path, []byte("#!/usr/bin/env lamplighter-test-node\n"), 0o755), os.Symlink("/bin/sh", filepath.Join(dir, "lamplighter-test-node"))); err != nil {
			t.Fatal(err)
		}
		command, ok := Unattended(words, false, getenv)
		if !ok || command[0] != path || len(command) != 4 {
			t.Errorf("%s: found %q, %v", place, command, ok)
			continue
		}
		if err := Command(t.Context(), command, []string{"PATH=/usr/bin:/bin", "HOME=" + home}, nil, nil); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
	if _, ok := Unattended([]string{"lamplighter-test-client"}, false, func(string) string { return "" }); ok {
		t.Error("found without a home")
	}
	if _, ok := Unattended(nil, false, os.Getenv); ok {
		t.Error("no command is found")
	}
}

func TestTheNewestOfManyVersionsIsTaken(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	home := t.TempDir()
	for _, v := range []string{"v9.11.2", "v20.9.0", "v20.10.0", "v18.20.10"} {
		dir := filepath.Join(home, ".nvm/versions/node", v, "bin")
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "lamplighter-test-client"), nil, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	command, _ := Unattended([]string{"lamplighter-test-client"}, false, func(name string) string { return map[string]string{"HOME": home}[name] })
	if len(command) == 0 || !strings.Contains(command[0], "v20.10.0") {
		t.Errorf("%q", command)
	}
}
