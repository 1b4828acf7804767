//go:build !darwin || cgo

package window

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"

	"lamplighter/app/model"
	"lamplighter/assets"
)

// The pages. Those that a Show can name are called as it calls them.
const (
	pageOverview = ""
	pageHistory  = "history"
	pageSettings = "settings"
	pageProblems = "problems"
	pageAbout    = "about"
	pageRow      = "row"
	pageBegin    = "begin"
)

// A page is one of what the window can show.
type page interface {
	object() fyne.CanvasObject
	// update shows a Model; it changes what differs, no more.
	update(m *model.Model)
}

// A Window draws the last Model that it was given, and says what a person asked
// for. But for Hand, its methods are called on Fyne's goroutine.
type Window struct {
	app  fyne.App
	win  fyne.Window
	send func(model.Action)

	inbox  inbox
	model  *model.Model
	pages  map[string]page
	turned string // the page that was asked for
	shown  string // the page that is shown
	nav    *nav
	signIn *signIn
	strip  *saidStrip
	body   *fyne.Container
}

// New makes the window of an application; send is called with what a person
// asks for.
func New(app fyne.App, send func(model.Action)) *Window {
	app.Settings().SetTheme(newLook(1))
	w := &Window{app: app, win: app.NewWindow(wordTitle), model: &model.Model{Begun: true, Summary: wordWaiting}}
	w.send = func(a model.Action) {
		w.said("") // it was about the Action before
		send(a)
	}
	w.pages = map[string]page{
		pageOverview: newOverview(w), pageHistory: newHistoryPage(w), pageSettings: newSettingsPage(w),
		pageProblems: newProblemsPage(w), pageAbout: newAboutPage(), pageRow: newRowPage(w), pageBegin: newBeginPage(w),
	}
	room := container.NewStack()
	for _, p := range w.pages {
		p.object().Hide()
		room.Add(p.object())
	}
	w.nav, w.signIn, w.strip = newNav(w), newSignIn(w), newSaid(w)
	w.body = container.New(bodyLayout{}, w.signIn.box, room, w.strip.box)
	w.win.SetContent(container.NewBorder(nil, nil, w.nav.box, nil, w.body))
	w.win.SetPadded(false)
	w.win.SetIcon(fyne.NewStaticResource("lamplighter.png", assets.App))
	w.win.Resize(fyne.NewSize(1000, 700))
	w.listen()
	w.shown = pageBegin // not what is shown next
	w.show(pageOverview)
	return w
}

// Run shows the window until it is closed. It has to be called by main.
func (w *Window) Run() {
	w.win.SetMaster()
	w.win.ShowAndRun()
}

// Model shows a new Model.
func (w *Window) Model(m *model.Model) {
	clean(m)
	w.model = m
	w.update()
}

// other does what a Message asks that holds no Model.
func (w *Window) other(m model.Message) {
	if m.Said != "" {
		w.said(strings.Map(even, m.Said))
	}
	if m.Show == nil {
		return
	}
	w.win.RequestFocus()
	if m.Show.Key != "" {
		w.openRow(m.Show.Key)
	} else {
		w.show(m.Show.Page)
	}
}

// show turns to a page.
func (w *Window) show(name string) {
	if w.pages[name] == nil {
		name = pageOverview
	}
	w.turned = name
	w.update()
}

// update draws what can be seen. Until the user has begun, the first run stands
// in the overview's place, alone.
func (w *Window) update() {
	name := w.turned
	if name == pageOverview && !w.model.Begun {
		name = pageBegin
	}
	turned := name != w.shown
	w.shown = name
	for other, p := range w.pages {
		setShown(p.object(), other == name)
	}
	if turned {
		w.leave()
	}
	w.nav.update(w.model, name)
	setShown(w.nav.box, name != pageBegin)
	w.signIn.update(w.model)
	w.relay()
	w.pages[name].update(w.model)
}

// relay lays out what stands above and below the page.
func (w *Window) relay() { w.body.Layout.Layout(w.body.Objects, w.body.Size()) }

// leave takes the focus from what is not shown any more, and from the entry of
// a page that was left: it would look like that page's.
func (w *Window) leave() {
	canvas := w.win.Canvas()
	focused, ok := canvas.Focused().(fyne.CanvasObject)
	if !ok {
		return
	}
	for _, e := range w.nav.entries {
		if focused == fyne.CanvasObject(e.button) && e.page == w.shown {
			return
		}
	}
	canvas.Unfocus()
}

// openRow shows the page of a credential, if there is such a one.
func (w *Window) openRow(key string) {
	p := w.pages[pageRow].(*rowPage)
	if p.key != key {
		p.key = key
		p.scroll.ScrollToTop()
	}
	w.show(pageRow)
}

// escape goes back to the overview, and to the row that was left.
func (w *Window) escape() {
	from := w.shown
	w.show(pageOverview)
	if from == pageRow {
		if r := w.pages[pageOverview].(*overview).rows[w.pages[pageRow].(*rowPage).key]; r != nil && w.shown == pageOverview {
			w.win.Canvas().Focus(r)
		}
	}
}

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

// A bodyLayout stands a banner over the page, and a strip under it.
type bodyLayout struct{}

func (bodyLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	high := func(o fyne.CanvasObject) float32 {
		if !o.Visible() {
			return 0
		}
		for range 2 { // what wraps knows its height only when it knows its width
			o.Resize(fyne.NewSize(size.Width, min(o.MinSize().Height, size.Height)))
		}
		return o.Size().Height
	}
	top, bottom := high(o[0]), high(o[2])
	o[0].Move(fyne.NewPos(0, 0))
	o[2].Move(fyne.NewPos(0, size.Height-bottom))
	o[1].Resize(fyne.NewSize(size.Width, max(0, size.Height-top-bottom)))
	o[1].Move(fyne.NewPos(0, top))
}

func (bodyLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return o[1].MinSize().Max(fyne.NewSize(32*em(), 24*em()))
}
