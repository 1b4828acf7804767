//go:build e2e

package unattended

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// withCron is a lab with one token that is due, and the program at a place with
// an odd name; run gives a table to a real cron.
func withCron(t *testing.T) (l *lab.Lab, s *authtest.Server, late *lab.Line, program string, run func(table string)) {
	t.Helper()
	cron, err := exec.LookPath("cron")
	if err != nil {
		t.Skip("cron is not there:", err)
	}
	const tables = "/var/spool/cron/crontabs"
	if err := unix.Mount("tmpfs", tables, "tmpfs", 0, ""); err != nil {
		t.Skip("cron's tables are elsewhere:", err)
	}
	t.Cleanup(func() { unix.Unmount(tables, unix.MNT_DETACH) })
	os.Remove("/run/crond.reboot") // by which it knows that it runs again
	s, l = authtest.New(t, authtest.Options{}), lab.New(t)
	late = l.ClaudeIn(l.Path("cl au'de 50%"), "claude/mcp/late", "late", s, s.Grant(authtest.GrantOptions{AccessLeft: time.Minute}))
	program = l.Path("my $HOME 50% \"lamp\"", "lamplighter")
	binary, err := os.ReadFile(lab.Program(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	give(t, l)
	if err := settle(l.Home); err != nil {
		t.Fatal(err)
	}
	return l, s, late, program, func(text string) {
		table := filepath.Join(tables, "ada")
		if err := os.WriteFile(table, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(table, ada, ada); err != nil {
			t.Fatal(err)
		}
		daemon := exec.Command(cron, "-f")
		daemon.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
		daemon.Stdout, daemon.Stderr = os.Stderr, os.Stderr
		if err := daemon.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			daemon.Process.Kill()
			daemon.Wait()
			endAll()
		})
		if !lab.Until(90*time.Second, func() bool { return holds(s, late) }) {
			t.Errorf("cron did not start it by\n%s", text)
		}
		if problems := strings.Join(append(s.Check(), l.Leaks()), ""); problems != "" {
			t.Error(problems)
		}
	}
}

// Where there is no service manager, "service install" prints a line for cron. A
// real cron takes it as it is printed, with all that is odd about it.
func TestARealCronRunsThePrintedLine(t *testing.T) {
	l, _, _, program, run := withCron(t)
	cmd := l.Command()
	cmd.Path, cmd.Args = program, []string{program, "service", "install"}
	as(cmd, append(l.Environ(), "PATH=/nowhere", "CLAUDE_CONFIG_DIR="+l.Path("cl au'de 50%"))...)
	got := l.Ends(cmd)
	_, line, ok := strings.Cut(got.Output, "    @reboot ")
	if got.Code != 1 || !ok {
		t.Fatalf("install exits with %d and says\n%s", got.Code, got.Output)
	}
	run("@reboot " + line)
}

// A pass every few minutes needs no process that stays.
func TestARealCronRefreshesWhatIsDue(t *testing.T) {
	l, _, _, _, run := withCron(t)
	plain := l.Path("lamplighter")
	if err := os.Symlink(lab.Program(t), plain); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(l.Path("cl au'de 50%"), l.Path(".claude")); err != nil {
		t.Fatal(err)
	}
	late := l.Path(".claude", ".credentials.json")
	if err := os.Symlink(filepath.Dir(late), l.Path("cl au'de 50%")); err != nil { // where the test looks
		t.Fatal(err)
	}
	run("* * * * * " + plain + " refresh\n")
}

// endAll ends ada's processes, which are all in our namespace.
func endAll() {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		pid, perr := strconv.Atoi(filepath.Base(dir))
		if err == nil && perr == nil && info.Sys().(*syscall.Stat_t).Uid == ada {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
