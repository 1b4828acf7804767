package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/app/model"
	"lamplighter/app/tray"
	"lamplighter/assets"
	"lamplighter/refresher"
)

// drawn is a menu as text.
func drawn(items []tray.Item, indent string) string {
	var b strings.Builder
	for _, item := range items {
		switch {
		case item.Separator:
			fmt.Fprintf(&b, "%s----\n", indent)
			continue
		case item.Checkable && item.Checked:
			fmt.Fprintf(&b, "%s[x] %s", indent, item.Text)
		case item.Checkable:
			fmt.Fprintf(&b, "%s[ ] %s", indent, item.Text)
		default:
			fmt.Fprintf(&b, "%s%s", indent, item.Text)
		}
		if item.Do.Do != "" && !item.Off {
			fmt.Fprintf(&b, "  <%s>", strings.TrimSpace(item.Do.Do+" "+item.Do.Value))
		}
		b.WriteString("\n" + drawn(item.Items, indent+"    "))
	}
	return b.String()
}

func walk(items []tray.Item, see func(tray.Item)) {
	for _, item := range items {
		see(item)
		walk(item.Items, see)
	}
}

func faced(snap refresher.Snapshot) model.Model {
	v := view{os: "linux", home: "/home/ada", keeper: true}
	m := v.model(snap, nil)
	m.Version, m.Begun = "1.2.3", true
	m.Icon = iconOf(m)
	return m
}

func TestTheMenuOfEveryState(t *testing.T) {
	golden(t, "menu.txt", []byte(drawn(menuOf(faced(everything()), true), "")))
}

func TestTheMenuBeforeTheUserHasBegun(t *testing.T) {
	snap := everything()
	v := view{os: "linux", home: "/home/ada", keeper: true, waits: wordWaits}
	for i := range snap.Rows {
		snap.Rows[i].Decision = refresher.Decision{State: refresher.WatchOnly, Why: refresher.UserSays}
		snap.Rows[i].Mode.Mode = ""
	}
	m := v.model(snap, nil)
	m.Version = "1.2.3"
	walk(menuOf(m, false), func(item tray.Item) {
		if slices.Contains([]string{model.Refresh, model.PauseAll}, item.Do.Do) {
			t.Errorf("%q is offered", item.Text)
		}
	})
	text := drawn(menuOf(m, false), "")
	for _, want := range []string{"<begin>", "<only-watch>"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%s is not there once:\n%s", want, text)
		}
	}
	if strings.Contains(text, "<open>") || strings.Contains(text, "<about>") {
		t.Error("a window is offered that is not installed")
	}
}

// A click names the credential that stood under it.
func TestEveryClickOnACredentialNamesIt(t *testing.T) {
	m := faced(everything())
	keys := map[string]bool{}
	for _, r := range m.Rows {
		if keys[r.Key] {
			t.Errorf("%s shares its key", r.ID)
		}
		keys[r.Key] = true
	}
	about := []string{model.Login, model.Refresh, model.Copy, model.Pause, model.Resume, model.Keep, model.Watch}
	seen := 0
	walk(menuOf(m, true), func(item tray.Item) {
		if slices.Contains(about, item.Do.Do) {
			seen++
			if !keys[item.Do.Key] {
				t.Errorf("%q acts on %q", item.Text, item.Do.Key)
			}
		}
	})
	if seen < 50 {
		t.Errorf("only %d", seen)
	}
}

// What is said of a credential is not pushed out of sight by its name.
func TestALongNameIsCutByCharacters(t *testing.T) {
	r := model.Row{Title: strings.Repeat("ж", nameRunes+1), Profile: strings.Repeat("日", nameRunes), ClientTitle: "Codex", Left: "1 h left", State: "fresh"}
	cut := strings.Repeat("ж", nameRunes-1) + "…"
	if got, want := titleOf(r), cut+" (Codex @"+r.Profile+")"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if got := rowText(r); got != cut+": 1 h left" {
		t.Errorf("the menu has %q", got)
	}
}

// Whatever needs a person is one click away, at the top of the menu.
func TestWhatNeedsAPersonIsOneClickFromBeingMended(t *testing.T) {
	m := faced(everything())
	top := map[string]bool{}
	for _, item := range menuOf(m, true) {
		if item.Do.Do == model.Login || item.Do.Do == model.Restore {
			top[item.Do.Key] = true
		}
	}
	for _, r := range m.Rows {
		mends := slices.Contains(r.Can, model.Login) || slices.Contains(r.Can, model.Restore)
		if r.NeedsYou && mends != top[r.Key] {
			t.Errorf("%s: %v", r.ID, top[r.Key])
		}
	}
	if len(top) < 3 {
		t.Errorf("%d can be mended", len(top))
	}
}

func TestTheIconTellsTheTruth(t *testing.T) {
	row := func(s refresher.State, why refresher.Why) refresher.Row {
		r := everything().Rows[0]
		r.Decision = refresher.Decision{State: s, Why: why}
		r.Expiry = noon.Add(time.Hour)
		return r
	}
	fresh := row(refresher.Fresh, refresher.NotDue)
	for _, c := range []struct {
		name string
		rows []refresher.Row
		with func(*model.Model)
		want string
	}{
		{"all is fresh", []refresher.Row{fresh, fresh}, nil, assets.Fresh},
		{"nothing is there", nil, nil, assets.Fresh},
		{"one is refreshed", []refresher.Row{fresh, row(refresher.Refreshing, refresher.InFlight)}, nil, assets.Working},
		{"the network is down", []refresher.Row{fresh, row(refresher.Retrying, refresher.TroubleUnsent)}, nil, assets.Working},
		{"one is dead", []refresher.Row{fresh, row(refresher.SignInNeeded, refresher.WasRefused)}, nil, assets.NeedsYou},
		{"one cannot be stored", []refresher.Row{row(refresher.Unsaved, refresher.Waiting), fresh}, nil, assets.NeedsYou},
		{"one is misconfigured", []refresher.Row{row(refresher.Misconfigured, refresher.BadSetup), fresh}, nil, assets.NeedsYou},
		{"one is paused", []refresher.Row{fresh, row(refresher.Paused, refresher.UserSays)}, nil, assets.Fresh},
		{"all are paused", []refresher.Row{row(refresher.Paused, refresher.AllPaused)}, nil, assets.Paused},
		{"everything is paused", []refresher.Row{fresh}, func(m *model.Model) { m.Paused = noon.Add(time.Hour) }, assets.Paused},
		{"the user has not begun", []refresher.Row{row(refresher.WatchOnly, refresher.UserSays)}, func(m *model.Model) { m.Begun = false }, assets.Paused},
		{"paused, and one is dead", []refresher.Row{row(refresher.SignInNeeded, refresher.WasRefused)}, func(m *model.Model) { m.Paused = noon.Add(time.Hour) }, assets.NeedsYou},
		{"a store cannot be read", []refresher.Row{fresh}, func(m *model.Model) { m.Problems = []model.Problem{{Store: "x", Message: "y"}} }, assets.NeedsYou},
	} {
		m := faced(refresher.Snapshot{At: noon, Rows: c.rows})
		if c.with != nil {
			c.with(&m)
		}
		if got := iconOf(m); got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
		for _, goos := range []string{"linux", "windows", "darwin"} {
			if f := faceOf(m, goos, true); len(f.Icon.Images[0]) == 0 || f.Attention != (f.Icon.Name == assets.NeedsYou) {
				t.Errorf("%s on %s: %s, attention %v", c.name, goos, f.Icon.Name, f.Attention)
			}
		}
	}
}
