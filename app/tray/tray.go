// Package tray shows an icon with a menu and says what was clicked. It is
// handed everything worded and decides nothing: it imports none of the packages
// that know credentials.
//
// On Linux and the BSDs it speaks StatusNotifierItem and com.canonical.dbusmenu
// itself; on Windows and macOS fyne.io/systray does. On D-Bus that library
// hands a click over by sending on a channel that a redraw closes: a click in a
// redraw ends the program ("send on closed channel", seen with version
// v1.12.3-0.20260810170012-af4e8e793ec4 within a second of clicking while it
// redrew). It can only append, so that a line in the middle means a new menu
// (522 signals for 40 submenus of 5), it does not tell when the bus has gone,
// and it runs once in a process.
package tray

import (
	"errors"

	"lamplighter/app/model"
)

// ErrNoBus says that there is no session bus, or none any more. The program
// goes on without an icon; Await says when trying again is worth while.
var ErrNoBus = errors.New("no session bus")

// ErrNoTray says that this program cannot have an icon on this system.
var ErrNoTray = errors.New("no icon in the tray")

// A Tray is what Run shows and whom it tells.
type Tray struct {
	// ID is the same at each start: panels remember by it what their user
	// wants hidden.
	ID string
	// Face is what there is to see now. It is called at the start, after
	// Changed, and each time the menu is about to open, so that times in it are
	// right without being redrawn each minute. A panel waits for it: it must be
	// quick. It is never called twice at once.
	Face func() Face
	// Changed says that Face has something new; one place of buffer is enough.
	Changed <-chan struct{}
	// Do is handed what was clicked, one after another in the order of clicks;
	// it may take its time. With it comes the desktop's leave to take the focus
	// (an XDG activation token), where there is one. After the end of Run's
	// context it is not called any more.
	Do func(a model.Action, token string)
	// Shown is told whether anybody shows the icon, at the start and whenever
	// that changes. It must not wait for Run.
	Shown func(bool)
	// Click is what a click on the icon itself means, on desktops that do not
	// open the menu by it.
	Click model.Action
}

// A Face is what there is to see.
type Face struct {
	Icon      Icon
	Attention bool   // somebody is needed: panels that hide icons do not hide this one
	Title     string // of the program
	Tooltip   string
	Menu      []Item
}

// An Icon is one picture.
type Icon struct {
	Name string // another Name is another picture
	// Images are, on Linux and the BSDs, one PNG for each size; on Windows one
	// .ico; on macOS one PNG of which only the opacity counts.
	Images [][]byte
}

// An Item is a line of the menu. What is clicked is what its line meant when
// it was drawn: a click that comes after a redraw does what the line did that
// was clicked, if there is still one that does the same, and else nothing.
type Item struct {
	Text      string       // of any length and with any characters
	Do        model.Action // zero: nothing happens, as with Off
	Checkable bool
	Checked   bool
	Off       bool   // greyed
	Items     []Item // a submenu; Do has no meaning
	Separator bool   // nothing else has a meaning
}
