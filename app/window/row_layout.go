//go:build !darwin || cgo

package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// A rowLayout lines up the parts of all rows: icon, text, bar, button, arrow.
// The room of the button is kept where there is none, so that bars stand under
// each other.
type rowLayout struct{}

func (rowLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	icon, text, bar, button, next := o[0], o[1], o[2], o[3], o[4]
	small := 1.4 * em()
	right := size.Width
	put := func(o fyne.CanvasObject, width, height float32) {
		right -= width
		o.Resize(fyne.NewSize(width, height))
		o.Move(fyne.NewPos(right, (size.Height-height)/2))
		right -= 0.9 * em()
	}
	put(next, small, small)
	put(button, button.MinSize().Width, button.MinSize().Height)
	put(bar, barWidth(size.Width), bar.MinSize().Height)
	icon.Resize(fyne.NewSize(1.6*em(), 1.6*em()))
	icon.Move(fyne.NewPos(0, 0))
	left := 2.6 * em()
	text.Resize(fyne.NewSize(right-left, text.Size().Height))
	height := text.MinSize().Height
	text.Resize(fyne.NewSize(right-left, height))
	text.Move(fyne.NewPos(left, (size.Height-height)/2))
	icon.Move(fyne.NewPos(0, (size.Height-height)/2))
}

func barWidth(width float32) float32 { return max(10*em(), min(16*em(), width*0.24)) }

func (rowLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	text, bar, button := o[1].MinSize(), o[2].MinSize(), o[3].MinSize()
	return fyne.NewSize(14*em()+bar.Width+button.Width, max(text.Height, bar.Height, button.Height))
}

// A naming sets a name and, dim beside it, its host: the name is cut last.
type naming struct{}

func (naming) Layout(o []fyne.CanvasObject, size fyne.Size) {
	gap := 0.7 * em()
	name := min(natural(o[0]), size.Width)
	o[0].Move(fyne.NewPos(0, 0))
	o[0].Resize(fyne.NewSize(name, size.Height))
	rest := max(0, size.Width-name-gap)
	setShown(o[1], rest > 5*em() || rest >= natural(o[1]))
	o[1].Move(fyne.NewPos(name+gap, 0))
	o[1].Resize(fyne.NewSize(rest, size.Height))
}

func (naming) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(4*em(), max(o[0].MinSize().Height, o[1].MinSize().Height))
}

// natural is how wide a label that may be cut would like to be.
func natural(o fyne.CanvasObject) float32 {
	label := o.(*container.ThemeOverride).Content.(*widget.Label)
	return fyne.MeasureText(label.Text, em(), label.TextStyle).Width + 2
}
