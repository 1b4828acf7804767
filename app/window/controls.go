//go:build !darwin || cgo

package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// A keyboard is what every control does with the keys that are not its own, and
// when it gets the focus: Fyne hands a focused control all keys, and leaves it
// out of sight if it is scrolled away.
type keyboard struct {
	name   string // for who cannot see it, where its own text does not say enough
	escape func()
	window shortcuts
	in     *container.Scroll // in which it stands; may be nil
}

// shortcuts takes what a control has no use for.
type shortcuts interface{ TypedShortcut(fyne.Shortcut) }

func (k *keyboard) typed(key *fyne.KeyEvent) bool {
	if key.Name != fyne.KeyEscape || k.escape == nil {
		return false
	}
	k.escape()
	return true
}

// reveal scrolls until o can be seen whole.
func (k *keyboard) reveal(o fyne.CanvasObject) {
	if k.in == nil {
		return
	}
	driver := fyne.CurrentApp().Driver()
	top := driver.AbsolutePositionForObject(o).Y - driver.AbsolutePositionForObject(k.in.Content).Y
	offset := k.in.Offset
	switch room := em() * 0.5; {
	case top-room < offset.Y:
		offset.Y = max(0, top-room)
	case top+o.Size().Height+room > offset.Y+k.in.Size().Height:
		offset.Y = top + o.Size().Height + room - k.in.Size().Height
	default:
		return
	}
	k.in.ScrollToOffset(offset)
}

// A button is Fyne's, with the keyboard of all of ours.
type button struct {
	widget.Button
	keyboard
}

func (w *Window) button(text string, in *container.Scroll, tapped func()) *button {
	b := &button{keyboard: w.keyboard("", in)}
	b.Text, b.OnTapped = text, tapped
	b.ExtendBaseWidget(b)
	return b
}

// icon is a button without words, which has a name all the same.
func (w *Window) icon(name string, picture fyne.Resource, in *container.Scroll, tapped func()) *button {
	b := w.button("", in, tapped)
	b.name, b.Icon, b.Importance = name, picture, widget.LowImportance
	return b
}

func (b *button) AccessibilityLabel() string {
	if b.name != "" {
		return b.name
	}
	return b.Text
}

func (b *button) FocusGained() {
	b.Button.FocusGained()
	b.reveal(b)
}

func (b *button) TypedKey(key *fyne.KeyEvent) {
	switch {
	case b.typed(key):
	case key.Name == fyne.KeyReturn || key.Name == fyne.KeyEnter:
		b.Button.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	default:
		b.Button.TypedKey(key)
	}
}

// A check is Fyne's, with the keyboard of all of ours.
type check struct {
	widget.Check
	keyboard
}

func (w *Window) check(text string, in *container.Scroll, changed func(bool)) *check {
	c := &check{keyboard: w.keyboard(text, in)}
	c.Text, c.OnChanged = text, changed
	c.ExtendBaseWidget(c)
	return c
}

func (c *check) FocusGained() {
	c.Check.FocusGained()
	c.reveal(c)
}

func (c *check) TypedKey(key *fyne.KeyEvent) {
	if !c.typed(key) {
		c.Check.TypedKey(key)
	}
}

// A choice is Fyne's select, with the keyboard of all of ours.
type choice struct {
	widget.Select
	keyboard
}

func (w *Window) choice(name string, in *container.Scroll, options []string, changed func(string)) *choice {
	c := &choice{keyboard: w.keyboard(name, in)}
	c.Options, c.OnChanged = options, changed
	c.ExtendBaseWidget(c)
	return c
}

func (c *choice) FocusGained() {
	c.Select.FocusGained()
	c.reveal(c)
}

func (c *choice) TypedKey(key *fyne.KeyEvent) {
	if !c.typed(key) {
		c.Select.TypedKey(key)
	}
}

// quietly sets the value without telling it as a person's.
func (c *choice) quietly(value string) {
	if c.Selected == value {
		return
	}
	tell := c.OnChanged
	c.OnChanged = nil
	c.SetSelected(value)
	c.OnChanged = tell
}

// quietly sets the value without telling it as a person's.
func (c *check) quietly(value bool) {
	if c.Checked == value {
		return
	}
	tell := c.OnChanged
	c.OnChanged = nil
	c.SetChecked(value)
	c.OnChanged = tell
}
