package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"lamplighter/assets"
	"lamplighter/refresher/authtest"
)

func TestNothingIsRefreshedUntilTheUserBegins(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	os.Remove(d.Path(".config", "lamplighter", "config.toml"))
	s := authtest.New(t, authtest.Options{})
	due := d.Claude("slack", s, authtest.GrantOptions{AccessLeft: time.Minute})
	panel := d.bus.Panel()
	d.start()
	item := panel.Item()
	d.shows(item, "One token found")
	if menu := item.Open().String(); !strings.Contains(menu, "watch-only") || !strings.Contains(menu, "kept fresh") {
		t.Errorf("it does not say what is and what would be:\n%s", menu)
	}
	d.icon(item, assets.Paused)
	if n := len(s.Log()); n > 0 {
		t.Errorf("%d requests before the user has begun", n)
	}
	item.Click("Begin...")
	d.until("the token is refreshed", func() bool {
		return d.Landed(due) == "" && s.Current(due.Grant.ID).AccessToken != due.Grant.AccessToken
	})
	d.icon(item, assets.Fresh)
	d.hides(item, "Begin")
	d.quit()
	d.well()
}

func TestOnlyWatchStaysSoAcrossARestart(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	os.Remove(d.Path(".config", "lamplighter", "config.toml"))
	s := authtest.New(t, authtest.Options{})
	d.Claude("slack", s, authtest.GrantOptions{AccessLeft: time.Minute})
	panel := d.bus.Panel()
	d.start()
	panel.Item().Click("Only watch")
	d.hides(panel.Item(), "Begin")
	d.quit()
	d.start()
	d.until("another icon", func() bool { return panel.Items() == 2 })
	item := panel.Item()
	d.shows(item, "slack: watch-only")
	d.hides(item, "Begin")
	d.icon(item, assets.Paused)
	d.quit()
	if n := len(s.Log()); n > 0 {
		t.Errorf("%d requests, although it only watches", n)
	}
}
