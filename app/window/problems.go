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

// A problemsPage is what is wrong, and what to do about it: credentials that
// need a person, and stores.
type problemsPage struct {
	w      *Window
	scroll *container.Scroll
	rows   map[string]*row
	list   *fyne.Container
	stores *fyne.Container
	shown  []model.Problem
	none   fyne.CanvasObject
}

func newProblemsPage(w *Window) *problemsPage {
	p := &problemsPage{w: w, scroll: container.NewVScroll(nil), rows: map[string]*row{}, list: newColumn(0.55), stores: newColumn(0.55)}
	none := wrapped(wordNoProblems)
	none.Importance = widget.LowImportance
	p.none = fit(none)
	pageIn(p.scroll, wordProblems, p.none, p.list, p.stores)
	return p
}

// troubled are the Rows of which a person has something to do.
func troubled(rows []model.Row) (all []model.Row) {
	for _, r := range rows {
		if r.NeedsYou || r.Do != "" && !r.Unused {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b model.Row) int { return rank(a) - rank(b) })
	return all
}

// troubles is how many there are.
func troubles(m *model.Model) int { return len(m.Problems) + len(troubled(m.Rows)) }

func (p *problemsPage) object() fyne.CanvasObject { return p.scroll }

func (p *problemsPage) update(m *model.Model) {
	var shown []fyne.CanvasObject
	for _, data := range troubled(m.Rows) {
		r := p.rows[data.Key]
		if r == nil {
			r = p.w.row(p.scroll)
			p.rows[data.Key] = r
		}
		r.set(data, m.At)
		shown = append(shown, r)
	}
	if !slices.Equal(shown, p.list.Objects) {
		p.list.Objects = shown
		p.list.Refresh()
	}
	setShown(p.list, len(shown) > 0)
	setShown(p.none, troubles(m) == 0)
	if !slices.Equal(m.Problems, p.shown) {
		p.shown = slices.Clone(m.Problems)
		p.stores.Objects = nil
		for _, problem := range p.shown {
			p.stores.Add(problemCard(problem))
		}
		p.stores.Refresh()
	}
	setShown(p.stores, len(p.shown) > 0)
	settle(p.scroll)
}

func problemCard(problem model.Problem) fyne.CanvasObject {
	icon := widget.NewIcon(theme.NewColoredResource(theme.WarningIcon(), toneWarm.text))
	text := container.New(heading{1.6}, icon, fit(wrapped(problem.Message))) // it names its store
	return container.NewStack(newCard(colorCard), newMargin(0.75, 1, text))
}
