//go:build !darwin || cgo

package window

import (
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
	"lamplighter/assets"
)

// A nav is the list of pages at the side.
type nav struct {
	lamp    *widget.Icon // as in the tray
	state   string
	box     fyne.CanvasObject
	entries []*navEntry
}

type navEntry struct {
	page, text string
	button     *button
	here       fyne.CanvasObject // lies under the entry of the page that is shown
}

func newNav(w *Window) *nav {
	n := &nav{}
	n.lamp = widget.NewIcon(nil)
	name := widget.NewLabelWithStyle(wordTitle, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	brand := container.New(margin{bottom: 0.9, left: 0.35}, container.New(brandLayout{}, n.lamp, fit(name)))
	column := newColumn(0.3, brand)
	for _, e := range []struct {
		page, text string
		icon       fyne.Resource
	}{
		{pageOverview, wordOverview, theme.HomeIcon()},
		{pageHistory, wordHistory, theme.HistoryIcon()},
		{pageProblems, wordProblems, theme.WarningIcon()},
		{pageSettings, wordSettings, theme.SettingsIcon()},
		{pageAbout, wordAbout, theme.InfoIcon()},
	} {
		entry := &navEntry{page: e.page, text: e.text}
		entry.button = w.button(e.text, nil, func() { w.show(e.page) })
		entry.button.Icon, entry.button.Alignment, entry.button.Importance = e.icon, widget.ButtonAlignLeading, widget.LowImportance
		entry.here = newCard(colorEdge)
		n.entries = append(n.entries, entry)
		column.Add(container.NewStack(entry.here, entry.button))
	}
	ground := newCard(theme.ColorNameHeaderBackground)
	ground.flat = true
	n.box = container.NewStack(ground, container.New(margin{1.2, 0.8, 1, 0.8}, container.New(sidebar{}, column)))
	return n
}

func (n *nav) update(m *model.Model, shown string) {
	if m.Icon != n.state || n.lamp.Resource == nil {
		n.state = m.Icon
		n.lamp.SetResource(lamp(m.Icon))
	}
	for _, e := range n.entries {
		setShown(e.here, e.page == shown)
		text := e.text
		if n := troubles(m); e.page == pageProblems && n > 0 {
			text = fmt.Sprintf("%s (%d)", text, n)
		}
		if e.button.Text != text {
			e.button.SetText(text)
		}
	}
}

// A sidebar is wide enough for its longest entry with a number behind it.
type sidebar struct{}

func (sidebar) Layout(o []fyne.CanvasObject, size fyne.Size) { o[0].Resize(size) }

func (sidebar) MinSize(o []fyne.CanvasObject) fyne.Size {
	return o[0].MinSize().Max(fyne.NewSize(10.5*em(), 0))
}

// lamp is the street lamp in a state, as the tray shows it.
func lamp(state string) fyne.Resource {
	if drawing := assets.Drawing(state); drawing != nil {
		return fyne.NewStaticResource("lamp-"+state+".svg", drawing)
	}
	return fyne.NewStaticResource("lamp.svg", assets.AppSVG)
}

// A brandLayout sets the lamp beside the name.
type brandLayout struct{}

func (brandLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	o[0].Resize(fyne.NewSize(2*em(), 2*em()))
	o[0].Move(fyne.NewPos(0, 0))
	least := o[1].MinSize()
	o[1].Resize(least)
	o[1].Move(fyne.NewPos(2.5*em(), (size.Height-least.Height)/2))
}

func (brandLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(2.5*em()+o[1].MinSize().Width, 2*em())
}
