//go:build !windows && !darwin

package tray

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/godbus/dbus/v5"

	"lamplighter/sessionbus"
)

// connect makes a connection of our own: what others listen to, ask or close on
// a shared one is theirs.
func connect(ctx context.Context) (*dbus.Conn, error) {
	address, err := sessionbus.Address(os.Getenv)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoBus, err)
	}
	// In order, which the library's own handler does not keep.
	conn, err := dbus.Connect(address, dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %v", ErrNoBus, address, err)
	}
	return conn, nil
}

// Await returns when a session bus takes connections, after Run returned
// ErrNoBus. It watches the folder of the bus's socket and costs nothing
// meanwhile. It returns ErrNoBus at once if that cannot be done: no address, no
// socket in the file system, no folder; or the context's error. A bus that takes
// connections and ends them is found each time: who calls Run again and again
// leaves time between.
func Await(ctx context.Context) error {
	address, _ := sessionbus.Address(os.Getenv)
	socket := socketOf(address)
	if socket == "" {
		return fmt.Errorf("%w, and no socket to wait for", ErrNoBus)
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("%w, and none can be waited for: %v", ErrNoBus, err)
	}
	defer w.Close()
	if err := w.Add(filepath.Dir(socket)); err != nil {
		return fmt.Errorf("%w, and none can be waited for: %v", ErrNoBus, err)
	}
	// A bus that has just gone may still have its socket, and one that comes
	// has it before it listens.
	tries := 1
	var again <-chan time.Time
	for {
		var d net.Dialer
		if conn, err := d.DialContext(ctx, "unix", socket); err == nil {
			return conn.Close()
		}
		if tries--; tries > 0 {
			again = time.After(200 * time.Millisecond)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again:
		case e := <-w.Events:
			if e.Name == socket && e.Has(fsnotify.Create) {
				tries = 10
			}
		case <-w.Errors: // some event was lost
			tries = 10
		}
	}
}

// socketOf is the path in an address (D-Bus Specification, "Server Addresses").
func socketOf(address string) string {
	for one := range strings.SplitSeq(address, ";") {
		pairs, ok := strings.CutPrefix(one, "unix:")
		for pair := range strings.SplitSeq(pairs, ",") {
			if path, is := strings.CutPrefix(pair, "path="); ok && is {
				path, err := dbus.UnescapeBusAddressValue(path)
				if err == nil {
					return path
				}
			}
		}
	}
	return ""
}
