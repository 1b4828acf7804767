// Package notice shows a notification of the desktop and says what the person
// did with it. It is handed plain data and decides nothing: whether something
// is worth a notification, and that it was told once, is known elsewhere.
//
// A notification may fail anywhere without a word: switched off, a service that
// hangs, a screen that nobody sees. It never is the only place where a thing is
// said.
package notice

import (
	"context"
	"errors"
	"time"
)

// An App is who speaks.
type App struct {
	Name string // as people know it: Lamplighter
	ID   string // of its desktop entry, its bundle or its AppUserModelID: app.lamplighter
	Icon []byte // a PNG, best of 64 to 128 pixels; nil for none
}

// A Notice is one notification. Its texts are plain: what looks like markup
// in them is shown as it stands, and a character that would be invisible or
// turn the direction of others around is shown as U+FFFD.
type Notice struct {
	Tag    string `json:"tag"`              // stable; a second Notice with it replaces the first
	Title  string `json:"title"`            // one line
	Body   string `json:"body"`             // a sentence or two; says all without the button
	Button string `json:"button,omitempty"` // its label; "" for none
}

// An Answer is what a person did with a Notice.
type Answer struct {
	Tag  string `json:"tag"`
	What string `json:"what"` // Button or Open
	// Token lets a window that is opened for this answer come to the front
	// (XDG_ACTIVATION_TOKEN, which a Wayland compositor wants); often "".
	Token string `json:"token,omitempty"`
}

// What a person can do with a Notice.
const (
	Button = "button" // the button was pressed
	Open   = "open"   // a click elsewhere on it
)

// A Service is what shows notifications.
type Service struct {
	Works   bool // one runs and answers, or is started when it is needed
	Buttons bool // it shows buttons; not known of one that is not yet started
}

// ErrNoService is the answer of Show where nothing shows notifications now.
var ErrNoService = errors.New("no notification service runs on this desktop")

// ErrSilent is the answer of Show where the service did not answer in time.
var ErrSilent = errors.New("the notification service does not answer")

// patience bounds each call. A variable for the tests.
var patience = 5 * time.Second

// A Notifier shows notices. Its methods may be called from any goroutine, and
// none takes longer than five seconds.
type Notifier struct{ d *desktop }

// New returns the Notifier of the desktop that we run on. It does not wait for
// anything; a desktop without notifications is told by [Notifier.Service].
func New(app App) *Notifier { return &Notifier{newDesktop(app)} }

// Show shows n, in place of one with the same tag. Where that cannot be done
// now it says why; on Linux and BSD n is then shown when a service comes or
// answers, or with the next Show, unless it was withdrawn before. What was once
// shown is not shown again of its own accord.
func (n *Notifier) Show(ctx context.Context, note Notice) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, ErrSilent)
	defer cancel()
	return n.d.show(ctx, note.clean())
}

// Withdraw takes back the notice with this tag: what it says is mended.
func (n *Notifier) Withdraw(ctx context.Context, tag string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	n.d.withdraw(ctx, tag)
}

// Answers are what people did, in order; none is lost if nobody receives for a
// while. It is closed by Close. On Windows they come to [Main] instead.
func (n *Notifier) Answers() <-chan Answer { return n.d.answers }

// Service tells how it stands, at once.
func (n *Notifier) Service() Service { return n.d.service() }

// Changed receives when Service has changed.
func (n *Notifier) Changed() <-chan struct{} { return n.d.changed }

// Close ends the Notifier. On Linux and BSD its notices go: nobody would hear
// their buttons.
func (n *Notifier) Close() { n.d.close() }
