//go:build !darwin || cgo

package window

import (
	"image"
	"image/color"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
)

// A pattern tells a bar's state where colours do not.
type pattern int

const (
	solid   pattern = iota
	hatched         // a person is needed
	dotted          // nobody refreshes it
)

// A bar is how much of an access token's life is left, with the words on it.
type bar struct {
	widget.BaseWidget
	text    string
	share   float32 // of the life; below 0: unknown
	fill    fyne.ThemeColorName
	pattern pattern
}

func newBar() *bar {
	b := &bar{share: -1, fill: toneCalm.fill}
	b.ExtendBaseWidget(b)
	return b
}

// set draws anew only if something can be seen to have changed.
func (b *bar) set(text string, share float32, m mark) {
	next := bar{text: text, share: share, fill: m.fill, pattern: m.pattern}
	if b.text == next.text && math.Abs(float64(b.share-next.share)) < 0.002 && b.fill == next.fill && b.pattern == next.pattern {
		return
	}
	b.text, b.share, b.fill, b.pattern = next.text, next.share, next.fill, next.pattern
	b.Refresh()
}

func (b *bar) CreateRenderer() fyne.WidgetRenderer {
	r := &barRenderer{bar: b, text: canvas.NewText("", nil)}
	r.picture = canvas.NewRaster(r.draw)
	r.Refresh()
	return r
}

type barRenderer struct {
	bar     *bar
	picture *canvas.Raster
	text    *canvas.Text
}

func (r *barRenderer) Destroy()                     {}
func (r *barRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.picture, r.text} }

func (r *barRenderer) MinSize() fyne.Size {
	return fyne.NewSize(max(10*em(), r.text.MinSize().Width+1.2*em()), 1.7*em())
}

func (r *barRenderer) Layout(size fyne.Size) {
	r.picture.Resize(size)
	least := r.text.MinSize()
	r.text.Move(fyne.NewPos(0.6*em(), (size.Height-least.Height)/2))
	r.text.Resize(least)
}

func (r *barRenderer) Refresh() {
	r.text.Text, r.text.TextSize, r.text.Color = r.bar.text, em()*0.93, themed("foreground")
	r.Layout(r.bar.Size())
	r.text.Refresh()
	r.picture.Refresh()
}

// draw paints a rounded bar, w by h pixels.
func (r *barRenderer) draw(w, h int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	track, fill := nrgba(themed(colorTrack)), nrgba(themed(r.bar.fill))
	end := float64(r.bar.share) * float64(w)
	radius := float64(h) * 0.28
	for y := range h {
		for x := range w {
			c := track
			if cover := coverage(float64(x)+0.5, end); cover > 0 && r.bar.share > 0 {
				c = blend(track, fill, cover*r.bar.pattern.ink(x, y, h))
			}
			c.A = uint8(255 * inside(float64(x)+0.5, float64(y)+0.5, float64(w), float64(h), radius))
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

// ink is how much of the fill shows at a pixel of a bar that is h high.
func (p pattern) ink(x, y, h int) float64 {
	step := max(4, h/3)
	switch {
	case p == hatched && (x+y)%step < step/2:
		return 0.55
	case p == dotted && x%step < step/3:
		return 0.35
	}
	return 1
}

func coverage(x, end float64) float64 { return min(1, max(0, end-x+0.5)) }

// inside is 1 within a rounded rectangle, 0 outside, and between on its edge.
func inside(x, y, w, h, radius float64) float64 {
	dx := math.Abs(x-w/2) - (w/2 - radius)
	dy := math.Abs(y-h/2) - (h/2 - radius)
	far := math.Hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - radius
	return min(1, max(0, 0.5-far))
}

func nrgba(c color.Color) color.NRGBA { return color.NRGBAModel.Convert(c).(color.NRGBA) }

func blend(a, b color.NRGBA, t float64) color.NRGBA {
	mix := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*t) }
	return color.NRGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}
