//go:build !darwin || cgo

package window

import (
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"lamplighter/app/model"
)

// open shows a Model in a window of the test driver, and keeps what it sends.
func open(t *testing.T, m *model.Model) (*Window, *[]model.Action) {
	t.Helper()
	var sent []model.Action
	w := New(test.NewTempApp(t), func(a model.Action) { sent = append(sent, a) })
	w.win.Show()
	w.Model(m)
	return w, &sent
}

// controls are all that can have the focus, in the order of Tab.
func controls(w *Window) (all []fyne.Focusable) {
	canvas := w.win.Canvas()
	canvas.Unfocus()
	for range 500 {
		canvas.FocusNext()
		f := canvas.Focused()
		if f == nil || slices.Contains(all, f) {
			break
		}
		all = append(all, f)
	}
	return all
}

func named(f fyne.Focusable) string {
	if a, ok := f.(fyne.Accessible); ok {
		return a.AccessibilityLabel()
	}
	return ""
}

// press finds a control by its name and presses it.
func press(t *testing.T, w *Window, name string) {
	t.Helper()
	for _, f := range controls(w) {
		if named(f) == name {
			f.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
			return
		}
	}
	t.Fatalf("no control is called %q", name)
}

func want(t *testing.T, sent *[]model.Action, all ...model.Action) {
	t.Helper()
	if !slices.EqualFunc(*sent, all, func(a, b model.Action) bool {
		if (a.Home == nil) != (b.Home == nil) || a.Home != nil && *a.Home != *b.Home {
			return false
		}
		a.Home, b.Home = nil, nil
		return a == b
	}) {
		t.Errorf("sent %+v, want %+v", *sent, all)
	}
	*sent = nil
}

func TestSignInIsOneClick(t *testing.T) {
	w, sent := open(t, sample())
	test.Tap(w.pages[pageOverview].(*overview).rows["claude/slack"].button)
	want(t, sent, model.Action{Do: model.Login, Key: "claude/slack"})
}

func TestARowOpensItsPageAndEscapeComesBackToIt(t *testing.T) {
	w, sent := open(t, sample())
	r := w.pages[pageOverview].(*overview).rows["codex/notion"]
	w.win.Canvas().Focus(r)
	r.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if w.shown != pageRow {
		t.Fatalf("Return on a row shows %q", w.shown)
	}
	press(t, w, wordRefresh)
	press(t, w, wordPauseDay)
	press(t, w, wordWatch)
	want(t, sent, model.Action{Do: model.Refresh, Key: "codex/notion"},
		model.Action{Do: model.Pause, Key: "codex/notion", Value: "tomorrow"}, model.Action{Do: model.Watch, Key: "codex/notion"})
	back := w.pages[pageRow].(*rowPage).back
	w.win.Canvas().Focus(back)
	back.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if w.shown != pageOverview || w.win.Canvas().Focused() != fyne.Focusable(r) {
		t.Errorf("Escape shows %q with the focus on %v", w.shown, w.win.Canvas().Focused())
	}
}

func TestTheFirstRunHasTwoButtonsAndNothingElse(t *testing.T) {
	m := sample()
	m.Begun = false
	w, sent := open(t, m)
	var names []string
	for _, f := range controls(w) {
		names = append(names, named(f))
	}
	if !slices.Equal(names, []string{wordOnlyWatch, wordBegin}) {
		t.Errorf("the first run has %q", names)
	}
	press(t, w, wordBegin)
	press(t, w, wordOnlyWatch)
	want(t, sent, model.Action{Do: model.Begin}, model.Action{Do: model.OnlyWatch})
	w.Model(sample())
	if w.shown != pageOverview {
		t.Errorf("once begun, %q is shown", w.shown)
	}
}

func TestEveryControlIsReachedByTabAndHasAName(t *testing.T) {
	m := sample()
	m.SignIn = &model.SignIn{Key: "claude/slack", Title: "slack (Claude Code)", Text: "sign in", URL: "https://example.com/", Paste: true}
	w, _ := open(t, m)
	w.said("something")
	w.openRow("codex/notion")
	for name := range w.pages {
		if name == pageBegin {
			continue
		}
		w.show(name)
		reached := controls(w)
		for _, f := range reached {
			if named(f) == "" {
				t.Errorf("page %q: a %T has no name", name, f)
			}
		}
		for _, f := range focusables(w.win.Content()) {
			if !slices.Contains(reached, f) {
				t.Errorf("page %q: Tab does not reach %T %q", name, f, named(f))
			}
		}
	}
}

// focusables are those of ours that can be seen.
func focusables(o fyne.CanvasObject) (all []fyne.Focusable) {
	if !o.Visible() {
		return nil
	}
	if f, ok := o.(fyne.Focusable); ok {
		if d, ok := o.(fyne.Disableable); !ok || !d.Disabled() {
			all = append(all, f)
		}
	}
	var children []fyne.CanvasObject
	switch c := o.(type) {
	case *fyne.Container:
		children = c.Objects
	case *list: // its lines are not controls
	case fyne.Widget:
		children = test.WidgetRenderer(c).Objects()
	}
	for _, child := range children {
		all = append(all, focusables(child)...)
	}
	return all
}

func TestTabBringsARowIntoSight(t *testing.T) {
	w, _ := open(t, many(40))
	o := w.pages[pageOverview].(*overview)
	last := o.rows[o.list.Objects[len(o.list.Objects)-1].(*row).data.Key]
	w.win.Canvas().Focus(last)
	driver := fyne.CurrentApp().Driver()
	bottom := driver.AbsolutePositionForObject(last).Y + last.Size().Height
	if limit := driver.AbsolutePositionForObject(o.scroll).Y + o.scroll.Size().Height; bottom > limit {
		t.Errorf("the focused row ends at %v, the page at %v", bottom, limit)
	}
}

func TestCtrlWClosesFromEveryControl(t *testing.T) {
	w, _ := open(t, sample())
	w.show(pageSettings)
	closed := 0
	w.win.SetCloseIntercept(func() { closed++ })
	w.win.SetOnClosed(func() { closed++ })
	f := w.pages[pageSettings].(*settingsPage).least
	w.win.Canvas().Focus(f)
	f.TypedShortcut(&desktop.CustomShortcut{KeyName: fyne.KeyW, Modifier: fyne.KeyModifierShortcutDefault})
	if closed == 0 {
		t.Error("Ctrl+W in a field does not close the window")
	}
}

func TestAWebPageIsAllThatIsOpened(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://slack.com/oauth?x=1": true, "http://127.0.0.1:8080/": true,
		"file:///etc/passwd": false, "javascript:alert(1)": false, "-version": false, "": false,
	} {
		if (webPage(address) != nil) != ok {
			t.Errorf("%q: opened %v", address, !ok)
		}
	}
}
