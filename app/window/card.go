//go:build !darwin || cgo

package window

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A card is a rounded ground that follows the theme.
type card struct {
	widget.BaseWidget
	ground *canvas.Rectangle
	fill   fyne.ThemeColorName
	flat   bool // no round corners
	// outline leaves the ground clear and draws an edge as a field has it.
	outline bool
}

func newCard(fill fyne.ThemeColorName) *card {
	c := &card{ground: canvas.NewRectangle(color.Transparent), fill: fill}
	c.ExtendBaseWidget(c)
	return c
}

// onCard sets something on a card of the usual kind.
func onCard(o fyne.CanvasObject) fyne.CanvasObject {
	return container.NewStack(newCard(colorCard), newMargin(1, 1.2, o))
}

func (c *card) CreateRenderer() fyne.WidgetRenderer {
	c.paint()
	return cardRenderer{widget.NewSimpleRenderer(c.ground), c}
}

func (c *card) paint() {
	if c.outline {
		c.ground.FillColor, c.ground.CornerRadius = color.Transparent, theme.InputRadiusSize()
		c.ground.StrokeColor, c.ground.StrokeWidth = themed(theme.ColorNameInputBorder), 1
		return
	}
	c.ground.FillColor = themed(c.fill)
	if !c.flat {
		c.ground.CornerRadius = 10
	}
	if c.fill == colorCard {
		c.ground.StrokeColor, c.ground.StrokeWidth = themed(colorEdge), 1
	}
}

type cardRenderer struct {
	fyne.WidgetRenderer
	card *card
}

func (r cardRenderer) Refresh() {
	r.card.paint()
	r.WidgetRenderer.Refresh()
}

// A stripLayout sets an icon, a text that wraps, and something at the end.
type stripLayout struct{}

func (stripLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	icon, text, end := o[0], o[1], o[2]
	var last fyne.Size
	if end.Visible() {
		last = end.MinSize()
	}
	width := size.Width - 2*em() - last.Width
	if last.Width > 0 {
		width -= em()
	}
	text.Resize(fyne.NewSize(width, text.Size().Height))
	height := text.MinSize().Height
	text.Resize(fyne.NewSize(width, height))
	text.Move(fyne.NewPos(2*em(), (size.Height-height)/2))
	icon.Resize(fyne.NewSize(1.3*em(), 1.3*em()))
	icon.Move(fyne.NewPos(0, (size.Height-1.3*em())/2))
	end.Resize(last)
	end.Move(fyne.NewPos(size.Width-last.Width, (size.Height-last.Height)/2))
}

func (stripLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	text, end := o[1].MinSize(), o[2].MinSize()
	return fyne.NewSize(8*em()+end.Width, max(text.Height, end.Height, 1.3*em()))
}
