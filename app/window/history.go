//go:build !darwin || cgo

package window

import (
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
)

// A historyPage is everything that was done, the latest first, as far as it
// holds the words that a person looks for.
type historyPage struct {
	w      *Window
	box    fyne.CanvasObject
	filter *field
	list   *list
	none   *widget.Label
	whole  *widget.Label // the chosen event, uncut
	open   *button
	foot   fyne.CanvasObject

	all    []model.Event
	shown  []model.Event
	chosen model.Event
}

func newHistoryPage(w *Window) *historyPage {
	p := &historyPage{w: w}
	p.filter = w.field(wordFilter, wordFilterHint, nil, nil)
	p.filter.OnChanged = func(string) { p.sift(false) }
	p.list = w.list(wordHistory, func() int { return len(p.shown) }, func(i int, l *eventLine) { l.set(p.shown[i]) })
	p.list.OnSelected = func(i int) {
		p.chosen = p.shown[i]
		p.choose()
	}
	p.none = widget.NewLabel(wordNoEvents)
	p.none.Importance = widget.LowImportance
	p.whole = widget.NewLabel("")
	p.whole.Wrapping = fyne.TextWrapWord
	p.open = w.button(wordOpenRow, nil, func() { w.openRow(p.chosen.Key) })
	p.foot = onCard(newColumn(0.5, fit(p.whole), newLine(0, p.open)))
	p.foot.Hide()
	head := newColumn(0.7, fit(title(wordHistory)), p.filter)
	p.box = newMargin(1.4, 1.8, container.NewBorder(container.New(margin{bottom: 0.7}, head), container.New(margin{top: 0.7}, p.foot), nil, nil, container.NewStack(p.list, p.none)))
	return p
}

func (p *historyPage) object() fyne.CanvasObject { return p.box }

func (p *historyPage) update(m *model.Model) {
	if slices.Equal(m.History, p.all) {
		return
	}
	p.all = m.History
	p.sift(true)
}

// sift finds what is to be shown. What has come on top pushes nothing away from
// under a reader's eyes if keep.
func (p *historyPage) sift(keep bool) {
	words := strings.Fields(strings.ToLower(p.filter.Text))
	before := p.shown
	p.shown = nil
	for _, e := range p.all {
		text := strings.ToLower(e.ID + " " + e.What + " " + e.Old + " " + e.New + " " + e.When)
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) }) {
			p.shown = append(p.shown, e)
		}
	}
	offset := p.list.GetScrollOffset()
	if !keep {
		offset = 0
	} else if added := slices.Index(p.shown, first(before)); added > 0 && offset > 0 {
		offset += float32(added) * p.list.step()
	}
	p.list.Refresh()
	p.list.ScrollToOffset(offset)
	setShown(p.none, len(p.shown) == 0)
	tell := p.list.OnSelected
	p.list.OnSelected = nil
	if i := slices.Index(p.shown, p.chosen); i >= 0 && !p.chosen.At.IsZero() {
		p.list.mark(i)
	} else {
		p.list.UnselectAll()
		p.chosen = model.Event{}
	}
	p.list.OnSelected = tell
	p.choose()
}

func first(events []model.Event) model.Event {
	if len(events) == 0 {
		return model.Event{}
	}
	return events[0]
}

// choose shows the chosen event whole.
func (p *historyPage) choose() {
	e := p.chosen
	setShown(p.foot, !e.At.IsZero())
	if e.At.IsZero() {
		return
	}
	var lines []string
	for _, line := range []string{e.When, e.ID, e.What, prints(e)} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	setText(p.whole, strings.Join(lines, "\n"))
	setShown(p.open, slices.ContainsFunc(p.w.model.Rows, func(r model.Row) bool { return r.Key == e.Key }))
}

// history shows what was done with one credential.
func (w *Window) history(id string) {
	w.pages[pageHistory].(*historyPage).filter.SetText(id)
	w.show(pageHistory)
}
