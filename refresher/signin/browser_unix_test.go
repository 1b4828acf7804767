//go:build unix && !darwin

package signin

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// script makes a program that writes its arguments, one a line, and then does
// more.
func script(t *testing.T, name, more string) (path, args string) {
	t.Helper()
	dir := t.TempDir()
	path, args = filepath.Join(dir, name), filepath.Join(dir, "args")
	text := "#!/bin/sh\nfor a; do echo \"$a\"; done > '" + args + ".new'; mv '" + args + ".new' '" + args + "'\n" + more + "\n"
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path, args
}

func TestTheURLIsOneArgumentOfTheBrowserAndNoShellReadsIt(t *testing.T) {
	const address = "https://auth.example/a?x=1&y=$(touch%20x);'z'"
	with, args := script(t, "my browser", "")
	for _, browser := range []string{with, "/nonexistent:" + with, "false:" + with} {
		os.Remove(args)
		err := Open(func(name string) string { return map[string]string{"BROWSER": browser}[name] }, address)
		got, _ := os.ReadFile(args)
		if err != nil || string(got) != address+"\n" {
			t.Errorf("%s: %v, called with %q", browser, err, got)
		}
	}
	plain, args := script(t, "browser", "")
	if err := Open(func(string) string { return plain + " --new %s --quiet" }, address); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(args); string(got) != "--new\n"+address+"\n--quiet\n" {
		t.Errorf("called with %q", got)
	}
}

func TestABrowserThatRunsOnIsNotWaitedFor(t *testing.T) {
	stop := filepath.Join(t.TempDir(), "stop")
	path, _ := script(t, "browser", "while [ ! -e '"+stop+"' ]; do sleep 0.1; done")
	t.Cleanup(func() { os.WriteFile(stop, nil, 0o600) })
	if err := Open(func(string) string { return path }, "http://127.0.0.1:1/"); err != nil {
		t.Error(err)
	}
}

func TestWithoutABrowserThatIsSaid(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := Open(func(string) string { return "" }, "https://auth.example/"); !errors.Is(err, ErrNoBrowser) {
		t.Errorf("%v", err)
	}
}

func TestOnlyWebPagesAreOpened(t *testing.T) {
	path, args := script(t, "browser", "")
	for _, address := range []string{"file:///etc/passwd", "javascript:alert(1)", "-https://auth.example/", "https:///x", "vscode://x/y", "", "--help"} {
		if err := Open(func(string) string { return path }, address); err == nil {
			t.Errorf("%q is opened", address)
		}
	}
	if _, err := os.Stat(args); err == nil {
		t.Error("the browser was called")
	}
}

func TestAClientsCommandGetsItsArgumentsAndItsEnvironment(t *testing.T) {
	path, args := script(t, "client", `echo "home $CLIENT_HOME"; read line; echo "got $line"; echo words >&2; exit 3`)
	var out strings.Builder
	err := Command(t.Context(), []string{path, "mcp", "login", "a b"}, []string{"CLIENT_HOME=/x y"}, strings.NewReader("pasted\n"), &out)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("%v", err)
	}
	if got, _ := os.ReadFile(args); string(got) != "mcp\nlogin\na b\n" {
		t.Errorf("called with %q", got)
	}
	for _, want := range []string{"home /x y\n", "got pasted\n", "words\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %q", want, out.String())
		}
	}
	if !Installed([]string{path, "mcp"}) || Installed([]string{"/nonexistent"}) || Installed(nil) {
		t.Error("what is installed is not known")
	}
}

func TestAClientsCommandIsToldToEndWithUs(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	path, _ := script(t, "client", `trap 'echo interrupted; exit 1' INT; touch '`+ready+`'; i=0; while [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for {
			if _, err := os.Stat(ready); err == nil {
				cancel()
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	var out strings.Builder
	if err := Command(ctx, []string{path}, os.Environ(), nil, &out); err == nil || !strings.Contains(out.String(), "interrupted") {
		t.Errorf("%v, said %q", err, out.String())
	}
}
