//go:build unix

package hook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// script is a command that runs a shell's lines. The folder is its own.
func script(t *testing.T, lines string) (command []string, dir string) {
	t.Helper()
	dir = t.TempDir()
	name := filepath.Join(dir, "a hook")
	// No program that a test beside this one starts may get the open file: it
	// could not be run then (ETXTBSY).
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+lines+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return []string{name}, dir
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestACommandGetsItsTextItsWordsAndItsFolder(t *testing.T) {
	command, dir := script(t, `cat > in; printf '%s|' "$@" > words`)
	command = append(command, "a b", "$HOME", "*", "")
	if err := Run(context.Background(), command, []byte(`{"x":1}`), dir, time.Minute); err != nil {
		t.Fatal(err)
	}
	if in, words := read(t, dir, "in"), read(t, dir, "words"); in != `{"x":1}` || words != "a b|$HOME|*||" {
		t.Errorf("%q, %q", in, words)
	}
}

func TestOneThatReadsNothingIsNoFailure(t *testing.T) {
	command, dir := script(t, "exit 0")
	if err := Run(context.Background(), command, make([]byte, 1<<20), filepath.Join(dir, "none"), time.Minute); err != nil {
		t.Error(err)
	}
}

func TestTheEnvironmentHasOnlyWhatIsNeeded(t *testing.T) {
	t.Setenv("GRAPH_SECRET", "secretEXAMPLE")
	t.Setenv("NOTIFY_SOCKET", "/run/notify")
	t.Setenv("LC_TIME", "C")
	t.Setenv("https_proxy", "http://127.0.0.1:1")
	command, dir := script(t, "env > all")
	if err := Run(context.Background(), command, nil, dir, time.Minute); err != nil {
		t.Fatal(err)
	}
	all := read(t, dir, "all")
	for _, gone := range []string{"GRAPH_SECRET", "secretEXAMPLE", "NOTIFY_SOCKET"} {
		if strings.Contains(all, gone) {
			t.Errorf("%s is in the environment", gone)
		}
	}
	for _, there := range []string{"PATH=", "LC_TIME=C\n", "https_proxy=http://127.0.0.1:1\n"} {
		if !strings.Contains(all, there) {
			t.Errorf("%s is not in the environment:\n%s", there, all)
		}
	}
}

func TestAFailureIsSaidInOneCleanLine(t *testing.T) {
	command, dir := script(t, `printf 'no \033[31mmail\033[0m\r\n\nby\tnow\n' >&2; exit 7`)
	err := Run(context.Background(), command, nil, dir, time.Minute)
	if err == nil || err.Error() != "exit status 7: no [31mmail[0m; by now" {
		t.Errorf("%v", err)
	}
	command, dir = script(t, `yes word | head -c 100000 >&2; exit 1`)
	if err := Run(context.Background(), command, nil, dir, time.Minute); err == nil || len(err.Error()) > 700 {
		t.Errorf("%v", err)
	}
	if err := Run(context.Background(), []string{filepath.Join(dir, "none")}, nil, dir, time.Minute); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("%v", err)
	}
}

// It may ignore the first signal, and may have children that do.
func TestOneThatHangsEndsWithAllThatItStarted(t *testing.T) {
	for name, lines := range map[string]string{
		"waits":      "echo $$ > pid; sleep 600",
		"ignores":    "trap '' TERM; echo $$ > pid; while :; do sleep 600; done",
		"background": "sh -c 'trap \"\" TERM; echo $$ > pid; while :; do sleep 600; done' & wait",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command, dir := script(t, lines)
			ctx, cancel := context.WithCancel(context.Background())
			go func() { // as soon as it runs
				for pidIn(dir) == 0 {
					time.Sleep(5 * time.Millisecond)
				}
				cancel()
			}()
			if err := Run(ctx, command, nil, dir, time.Hour); !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
			if pid := pidIn(dir); alive(pid) {
				t.Errorf("process %d is left", pid)
			}
		})
	}
}

// alive reports that a process runs: one that ended and whose parent did not
// look yet does not.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if os.IsNotExist(err) {
		return false
	}
	_, rest, ok := strings.Cut(string(text), ") ")
	return ok && !strings.HasPrefix(rest, "Z")
}

func pidIn(dir string) int {
	text, _ := os.ReadFile(filepath.Join(dir, "pid"))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

func TestTheTimeLimitIsSaid(t *testing.T) {
	command, dir := script(t, "echo waiting for the mail server >&2; sleep 600")
	err := Run(context.Background(), command, nil, dir, 500*time.Millisecond)
	if err == nil || err.Error() != "it was ended after 500ms: waiting for the mail server" {
		t.Errorf("%v", err)
	}
}

// A hook may start something that stays.
func TestWhatIsLeftOnPurposeStays(t *testing.T) {
	command, dir := script(t, "sleep 600 >/dev/null 2>&1 & echo $! > pid")
	if err := Run(context.Background(), command, nil, dir, time.Minute); err != nil {
		t.Fatal(err)
	}
	pid := pidIn(dir)
	if !alive(pid) {
		t.Error("it was ended")
	}
	syscall.Kill(pid, syscall.SIGKILL)
}
