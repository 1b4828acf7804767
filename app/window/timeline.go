//go:build !darwin || cgo

package window

import (
	"fmt"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
)

// latest is how many events a credential's page shows; the rest is in the
// history.
const latest = 20

// A timeline is what was done with one credential, the latest first.
type timeline struct {
	box    fyne.CanvasObject
	list   *fyne.Container
	more   *button
	id     string
	events []model.Event
}

func newTimeline(w *Window, in *container.Scroll) *timeline {
	t := &timeline{list: newColumn(0.55)}
	title := widget.NewLabelWithStyle(wordTimeline, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	title.SizeName = theme.SizeNameSubHeadingText
	t.more = w.button("", in, func() { w.history(t.id) })
	t.more.Importance = widget.LowImportance
	t.box = onCard(newColumn(0.8, fit(title), t.list, newLine(0, t.more)))
	return t
}

func (t *timeline) set(history []model.Event, r model.Row) {
	t.id = r.ID
	var events []model.Event
	for _, e := range history {
		if e.Key == r.Key {
			events = append(events, e)
		}
	}
	setShown(t.box, len(events) > 0)
	if slices.Equal(events, t.events) {
		return
	}
	t.events = events
	setShown(t.more, len(events) > latest)
	t.more.SetText(fmt.Sprintf(wordMore, len(events)))
	t.list.Objects = nil
	for _, e := range events[:min(latest, len(events))] {
		when, what := widget.NewLabel(e.When), widget.NewLabel(e.What)
		when.Importance, when.Wrapping = widget.LowImportance, fyne.TextWrapWord
		what.Wrapping = fyne.TextWrapWord
		print := widget.NewLabelWithStyle(prints(e), fyne.TextAlignLeading, fyne.TextStyle{Monospace: true})
		print.Importance, print.Wrapping = widget.LowImportance, fyne.TextWrapWord
		body := newColumn(0.1, fit(what), fit(print))
		if print.Text == "" {
			body.Objects = body.Objects[:1]
		}
		t.list.Add(container.New(eventLayout{}, fit(when), body))
	}
	t.list.Refresh()
}

// prints are an event's fingerprints.
func prints(e model.Event) string {
	switch {
	case e.Old != "" && e.New != "" && e.Old != e.New:
		return fmt.Sprintf(wordPrints, e.Old, e.New)
	case e.Old+e.New != "":
		return fmt.Sprintf(wordPrint, max(e.Old, e.New))
	}
	return ""
}

// An eventLayout sets what happened beside when.
type eventLayout struct{}

func (eventLayout) wide() float32 {
	return fyne.MeasureText("Wed 30 Mmm 2026, 00:00:00", em(), fyne.TextStyle{}).Width + em()
}

func (l eventLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	o[0].Resize(fyne.NewSize(l.wide()-0.5*em(), size.Height))
	o[0].Move(fyne.NewPos(0, 0))
	o[1].Resize(fyne.NewSize(size.Width-l.wide(), size.Height))
	o[1].Move(fyne.NewPos(l.wide(), 0))
}

func (l eventLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(l.wide()+8*em(), max(o[0].MinSize().Height, o[1].MinSize().Height))
}
