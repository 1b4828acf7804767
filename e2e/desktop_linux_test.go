//go:build e2e

package e2e

import (
	"image"
	"testing"
	"time"

	"lamplighter/assets"
	"lamplighter/lab/desktop"
	"lamplighter/refresher/authtest"
)

// reds counts the pixels that are red: the mark of an icon that says that
// somebody is needed.
func reds(img image.Image) (n int) {
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if r, g, b, _ := img.At(x, y).RGBA(); r > 2*g && r > 2*b && r > 0x8000 {
				n++
			}
		}
	}
	return n
}

// The whole way on a real panel: a grant dies, its owner presses the button of
// the notification, then on another one's line in the menu.
func TestOnARealDesktop(t *testing.T) {
	d, screen := onScreen(t, desktop.Light)
	s := authtest.New(t, authtest.Options{})
	linear := d.Codex("linear", s, authtest.GrantOptions{})
	slack := d.Claude("slack", s, authtest.GrantOptions{AccessLeft: 55 * time.Minute})
	notion := d.Codex("notion", s, authtest.GrantOptions{})
	notices := d.bus.ShownNotices()

	d.start("--at-login")
	item := d.bus.ItemOf(d.cmd.Process.Pid)
	d.icon(item, assets.Fresh)
	d.hides(item, "Nothing here shows")
	screen.Icon()
	fresh := look(t, screen, screen.Strip())
	if n := reds(fresh); n > 0 {
		t.Errorf("the icon has a red mark (%d pixels) while all is fresh", n)
	}
	item.Click("notion: ...", "Refresh now")
	d.until("notion is refreshed", func() bool {
		c, ok := d.Stored(notion)
		return ok && c.Access.Reveal() != notion.Grant.AccessToken && d.Landed(notion) == ""
	})
	d.icon(item, assets.Fresh)

	d.dies(s, slack)
	d.icon(item, assets.NeedsYou)
	d.shows(item, "Sign in to slack (Claude Code)…")
	d.until("the icon on the panel has a red mark", func() bool { return reds(look(t, screen, screen.Strip())) > 0 })
	screen.Find("Sign in to slack (Claude Code)") // the title
	screen.PressOn(screen.Find("Sign in"))
	d.signedIn(s, slack)
	d.icon(item, assets.Fresh)
	d.untold(screen)
	d.until("the panel shows the icon of before", func() bool { return differ(fresh, look(t, screen, screen.Strip())) == 0 })
	if n := notices(); n != 1 {
		t.Errorf("%d notifications for one death", n)
	}

	screen.Panel() // it crashed
	screen.Icon()
	d.dies(s, linear)
	d.shows(item, "Sign in to linear (Codex)…")
	screen.PressIcon()
	screen.PressOn(screen.FirstLine())
	d.signedIn(s, linear)
	d.icon(item, assets.Fresh)
	d.untold(screen)

	item.Click("Quit")
	if err := d.cmd.Wait(); err != nil {
		t.Error(err)
	}
	d.until("the icon is gone", func() bool { return !screen.HasIcon() })
	if n := notices(); n != 2 {
		t.Errorf("%d notifications for two deaths", n)
	}
	if leak := d.Leaks(); leak != "" {
		t.Error(leak)
	}
}

// untold waits until no notification is on the screen.
func (d *desk) untold(screen *desktop.Screen) {
	d.T.Helper()
	d.until("the notification is gone", func() bool { return len(screen.Frames("--class", "xfce4-notifyd")) == 0 })
}

// A person has the menu open; what he sees is what he clicks, whatever became
// of the credentials since.
func TestAnOpenMenuOfARealPanelStaysAsItWasRead(t *testing.T) {
	d, screen := onScreen(t, desktop.Light)
	s := authtest.New(t, authtest.Options{})
	alpha := d.Claude("alpha", s, authtest.GrantOptions{})
	beta := d.Claude("beta", s, authtest.GrantOptions{AccessLeft: 55 * time.Minute})
	d.start("--at-login")
	item := d.bus.ItemOf(d.cmd.Process.Pid)
	d.icon(item, assets.Fresh)
	d.dies(s, beta)
	d.shows(item, "Sign in to beta")
	screen.PressIcon()
	line := screen.FirstLine()
	d.dies(s, alpha) // whose line would come first now
	d.until("both are told", func() bool { return len(screen.Frames("--class", "xfce4-notifyd")) == 2 })
	screen.PressOn(line)
	d.signedIn(s, beta)
	d.shows(item, "Sign in to alpha")
	d.quit()
	if n := len(s.Grants()); n != 3 {
		t.Errorf("%d sign-ins by one click", n-2)
	}
}
