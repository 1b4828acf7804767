//go:build !darwin || cgo

package window

import (
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
)

// An aboutPage says what this is.
type aboutPage struct {
	scroll  *container.Scroll
	version *widget.Label
}

func newAboutPage() *aboutPage {
	p := &aboutPage{scroll: container.NewVScroll(nil), version: widget.NewLabel("")}
	p.version.Importance = widget.LowImportance
	quiet := func(text string) fyne.CanvasObject {
		l := wrapped(text)
		l.Importance = widget.LowImportance
		return fit(l)
	}
	icon := widget.NewIcon(lamp(""))
	head := container.New(portrait{}, icon, newColumn(0.1, fit(title(wordTitle)), fit(p.version)))
	text := newColumn(0.8, head, fit(wrapped(wordWhat)), fit(wrapped(wordClosing)), quiet(wordKeys), quiet(wordLicence))
	p.scroll.Content = newMargin(1.4, 1.8, container.New(limit{44}, text))
	return p
}

func (p *aboutPage) object() fyne.CanvasObject { return p.scroll }

func (p *aboutPage) update(m *model.Model) {
	setText(p.version, fmt.Sprintf(wordVersion, m.Version))
	settle(p.scroll)
}

// A portrait sets a large picture beside a text.
type portrait struct{}

func (portrait) Layout(o []fyne.CanvasObject, size fyne.Size) {
	text := o[1].MinSize().Height
	o[0].Resize(fyne.NewSize(5*em(), 5*em()))
	o[0].Move(fyne.NewPos(0, 0))
	o[1].Resize(fyne.NewSize(size.Width-6*em(), text))
	o[1].Move(fyne.NewPos(6*em(), (size.Height-text)/2))
}

func (portrait) MinSize(o []fyne.CanvasObject) fyne.Size {
	text := o[1].MinSize()
	return fyne.NewSize(6*em()+text.Width, max(5*em(), text.Height))
}
