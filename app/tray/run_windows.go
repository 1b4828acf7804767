package tray

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf16"
	"unsafe"

	"fyne.io/systray"
	"golang.org/x/sys/windows"
)

var (
	user32            = windows.NewLazySystemDLL("user32.dll")
	getMessage        = user32.NewProc("GetMessageW")
	peekMessage       = user32.NewProc("PeekMessageW")
	translateMessage  = user32.NewProc("TranslateMessage")
	dispatchMessage   = user32.NewProc("DispatchMessageW")
	postThreadMessage = user32.NewProc("PostThreadMessageW")
	sendMessage       = user32.NewProc("SendMessageW")
	findWindow        = user32.NewProc("FindWindowExW")
)

// message is MSG of winuser.h.
type message struct {
	window         windows.Handle
	message        uint32
	wparam, lparam uintptr
	time           uint32
	x, y           int32
	private        uint32
}

const (
	wmRButtonUp = 0x0205
	wmUser      = 0x0400
	wmApp       = 0x8000
	// wmIcon is what systray has itself told of clicks on the icon.
	wmIcon = wmUser + 1
)

var ran atomic.Bool

// Run shows t until ctx ends, or until Windows asks the program to end, and
// then returns nil. It can be called once in a process. It returns an error
// that is ErrNoTray if there cannot be an icon.
//
// The message loop is ours, not the library's: all that touches the menu runs
// on this thread, between messages. The library keeps its tables without locks,
// and closes channels that its window procedure sends on. A click on the icon
// is sent, not posted (SendNotifyMessage; observed with Wine 8): it runs inside
// of whatever waits for messages. So it is only noted, and the menu opens from
// this loop, drawn anew; while it is open Windows runs a loop of its own inside
// of open, and nothing is redrawn before the click has been handed over.
func Run(ctx context.Context, t Tray) error {
	if ran.Swap(true) {
		return fmt.Errorf("%w: it was shown before", ErrNoTray)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ready := make(chan struct{})
	systray.Register(func() { close(ready) }, nil)
	select {
	case <-ready:
	case <-time.After(5 * time.Second): // it tells nothing where it fails
		return fmt.Errorf("%w: Windows takes none", ErrNoTray)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n := &native{t: t, clicks: newClicks()}
	go n.clicks.handOn(ctx, nil, t.Do)
	n.draw()
	go t.Shown(true)

	var redraw, tapped atomic.Bool
	thread := windows.GetCurrentThreadId()
	// A message to the thread that comes while a menu is open is lost; redraw
	// and tapped are looked at after each one.
	wake := func() { postThreadMessage.Call(uintptr(thread), wmApp, 0, 0) }
	tap := func() {
		tapped.Store(true)
		wake()
	}
	tappable(tap)
	go func() {
		for {
			select {
			case <-ctx.Done():
				systray.Quit() // closes an open menu too
				return
			case <-t.Changed:
				redraw.Store(true)
				wake()
			}
		}
	}()
	for {
		var m message
		if left, _, _ := peekMessage.Call(uintptr(unsafe.Pointer(&m)), 0, 0, 0, 0); left == 0 {
			switch {
			case tapped.Swap(false):
				redraw.Store(false)
				n.draw()
				tappable(nil)
				open(thread)
				tappable(tap)
				continue
			case redraw.Swap(false):
				n.draw()
			}
		}
		switch got, _, err := getMessage.Call(uintptr(unsafe.Pointer(&m)), 0, 0, 0); int32(got) {
		case 0: // WM_QUIT
			return nil
		case -1:
			return errors.Join(ErrNoTray, err)
		}
		translateMessage.Call(uintptr(unsafe.Pointer(&m)))
		dispatchMessage.Call(uintptr(unsafe.Pointer(&m)))
		n.collect()
	}
}

// tappable says what a click on the icon does; nil: it opens the menu at once.
func tappable(tap func()) {
	systray.SetOnTapped(tap)
	systray.SetOnSecondaryTapped(tap)
}

// open opens the menu, and returns when it is closed.
func open(thread uint32) {
	class, _ := windows.UTF16PtrFromString("SystrayClass") // the library's
	var window uintptr
	for {
		window, _, _ = findWindow.Call(0, window, uintptr(unsafe.Pointer(class)), 0)
		if window == 0 {
			return
		}
		if of, _ := windows.GetWindowThreadProcessId(windows.HWND(window), nil); of == thread {
			sendMessage.Call(window, wmIcon, 0, wmRButtonUp)
			return
		}
	}
}

// listen gives a line room for a click; collect takes it out, on the same
// thread.
func (n *native) listen(_ int32, item *systray.MenuItem) { item.ClickedCh = make(chan struct{}, 1) }

func (n *native) collect() {
	for id, item := range n.items {
		select {
		case <-item.ClickedCh:
			n.clicked(id)
		default:
		}
	}
}

func (n *native) forget() {}

// label: an ampersand marks the key that stands for the line; two are one.
func label(s string) string { return strings.ReplaceAll(s, "&", "&&") }

// tipOf cuts a tooltip to what NOTIFYICONDATA has room for, with its end.
func tipOf(s string) string {
	const most = 127
	if u := utf16.Encode([]rune(s)); len(u) > most {
		return string(utf16.Decode(u[:most-1])) + "…"
	}
	return s
}

// Await has nothing to wait for: there is no session bus on Windows.
func Await(context.Context) error { return ErrNoBus }
