package e2e

import (
	"strings"
	"testing"
	"time"

	"lamplighter/assets"
	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// signedIn waits until a store holds the tokens of the server's latest sign-in.
func (d *desk) signedIn(s *authtest.Server, line *lab.Line) {
	d.T.Helper()
	d.until(line.ID+" is signed in", func() bool {
		all := s.Grants()
		c, ok := d.Stored(line)
		now := all[len(all)-1]
		return ok && now.ID != line.Grant.ID && c.Access.Reveal() == now.AccessToken && c.Refresh.Reveal() == now.RefreshToken
	})
}

func TestADeathIsToldOnceAndMendedByTheButton(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	linear := d.Codex("linear", s, authtest.GrantOptions{})
	panel, notes := d.bus.Panel(), d.bus.Notifications("actions", "body")
	d.start()
	item := panel.Item()
	d.icon(item, assets.Fresh)

	d.dies(s, slack)
	note := notes.One()
	if note.Title != "Sign in to slack (Claude Code)" || note.App != "Lamplighter" {
		t.Errorf("the notification is %q by %q", note.Title, note.App)
	}
	d.icon(item, assets.NeedsYou)
	if status := item.Property("Status").Value(); status != "NeedsAttention" {
		t.Errorf("the icon's status is %v", status)
	}
	d.shows(item, "Sign in to slack (Claude Code)…")

	notes.Press(note, "Sign in")
	d.signedIn(s, slack)
	d.icon(item, assets.Fresh)
	d.hides(item, "Sign in to")
	d.shows(item, "slack: ")
	d.until("the notification is gone", func() bool { return len(notes.Standing()) == 0 })
	d.quit()
	if all := notes.Shown(); len(all) != 1 {
		t.Errorf("%d notifications for one death: %+v", len(all), all)
	}
	for _, wrong := range []string{d.Landed(linear), d.Quiet(), d.Leaks()} {
		if wrong != "" {
			t.Error(wrong)
		}
	}
}

func TestADeathIsMendedByTheMenuAndTheNotificationGoes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	panel, notes := d.bus.Panel(), d.bus.Notifications("actions", "body")
	d.start()
	item := panel.Item()
	d.dies(s, slack)
	notes.One()
	item.Click("Sign in to slack (Claude Code)…")
	d.signedIn(s, slack)
	d.icon(item, assets.Fresh)
	d.until("the notification is gone", func() bool { return len(notes.Standing()) == 0 })
	d.quit()
	if leak := d.Leaks(); leak != "" {
		t.Error(leak)
	}
}

func TestADeathIsToldOnceAcrossRestarts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	panel, notes := d.bus.Panel(), d.bus.Notifications("actions", "body")
	d.start()
	d.dies(s, slack)
	notes.One()
	d.quit()
	d.until("no button is left that nobody answers", func() bool { return len(notes.Standing()) == 0 })
	for range 2 {
		before := panel.Items()
		d.start()
		d.until("another icon", func() bool { return panel.Items() > before })
		item := panel.Item()
		d.icon(item, assets.NeedsYou) // which goes on saying it
		d.shows(item, "Sign in to slack (Claude Code)…")
		d.quit()
	}
	if all := notes.Shown(); len(all) != 1 {
		t.Errorf("%d notifications for one death: %+v", len(all), all)
	}
}

// A keeper beside the tray app writes to its own output: one of both tells.
func TestADeathIsToldByOneOfTwoProcesses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	panel, notes := d.bus.Panel(), d.bus.Notifications("actions", "body")
	d.start()
	keeper := d.Keep()
	d.icon(panel.Item(), assets.Fresh)
	d.until("the keeper looks", func() bool { return strings.Contains(said(keeper), "fresh") })
	d.dies(s, slack)
	const needs = "slack needs you"
	d.icon(panel.Item(), assets.NeedsYou)
	d.until("somebody tells", func() bool { return strings.Contains(said(keeper), needs) || len(notes.Shown()) > 0 })
	if code := d.Stop(keeper); code != 0 {
		t.Errorf("the keeper ended with %d", code)
	}
	d.quit()
	byTray := strings.Count(said(d.cmd), needs)
	if n := byTray + strings.Count(said(keeper), needs); n != 1 {
		t.Errorf("told %d times", n)
	}
	if n := len(notes.Shown()); n != byTray {
		t.Errorf("%d notifications, and the tray app said it %d times", n, byTray)
	}
}

func TestATokenThatCannotBeStoredIsToldOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := authtest.New(t, authtest.Options{})
	linear := d.Codex("linear", s, authtest.GrantOptions{AccessLeft: time.Minute})
	unlock := d.holdStore()
	panel, notes := d.bus.Panel(), d.bus.Notifications("actions", "body")
	d.start()
	note := notes.One()
	if note.Title != "linear (Codex) cannot be stored" {
		t.Errorf("the notification is %q", note.Title)
	}
	item := panel.Item()
	d.icon(item, assets.NeedsYou)
	d.shows(item, "linear (Codex): unsaved")
	d.quit()
	before := panel.Items()
	d.start()
	d.until("another icon", func() bool { return panel.Items() > before })
	d.icon(panel.Item(), assets.NeedsYou)
	unlock()
	if r := d.Ends(d.run("refresh", "linear")); r.Code != 0 {
		t.Fatal(r.Output)
	}
	d.icon(panel.Item(), assets.Fresh)
	d.quit()
	if n := len(notes.Shown()); n != 1 {
		t.Errorf("%d notifications", n)
	}
	if n := s.TokenPosts(linear.Grant.ID); n != 1 {
		t.Errorf("%d requests for one token", n)
	}
	d.well()
}

func TestWithoutANotificationServiceTheMenuSaysSo(t *testing.T) {
	t.Parallel()
	const lacks = "Nothing here shows notifications"
	d := newDesk(t)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	panel := d.bus.Panel()
	d.start()
	item := panel.Item()
	d.shows(item, lacks)
	d.dies(s, slack)
	d.icon(item, assets.NeedsYou)

	notes := d.bus.Notifications("actions")
	d.hides(item, lacks)
	if note := notes.One(); note.Title != "Sign in to slack (Claude Code)" {
		t.Errorf("the one that waited is %q", note.Title)
	}
	notes.Leave()
	d.shows(item, lacks)
	again := d.bus.Notifications("actions")
	d.hides(item, lacks)
	d.quit()
	if n := len(again.Shown()); n > 0 {
		t.Errorf("shown again %d times, to who saw it", n)
	}
}
