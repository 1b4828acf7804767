package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"lamplighter/assets"
	"lamplighter/refresher/authtest"
)

const commented = `# mine, and it stays
mode = "keep" # the nights are long

[lead]
# a quarter of an hour
least = "15m"
`

func (d *desk) config() string {
	text, _ := os.ReadFile(d.Path(".config", "lamplighter", "config.toml"))
	return string(text)
}

// without is the config but for the lines that begin so.
func (d *desk) without(start string) string {
	var lines []string
	for line := range strings.Lines(d.config()) {
		if !strings.HasPrefix(line, start) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func TestEverythingIsPausedByTheMenuAndGoesOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Settings(commented)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	panel := d.bus.Panel()
	d.start()
	item := panel.Item()
	d.icon(item, assets.Fresh)

	item.Click("Pause all", "For 1 hour")
	d.icon(item, assets.Paused)
	d.shows(item, "slack: paused")
	if text := d.config(); !strings.Contains(text, "paused_until = ") || d.without("paused_until") != commented {
		t.Errorf("the config is\n%s", text)
	}
	d.late(slack)
	d.shows(item, "1 min left")
	if st, _ := d.Status("claude/mcp/slack"); st.State != "paused" {
		t.Errorf("a command line says %s", st.State)
	}
	if n := s.TokenPosts(slack.Grant.ID); n > 0 {
		t.Errorf("%d requests in a pause", n)
	}
	item.Click("Resume all...")
	d.until("it goes on", func() bool { return s.TokenPosts(slack.Grant.ID) == 1 && d.Landed(slack) == "" })
	d.icon(item, assets.Fresh)
	if text := d.config(); text != commented {
		t.Errorf("the config is\n%s", text)
	}
	d.quit()
	d.well()
}

func TestAPauseUntilTomorrowSurvivesARestart(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Settings(commented)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{AccessLeft: 25 * time.Minute})
	panel := d.bus.Panel()
	d.start()
	panel.Item().Click("Pause all", "Until tomorrow")
	d.icon(panel.Item(), assets.Paused)
	d.quit()
	d.late(slack)
	d.start()
	d.until("another icon", func() bool { return panel.Items() == 2 })
	d.shows(panel.Item(), "slack: paused")
	d.line(panel.Item(), "Resume all (paused until ...")
	d.quit()
	if n := s.TokenPosts(slack.Grant.ID); n > 0 {
		t.Errorf("%d requests in a pause", n)
	}
	if d.without("paused_until") != commented {
		t.Errorf("the config is\n%s", d.config())
	}
}

func TestOneIsPausedWatchedAndKeptByTheMenu(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Settings(commented)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	linear := d.Codex("linear", s, authtest.GrantOptions{AccessLeft: 40 * time.Minute})
	panel := d.bus.Panel()
	d.start()
	item := panel.Item()
	for _, step := range []struct {
		click       []string
		state, mode string
	}{
		{[]string{"Pause", "For 1 hour"}, "paused", "paused"}, {[]string{"Resume"}, "fresh", "keep"},
		{[]string{"Only watch"}, "watch-only", "watch-only"}, {[]string{"Keep fresh"}, "fresh", "keep"},
	} {
		item.Click(append([]string{"slack: ..."}, step.click...)...)
		d.until(step.click[0], func() bool {
			st, _ := d.Status("claude/mcp/slack")
			return st.State == step.state && st.Mode == step.mode
		})
		want := "slack: " + step.state
		if step.state == "fresh" {
			want = "slack: 1 h" // its life is what there is to say
		}
		d.menu(item, want, func(menu string) bool {
			return strings.Contains(menu, want) || step.state == "fresh" && strings.Contains(menu, "slack: 59 min")
		})
		if st, _ := d.Status("codex/mcp/linear"); st.State != "fresh" {
			t.Errorf("%v of slack made linear %s", step.click, st.State)
		}
	}
	d.quit()
	if d.config() != commented {
		t.Errorf("the config is\n%s", d.config())
	}
	if n := s.TokenPosts(slack.Grant.ID) + s.TokenPosts(linear.Grant.ID); n > 0 {
		t.Errorf("%d requests", n)
	}
	d.well()
}

func TestABrokenConfigIsToldAndNothingRefreshedUntilItIsMended(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const broken = "# mine\nmode = \"kep\"\n"
	d.Settings(broken)
	s := authtest.New(t, authtest.Options{})
	due := d.Claude("slack", s, authtest.GrantOptions{AccessLeft: time.Minute})
	panel := d.bus.Panel()
	d.start()
	item := panel.Item()
	d.icon(item, assets.NeedsYou)
	d.shows(item, "config.toml:2")
	d.shows(item, "slack: watch-only")
	if n := len(s.Log()); n > 0 {
		t.Errorf("%d requests with a config that cannot be read", n)
	}
	if d.config() != broken {
		t.Errorf("the config is\n%s", d.config())
	}
	d.Settings("# mine\nmode = \"keep\"\n")
	d.until("it goes on", func() bool { return s.TokenPosts(due.Grant.ID) == 1 && d.Landed(due) == "" })
	d.icon(item, assets.Fresh)
	d.hides(item, "config.toml")
	d.quit()
	d.well()
}
