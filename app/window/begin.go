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

// A beginPage is the first run: what was found, what will be done with each,
// and who decides it.
type beginPage struct {
	box    fyne.CanvasObject
	scroll *container.Scroll
	list   *fyne.Container
	begin  *button
	watch  *button
	shown  []model.Row
}

func newBeginPage(w *Window) *beginPage {
	p := &beginPage{scroll: container.NewVScroll(nil), list: newColumn(0.5)}
	p.begin = w.button(wordBegin, nil, func() { w.send(model.Action{Do: model.Begin}) })
	p.begin.Importance = widget.HighImportance
	p.watch = w.button(wordOnlyWatch, nil, func() { w.send(model.Action{Do: model.OnlyWatch}) })
	foot := widget.NewLabel(wordBeginFoot)
	foot.Importance, foot.Wrapping = widget.LowImportance, fyne.TextWrapWord
	p.scroll.Content = container.New(margin{0, 2.4, 1, 2.4}, p.list)
	head := container.New(margin{2, 2.4, 1, 2.4}, container.New(portrait{}, widget.NewIcon(lamp("")), newColumn(0.5, fit(title(wordBeginHead)), fit(wrapped(wordBeginText)))))
	ground := newCard(colorCard)
	ground.flat = true
	end := container.NewStack(ground, newMargin(1, 2.4, container.New(endLayout{}, fit(foot), p.watch, p.begin)))
	p.box = container.NewBorder(head, end, nil, nil, p.scroll)
	return p
}

func (p *beginPage) object() fyne.CanvasObject { return p.box }

func (p *beginPage) update(m *model.Model) {
	same := func(a, b model.Row) bool {
		return a.Key == b.Key && a.Title == b.Title && a.Plan == b.Plan && a.Kept == b.Kept && a.State == b.State && a.Server == b.Server
	}
	if len(p.list.Objects) > 0 && slices.EqualFunc(m.Rows, p.shown, same) {
		return
	}
	p.shown = m.Rows
	p.list.Objects = nil
	for _, s := range sections(m.Rows) {
		p.list.Add(newGroup(s.client, tokens(len(s.rows))).box)
		plans := newColumn(0.7)
		for _, r := range s.rows {
			plans.Add(planLine(r))
		}
		p.list.Add(onCard(plans))
	}
	if len(m.Rows) == 0 {
		p.list.Add(onCard(fit(wrapped(wordNobody))))
	}
	for _, problem := range m.Problems {
		p.list.Add(problemCard(problem))
	}
	p.list.Refresh()
	settle(p.scroll)
}

// planLine is one credential, and what will be done with it.
func planLine(r model.Row) fyne.CanvasObject {
	look := mark{toneCalm, theme.IconNameVisibility, solid}
	if r.Kept {
		look = mark{toneGood, theme.IconNameConfirm, solid}
	} else if r.NeedsYou {
		look = markOf(r)
	}
	name := widget.NewLabelWithStyle(r.Title, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	host := widget.NewLabel(hostOf(r))
	host.Importance = widget.LowImportance
	name.Truncation, host.Truncation = fyne.TextTruncateEllipsis, fyne.TextTruncateEllipsis
	plan := wrapped(capital(r.Plan))
	if r.Plan == "" {
		plan.Text = fmt.Sprintf("%s: %s", capital(r.Word), r.Reason)
	}
	return container.New(planLayout{}, widget.NewIcon(look.drawing()), container.New(naming{}, fit(name), fit(host)), fit(plan))
}

// A planLayout lines up the plans.
type planLayout struct{}

func (planLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	left := 2.2 * em()
	wide := (size.Width - left) * 0.5
	o[0].Resize(fyne.NewSize(1.4*em(), 1.4*em()))
	o[0].Move(fyne.NewPos(0, 0))
	o[1].Resize(fyne.NewSize(wide-em(), o[1].MinSize().Height))
	o[1].Move(fyne.NewPos(left, 0))
	o[2].Resize(fyne.NewSize(wide, size.Height))
	o[2].Move(fyne.NewPos(left+wide, 0))
}

func (planLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(24*em(), max(1.4*em(), o[1].MinSize().Height, o[2].MinSize().Height))
}

// An endLayout sets a text and, at the right, two buttons of one size.
type endLayout struct{}

func (endLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	button := o[1].MinSize().Max(o[2].MinSize()).AddWidthHeight(1.6*em(), 0.3*em())
	width := size.Width - 2*button.Width - 2*em()
	o[0].Resize(fyne.NewSize(width, o[0].Size().Height))
	height := o[0].MinSize().Height
	o[0].Resize(fyne.NewSize(width, height))
	o[0].Move(fyne.NewPos(0, (size.Height-height)/2))
	for i, b := range o[1:] {
		b.Resize(button)
		b.Move(fyne.NewPos(size.Width-float32(2-i)*button.Width-float32(1-i)*em(), (size.Height-button.Height)/2))
	}
}

func (endLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	button := o[1].MinSize().Max(o[2].MinSize()).AddWidthHeight(1.6*em(), 0.3*em())
	return fyne.NewSize(2*button.Width+12*em(), max(button.Height, o[0].MinSize().Height))
}
