//go:build !darwin || cgo

package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

// A rowLayout lines up the parts of all rows: icon, text, bar, button, arrow.
// The room of the button is kept where there is none, so that bars stand under
// each other. Where that is too narrow to read, bar and button go under the
// text.
type rowLayout struct{ width float32 }

func (l *rowLayout) narrow() bool { return l.width < 40*em() }

// sizes are those of the bar and of the button.
func (l *rowLayout) sizes(o []fyne.CanvasObject) (bar, button fyne.Size) {
	bar, button = o[2].MinSize(), o[3].MinSize()
	bar.Width = max(bar.Width, min(16*em(), l.width*0.24))
	button.Width += 1.2 * em()
	return bar, button
}

func (l *rowLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	l.width = size.Width
	icon, text, next := o[0], o[1], o[4]
	left, small, gap := 2.6*em(), 1.2*em(), 0.9*em()
	bar, button := l.sizes(o)
	place := func(o fyne.CanvasObject, x, y float32, size fyne.Size) {
		o.Resize(size)
		o.Move(fyne.NewPos(x, y))
	}
	end := size.Width - small
	place(next, end, (size.Height-small)/2, fyne.NewSquareSize(small))
	end -= gap
	if !l.narrow() {
		end -= button.Width
		place(o[3], end, (size.Height-button.Height)/2, button)
		end -= gap + bar.Width
		place(o[2], end, (size.Height-bar.Height)/2, bar)
		end -= gap
	}
	text.Resize(fyne.NewSize(end-left, text.Size().Height))
	height := text.MinSize().Height
	top := float32(0)
	if l.narrow() {
		y := height + 0.5*em()
		middle := max(bar.Height, button.Height)
		if !o[3].Visible() {
			middle = bar.Height
		}
		place(o[2], left, y+(middle-bar.Height)/2, bar)
		place(o[3], left+bar.Width+gap, y+(middle-button.Height)/2, button)
	} else {
		top = (size.Height - height) / 2
	}
	place(text, left, top, fyne.NewSize(end-left, height))
	place(icon, 0, top-0.1*em(), fyne.NewSquareSize(1.6*em()))
}

func (l *rowLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	bar, button := l.sizes(o)
	text := o[1].MinSize().Height
	if l.narrow() {
		under := bar.Height
		if o[3].Visible() {
			under = max(under, button.Height)
		}
		return fyne.NewSize(22*em(), text+0.5*em()+under)
	}
	return fyne.NewSize(22*em(), max(text, bar.Height, button.Height))
}

// A naming sets a name and, dim beside it, its host: the name is cut last.
type naming struct{}

func (naming) Layout(o []fyne.CanvasObject, size fyne.Size) {
	gap := 0.7 * em()
	name := min(natural(o[0]), size.Width)
	o[0].Move(fyne.NewPos(0, 0))
	o[0].Resize(fyne.NewSize(name, size.Height))
	rest := max(0, size.Width-name-gap)
	if rest < 5*em() && rest < natural(o[1]) {
		rest = 0
	}
	setShown(o[1], rest > 0)
	o[1].Move(fyne.NewPos(name+gap, 0))
	o[1].Resize(fyne.NewSize(rest, size.Height))
}

func (naming) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(4*em(), max(o[0].MinSize().Height, o[1].MinSize().Height))
}

// natural is how wide a label that may be cut would like to be.
func natural(o fyne.CanvasObject) float32 {
	label := o.(*fyne.Container).Objects[0].(*widget.Label)
	return fyne.MeasureText(label.Text, em(), label.TextStyle).Width + 2
}
