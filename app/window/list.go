//go:build !darwin || cgo

package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
)

// A list is Fyne's, with the keyboard of all of ours: only what can be seen of
// it is drawn.
type list struct {
	widget.List
	keyboard
}

func (w *Window) list(name string, length func() int, set func(i int, l *eventLine)) *list {
	l := &list{keyboard: w.keyboard(name, nil)}
	l.Length = length
	l.CreateItem = func() fyne.CanvasObject { return newEventLine() }
	l.UpdateItem = func(i int, o fyne.CanvasObject) { set(i, o.(*eventLine)) }
	l.ExtendBaseWidget(l)
	return l
}

func (l *list) TypedKey(key *fyne.KeyEvent) {
	if !l.typed(key) {
		l.List.TypedKey(key)
	}
}

func (l *list) AccessibilityLabel() string             { return l.name }
func (l *list) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleContainer }

// step is from one line to the next.
func (l *list) step() float32 { return newEventLine().MinSize().Height + theme.Padding() }

// mark chooses a line and leaves the list where it is scrolled to.
func (l *list) mark(i int) {
	offset := l.GetScrollOffset()
	l.Select(i)
	l.ScrollToOffset(offset)
}

// An eventLine is one event: what, and below it when and with which credential.
type eventLine struct {
	widget.BaseWidget
	what, when *widget.Label
	body       *fyne.Container
}

func newEventLine() *eventLine {
	l := &eventLine{what: widget.NewLabel(""), when: widget.NewLabel("")}
	l.what.Truncation, l.when.Truncation = fyne.TextTruncateEllipsis, fyne.TextTruncateEllipsis
	l.when.Importance = widget.LowImportance
	l.body = newMargin(0.35, 0.6, newColumn(0.15, fit(l.what), fit(l.when)))
	l.ExtendBaseWidget(l)
	return l
}

func (l *eventLine) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(l.body) }

func (l *eventLine) set(e model.Event) {
	setText(l.what, e.What)
	when := e.When
	if e.ID != "" {
		when += "   " + e.ID
	}
	if p := prints(e); p != "" {
		when += "   " + p
	}
	setText(l.when, when)
}

// title is the heading of a page.
func title(text string) *widget.Label {
	l := widget.NewLabelWithStyle(text, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	l.SizeName, l.Wrapping = theme.SizeNameHeadingText, fyne.TextWrapWord
	return l
}

// pageIn is a page that scrolls, with its title.
func pageIn(scroll *container.Scroll, name string, objects ...fyne.CanvasObject) {
	scroll.Content = newMargin(1.4, 1.8, newColumn(0.9, append([]fyne.CanvasObject{fit(title(name))}, objects...)...))
}
