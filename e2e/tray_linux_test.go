package e2e

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/lab/desktop"
	"lamplighter/refresher/authtest"
)

// A desk is the tray app, started on a throwaway computer.
type desk struct {
	*lab.Lab
	bus *desktop.Bus
	cmd *exec.Cmd
}

// start starts the program as a desktop does, with env besides.
func start(t *testing.T, l *lab.Lab, bus *desktop.Bus, env ...string) *desk {
	t.Helper()
	d := &desk{Lab: l, bus: bus}
	d.cmd = d.command(env...)
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.quit() })
	return d
}

func (d *desk) command(env ...string) *exec.Cmd {
	cmd := d.Command()
	cmd.Env = append(append(cmd.Env, "DBUS_SESSION_BUS_ADDRESS="+d.bus.Address()), env...)
	return cmd
}

// quit ends the program as a logout does.
func (d *desk) quit() {
	if d.cmd.ProcessState == nil {
		d.cmd.Process.Signal(syscall.SIGTERM)
		d.cmd.Wait()
	}
}

func (d *desk) until(what string, is func() bool) {
	d.T.Helper()
	if !lab.Until(desktop.Patience, is) {
		d.T.Fatalf("%s: not in %v", what, desktop.Patience)
	}
}

// well waits until there is nothing wrong any more.
func (d *desk) well() {
	d.T.Helper()
	if wrong := ""; !lab.Until(desktop.Patience, func() bool { wrong = d.Well(); return wrong == "" }) {
		d.T.Error(wrong)
	}
}

// shows waits for a menu in which a line begins so.
func (d *desk) shows(item *desktop.Item, text string) {
	d.T.Helper()
	var last desktop.Line
	if !lab.Until(desktop.Patience, func() bool { last = item.Open(); return strings.Contains(last.String(), text) }) {
		d.T.Fatalf("the menu does not show %q:\n%s", text, last)
	}
}

func TestNothingIsRefreshedUntilTheUserBegins(t *testing.T) {
	l := lab.New(t)
	s := authtest.New(t, authtest.Options{})
	due := l.Claude("slack", s, authtest.GrantOptions{AccessLeft: time.Minute})
	bus := desktop.NewBus(t)
	panel := bus.Panel()
	d := start(t, l, bus)
	item := panel.Item()
	d.shows(item, "One token found")
	if menu := item.Open().String(); !strings.Contains(menu, "watch-only") || !strings.Contains(menu, "kept fresh") {
		t.Errorf("it does not say what is and what would be:\n%s", menu)
	}
	if n := len(s.Log()); n > 0 {
		t.Errorf("%d requests before the user has begun", n)
	}
	item.Click("Begin...")
	d.until("the token is refreshed", func() bool { return l.Landed(due) == "" && s.Current(due.Grant.ID).AccessToken != due.Grant.AccessToken })
	d.shows(item, "fresh")
	d.well()
}
