//go:build bench && linux

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/lab/desktop"
	"lamplighter/refresher/authtest"
)

// A desk is a computer with a desktop on which the tray app runs, and whose user
// has begun.
type desk struct {
	*lab.Lab
	screen  *desktop.Screen
	temp    string // where programs leave what they need for a moment
	runtime string // XDG_RUNTIME_DIR
	tray    *exec.Cmd
	icon    *desktop.Item
}

// newDesk starts the tray app, with the window beside it where it is built, on
// the desktop of a bus.
func newDesk(t testing.TB, bus *desktop.Bus, l *lab.Lab) *desk {
	t.Helper()
	d := &desk{Lab: l, screen: bus.Screen(desktop.Light), temp: t.TempDir(), runtime: bus.RuntimeDir()}
	dir := t.TempDir()
	program := filepath.Join(dir, "lamplighter")
	if err := os.Link(lab.Program(t), program); err != nil {
		t.Fatal(err)
	}
	if window := builtWindow(); window != "" {
		if err := os.Symlink(window, filepath.Join(dir, "lamplighter-window")); err != nil {
			t.Fatal(err)
		}
	}
	l.Settings("mode = \"keep\"\n")
	if err := os.MkdirAll(l.Path(".cache"), 0o755); err != nil { // as every home has it
		t.Fatal(err)
	}
	d.tray = d.begin(exec.Command(program, "--at-login"))
	d.icon = bus.ItemOf(d.tray.Process.Pid)
	return d
}

// begin starts a program on the desktop, which ends with the test.
func (d *desk) begin(cmd *exec.Cmd) *exec.Cmd {
	d.T.Helper()
	d.By(cmd)
	cmd.Env = append(append(cmd.Env, d.screen.Environ()...), "TMPDIR="+d.temp, "FYNE_THEME=light")
	if err := cmd.Start(); err != nil {
		d.T.Fatal(err)
	}
	d.T.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return cmd
}

// builtWindow is what "make window" built, or "".
func builtWindow() string {
	name, err := filepath.Abs("../lamplighter-window")
	if err == nil {
		_, err = os.Stat(name)
	}
	if err != nil {
		return ""
	}
	return name
}

// plainFyne builds a tray app that does nothing, as make window builds ours. The
// error says what is missing.
func plainFyne(t testing.TB) (string, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "plainfyne")
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "bench,migrated_fynedo,release", "-ldflags", "-s -w", "-o", name, "./plainfyne")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("not built (make window installs what it needs): %s", lastLine(string(out)))
	}
	return name, nil
}

// The tray app with its window closed, beside one that Fyne draws: with an icon
// on the same panel, for the same time.
func TestTrayIdle(t *testing.T) {
	const mostWakeups, mostTicks, mostRSS = 0.1, 5, 20e6
	tb := newTable("The tray app, its window closed, with 10 credentials", "program", "wakeups/s", "CPU ticks in 10 min", "RSS", "PSS", "threads")

	bus := desktop.NewBus(t)
	d := newDesk(t, bus, ten(t, authtest.New(t, eightHours)))
	programs := []*program{{name: "lamplighter", pid: d.tray.Process.Pid}, {name: "a tray app of Fyne's that does nothing"}}
	plain, err := plainFyne(t)
	if programs[1].err = err; err == nil {
		cmd := d.begin(exec.Command(plain))
		programs[1].pid = cmd.Process.Pid
		bus.ItemOf(cmd.Process.Pid)
	}
	took := watch(t, programs...)
	if code := d.end(); code != 0 {
		t.Errorf("the tray app ended with %d", code)
	}

	for _, p := range programs {
		if p.err != nil {
			tb.add(p.name, p.err.Error(), "", "", "", "")
			continue
		}
		wakeups, used := p.wakeups(took), p.ticks(took)
		tb.add(p.name, fmt.Sprintf("%.3f", wakeups), fmt.Sprintf("%.1f", used), mb(p.last.rss), mb(p.last.pss), fmt.Sprint(p.last.threads()))
		if p == programs[0] {
			tb.add("- target", "0.100, "+judged(wakeups, mostWakeups), "5, "+judged(used, mostTicks), "20.0 MB, "+judged(float64(p.last.rss), mostRSS), "", "")
		}
	}
	tb.note("Watched for %v, on Xfce's panel. An X server without a graphics card: Fyne's memory holds the drawing library.", took.Round(time.Second))
	tb.print(t)
}

// end ends the tray app as a logout does.
func (d *desk) end() int {
	d.T.Helper()
	d.tray.Process.Signal(syscall.SIGTERM)
	d.tray.Wait()
	return d.tray.ProcessState.ExitCode()
}
