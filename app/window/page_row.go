//go:build !darwin || cgo

package window

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
)

// A rowPage is all there is to know of one credential.
type rowPage struct {
	w       *Window
	key     string
	data    model.Row
	scroll  *container.Scroll
	back    *button
	icon    *widget.Icon
	name    *widget.Label
	id      *widget.Label
	says    *saying
	todo    *widget.Label
	does    fyne.CanvasObject
	bar     *bar
	actions []*action
	buttons *fyne.Container
	facts   *facts
	trail   *timeline
}

// An action is a button for what may be done with the credential, while the
// Model says that it may.
type action struct {
	do     string
	button *button
}

func newRowPage(w *Window) *rowPage {
	p := &rowPage{w: w, scroll: container.NewVScroll(nil), icon: widget.NewIcon(nil), says: newSaying(), bar: newBar()}
	p.back = w.button(wordBack, p.scroll, w.escape)
	p.back.Icon, p.back.Importance = theme.NavigateBackIcon(), widget.LowImportance
	p.name = widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	p.name.SizeName, p.name.Wrapping = theme.SizeNameHeadingText, fyne.TextWrapWord
	p.id = widget.NewLabel("")
	p.id.Importance, p.id.Wrapping = widget.LowImportance, fyne.TextWrapWord
	p.todo = widget.NewLabel("")
	p.todo.Wrapping = fyne.TextWrapWord
	p.does = fit(p.todo)
	p.buttons = newLine(0.5)
	for _, a := range []struct{ do, value, text string }{
		{model.Login, "", wordSignIn}, // first where it is what helps
		{model.Restore, "", wordPutBack},
		{model.Refresh, "", wordRefresh},
		{model.Ask, "", wordAsk},
		{model.Copy, "", wordCopyToken},
		{model.Resume, "", wordResume},
		{model.Pause, "1h", wordPauseHour},
		{model.Pause, "tomorrow", wordPauseDay},
		{model.Keep, "", wordKeep},
		{model.Watch, "", wordWatch},
		{model.Login, "", wordSignInAgain},
	} {
		b := w.button(a.text, p.scroll, func() { w.send(model.Action{Do: a.do, Key: p.key, Value: a.value}) })
		p.actions = append(p.actions, &action{a.do, b})
		p.buttons.Add(b)
	}
	p.actions[0].button.Importance = widget.HighImportance
	p.actions[1].button.Importance = widget.HighImportance
	head := newColumn(0.7,
		container.New(heading{2.4}, p.icon, newColumn(0.1, fit(p.name), fit(p.id))),
		newColumn(0.3, fit(p.says), p.does), p.bar, p.buttons)
	p.facts = newFacts(w, p.scroll)
	p.trail = newTimeline(w, p.scroll)
	p.scroll.Content = container.New(margin{0.8, 1.8, 1.4, 1.8}, newColumn(0.8, newLine(0, p.back), onCard(head), p.facts.card, p.trail.box))
	return p
}

func (p *rowPage) object() fyne.CanvasObject { return p.scroll }

func (p *rowPage) update(m *model.Model) {
	i := slices.IndexFunc(m.Rows, func(r model.Row) bool { return r.Key == p.key })
	if i < 0 {
		p.w.show(pageOverview) // logged out, or its store has gone
		return
	}
	data := m.Rows[i]
	look := markOf(data)
	if look != markOf(p.data) || p.icon.Resource == nil {
		p.icon.SetResource(look.drawing())
	}
	p.data = data
	setText(p.name, data.Title)
	setText(p.id, data.ID)
	p.says.set(capital(data.Word), data.Reason, look.text)
	setText(p.todo, todo(data))
	setShown(p.does, data.Do != "" && !(data.NeedsYou && data.Do == data.SignIn)) // the first button does that
	left, share := remaining(data, m.At)
	p.bar.set(left, share, look)
	p.showActions(data)
	p.facts.set(data.Facts)
	p.trail.set(m.History, data)
	settle(p.scroll)
}

func (p *rowPage) showActions(data model.Row) {
	for i, a := range p.actions {
		can := slices.Contains(data.Can, a.do)
		if a.do == model.Login {
			can = can && data.NeedsYou == (i == 0)
		}
		setShown(a.button, can)
	}
	setShown(p.buttons, len(data.Can) > 0)
}

// A heading sets an icon of a size, in em, beside a text of several lines.
type heading struct{ icon float32 }

func (h heading) Layout(o []fyne.CanvasObject, size fyne.Size) {
	left := (h.icon + 1) * em()
	o[0].Resize(fyne.NewSquareSize(h.icon * em()))
	o[0].Move(fyne.NewPos(0, 0))
	o[1].Resize(fyne.NewSize(size.Width-left, size.Height))
	o[1].Move(fyne.NewPos(left, 0))
}

func (h heading) MinSize(o []fyne.CanvasObject) fyne.Size {
	text := o[1].MinSize()
	return fyne.NewSize(text.Width+(h.icon+1)*em(), max(text.Height, h.icon*em()))
}
