//go:build !darwin || cgo

package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A column stands things under each other. Unlike Fyne's box it gives each its
// width before it asks for its height: text that wraps is as high as it needs.
// The gap is in em.
type column struct{ gap float32 }

func newColumn(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(column{gap}, objects...)
}

func (c column) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	var y float32
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		o.Resize(fyne.NewSize(size.Width, o.Size().Height))
		height := o.MinSize().Height
		o.Resize(fyne.NewSize(size.Width, height))
		o.Move(fyne.NewPos(0, y))
		y += height + c.gap*em()
	}
}

func (c column) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		least := o.MinSize()
		size.Width = max(size.Width, least.Width)
		size.Height += least.Height + c.gap*em()
	}
	size.Height = max(0, size.Height-c.gap*em())
	return size
}

// A margin makes room around one thing, in em; around what is hidden, none.
type margin struct{ top, right, bottom, left float32 }

func newMargin(y, x float32, o fyne.CanvasObject) *fyne.Container {
	return container.New(margin{y, x, y, x}, o)
}

func (m margin) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.NewPos(m.left*em(), m.top*em()))
		o.Resize(size.SubtractWidthHeight((m.left+m.right)*em(), (m.top+m.bottom)*em()))
	}
}

func (m margin) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	shown := false
	for _, o := range objects {
		if o.Visible() {
			shown, size = true, size.Max(o.MinSize())
		}
	}
	if !shown {
		return size
	}
	return size.AddWidthHeight((m.left+m.right)*em(), (m.top+m.bottom)*em())
}

// A limit holds lines of text to a width that a person reads with ease, in em.
type limit struct{ width float32 }

func (l limit) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.NewPos(0, 0))
		o.Resize(fyne.NewSize(min(size.Width, l.width*em()), size.Height))
	}
}

func (l limit) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		size = size.Max(o.MinSize())
	}
	return size
}

// A line stands things beside each other at their own width, on their middle;
// what does not fit goes on the next line. The gap is in em.
type line struct{ gap float32 }

func newLine(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(&flow{line: line{gap}}, objects...)
}

// A flow is a line that remembers how wide it was, so that it knows its height.
type flow struct {
	line
	width float32
}

func (f *flow) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	f.width = size.Width
	f.place(objects, true)
}

func (f *flow) MinSize(objects []fyne.CanvasObject) fyne.Size { return f.place(objects, false) }

func (f *flow) place(objects []fyne.CanvasObject, move bool) (size fyne.Size) {
	gap := f.gap * em()
	var x, y, high float32
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		least := o.MinSize()
		size.Width = max(size.Width, least.Width)
		if x > 0 && x+least.Width > f.width+0.5 {
			x, y, high = 0, y+high+gap/2, 0
		}
		if move {
			o.Resize(least)
			o.Move(fyne.NewPos(x, y))
		}
		x += least.Width + gap
		high = max(high, least.Height)
	}
	size.Height = y + high
	return size
}

// fit sets a text closely, without Fyne's room around it. (A theme override
// would do the same, but for each one Fyne 2.8.1 parses every font again: 200 MB
// and half a second on a window like ours.)
func fit(o fyne.CanvasObject) *fyne.Container { return container.New(snug{}, o) }

// snug lets a text's own room stand out over its edges.
type snug struct{}

func (snug) Layout(o []fyne.CanvasObject, size fyne.Size) {
	room := theme.InnerPadding()
	o[0].Move(fyne.NewPos(-room, -room))
	o[0].Resize(size.AddWidthHeight(2*room, 2*room))
}

func (snug) MinSize(o []fyne.CanvasObject) fyne.Size {
	room := theme.InnerPadding()
	return o[0].MinSize().SubtractWidthHeight(2*room, 2*room)
}

// setText changes a label only where it differs: what is drawn anew loses a
// selection, and costs.
func setText(l *widget.Label, text string) {
	if l.Text != text {
		l.SetText(text)
	}
}

// setShown shows or hides, where that is a change.
func setShown(o fyne.CanvasObject, shown bool) {
	switch {
	case shown && !o.Visible():
		o.Show()
	case !shown && o.Visible():
		o.Hide()
	}
}
