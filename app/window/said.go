//go:build !darwin || cgo

package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A saidStrip is what came of the last Action: it stays until the next one, or
// until it is dismissed.
type saidStrip struct {
	box  fyne.CanvasObject
	text *widget.Label
}

func newSaid(w *Window) *saidStrip {
	s := &saidStrip{text: wrapped("")}
	dismiss := w.icon(wordDismiss, theme.CancelIcon(), nil, func() { w.said("") })
	ground := newCard(colorCard)
	s.box = container.New(margin{0, 1.8, 0.8, 1.8}, container.NewStack(ground, newMargin(0.35, 0.9, container.New(stripLayout{}, widget.NewIcon(theme.NewColoredResource(theme.InfoIcon(), toneWarm.text)), fit(s.text), dismiss))))
	s.box.Hide()
	return s
}

// said shows a sentence; an empty one takes away the last.
func (w *Window) said(text string) {
	if text != "" {
		setText(w.strip.text, text)
	}
	setShown(w.strip.box, text != "")
	w.relay()
}
