//go:build !darwin || cgo

package window

import (
	"fmt"
	"image/color"
	"net/url"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
)

// A row is one credential in the overview: it stays while its data changes.
// Tapped, or with Return, it opens the credential's page.
type row struct {
	widget.BaseWidget
	keyboard
	data             model.Row
	open             func(key string)
	hovered, focused bool

	card   *canvas.Rectangle
	icon   *widget.Icon
	title  *widget.Label
	host   *widget.Label
	says   *saying
	todo   *widget.Label
	does   fyne.CanvasObject // holds todo
	bar    *bar
	button *button
	next   *widget.Icon
	body   *fyne.Container
}

func (w *Window) row(in *container.Scroll) *row {
	r := &row{keyboard: w.keyboard("", in), open: w.openRow}
	r.card = canvas.NewRectangle(color.Transparent)
	r.icon = widget.NewIcon(nil)
	r.title = widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	r.title.Truncation = fyne.TextTruncateEllipsis
	r.host = widget.NewLabel("")
	r.host.Truncation, r.host.Importance = fyne.TextTruncateEllipsis, widget.LowImportance
	r.says = newSaying()
	r.todo = widget.NewLabel("")
	r.todo.Wrapping = fyne.TextWrapWord
	r.does = fit(r.todo)
	r.bar = newBar()
	r.button = w.button(wordSignIn, in, func() { w.send(model.Action{Do: model.Login, Key: r.data.Key}) })
	r.button.Importance = widget.HighImportance
	r.next = widget.NewIcon(theme.NewColoredResource(theme.NavigateNextIcon(), colorDim))
	text := newColumn(0.3, container.New(naming{}, fit(r.title), fit(r.host)), fit(r.says), r.does)
	r.body = container.New(&rowLayout{}, r.icon, text, r.bar, r.button, r.next)
	r.ExtendBaseWidget(r)
	return r
}

// set shows a Row as it is at now.
func (r *row) set(data model.Row, now time.Time) {
	m := markOf(data)
	if m != markOf(r.data) || r.icon.Resource == nil {
		r.icon.SetResource(m.drawing())
	}
	r.data = data
	setText(r.title, data.Title)
	setText(r.host, hostOf(data))
	r.says.set(capital(data.Word), data.Reason, m.text)
	mends := data.NeedsYou && slices.Contains(data.Can, model.Login)
	setShown(r.button, mends)
	setText(r.todo, todo(data))
	setShown(r.does, data.Do != "" && !(mends && data.Do == data.SignIn)) // the button does that
	left, share := remaining(data, now)
	r.bar.set(left, share, m)
	r.button.name = wordSignIn + " " + data.ID
}

// hostOf is where a credential leads: the host of its server, and the home.
func hostOf(r model.Row) string {
	host := r.Server
	if u, err := url.Parse(r.Server); err == nil && u.Host != "" {
		host = u.Host
	}
	if r.Profile != "" {
		host += " @" + r.Profile
	}
	return host
}

// remaining is how much life an access token has left at a time: in words, and
// as a share of its whole life; below 0 if that is unknown.
func remaining(r model.Row, at time.Time) (text string, share float32) {
	left := r.Expires.Sub(at)
	switch {
	case r.Left == "":
		return wordUnknownLeft, -1
	case r.Expires.IsZero() || r.Life <= 0:
		return r.Left, -1
	}
	return r.Left, max(0, min(1, float32(left)/float32(r.Life)))
}

func (r *row) CreateRenderer() fyne.WidgetRenderer {
	return &rowRenderer{row: r, objects: []fyne.CanvasObject{r.card, r.body}}
}

func (r *row) paint() {
	r.card.FillColor, r.card.StrokeColor, r.card.StrokeWidth = themed(colorCard), themed(colorEdge), 1
	r.card.CornerRadius = 10
	if r.hovered {
		r.card.FillColor = themed(colorHover)
	}
	if r.focused {
		r.card.StrokeColor, r.card.StrokeWidth = themed(theme.ColorNamePrimary), 2
	}
	r.card.Refresh()
}

func (r *row) Tapped(*fyne.PointEvent)                { r.open(r.data.Key) }
func (r *row) MouseIn(*desktop.MouseEvent)            { r.hovered = true; r.paint() }
func (r *row) MouseMoved(*desktop.MouseEvent)         {}
func (r *row) MouseOut()                              { r.hovered = false; r.paint() }
func (r *row) Cursor() desktop.Cursor                 { return desktop.PointerCursor }
func (r *row) FocusGained()                           { r.focused = true; r.paint(); r.reveal(r) }
func (r *row) FocusLost()                             { r.focused = false; r.paint() }
func (r *row) TypedRune(rune)                         {}
func (r *row) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }

func (r *row) AccessibilityLabel() string {
	return fmt.Sprintf(wordRow, r.data.ID, r.data.Word, r.bar.text, r.data.Reason)
}

func (r *row) TypedKey(key *fyne.KeyEvent) {
	if r.typed(key) {
		return
	}
	switch key.Name {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		r.open(r.data.Key)
	}
}

type rowRenderer struct {
	row     *row
	objects []fyne.CanvasObject
}

func (r *rowRenderer) Destroy()                     {}
func (r *rowRenderer) Objects() []fyne.CanvasObject { return r.objects }
func (r *rowRenderer) MinSize() fyne.Size {
	return r.row.body.MinSize().AddWidthHeight(2*em(), 1.5*em())
}

func (r *rowRenderer) Layout(size fyne.Size) {
	r.row.card.Resize(size)
	r.row.body.Move(fyne.NewPos(em(), 0.75*em()))
	r.row.body.Resize(size.SubtractWidthHeight(2*em(), 1.5*em()))
	r.row.paint()
}

func (r *rowRenderer) Refresh() {
	r.row.paint()
	r.row.body.Refresh()
}
