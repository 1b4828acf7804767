//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"lamplighter/assets"
	"lamplighter/lab"
	"lamplighter/lab/desktop"
	"lamplighter/refresher/authtest"
)

// children are the processes that a process started.
func children(pid int) (all []int) {
	var text []byte
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, e := range entries {
		more, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, e.Name()))
		text = append(append(text, ' '), more...)
	}
	for one := range strings.FieldsSeq(string(text)) {
		var child int
		fmt.Sscan(one, &child)
		all = append(all, child)
	}
	return all
}

// The real window is opened by a second start, ends in every way, and leaves
// nothing behind.
func TestTheRealWindow(t *testing.T) {
	d, screen := onScreen(t, desktop.Light)
	if !d.realWindow() {
		t.Skip("lamplighter-window is not built (make window)")
	}
	s := authtest.New(t, authtest.Options{})
	var lines []*lab.Line
	for i, name := range []string{"linear", "notion", "sentry"} {
		lines = append(lines, d.Codex(name, s, authtest.GrantOptions{AccessLeft: time.Duration(50+i) * time.Minute}))
	}
	const ours = "^Lamplighter$"
	d.start("--at-login")
	d.icon(d.bus.ItemOf(d.cmd.Process.Pid), assets.Fresh)
	open := func() (pid int) {
		t.Helper()
		began := time.Now()
		if r := d.Ends(d.run()); r.Code != 0 {
			t.Fatalf("a second start ended with %d: %s", r.Code, r.Output)
		}
		d.until("a window", func() bool { return len(screen.Frames("--name", ours)) > 0 })
		t.Logf("on the screen %d ms after the second start", time.Since(began).Milliseconds())
		all := children(d.cmd.Process.Pid)
		if len(all) != 1 {
			t.Fatalf("the tray app has the children %v", all)
		}
		return all[0]
	}
	gone := func(pid int) {
		t.Helper()
		d.until("the window's end", func() bool { return ended(pid) && len(screen.Frames("--name", ours)) == 0 })
	}
	ways := []struct {
		name string
		end  func(pid int)
	}{
		{"its shortcut", func(int) { screen.Keys("Lamplighter", "ctrl+w") }},
		{"the window manager", func(int) { screen.Keys("Lamplighter", "alt+F4") }},
		{"a crash", func(pid int) { syscall.Kill(pid, syscall.SIGSEGV) }},
	}
	for i, way := range ways {
		pid := open()
		t.Log("ended by ", way.name)
		way.end(pid)
		gone(pid)
		d.until("nothing is left", func() bool { return len(children(d.cmd.Process.Pid)) == 0 })
		d.goesOn(lines[i])
	}

	pid := open()
	d.end(d.cmd, syscall.SIGKILL)
	gone(pid)

	d.start("--at-login")
	d.icon(d.bus.ItemOf(d.cmd.Process.Pid), assets.Fresh)
	pid = open()
	d.quit()
	gone(pid)
	d.well()
}
