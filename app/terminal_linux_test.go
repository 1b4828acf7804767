package app

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lamplighter/refresher/authtest"
)

// onTerminal runs the program on a terminal of its own and returns what it
// showed, and its exit code. A part of keys is typed when what stands before
// it was shown.
func onTerminal(t *testing.T, home string, width int, env []string, keys map[string]string, args ...string) (shown string, code int) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer master.Close()
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: uint16(width)})
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Args = append([]string{"lamplighter"}, args...)
	cmd.Env = append([]string{"HOME=" + home, "TERM=xterm", "TMPDIR=" + t.TempDir()}, env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	var all bytes.Buffer
	buf := make([]byte, 4096)
	for {
		n, err := master.Read(buf)
		all.Write(buf[:n])
		for seen, key := range keys {
			if strings.Contains(all.String(), seen) {
				io.WriteString(master, key)
				delete(keys, seen)
			}
		}
		if err != nil { // EIO when the program has gone
			break
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return strings.ReplaceAll(all.String(), "\r\n", "\n"), cmd.ProcessState.ExitCode()
}

const interrupt = "\x03"

func TestOnATerminal(t *testing.T) {
	t.Parallel()
	st, err := newStage()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.close)
	for _, s := range []*authtest.Server{st.well, st.weak, st.dies} {
		s.Behave(authtest.Token, authtest.Behaviour{Delay: 3 * time.Second})
	}
	has := func(t *testing.T, shown string, all ...string) {
		t.Helper()
		for _, s := range all {
			if !strings.Contains(shown, s) {
				t.Errorf("%q is not in %q", s, shown)
			}
		}
	}

	t.Run("what takes over a second shows that it works, and leaves no trace", func(t *testing.T) {
		shown, code := onTerminal(t, st.dir, 100, nil, nil, "refresh")
		has(t, shown, "refreshing, 1 s\r\x1b[K", "codex/mcp/linear: refreshed")
		if code != 0 || strings.Contains(shown, "finishing") {
			t.Errorf("code %d: %q", code, shown)
		}
	})
	t.Run("a plain terminal gets plain lines", func(t *testing.T) {
		shown, _ := onTerminal(t, st.dir, 100, []string{"TERM=dumb"}, nil, "refresh", "--all")
		has(t, shown, "refreshing ...\n")
		if strings.Contains(shown, "\x1b") {
			t.Errorf("%q", shown)
		}
	})
	t.Run("colour underlines, unless it is not wanted", func(t *testing.T) {
		shown, _ := onTerminal(t, st.dir, 100, nil, nil, "status")
		has(t, shown, "\x1b[32m*\x1b[0m codex/mcp/linear")
		for _, env := range []string{"NO_COLOR=1", "TERM=dumb"} {
			if shown, _ := onTerminal(t, st.dir, 100, []string{env}, nil, "status"); strings.Contains(shown, "\x1b") {
				t.Errorf("%s: %q", env, shown)
			}
		}
	})
	t.Run("a narrow terminal is not overrun", func(t *testing.T) {
		shown, _ := onTerminal(t, st.dir, 40, []string{"NO_COLOR=1"}, nil, "status")
		for _, line := range strings.Split(shown, "\n") {
			if len(line) > 40 {
				t.Errorf("%q", line)
			}
		}
	})
	t.Run("Ctrl-C ends a keeper", func(t *testing.T) {
		shown, code := onTerminal(t, st.dir, 100, nil, map[string]string{"tokens are fresh": interrupt}, "keep")
		has(t, shown, "^C\r\x1b[K", "stopped\n")
		if code != 0 {
			t.Errorf("code %d: %q", code, shown)
		}
	})
	t.Run("Ctrl-C lets a refresh finish, and says so", func(t *testing.T) {
		shown, code := onTerminal(t, st.dir, 100, nil, map[string]string{"refreshing, 1 s": interrupt}, "refresh", "linear")
		has(t, shown, "finishing the refresh under way", "codex/mcp/linear: refreshed", "lamplighter: interrupted\n")
		if code != exitLater || strings.Contains(shown, "goroutine") {
			t.Errorf("code %d: %q", code, shown)
		}
	})
	t.Run("a secret is asked for and not shown", func(t *testing.T) {
		g := st.well.Grant(authtest.GrantOptions{})
		shown, code := onTerminal(t, st.dir, 80, nil, map[string]string{"Token (not shown): ": g.AccessToken + "\n"}, "doctor", g.ServerURL, "--bearer")
		has(t, shown, "\n\x1b[1mIt works: an MCP server answers 200")
		if code != 0 || strings.Contains(shown, g.AccessToken) {
			t.Errorf("code %d: %q", code, shown)
		}
		shown, code = onTerminal(t, st.dir, 80, nil, map[string]string{"Token (not shown): ": interrupt}, "doctor", g.ServerURL, "--bearer")
		has(t, shown, "lamplighter: interrupted\n")
		if code != exitLater {
			t.Errorf("code %d: %q", code, shown)
		}
	})
	t.Run("the demo is drawn in place", func(t *testing.T) {
		shown, code := onTerminal(t, "", 100, nil, map[string]string{"claude/mcp/slack: refreshed": interrupt}, "demo")
		has(t, shown, "\x1b[8A\r\x1b[K", "[====", "In ", "none was lost.\n")
		if code != 0 {
			t.Errorf("code %d: %q", code, shown)
		}
		shown, code = onTerminal(t, "", 100, []string{"TERM=dumb"}, map[string]string{"claude/mcp/slack: refreshed": interrupt}, "demo")
		if code != 0 || strings.Contains(shown, "\x1b") || strings.Contains(shown, "[===") {
			t.Errorf("code %d: %q", code, shown)
		}
	})
}
