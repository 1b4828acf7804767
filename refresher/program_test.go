package refresher_test

// The real program, stopped and killed.

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lamplighter/credfiles/clientlock"
	"lamplighter/lab/security"
	"lamplighter/refresher/authtest"
)

var built struct {
	sync.Once
	name string
	err  error
}

// TestMain removes the program that the tests built.
func TestMain(m *testing.M) {
	security.Run() // where a test runs us as that
	code := m.Run()
	if built.name != "" {
		os.RemoveAll(filepath.Dir(built.name))
	}
	os.Exit(code)
}

// program builds the real program, once.
func program(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		var dir string
		if dir, built.err = os.MkdirTemp("", "lamplighter-test-"); built.err != nil {
			return
		}
		os.Chmod(dir, 0o755)
		built.name = filepath.Join(dir, "lamplighter")
		cmd := exec.Command("go", "build", "-o", built.name, "lamplighter")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		var out []byte
		if out, built.err = cmd.CombinedOutput(); built.err != nil {
			built.err = &exec.Error{Name: "go build: " + string(out), Err: built.err}
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.name
}

func (l *lab) environ() []string {
	return []string{"HOME=" + l.home, "XDG_STATE_HOME=" + filepath.Dir(l.state), "XDG_CONFIG_HOME=" + l.path(".config"), "PATH=" + os.Getenv("PATH")}
}

// realLab is a lab whose state folder is where the program has it.
func realLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t, home: t.TempDir(), state: filepath.Join(t.TempDir(), "lamplighter")}
	l.restart()
	return l
}

// command is the program, to be started.
func (l *lab) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	cmd.Env = l.environ()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%v said: %s", args, out.String())
		}
	})
	return cmd
}

// runs runs the program to its end and checks its exit code.
func (l *lab) runs(t *testing.T, code int, args ...string) {
	t.Helper()
	cmd := l.command(t, args...)
	if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		t.Errorf("%v: %v, want exit code %d", args, err, code)
	}
}

// says returns the state that status shows.
func (l *lab) says(t *testing.T, id string) string {
	t.Helper()
	cmd := exec.Command(program(t), "status", "--json")
	cmd.Env = l.environ()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var status struct {
		Credentials []struct{ ID, State string }
	}
	if err := json.Unmarshal(out, &status); err != nil {
		t.Fatal(err)
	}
	for _, c := range status.Credentials {
		if c.ID == id {
			return c.State
		}
	}
	return "not there"
}

// until waits for something that a process does.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (l *lab) answered() bool {
	records := l.pending()
	return len(records) == 1 && records[0].Answer != nil
}

// The answer came, the store waits for somebody's lock, and the program is
// killed: the next start puts it in the store. While the store refuses, it
// waits in the journal, and status says so.
func TestKilledBetweenAnswerAndStore(t *testing.T) {
	t.Parallel()
	s := authtest.New(t, authtest.Options{})
	l := realLab(t)
	g := l.one(s, due)
	before := l.read(codexStore...)
	var lock *clientlock.Lock
	meanwhile(s, func() { lock = l.lock(l.storeLockPath()) })
	cmd := l.command(t, "refresh", "--within", "15m")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the answer in the journal", l.answered)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if l.read(codexStore...) != before {
		t.Fatal("the store was written already")
	}
	if state := l.says(t, linear); state != "unsaved" {
		t.Errorf("status says %s", state)
	}
	lock.Release()

	// Meanwhile the store became unwritable.
	frozen := l.path(codexStore...) + ".away"
	if err := os.Rename(l.path(codexStore...), frozen); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(l.path(codexStore...), 0o755); err != nil {
		t.Fatal(err)
	}
	l.runs(t, 1, "refresh", "--within", "15m")
	if !l.answered() {
		t.Error("the token is gone from the journal")
	}
	os.Remove(l.path(codexStore...))
	os.Rename(frozen, l.path(codexStore...))
	if state := l.says(t, linear); state != "unsaved" {
		t.Errorf("status says %s", state)
	}

	l.runs(t, 0, "refresh", "--within", "15m")
	l.wantStored(s, g.ID, linear)
	l.wantPosts(s, g.ID, 1)
	l.wantQuiet()
	if state := l.says(t, linear); state != "fresh" {
		t.Errorf("status says %s", state)
	}
}

// A keeper does the same by itself.
func TestAKeeperLandsWhatAKilledOneLeft(t *testing.T) {
	t.Parallel()
	s := authtest.New(t, authtest.Options{})
	l := realLab(t)
	g := l.one(s, due)
	var lock *clientlock.Lock
	meanwhile(s, func() { lock = l.lock(l.storeLockPath()) })
	first := l.command(t, "keep")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the answer in the journal", l.answered)
	first.Process.Kill()
	first.Wait()
	lock.Release()
	second := l.command(t, "keep")
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the token in the store", func() bool { return strings.Contains(l.read(codexStore...), s.Current(g.ID).RefreshToken) })
	until(t, "the end of the record", func() bool { return len(l.pending()) == 0 })
	second.Process.Signal(syscall.SIGTERM)
	if err := second.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	l.wantPosts(s, g.ID, 1)
	l.wantQuiet()
}

func TestSIGTERMWhileTheServerThinksLosesNoToken(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"refresh", "--within", "15m"}, {"keep"}} {
		s := authtest.New(t, authtest.Options{})
		l := realLab(t)
		g := l.one(s, due)
		cmd := l.command(t, args...)
		s.Next(authtest.Token, authtest.Behaviour{
			BeforeAnswer: func() { cmd.Process.Signal(syscall.SIGTERM) }, DelayAfter: 300 * time.Millisecond,
		})
		if err := cmd.Run(); err != nil && args[0] == "keep" {
			t.Errorf("%v: %v", args, err)
		}
		l.wantStored(s, g.ID, linear)
		l.wantPosts(s, g.ID, 1)
		l.wantQuiet()
	}
}

// Killed while the server thinks: nobody has the answer. The next start asks
// once more, at once, and the start after that not again.
func TestKilledBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	s := authtest.New(t, authtest.Options{Policy: authtest.Policy{Reuse: authtest.PreviousUntilUsed}})
	l := realLab(t)
	g := l.one(s, due)
	cmd := l.command(t, "refresh", "--within", "15m")
	s.Next(authtest.Token, authtest.Behaviour{
		BeforeAnswer: func() { cmd.Process.Kill() }, DelayAfter: 100 * time.Millisecond,
	})
	cmd.Run()
	if records := l.pending(); len(records) != 1 || records[0].Answer != nil {
		t.Fatalf("%d records", len(records))
	}
	l.runs(t, 0, "refresh", "--within", "15m")
	l.wantStored(s, g.ID, linear)
	l.wantPosts(s, g.ID, 2)
	l.wantQuiet()
}
