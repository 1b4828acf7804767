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

// The whole way on a real panel: a grant dies, its owner presses the button of
// the notification, then on another one's line in the menu.
func TestOnARealDesktop(t *testing.T) {
	d, screen := onScreen(t, desktop.Light)
	s := authtest.New(t, authtest.Options{})
	linear := d.Codex("linear", s, authtest.GrantOptions{})
	slack := d.Claude("slack", s, authtest.GrantOptions{AccessLeft: 55 * time.Minute})
	notices := d.bus.ShownNotices()
	tray := desktop.Frame{X: screen.Width - 40, Width: 40, Height: 32}
	empty := look(t, screen, tray)

	d.start("--at-login")
	item := d.bus.ItemOf(d.cmd.Process.Pid)
	d.icon(item, assets.Fresh)
	d.until("the icon is on the panel", func() bool { return differ(empty, look(t, screen, tray)) > 50 })
	d.hides(item, "Nothing here shows")
	fresh := look(t, screen, tray)

	d.dies(s, slack)
	d.icon(item, assets.NeedsYou)
	d.shows(item, "Sign in to slack (Claude Code) ...")
	d.until("the panel shows another icon", func() bool { return differ(fresh, look(t, screen, tray)) > 20 })
	note := screen.Notice()
	// Its buttons are in the lower right corner: "Sign in", "Open".
	screen.Press(note.X+note.Width-149, note.Y+note.Height-31)
	d.signedIn(s, slack)
	d.icon(item, assets.Fresh)
	d.until("the notification is gone", func() bool { return len(screen.Frames("--class", "xfce4-notifyd")) == 0 })
	d.until("the panel shows the icon of before", func() bool { return differ(fresh, look(t, screen, tray)) == 0 })
	if n := notices(); n != 1 {
		t.Errorf("%d notifications for one death", n)
	}

	screen.Panel() // it crashed
	d.until("the icon is on the new panel", func() bool { return differ(empty, look(t, screen, tray)) > 50 })
	d.dies(s, linear)
	d.shows(item, "Sign in to linear (Codex) ...")
	screen.PressIcon()
	menu := screen.Menu()
	// The second line: the first says how things are.
	screen.Press(menu.X+menu.Width/2, menu.Y+42)
	d.signedIn(s, linear)
	d.icon(item, assets.Fresh)
	d.until("the notification is gone", func() bool { return len(screen.Frames("--class", "xfce4-notifyd")) == 0 })

	item.Click("Quit")
	if err := d.cmd.Wait(); err != nil {
		t.Error(err)
	}
	d.until("the icon is gone", func() bool { return differ(empty, look(t, screen, tray)) == 0 })
	if n := notices(); n != 2 {
		t.Errorf("%d notifications for two deaths", n)
	}
	if leak := d.Leaks(); leak != "" {
		t.Error(leak)
	}
}

// realWindowOpens waits for the real window on the screen.
func (d *desk) realWindowOpens(screen *desktop.Screen) (pid int) {
	d.T.Helper()
	d.until("a window", func() bool { return len(screen.Frames("--name", "^Lamplighter$")) > 0 })
	for _, child := range children(d.cmd.Process.Pid) {
		pid = child
	}
	return pid
}

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

func TestTheRealWindow(t *testing.T) {
	d, screen := onScreen(t, desktop.Light)
	if !d.realWindow() {
		t.Skip("lamplighter-window is not built (make window)")
	}
	s := authtest.New(t, authtest.Options{})
	var lines []*lab.Line
	for i, name := range []string{"linear", "notion"} {
		lines = append(lines, d.Codex(name, s, authtest.GrantOptions{AccessLeft: time.Duration(50+i) * time.Minute}))
	}
	d.start("--at-login")
	item := d.bus.ItemOf(d.cmd.Process.Pid)
	d.icon(item, assets.Fresh)
	open := func() (pid int) {
		t.Helper()
		began := time.Now()
		if r := d.Ends(d.run()); r.Code != 0 {
			t.Fatalf("a second start ended with %d: %s", r.Code, r.Output)
		}
		pid = d.realWindowOpens(screen)
		t.Logf("on the screen %d ms after the second start", time.Since(began).Milliseconds())
		return pid
	}
	ended := func(pid int) {
		t.Helper()
		d.until("the window's end", func() bool {
			return syscall.Kill(pid, 0) != nil && len(screen.Frames("--name", "^Lamplighter$")) == 0
		})
		if left := children(d.cmd.Process.Pid); len(left) > 0 {
			t.Errorf("processes %v are left", left)
		}
	}

	pid := open() // closed as its user closes it
	screen.Hand("search", "--name", "^Lamplighter$", "windowactivate", "--sync", "key", "ctrl+w")
	ended(pid)
	d.goesOn(lines[0])

	pid = open() // crashed
	syscall.Kill(pid, syscall.SIGSEGV)
	ended(pid)
	d.goesOn(lines[1])

	pid = open() // its parent is killed
	d.end(d.cmd, syscall.SIGKILL)
	d.until("the window's end", func() bool { return syscall.Kill(pid, 0) != nil })

	d.start("--at-login")
	d.icon(d.bus.ItemOf(d.cmd.Process.Pid), assets.Fresh)
	pid = open()
	d.quit()
	d.until("the window's end", func() bool { return syscall.Kill(pid, 0) != nil })
	d.well()
}
