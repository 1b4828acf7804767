//go:build !darwin || cgo

package window

import (
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
)

// A fact is one line of a credential's page: what it is, what it says, and a
// button that copies it. A fact that nobody knows is not shown.
type fact struct {
	box   fyne.CanvasObject
	value *widget.Label
	of    func(r model.Row, now time.Time) string
}

func (p *rowPage) newFacts() (all []*fact) {
	add := func(name string, copied bool, of func(r model.Row, now time.Time) string) {
		f := &fact{value: widget.NewLabel(""), of: of}
		f.value.Wrapping = fyne.TextWrapWord
		title := widget.NewLabel(name)
		title.Importance, title.Wrapping = widget.LowImportance, fyne.TextWrapWord
		end := nowhere()
		if copied {
			end = p.w.icon(wordCopy+" "+name, theme.ContentCopyIcon(), p.scroll, func() {
				p.w.app.Clipboard().SetContent(f.value.Text)
				p.w.said(fmt.Sprintf(wordCopied, name))
			})
		}
		f.box = container.New(factLayout{}, fit(title), fit(f.value), end)
		all = append(all, f)
	}
	at := func(of func(r model.Row) time.Time) func(model.Row, time.Time) string {
		return func(r model.Row, now time.Time) string { return distant(of(r), now) }
	}
	text := func(of func(r model.Row) string) func(model.Row, time.Time) string {
		return func(r model.Row, _ time.Time) string { return of(r) }
	}
	add(factPlan, false, func(r model.Row, _ time.Time) string {
		if p.w.model.Begun {
			return ""
		}
		return r.Plan
	})
	add(factExpires, false, at(func(r model.Row) time.Time { return r.Expires }))
	add(factLife, false, text(func(r model.Row) string {
		if r.Life <= 0 {
			return ""
		}
		return span(r.Life)
	}))
	add(factNext, false, at(func(r model.Row) time.Time { return r.Refresh }))
	add(factLast, false, at(func(r model.Row) time.Time { return r.Refreshed }))
	add(factEnds, false, at(func(r model.Row) time.Time { return r.Ends }))
	add(factMode, false, text(func(r model.Row) string { return r.Mode }))
	add(factServer, true, text(func(r model.Row) string { return r.Server }))
	add(factEndpoint, false, text(func(r model.Row) string { return r.Endpoint }))
	add(factIssuer, false, text(func(r model.Row) string { return r.Issuer }))
	add(factHosts, false, text(func(r model.Row) string { return strings.Join(r.Hosts, "\n") }))
	add(factHolders, false, text(func(r model.Row) string { return strings.Join(r.Holders, "\n") }))
	add(factReconnect, false, text(func(r model.Row) string { return strings.Join(r.Reconnect, "\n") }))
	add(factStore, true, text(func(r model.Row) string { return r.Store }))
	add(factSignIn, true, text(func(r model.Row) string { return r.SignIn }))
	return all
}

func (f *fact) set(r model.Row, now time.Time) {
	text := f.of(r, now)
	setText(f.value, text)
	setShown(f.box, text != "")
}

// distant is an absolute local time, and how far away it is.
func distant(t, now time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case t.Unix() == 0:
		return wordEnded // how a client writes that it ended long ago
	case t.After(now):
		return moment(t) + ", " + fmt.Sprintf(wordIn, span(t.Sub(now)))
	}
	return moment(t) + ", " + fmt.Sprintf(wordAgo, span(now.Sub(t)))
}

func todo(r model.Row) string {
	if r.Do == "" {
		return ""
	}
	return fmt.Sprintf(wordToDo, r.Do)
}

// A factLayout lines up names and values, and a small button at the end.
type factLayout struct{}

func (factLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	name, value, end := o[0], o[1], o[2]
	wide := nameWidth()
	last := end.MinSize()
	name.Resize(fyne.NewSize(wide-0.5*em(), size.Height))
	name.Move(fyne.NewPos(0, 0))
	value.Resize(fyne.NewSize(size.Width-wide-last.Width-0.3*em(), size.Height))
	value.Move(fyne.NewPos(wide, 0))
	end.Resize(last)
	end.Move(fyne.NewPos(size.Width-last.Width, (lineHeight()-last.Height)/2))
}

// nameWidth is the room for the names of facts and settings.
func nameWidth() float32 { return 11 * em() }

// lineHeight is the height of one line of text.
func lineHeight() float32 { return fyne.MeasureText("M", em(), fyne.TextStyle{}).Height }

func (factLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(nameWidth()+8*em(), max(o[0].MinSize().Height, o[1].MinSize().Height))
}
