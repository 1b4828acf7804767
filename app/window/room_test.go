//go:build !darwin || cgo

package window

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
)

// texts are what can be read now, cut or not.
func texts(o fyne.CanvasObject, each func(o fyne.CanvasObject, text string)) {
	if !o.Visible() {
		return
	}
	switch c := o.(type) {
	case *fyne.Container:
		for _, child := range c.Objects {
			texts(child, each)
		}
	case *widget.Label:
		if c.Truncation == fyne.TextTruncateOff {
			each(c, c.Text)
		}
	case *saying:
		each(c, c.word.Text+c.reason.Text)
	case *button:
		each(c, named(c))
	case *bar:
		each(c, c.text)
	case fyne.Widget:
		for _, child := range test.WidgetRenderer(c).Objects() {
			texts(child, each)
		}
	}
}

func TestNothingIsCutWhenTextGrows(t *testing.T) {
	m := sample()
	m.Rows[0].Title = "a-server-with-a-name-that-somebody-typed-with-great-patience-and-no-spaces"
	m.Rows[0].Facts = []model.Fact{{Name: "Store", Text: "~/.config/a/path/that/goes/on/and/on/through/many/folders/until/nobody/remembers/why.json", Copy: true}}
	m.SignIn = &model.SignIn{Title: "slack (Claude Code)", Text: "Sign in to Slack in the browser that was opened, or paste the address on which it ended.", URL: "https://example.com/", Paste: true}
	for _, grow := range []float32{1, 1.5, 2} {
		for _, width := range []float32{760, 960, 1400} {
			w, _ := open(t, m)
			w.app.Settings().SetTheme(newLook(grow))
			w.pages[pageRow].(*rowPage).key = m.Rows[0].Key
			for name := range w.pages {
				w.model.Begun = name != pageBegin
				w.show(name)
				if name == pageBegin {
					w.show(pageOverview)
				}
				for range 2 { // the real driver lays out again what has grown
					w.win.Resize(fyne.NewSize(max(width, w.win.Content().MinSize().Width), 800))
					w.update()
				}
				texts(w.win.Content(), func(o fyne.CanvasObject, text string) {
					if least := o.MinSize(); o.Size().Height < least.Height-0.5 || o.Size().Width < least.Width-0.5 {
						t.Errorf("text %vx, %v wide, page %q: %q has %v and needs %v", grow, width, name, text, o.Size(), least)
					}
				})
			}
			w.model.Begun = true
		}
	}
}
