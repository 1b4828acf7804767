//go:build !darwin || cgo

package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

func wrapped(text string) *widget.Label {
	l := widget.NewLabel(text)
	l.Wrapping = fyne.TextWrapWord
	return l
}

// nowhere takes no room.
func nowhere() fyne.CanvasObject { return layout.NewSpacer() }

// groupOf is a card with a heading.
func groupOf(name string, objects ...fyne.CanvasObject) fyne.CanvasObject {
	head := widget.NewLabelWithStyle(name, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	head.SizeName = theme.SizeNameSubHeadingText
	return onCard(newColumn(0.8, append([]fyne.CanvasObject{fit(head)}, objects...)...))
}

// setting sets a control beside its name and a word on what it does.
func setting(name, text string, control fyne.CanvasObject) fyne.CanvasObject {
	words := newColumn(0.1, fit(wrapped(name)))
	if text != "" {
		about := wrapped(text)
		about.Importance = widget.LowImportance
		words.Add(fit(about))
	}
	return container.New(formLayout{}, words, control)
}

// outlined draws the edge that Fyne's select lacks.
func outlined(c *choice) fyne.CanvasObject {
	edge := newCard(theme.ColorNameInputBackground)
	edge.outline = true
	return container.NewStack(c, edge)
}

// A formLayout sets a control to the right of its words.
type formLayout struct{}

func (formLayout) wide(size fyne.Size) float32 { return min(14*em(), size.Width*0.45) }

func (l formLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	wide := l.wide(size)
	least := o[1].MinSize()
	o[0].Resize(fyne.NewSize(size.Width-wide-em(), size.Height))
	words := min(o[0].MinSize().Height, size.Height)
	o[0].Resize(fyne.NewSize(size.Width-wide-em(), words))
	o[0].Move(fyne.NewPos(0, (size.Height-words)/2))
	o[1].Resize(fyne.NewSize(wide, least.Height))
	o[1].Move(fyne.NewPos(size.Width-wide, (size.Height-least.Height)/2))
}

func (formLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(22*em(), max(o[0].MinSize().Height, o[1].MinSize().Height))
}
