package app

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lamplighter/app/model"
	"lamplighter/app/tray"
	"lamplighter/assets"
	"lamplighter/refresher"
)

// faceOf is the icon and the menu for a Model. window: the program that draws
// is installed.
func faceOf(m model.Model, goos string, window bool) tray.Face {
	return tray.Face{
		Icon:      tray.Icon{Name: m.Icon, Images: assets.Tray(m.Icon, goos)},
		Attention: m.Icon == assets.NeedsYou, Title: "Lamplighter", Tooltip: m.Summary, Menu: menuOf(m, window),
	}
}

// menuOf is the whole menu: how things are, who needs a person, then everything
// by client, and what concerns all.
func menuOf(m model.Model, window bool) []tray.Item {
	items := []tray.Item{{Text: m.Summary}}
	for _, n := range m.Notes {
		items = append(items, tray.Item{Text: n})
	}
	line := tray.Item{Separator: true}
	if s := m.SignIn; s != nil {
		items = append(items, line, tray.Item{Text: fmt.Sprintf(menuSigningIn, s.Title)},
			tray.Item{Text: menuAgain, Do: model.Action{Do: model.Login, Key: s.Key}},
			tray.Item{Text: menuCancel, Do: model.Action{Do: model.CancelLogin}})
	}
	if !m.Begun && len(m.Rows) > 0 {
		items = append(items, line, tray.Item{Text: menuBegin, Do: model.Action{Do: model.Begin}},
			tray.Item{Text: menuOnlyWatch, Do: model.Action{Do: model.OnlyWatch}})
	}
	var urgent []tray.Item
	for _, first := range []bool{true, false} { // what one click mends
		for _, r := range m.Rows {
			signing := m.SignIn != nil && m.SignIn.Key == r.Key
			if item, ok := urgentItem(r); ok && r.NeedsYou == first && !signing {
				urgent = append(urgent, item)
			}
		}
	}
	for i, p := range m.Problems {
		item := tray.Item{Text: p.Message, Do: model.Action{Do: model.Open, Value: "problems"}, Off: !window}
		if i == menuProblems {
			item.Text = plural(len(m.Problems)-i, menuMoreOne, menuMore)
			urgent = append(urgent, item)
			break
		}
		urgent = append(urgent, item)
	}
	for _, what := range m.Restarts {
		urgent = append(urgent, tray.Item{Text: what})
	}
	if len(urgent) > 0 {
		items = append(append(items, line), urgent...)
	}
	if len(m.Rows) > menuRows {
		items = append(items, line)
	}
	for _, client := range clientsOf(m.Rows) {
		var rows []tray.Item
		for _, r := range client {
			rows = append(rows, rowItem(r, m.Begun, window))
		}
		if len(m.Rows) > menuRows {
			items = append(items, tray.Item{Text: clientText(client, m.Begun), Items: rows})
			continue
		}
		items = append(append(items, line, tray.Item{Text: homeOf(client[0])}), rows...)
	}
	return append(append(items, line), allItems(m, window)...)
}

// A menu has to fit on a screen: from so many credentials on each client has a
// menu of its own.
const (
	menuRows     = 15
	menuProblems = 3
)

// clientText is a client with how its tokens are.
func clientText(rows []model.Row, begun bool) string {
	fresh, kept := 0, 0
	for _, r := range rows {
		if r.Kept {
			kept++
		}
		if r.Kept && is(r, refresher.Fresh) {
			fresh++
		}
	}
	text := fmt.Sprintf(menuClient, homeOf(rows[0]), len(rows))
	if fresh < kept && begun {
		text += fmt.Sprintf(menuNotFresh, kept-fresh)
	}
	return text
}

// urgentItem mends by one click what only a person can mend.
func urgentItem(r model.Row) (tray.Item, bool) {
	switch {
	case r.NeedsYou && slices.Contains(r.Can, model.Restore):
		return tray.Item{Text: fmt.Sprintf(menuPutBackTo, titleOf(r)), Do: model.Action{Do: model.Restore, Key: r.Key}}, true
	case r.NeedsYou && slices.Contains(r.Can, model.Login):
		return tray.Item{Text: fmt.Sprintf(menuSignInTo, titleOf(r)), Do: model.Action{Do: model.Login, Key: r.Key}}, true
	case r.NeedsYou:
		return tray.Item{Text: fmt.Sprintf(menuNeedsYou, titleOf(r), r.Do)}, true
	case !r.Unused && (is(r, refresher.Unsaved) || is(r, refresher.Misconfigured)):
		return tray.Item{Text: fmt.Sprintf(menuTrouble, titleOf(r), r.Word), Do: model.Action{Do: model.Open, Key: r.Key}}, true
	}
	return tray.Item{}, false
}

// titleOf names a credential for people: "Slack (Claude Code)".
func titleOf(r model.Row) string { return fmt.Sprintf("%s (%s)", short(r.Title), homeOf(r)) }

// homeOf is a client, and which of its homes if there are several.
func homeOf(r model.Row) string {
	if r.Profile == "" {
		return r.ClientTitle
	}
	return r.ClientTitle + " @" + short(r.Profile)
}

// nameRunes is how much of a name fits into a line of a menu or the title of a
// notification with all that is said of it. The whole name is in the window.
const nameRunes = 24

// short cuts a name that somebody chose, and keeps it from reordering what
// stands around it.
func short(name string) string {
	runes := []rune(name)
	if len(runes) <= nameRunes {
		return isolated(name)
	}
	return isolated(strings.TrimSpace(string(runes[:nameRunes-1])) + "…")
}

// clientsOf groups rows by client and home, as they come.
func clientsOf(rows []model.Row) (groups [][]model.Row) {
	at := map[string]int{}
	for _, r := range rows {
		home := r.Client + "@" + r.Profile
		i, ok := at[home]
		if !ok {
			i = len(groups)
			at[home], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], r)
	}
	return groups
}

// actions are those of one credential, in the order of the menu.
var actions = []struct{ do, text string }{
	{model.Refresh, menuRefresh}, {model.Copy, menuCopy}, {model.Pause, menuPause}, {model.Resume, menuResume},
	{model.Keep, menuKeep}, {model.Watch, menuWatch}, {model.Login, menuSignIn}, {model.Restore, menuPutBack}, {model.Ask, menuAsk},
}

func rowItem(r model.Row, begun, window bool) tray.Item {
	item := tray.Item{Text: rowText(r)}
	why := r.Reason
	if !begun && r.Plan != "" {
		why = fmt.Sprintf(menuPlan, r.Plan)
	}
	item.Items = append(item.Items, tray.Item{Text: upper(why)}, tray.Item{Separator: true})
	mends, ok := urgentItem(r)
	switch {
	case ok && mends.Do.Do == model.Login:
		item.Items = append(item.Items, tray.Item{Text: menuSignIn, Do: mends.Do})
	case ok && mends.Do.Do == model.Restore:
		item.Items = append(item.Items, tray.Item{Text: menuPutBack, Do: mends.Do})
	}
	for _, a := range actions {
		switch {
		case !slices.Contains(r.Can, a.do), a.do == mends.Do.Do:
		case a.do == model.Pause:
			item.Items = append(item.Items, pauses(a.text, model.Action{Do: a.do, Key: r.Key}))
		default:
			item.Items = append(item.Items, tray.Item{Text: a.text, Do: model.Action{Do: a.do, Key: r.Key}})
		}
	}
	if window {
		item.Items = append(item.Items, tray.Item{Text: menuDetails, Do: model.Action{Do: model.Open, Key: r.Key}})
	}
	return item
}

// pauses are those that a click begins: each ends by itself.
func pauses(text string, a model.Action) tray.Item {
	hour, tomorrow := a, a
	hour.Value, tomorrow.Value = "1h", "tomorrow"
	return tray.Item{Text: text, Items: []tray.Item{{Text: menuHour, Do: hour}, {Text: menuTomorrow, Do: tomorrow}}}
}

// rowText is a credential in one line: the state by its word where it is not
// the one that all should have.
func rowText(r model.Row) string {
	name := short(r.Title)
	parts := []string{}
	if !is(r, refresher.Fresh) {
		parts = append(parts, r.Word)
	}
	if r.Left != "" {
		parts = append(parts, r.Left)
	}
	if len(parts) == 0 {
		return name
	}
	return name + ": " + strings.Join(parts, ", ")
}

// allItems concern everything.
func allItems(m model.Model, window bool) []tray.Item {
	var items []tray.Item
	if window {
		items = append(items, tray.Item{Text: menuOpen, Do: model.Action{Do: model.Open}})
	}
	switch {
	case !m.Paused.IsZero():
		items = append(items, tray.Item{Text: fmt.Sprintf(menuResumeAll, pausedUntil(m)), Do: model.Action{Do: model.ResumeAll}})
	case m.Begun:
		items = append(items, pauses(menuPauseAll, model.Action{Do: model.PauseAll}))
	}
	login := tray.Item{Text: menuAtLogin, Checkable: true, Checked: m.AtLogin, Do: model.Action{Do: model.AtLogin, Value: "on"}}
	if m.AtLogin {
		login.Do.Value = "off"
	}
	items = append(items, login)
	if window {
		items = append(items, tray.Item{Text: menuAbout, Do: model.Action{Do: model.About}})
	} else {
		items = append(items, tray.Item{Text: fmt.Sprintf(menuVersion, m.Version)})
	}
	return append(items, tray.Item{Separator: true}, tray.Item{Text: menuQuit, Do: model.Action{Do: model.Quit}})
}

func pausedUntil(m model.Model) string {
	if m.Paused.Sub(m.At) > 10*365*24*time.Hour {
		return menuForever
	}
	return fmt.Sprintf(menuUntil, clock(m.Paused, m.At))
}
