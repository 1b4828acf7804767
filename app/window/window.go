//go:build !darwin || cgo

package window

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"

	"lamplighter/app/model"
)

// A page is one of what the window can show.
type page interface {
	object() fyne.CanvasObject
	// update shows a Model as it is at now; it changes what differs, no more.
	update(m *model.Model, now time.Time)
}

// A Window draws the last Model that it was given, and says what a person asked
// for. Its methods are called on Fyne's goroutine.
type Window struct {
	app  fyne.App
	win  fyne.Window
	tell func(model.Action)
	now  func() time.Time

	inbox    inbox
	model    *model.Model
	received time.Time
	pages    map[string]page
	shown    string // the name of the page
	room     *fyne.Container
	nav      *nav
}

// New makes the window of an application; tell is called with what a person
// asks for.
func New(app fyne.App, tell func(model.Action)) *Window {
	app.Settings().SetTheme(newLook(1))
	w := &Window{app: app, win: app.NewWindow(wordTitle), tell: tell, now: time.Now, model: &model.Model{Begun: true}}
	w.pages = map[string]page{pageOverview: newOverview(w)}
	w.nav = newNav(w)
	w.room = container.NewStack()
	for _, p := range w.pages {
		p.object().Hide()
		w.room.Add(p.object())
	}
	w.win.SetContent(container.NewBorder(nil, nil, w.nav.box, nil, w.room))
	w.win.SetPadded(false)
	w.win.Resize(fyne.NewSize(960, 660))
	w.listen()
	w.show(pageOverview)
	return w
}

// The pages, as a Show names them.
const (
	pageOverview = ""
	pageHistory  = "history"
	pageSettings = "settings"
	pageProblems = "problems"
	pageAbout    = "about"
)

func (w *Window) keyboard(name string, in *container.Scroll) keyboard {
	return keyboard{name: name, in: in, escape: w.escape, window: w}
}

// listen takes the keys that no control takes.
func (w *Window) listen() {
	canvas := w.win.Canvas()
	canvas.SetOnTypedKey(func(key *fyne.KeyEvent) {
		if key.Name == fyne.KeyEscape {
			w.escape()
		}
	})
	for _, name := range []fyne.KeyName{fyne.KeyW, fyne.KeyQ} {
		canvas.AddShortcut(&desktop.CustomShortcut{KeyName: name, Modifier: fyne.KeyModifierShortcutDefault}, w.TypedShortcut)
	}
}

// TypedShortcut closes the window at Ctrl+W and Ctrl+Q. A control with the
// focus hands on what it has no use for.
func (w *Window) TypedShortcut(s fyne.Shortcut) {
	key, ok := s.(*desktop.CustomShortcut)
	if ok && key.Modifier == fyne.KeyModifierShortcutDefault && (key.KeyName == fyne.KeyW || key.KeyName == fyne.KeyQ) {
		w.win.Close()
	}
}

// escape goes back to the overview.
func (w *Window) escape() { w.show(pageOverview) }

// send tells what a person asked for.
func (w *Window) send(a model.Action) { w.tell(a) }

// Run shows the window until it is closed. It has to be called by main.
func (w *Window) Run() {
	w.win.SetMaster()
	w.win.ShowAndRun()
}

// other does what a Message asks that is no Model.
func (w *Window) other(m model.Message) {
	if m.Show != nil {
		w.win.RequestFocus()
		if m.Show.Key != "" {
			w.openRow(m.Show.Key)
		} else {
			w.show(m.Show.Page)
		}
	}
}

// Model shows a new Model.
func (w *Window) Model(m *model.Model) {
	w.model, w.received = m, w.now()
	w.update()
}

// clock is the time by the keeper's clock: by what has passed since its Model.
func (w *Window) clock() time.Time {
	if w.model.At.IsZero() {
		return w.now()
	}
	return w.model.At.Add(w.now().Sub(w.received))
}

// update draws what can be seen.
func (w *Window) update() {
	w.nav.update(w.model, w.shown)
	w.pages[w.shown].update(w.model, w.clock())
}

// show turns to a page.
func (w *Window) show(name string) {
	if w.pages[name] == nil {
		name = pageOverview
	}
	w.shown = name
	for other, p := range w.pages {
		setShown(p.object(), other == name)
	}
	w.update()
}

func (w *Window) openRow(key string) {}
