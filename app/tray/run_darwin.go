//go:build cgo

package tray

// This file was never compiled: it needs the SDK of macOS. What it shares with
// Windows was.

import (
	"context"
	"sync/atomic"

	"fyne.io/systray"
)

var ran atomic.Bool

// Run shows t until ctx ends, and then returns nil. It must be called by the
// main goroutine, once in a process: macOS has its loop on the first thread.
func Run(ctx context.Context, t Tray) error {
	if ran.Swap(true) {
		return ErrNoTray
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n := &native{t: t, clicks: newClicks()}
	go n.clicks.handOn(ctx, nil, t.Do)
	systray.Run(func() {
		n.draw()
		go t.Shown(true)
		for {
			select {
			case <-ctx.Done():
				systray.Quit()
				return
			case <-t.Changed:
				n.draw()
			case <-systray.TrayOpenedCh: // it has opened, and changes as one looks
				n.draw()
			}
		}
	}, nil)
	return nil
}

// gone ends those who listen to the lines before the last redraw.
var gone = make(chan struct{})

func (n *native) listen(id int32, item *systray.MenuItem) {
	clicked, end := item.ClickedCh, gone
	go func() {
		for {
			select {
			case <-clicked:
				n.clicked(id)
			case <-end:
				return
			}
		}
	}()
}

// forget takes the channels from the lines that go: the library would close
// them, and a click at that moment would be a send on a closed channel.
func (n *native) forget() {
	close(gone)
	gone = make(chan struct{})
	for _, item := range n.items {
		item.ClickedCh = nil
	}
}

func label(s string) string { return s }

func tipOf(s string) string { return s }

// Await has nothing to wait for: the tray of macOS needs no session bus.
func Await(context.Context) error { return ErrNoBus }
