//go:build e2e

package unattended

import (
	"encoding/json"
	"fmt"
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

// A manager is ada's own systemd.
type manager struct {
	*lab.Lab
	program string // at a place with an odd name
	env     []string
}

const patience = 30 * time.Second

// newManager starts ada's systemd on the home of a lab that is filled. folder is
// where her program is.
func newManager(t *testing.T, l *lab.Lab, folder string) *manager {
	t.Helper()
	const daemon = "/usr/lib/systemd/systemd"
	for _, name := range []string{daemon, "systemctl", "dbus-daemon"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("systemd or a message bus is not there:", err)
		}
	}
	groups(t)
	m := &manager{Lab: l, program: l.Path(folder, "lamplighter")}
	// Where it looks for units is the business of its own environment, not of
	// the shell's that installs one.
	m.env = []string{"HOME=" + l.Home, "PATH=/usr/bin:/bin", "USER=ada", fmt.Sprint("XDG_RUNTIME_DIR=/run/user/", ada)}
	binary, err := os.ReadFile(lab.Program(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(m.program), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.program, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	give(t, l)
	m.begin(exec.Command("/usr/lib/systemd/systemd-journald"))
	systemd := as(exec.Command(daemon, "--user"), append(m.env, "SYSTEMD_LOG_TARGET=console")...)
	m.begin(systemd)
	if !lab.Until(patience, func() bool { _, err := m.asks("systemctl", "--user", "is-system-running"); return err == nil }) {
		out, err := m.asks("systemctl", "--user", "status")
		t.Fatalf("ada's systemd does not run: %s, %v", out, err)
	}
	return m
}

// groups gives systemd a place in the tree of control groups.
func groups(t *testing.T) {
	t.Helper()
	unix.Unmount("/sys/fs/cgroup", unix.MNT_DETACH)
	if err := unix.Mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, ""); err != nil {
		t.Skip("there is no second version of control groups:", err)
	}
	dir, err := os.MkdirTemp("/sys/fs/cgroup", "lamplighter-")
	if err != nil {
		t.Skip("no control group can be made:", err)
	}
	procs := filepath.Join(dir, "cgroup.procs")
	if err := os.WriteFile(procs, []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
		t.Skip("no control group can be entered:", err)
	}
	for _, file := range []string{dir, procs, filepath.Join(dir, "cgroup.subtree_control"), filepath.Join(dir, "cgroup.threads")} {
		if err := os.Chown(file, ada, ada); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		os.WriteFile("/sys/fs/cgroup/cgroup.procs", []byte(strconv.Itoa(os.Getpid())), 0o644)
		lab.Until(5*time.Second, func() bool {
			filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
				if err == nil && d.IsDir() {
					os.Remove(path)
				}
				return nil
			})
			return os.Remove(dir) == nil || os.IsNotExist(unix.Access(dir, 0))
		})
	})
}

// begin starts what ends with the test.
func (m *manager) begin(cmd *exec.Cmd) {
	m.T.Helper()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		m.T.Fatal(err)
	}
	m.T.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		done := make(chan struct{})
		go func() { cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			cmd.Process.Kill()
			<-done
		}
	})
}

// asks runs a command as ada.
func (m *manager) asks(words ...string) (string, error) {
	m.T.Helper()
	out, err := as(exec.Command(words[0], words[1:]...), m.env...).CombinedOutput()
	return string(out), err
}

// service runs a command about the service as ada's shell, where stores and
// state have other places than by default.
func (m *manager) service(code int, words ...string) string {
	m.T.Helper()
	cmd := m.Command()
	cmd.Path, cmd.Args = m.program, append([]string{m.program}, words...)
	as(cmd, append(m.Environ(), fmt.Sprint("XDG_RUNTIME_DIR=/run/user/", ada), "CLAUDE_CONFIG_DIR="+m.Path("cl aude"))...)
	if got := m.Ends(cmd); got.Code != code {
		m.T.Fatalf("%q exits with %d, want %d:\n%s", words, got.Code, code, got.Output)
	}
	return m.Said(cmd)
}

// property is what systemd says of the unit.
func (m *manager) property(name string) string {
	m.T.Helper()
	out, err := m.asks("systemctl", "--user", "show", "--value", "--property="+name, "lamplighter.service")
	if err != nil {
		m.T.Fatal(out, err)
	}
	return strings.TrimSpace(out)
}

func (m *manager) until(what string, is func() bool) {
	m.T.Helper()
	if !lab.Until(patience, is) {
		out, _ := m.asks("systemctl", "--user", "status", "lamplighter.service")
		m.T.Fatalf("waited in vain until %s:\n%s\n%s\n%s", what, out, m.journal(""), m.service(0, "status"))
	}
}

// journal is what the unit said, at this priority; all for the empty one.
func (m *manager) journal(priority string) (said string) {
	m.T.Helper()
	out, err := exec.Command("journalctl", "--no-pager", "--output=json", "_COMM=lamplighter", fmt.Sprint("_UID=", ada)).Output()
	if err != nil {
		return fmt.Sprint("no journal: ", err)
	}
	for line := range strings.Lines(string(out)) {
		var e struct{ MESSAGE, PRIORITY string }
		if json.Unmarshal([]byte(line), &e) == nil && (priority == "" || e.PRIORITY == priority) {
			said += e.MESSAGE + "\n"
		}
	}
	return said
}

func (m *manager) none(what string, problems ...string) {
	m.T.Helper()
	for _, p := range problems {
		if p != "" {
			m.T.Errorf("%s: %s", what, p)
		}
	}
}

// A person installs it, systemd runs it, things go wrong, and at the end nothing
// of it is left.
func TestARealSystemdRunsTheKeeper(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := lab.New(t)
	late := l.ClaudeIn(l.Path("cl aude"), "claude/mcp/late", "late", s, s.Grant(authtest.GrantOptions{AccessLeft: time.Minute}))
	l.Settings("mode = \"keep\"\n")
	config := l.Path("my \"config\" $x 20%.toml")
	if err := os.WriteFile(config, []byte("mode = \"keep\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := newManager(t, l, "my $HOME 50% %h \"lamp\" é")
	before := files(t, l.Home)

	m.service(1, "service", "status")
	said := m.service(0, "service", "install", "--config", config)
	for _, want := range []string{"Installed and started: ~/.config/systemd/user/lamplighter.service", "CLAUDE_CONFIG_DIR", "XDG_STATE_HOME", "loginctl enable-linger"} {
		if !strings.Contains(said, want) {
			t.Errorf("install does not say %q:\n%s", want, said)
		}
	}
	// It says that it is ready when it has looked, and how things are.
	if text := m.property("StatusText"); text == "" || m.property("ActiveState") != "active" {
		t.Errorf("it is %s, and says %q", m.property("ActiveState"), text)
	}
	m.until("the token is refreshed", func() bool { return holds(s, late) })
	m.until("it says so", func() bool { return strings.HasPrefix(m.property("StatusText"), "The one token is fresh") })
	if status := m.service(0, "service", "status"); !strings.Contains(status, " runs as process "+m.property("MainPID")+" since ") || !strings.Contains(status, "The one token is fresh") {
		t.Errorf("status says %s", status)
	}
	if said := m.journal("6"); !strings.Contains(said, "\nclaude/mcp/late@cl aude: refreshed, good until") {
		t.Errorf("the journal has at level 6:\n%s", said)
	}
	args, err := os.ReadFile(filepath.Join("/proc", m.property("MainPID"), "cmdline"))
	if words := strings.Split(string(args), "\x00"); err != nil || len(words) < 4 || words[3] != config {
		t.Errorf("it was started with %q, %v", words, err)
	}

	// It is started anew when it is killed.
	pid := m.property("MainPID")
	m.kill(syscall.SIGKILL)
	m.until("it runs again", func() bool {
		return m.property("ActiveState") == "active" && m.property("MainPID") != pid && m.property("MainPID") != "0"
	})

	// Told to end, it finishes the refresh that is under way.
	s.Behave(authtest.Token, authtest.Behaviour{DelayAfter: 3 * time.Second})
	second := l.ClaudeIn(l.Path("cl aude"), "claude/mcp/second", "second", s, s.Grant(authtest.GrantOptions{AccessLeft: time.Minute}))
	m.until("a request is under way", func() bool { return s.TokenPosts(second.Grant.ID) > 0 })
	if out, err := m.asks("systemctl", "--user", "stop", "lamplighter.service"); err != nil {
		t.Fatal(out, err)
	}
	m.none("after the end", l.Quiet())
	if !holds(s, second) {
		t.Error("the answer to the last request is not in the store")
	}
	if result := m.property("Result"); result != "success" {
		t.Errorf("it ended with %s", result)
	}
	s.Behave(authtest.Token, authtest.Behaviour{})
	if status := m.service(1, "service", "status"); !strings.Contains(status, "does not run: inactive") {
		t.Errorf("status says %s", status)
	}

	m.service(0, "service", "install")
	if said := m.service(0, "service", "uninstall"); !strings.Contains(said, "Stopped and removed.") {
		t.Errorf("uninstall says %s", said)
	}
	m.service(0, "service", "uninstall")
	if state := m.property("LoadState") + ", " + m.property("ActiveState"); state != "not-found, inactive" {
		t.Errorf("systemd still knows it: %s", state)
	}
	if after := files(t, l.Home); after != before {
		t.Errorf("the home was\n%sand is\n%s", before, after)
	}
	m.none("at the end", l.Leaks(), strings.Join(s.Check(), "\n"))
}

// A keeper whose loop stands still is ended and started anew, and one that only
// has nothing to do is not.
func TestARealWatchdogEndsAKeeperThatHangs(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := lab.New(t)
	l.Claude("a", s, authtest.GrantOptions{})
	l.Settings("mode = \"keep\"\n")
	m := newManager(t, l, "my $HOME 50% %h é")
	beside := l.Path(".config", "systemd", "user", "lamplighter.service.d", "short.conf")
	if err := os.MkdirAll(filepath.Dir(beside), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(beside, []byte("[Service]\nWatchdogSec=2\nRestartSec=100ms\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	give(t, l)
	m.service(0, "service", "install")
	pid := m.property("MainPID")
	time.Sleep(7 * time.Second) // three times as long as it may be silent
	if now := m.property("MainPID"); now != pid || m.property("NRestarts") != "0" {
		t.Errorf("it was process %s and is %s, with nothing to do", pid, now)
	}
	m.kill(syscall.SIGSTOP)
	m.until("it was started anew", func() bool {
		return m.property("NRestarts") != "0" && m.property("ActiveState") == "active" && m.property("MainPID") != pid
	})
	m.service(0, "service", "uninstall")
	if _, err := os.Stat(beside); err != nil {
		t.Errorf("what a person put beside it is gone: %v", err)
	}
	m.none("at the end", l.Leaks(), strings.Join(s.Check(), "\n"))
}

// holds reports that a store has the newest tokens of a grant.
func holds(s *authtest.Server, line *lab.Line) bool {
	text, _ := os.ReadFile(line.Store)
	now := s.Current(line.Grant.ID)
	return now.AccessToken != line.Grant.AccessToken && strings.Contains(string(text), now.AccessToken) && strings.Contains(string(text), now.RefreshToken)
}

// Somebody who came by su has no systemd of his own.
func TestARealSystemdOfNobodyIsSaid(t *testing.T) {
	l := lab.New(t)
	give(t, l)
	for _, words := range []string{"install", "status"} {
		cmd := as(l.Command("service", words), l.Environ()...)
		cmd.SysProcAttr.Credential.Uid = ada + 1
		if err := os.Chown(l.Home, ada+1, ada); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Dir(l.Home), ada+1, ada); err != nil {
			t.Fatal(err)
		}
		if got := l.Ends(cmd); got.Code != 1 || !strings.Contains(got.Output, "your systemd does not run") {
			t.Errorf("%s exits with %d and says\n%s", words, got.Code, got.Output)
		}
	}
}

// kill sends the keeper itself a signal.
func (m *manager) kill(s syscall.Signal) {
	m.T.Helper()
	pid, err := strconv.Atoi(m.property("MainPID"))
	if err != nil || pid <= 1 {
		m.T.Fatalf("there is no keeper: %d, %v", pid, err)
	}
	if err := syscall.Kill(pid, s); err != nil {
		m.T.Fatal(err)
	}
}

// files lists a folder, but for what the clients' stores and programs change by
// themselves.
func files(t *testing.T, dir string) (list string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil && !strings.Contains(path, "mcp-oauth-locks") && !strings.Contains(path, "/.cache") {
			list += path + "\n"
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
