//go:build !darwin || cgo

package window

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
)

// homes are the further homes of clients: those that there are, and a form for
// another.
type homes struct {
	w      *Window
	in     *container.Scroll
	box    fyne.CanvasObject
	list   *fyne.Container
	shown  []model.Home
	client *choice
	path   *field
	name   *field
	add    *button
	wanted *model.Home // told, and not yet seen in a Model
}

func newHomes(w *Window, in *container.Scroll) *homes {
	h := &homes{w: w, in: in, list: newColumn(0.5)}
	about := wrapped(setHomesText)
	about.Importance = widget.LowImportance
	h.client = w.choice(setHomeClient, in, nil, func(string) { h.check() })
	h.path = w.field(setHomePath, setHomePathHint, in, nil)
	h.name = w.field(setHomeName, setHomeNameHint, in, nil)
	h.path.OnChanged = func(string) { h.check() }
	h.add = w.button(wordAddHome, in, h.send)
	h.path.OnSubmitted = func(string) { h.send() }
	h.name.OnSubmitted = func(string) { h.send() }
	h.box = newColumn(0.7, fit(about), h.list, setting(setHomeClient, "", outlined(h.client)), setting(setHomePath, "", h.path),
		setting(setHomeName, setHomeNameText, h.name), newLine(0, h.add))
	h.check()
	return h
}

// check lets nothing be added that is not whole.
func (h *homes) check() {
	if h.client.Selected != "" && h.path.Text != "" {
		h.add.Enable()
	} else {
		h.add.Disable()
	}
}

func (h *homes) send() {
	if h.add.Disabled() {
		return
	}
	h.wanted = &model.Home{Client: h.client.Selected, Path: h.path.Text, Name: h.name.Text}
	h.w.send(model.Action{Do: model.AddHome, Home: h.wanted})
}

func (h *homes) update(s *model.Settings) {
	if !slices.Equal(h.client.Options, s.Clients) {
		h.client.SetOptions(s.Clients)
	}
	if slices.Equal(s.Homes, h.shown) {
		return
	}
	more := len(s.Homes) > len(h.shown)
	h.shown = slices.Clone(s.Homes)
	h.list.Objects = nil
	for _, home := range h.shown {
		h.list.Add(h.line(home))
	}
	h.list.Refresh()
	if more && h.wanted != nil { // it was taken
		h.wanted = nil
		h.path.SetText("")
		h.name.SetText("")
	}
}

func (h *homes) line(home model.Home) fyne.CanvasObject {
	text := home.Client + "  " + home.Path
	if home.Name != "" {
		text += "  @" + home.Name
	}
	label := widget.NewLabel(text)
	label.Truncation = fyne.TextTruncateEllipsis
	remove := h.w.button(wordRemove, h.in, func() { h.w.send(model.Action{Do: model.RemoveHome, Home: &home}) })
	remove.name = wordRemove + " " + home.Path
	return container.NewBorder(nil, nil, nil, remove, label)
}
