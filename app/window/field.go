//go:build !darwin || cgo

package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// A field is Fyne's entry, with the keyboard of all of ours. While it is being
// edited, what the keeper says does not overwrite it.
type field struct {
	widget.Entry
	keyboard
	truth   string // as the Model has it
	told    string // what was sent last
	focused bool
	send    func(string) // what a person entered; nil: somebody else reads it
}

func (w *Window) field(name, hint string, in *container.Scroll, send func(string)) *field {
	f := &field{keyboard: w.keyboard(name, in), send: send}
	f.PlaceHolder = hint
	f.OnSubmitted = func(string) { f.commit() }
	f.ExtendBaseWidget(f)
	return f
}

// commit sends what was changed.
func (f *field) commit() {
	if f.send != nil && f.Text != f.truth && f.Text != f.told {
		f.told = f.Text
		f.send(f.Text)
	}
}

// quietly takes the value of a Model: at once, or once nobody edits it.
func (f *field) quietly(value string) {
	f.truth = value
	if !f.focused && f.Text != value {
		f.told = ""
		f.SetText(value)
	}
}

func (f *field) FocusGained() {
	f.focused = true
	f.Entry.FocusGained()
	f.reveal(f)
}

func (f *field) FocusLost() {
	f.focused = false
	f.Entry.FocusLost()
	f.commit()
}

func (f *field) TypedKey(key *fyne.KeyEvent) {
	switch {
	case key.Name == fyne.KeyEscape && f.send != nil && f.Text != f.truth:
		f.SetText(f.truth) // the first Escape takes back what was typed
	case f.typed(key):
	default:
		f.Entry.TypedKey(key)
	}
}

func (f *field) TypedShortcut(s fyne.Shortcut) {
	if _, ok := s.(*desktop.CustomShortcut); ok && f.window != nil {
		f.window.TypedShortcut(s)
	}
	f.Entry.TypedShortcut(s)
}

func (f *field) AccessibilityLabel() string              { return f.name }
func (f *field) AccessibilityRole() fyne.AccessibleRole  { return fyne.AccessibleRoleText }
func (c *choice) AccessibilityLabel() string             { return c.name }
func (c *choice) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }
func (c *check) AccessibilityLabel() string              { return c.name }
func (c *check) AccessibilityRole() fyne.AccessibleRole  { return fyne.AccessibleRoleButton }
