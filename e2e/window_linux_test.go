package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"lamplighter/app/model"
	"lamplighter/assets"
	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// opens waits for the n-th window.
func (d *desk) opens(n int) *window {
	d.T.Helper()
	d.until("a window", func() bool { return len(d.opened()) >= n })
	return d.opened()[n-1]
}

// gone waits until a window's process is no more.
func (d *desk) gone(w *window) {
	d.T.Helper()
	d.until("the window's end", func() bool { return w.hasGone() && ended(w.pid) })
}

// ended reports that a process is no more, whether or not somebody waited for
// it: in a container without an init nobody does.
func ended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(stat), ") ")
	return err != nil || strings.HasPrefix(state, "Z")
}

// goesOn shows that a keeper keeps: the token is refreshed, for the first time.
func (d *desk) goesOn(line *lab.Line) {
	d.T.Helper()
	before, _ := d.Stored(line)
	d.late(line)
	d.until("a refresh", func() bool {
		c, ok := d.Stored(line)
		return ok && !c.Access.Equal(before.Access) && d.Landed(line) == ""
	})
}

func TestASecondStartShowsTheWindowOfTheFirst(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.window(t)
	s := authtest.New(t, authtest.Options{})
	d.Claude("slack", s, authtest.GrantOptions{})
	panel := d.bus.Panel()
	d.start()
	item := panel.Item()
	d.icon(item, assets.Fresh)
	for range 3 {
		if r := d.Ends(d.run()); r.Code != 0 {
			t.Fatalf("a second start ended with %d: %s", r.Code, r.Output)
		}
	}
	w := d.opens(1)
	d.until("each start brings it to the front", func() bool { return len(w.shows()) == 3 })
	if m := w.model(); len(m.Rows) != 1 || m.Rows[0].ID != "claude/mcp/slack" || !strings.HasPrefix(item.Open().String(), "("+m.Summary) {
		t.Errorf("the window shows %q, the menu:\n%s", m.Summary, item.Open())
	}
	d.quit()
	d.gone(w)
	if n := len(d.opened()); n != 1 {
		t.Errorf("%d windows", n)
	}
	if n := panel.Items(); n != 1 {
		t.Errorf("%d icons", n)
	}
}

// A window takes its time to end after it was closed.
func TestAClickAfterAWindowIsClosedOpensAnother(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.window(t)
	panel := d.bus.Panel()
	d.start()
	item := panel.Item()
	item.Click("Open Lamplighter")
	d.opens(1).close()
	d.until("another window", func() bool {
		item.Click("Open Lamplighter") // the first may come before it is closed
		return len(d.opened()) > 1
	})
	d.quit()
}

func TestAClickOnANotificationOpensTheCredential(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.window(t)
	s := authtest.New(t, authtest.Options{})
	d.Claude("other", s, authtest.GrantOptions{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	panel, notes := d.bus.Panel(), d.bus.Notifications("actions")
	d.start()
	panel.Item()
	d.dies(s, slack)
	notes.Press(notes.One(), "")
	w := d.opens(1)
	d.until("a page is asked for", func() bool { return len(w.shows()) == 1 })
	key := w.shows()[0].Key
	for _, r := range w.model().Rows {
		if (r.Key == key) != (r.ID == slack.ID) {
			t.Errorf("the page is %q; the row of %s has %q", key, r.ID, r.Key)
		}
	}
	d.quit()
}

// What is clicked in the window is done, and it is told what came of it.
func TestTheWindowActsOnTheKeeper(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.window(t)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	panel := d.bus.Panel()
	d.start()
	panel.Item().Click("Open Lamplighter")
	w := d.opens(1)
	d.until("a model", func() bool { return len(w.model().Rows) == 1 })
	key := w.model().Rows[0].Key
	w.do(model.Action{Do: model.Refresh, Key: key})
	d.until("an answer", func() bool { return strings.Contains(w.told(), "refreshed") })
	if wrong := d.Landed(slack); wrong != "" {
		t.Error(wrong)
	}
	w.do(model.Action{Do: model.Pause, Key: key, Value: "1h"})
	d.until("it is paused", func() bool { m := w.model(); return len(m.Rows) == 1 && m.Rows[0].State == "paused" })
	w.do(model.Action{Do: "nonsense", Key: key})
	w.do(model.Action{Do: model.Refresh, Key: "nobody"})
	w.do(model.Action{Do: model.Resume, Key: key})
	d.until("it goes on", func() bool { m := w.model(); return len(m.Rows) == 1 && m.Rows[0].State == "fresh" })
	d.quit()
	if n := s.TokenPosts(slack.Grant.ID); n != 1 {
		t.Errorf("%d requests by one click", n)
	}
	d.well()
}

// Whatever becomes of a window, the keeper goes on, and nothing is left behind.
func TestAWindowThatEndsAnyWay(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.window(t)
	s := authtest.New(t, authtest.Options{})
	var lines []*lab.Line
	for i, name := range []string{"one", "two", "three", "four"} {
		lines = append(lines, d.Claude(name, s, authtest.GrantOptions{AccessLeft: time.Duration(50+i) * time.Minute}))
	}
	panel := d.bus.Panel()
	d.start()
	item := panel.Item()
	for i, ends := range []func(w *window){
		func(w *window) { w.close() },
		func(w *window) { syscall.Kill(w.pid, syscall.SIGSEGV) },
		func(w *window) { syscall.Kill(w.pid, syscall.SIGKILL) },
	} {
		item.Click("Open Lamplighter")
		w := d.opens(i + 1)
		d.until("a model", func() bool { return len(w.model().Rows) == len(lines) })
		ends(w)
		d.gone(w)
		d.goesOn(lines[i])
	}
	// One that hangs: the menu works, and quitting ends it all the same.
	item.Click("Open Lamplighter")
	w := d.opens(4)
	d.until("a model", func() bool { return len(w.model().Rows) == len(lines) })
	syscall.Kill(w.pid, syscall.SIGSTOP)
	d.goesOn(lines[3])
	for range 20 {
		item.Click("Open Lamplighter")
		item.Open()
	}
	d.quit()
	d.gone(w)
	d.well()
}

func TestAWindowEndsWithItsParent(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.window(t)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	panel := d.bus.Panel()
	d.start()
	panel.Item().Click("Open Lamplighter")
	w := d.opens(1)
	d.end(d.cmd, syscall.SIGKILL)
	d.gone(w)
	// And the next start is none the worse for it.
	d.start()
	d.until("another icon", func() bool { return panel.Items() == 2 })
	d.icon(panel.Item(), assets.Fresh)
	d.goesOn(slack)
	d.quit()
	d.well()
}

// Without a tray the window is the face; where it is missing the menu says
// nothing of it, and a second start is no failure.
func TestWithoutTheWindowEverythingElseWorks(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	panel := d.bus.Panel()
	d.start()
	item := panel.Item()
	d.icon(item, assets.Fresh)
	if menu := item.Open().String(); strings.Contains(menu, "Open") || strings.Contains(menu, "Details") {
		t.Errorf("it offers a window that is not there:\n%s", menu)
	}
	if r := d.Ends(d.run()); r.Code != 0 {
		t.Errorf("a second start ended with %d: %s", r.Code, r.Output)
	}
	d.until("it is said", func() bool { return strings.Contains(said(d.cmd), "he window is not installed") })
	d.goesOn(slack)
	d.quit()
	d.well()
}

func TestADisplayWithoutATrayHasTheWindow(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.window(t)
	d.env = append(d.env, "DISPLAY=:EXAMPLE")
	s := authtest.New(t, authtest.Options{})
	d.Claude("slack", s, authtest.GrantOptions{})
	d.start()
	w := d.opens(1)
	d.until("it says how to get an icon", func() bool {
		return strings.Contains(strings.Join(w.model().Notes, "\n"), "no tray icons")
	})
	w.close()
	d.gone(w)
	if r := d.Ends(d.run()); r.Code != 0 {
		t.Fatalf("a second start ended with %d: %s", r.Code, r.Output)
	}
	d.opens(2)
	panel := d.bus.Panel() // the extension is installed
	d.icon(panel.Item(), assets.Fresh)
	d.until("the note goes", func() bool { return len(d.opened()[1].model().Notes) < 2 })
	w = d.opens(2)
	w.do(model.Action{Do: model.Quit})
	d.until("it quits", func() bool { return w.hasGone() })
	if err := d.cmd.Wait(); err != nil {
		t.Error(err)
	}
}
