package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lamplighter/assets"
	"lamplighter/lab/desktop"
	"lamplighter/refresher/authtest"
)

func TestTheIconComesBackWithThePanel(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	d.start()
	d.until("it keeps", func() bool { return strings.Contains(said(d.cmd), "fresh") })
	for range 3 { // late, and again
		panel := d.bus.Panel()
		item := panel.Item()
		d.icon(item, assets.Fresh)
		d.shows(item, "slack: ")
		if n := panel.Items(); n != 1 {
			t.Errorf("%d icons", n)
		}
		panel.Leave()
	}
	d.goesOn(slack)
	d.quit()
	d.well()
}

func TestTheIconComesBackWithTheBus(t *testing.T) {
	t.Parallel()
	bus := desktop.NoBus(t)
	d := newDeskOn(t, bus)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	d.start()
	d.until("it keeps without a bus", func() bool { return strings.Contains(said(d.cmd), "fresh") })
	for range 2 { // late, and again
		bus.Start()
		panel := bus.Panel()
		item := panel.Item()
		d.icon(item, assets.Fresh)
		d.shows(item, "slack: ")
		bus.Stop()
	}
	d.goesOn(slack)
	bus.Start()
	panel := bus.Panel()
	panel.Item().Click("Quit")
	if err := d.cmd.Wait(); err != nil {
		t.Error(err)
	}
	d.well()
}

// The server has rotated, and its answer is the only copy of the next token.
func TestAnAnswerIsNotLostByAnyEnd(t *testing.T) {
	for name, end := range map[string]func(*desk, *desktop.Item){
		"SIGTERM": func(d *desk, _ *desktop.Item) { d.cmd.Process.Signal(syscall.SIGTERM) },
		"SIGHUP":  func(d *desk, _ *desktop.Item) { d.cmd.Process.Signal(syscall.SIGHUP) },
		"menu":    func(d *desk, item *desktop.Item) { item.Click("Quit") },
		"no bus":  func(d *desk, _ *desktop.Item) { d.bus.Stop(); d.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			s := authtest.New(t, authtest.Options{})
			slack := d.Claude("slack", s, authtest.GrantOptions{})
			rotated, answer := make(chan bool), make(chan bool)
			s.BehaveGrant(slack.Grant.ID, authtest.Behaviour{BeforeAnswer: func() { rotated <- true; <-answer }})
			panel := d.bus.Panel()
			d.start()
			item := panel.Item()
			d.late(slack)
			<-rotated
			d.icon(item, assets.Working)
			end(d, item)
			d.until("its icon goes", item.Gone)
			close(answer)
			if err := d.cmd.Wait(); err != nil {
				t.Error(err)
			}
			if s.Current(slack.Grant.ID).AccessToken == slack.Grant.AccessToken {
				t.Error("nothing was refreshed")
			}
			if wrong := d.Well(); wrong != "" {
				t.Error(wrong)
			}
		})
	}
}

func TestAfterAKillItStartsAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	panel := d.bus.Panel()
	for i := range 3 {
		d.start()
		d.until("an icon", func() bool { return panel.Items() == i+1 })
		d.icon(panel.Item(), assets.Fresh)
		if i == 2 {
			break
		}
		d.end(d.cmd, syscall.SIGKILL)
	}
	d.goesOn(slack)
	d.quit()
	d.well()
}

// A bus is not looked for where none can be: none is started, and it keeps.
func TestWithoutABusItKeeps(t *testing.T) {
	t.Parallel()
	d := newDeskOn(t, desktop.NoBus(t))
	d.env = append(d.env, "DBUS_SESSION_BUS_ADDRESS=", "XDG_RUNTIME_DIR=")
	s := authtest.New(t, authtest.Options{})
	due := d.Claude("slack", s, authtest.GrantOptions{AccessLeft: time.Minute})
	d.start()
	d.until("it keeps", func() bool {
		return strings.Contains(said(d.cmd), "no tray icon") && d.Landed(due) == "" && s.TokenPosts(due.Grant.ID) == 1
	})
	d.quit()
	d.well()

	os.Remove(d.Path(".config", "lamplighter", "config.toml"))
	os.RemoveAll(filepath.Join(d.State, "memory"))
	d.start()
	d.until("it says which command begins", func() bool { return strings.Contains(said(d.cmd), "lamplighter mode --all keep") })
	d.quit()
}
