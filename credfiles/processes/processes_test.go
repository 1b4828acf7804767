package processes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// The test binary plays the other program when this variable is set.
const partVar = "PROCESSES_TEST_PART"

func TestMain(m *testing.M) {
	switch os.Getenv(partVar) {
	case "":
		os.Exit(m.Run())
	case "MainThread":
		// As Node.js does it to itself.
		if err := os.WriteFile("/proc/self/comm", []byte("MainThread"), 0); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	fmt.Println("running")
	io.Copy(io.Discard, os.Stdin)
}

// start runs a program called name until the test ends.
func start(t testing.TB, name, part string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	exe := filepath.Join(t.TempDir(), name)
	// Wine calls a program by its file's first name, so there it is a copy.
	if runtime.GOOS == "windows" || os.Link(self, exe) != nil {
		b, err := os.ReadFile(self)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(exe, b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return run(t, exe, part, env, args...)
}

func run(t testing.TB, exe, part string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(exe, args...)
	cmd.Env = append(env, partVar+"="+part)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "running\n" {
		t.Fatalf("the other program said %q, %v", line, err)
	}
	return cmd
}

// list returns what is called name, with or without .exe.
func list(t *testing.T, name string) []Process {
	t.Helper()
	found, err := List(t.Context(), func(s string) bool { return strings.TrimSuffix(s, ".exe") == name })
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// one returns the process with the PID of cmd.
func one(t *testing.T, found []Process, cmd *exec.Cmd) Process {
	t.Helper()
	i := slices.IndexFunc(found, func(p Process) bool { return p.PID == cmd.Process.Pid })
	if i < 0 {
		t.Fatalf("%d is not among the %d found", cmd.Process.Pid, len(found))
	}
	return found[i]
}

func TestAWantedProgramIsDescribed(t *testing.T) {
	cmd := start(t, "lamptest-a", "stay", nil, "mcp", "login")
	other := start(t, "lamptest-b", "stay", nil)
	found := list(t, "lamptest-a")
	if len(found) != 1 {
		t.Errorf("found %v, want only %d, not %d", found, cmd.Process.Pid, other.Process.Pid)
	}
	p := one(t, found, cmd)
	want, err := filepath.EvalSymlinks(cmd.Path)
	if err != nil {
		t.Fatal(err)
	}
	if p.Exe != want {
		t.Errorf("Exe is %q, want %q", p.Exe, want)
	}
	if !slices.Equal(p.Args, cmd.Args) {
		t.Errorf("Args are %q, want %q", p.Args, cmd.Args)
	}
	if p.Started.IsZero() || p.Started.After(time.Now().Add(time.Minute)) {
		t.Errorf("Started is %v", p.Started)
	}
	me, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	own, err := List(t.Context(), func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	if self := one(t, own, &exec.Cmd{Process: me}); p.Owner == "" || p.Owner != self.Owner {
		t.Errorf("its owner is %q, ours %q", p.Owner, self.Owner)
	} else if p.Started.Before(self.Started.Add(-2 * time.Second)) {
		t.Errorf("it started at %v, we who started it at %v", p.Started, self.Started)
	}
}

func TestTheEnvironmentIsReadWhereTheSystemTells(t *testing.T) {
	cmd := start(t, "lamptest-env", "stay", []string{"CODEX_HOME=/home/x/a=b", "EMPTY=", "SECRET=tok-EXAMPLE"})
	p := one(t, list(t, "lamptest-env"), cmd)
	for key, want := range map[string]string{"CODEX_HOME": "/home/x/a=b", "EMPTY": "", "CLAUDE_CONFIG_DIR": ""} {
		got, known := p.Env(key)
		if runtime.GOOS == "freebsd" || runtime.GOOS == "openbsd" {
			if known || got != "" {
				t.Errorf("%s is %q, %v on a system that does not tell", key, got, known)
			}
		} else if !known || got != want {
			t.Errorf("%s is %q, %v, want %q, true", key, got, known, want)
		}
	}
	if s := fmt.Sprintf("%+v %#v", p, []Process{p}); strings.Contains(s, "EXAMPLE") {
		t.Error("printing a Process shows its environment")
	}
}

func TestAnEmptyEnvironmentIsUnknown(t *testing.T) {
	for _, list := range [][]string{nil, {}, {""}} {
		if v, known := environment(list)("HOME"); known || v != "" {
			t.Errorf("%q: got %q, %v", list, v, known)
		}
	}
}

func TestAProgramThatIsGoneIsLeftOut(t *testing.T) {
	cmd := start(t, "lamptest-gone", "stay", nil)
	wanted := false
	found, err := List(t.Context(), func(name string) bool {
		if strings.TrimSuffix(name, ".exe") != "lamptest-gone" {
			return false
		}
		wanted = true // its name was read; now it goes, before anything else is
		cmd.Process.Kill()
		cmd.Wait()
		return true
	})
	if err != nil || len(found) != 0 || !wanted {
		t.Errorf("got %v, %v, wanted %v", found, err, wanted)
	}
}

func TestAProgramThatEndedIsLeftOut(t *testing.T) {
	cmd := start(t, "lamptest-dead", "stay", nil)
	cmd.Process.Kill()
	// Not waited for, it stays in the list as a zombie.
	for len(list(t, "lamptest-dead")) > 0 {
		time.Sleep(time.Millisecond)
	}
}

func TestAnEndedContextEndsTheList(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := List(ctx, func(string) bool { return true }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkList(b *testing.B) {
	for range 200 {
		start(b, "lamptest-idle", "stay", []string{"A=1"})
	}
	for name, want := range map[string]string{"of all, none wanted": "nothing", "of all, 200 wanted": "lamptest-idle"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := List(b.Context(), func(s string) bool { return s == want }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
