//go:build !windows && !darwin

package tray

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	itemName    = "org.kde.StatusNotifierItem" // also its interface
	itemPath    = "/StatusNotifierItem"
	menuName    = "com.canonical.dbusmenu"
	menuPath    = "/StatusNotifierItem/menu"
	watcherName = "org.kde.StatusNotifierWatcher" // also its interface
	watcherPath = "/StatusNotifierWatcher"
	properties  = "org.freedesktop.DBus.Properties"
)

var runs atomic.Int32

// Run shows t until ctx ends, and then returns nil. It returns an error that is
// ErrNoBus if there is no bus or when it ends; then it can be called again. The
// icon comes and goes with whoever shows icons, now or later.
func Run(ctx context.Context, t Tray) error { return run(ctx, t, rest) }

func run(ctx context.Context, t Tray, rest time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := connect(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer conn.Close()

	s := &shown{t: t, conn: conn, clicks: newClicks(), rest: rest, due: make(chan struct{}, 1)}
	s.draw()
	for _, e := range []struct {
		object, at any
		path       dbus.ObjectPath
	}{
		{item{s}, itemName, itemPath}, {facts{s.itemFacts, itemName}, properties, itemPath},
		{dbusmenu{s}, menuName, menuPath}, {facts{s.menuFacts, menuName}, properties, menuPath},
	} {
		if err := conn.Export(e.object, e.path, e.at.(string)); err != nil {
			return err
		}
	}
	// Panels are told the path and take the connection's own name. This one is
	// for people who look at the bus.
	conn.RequestName(fmt.Sprintf("%s-%d-%d", itemName, os.Getpid(), runs.Add(1)), dbus.NameFlagDoNotQueue)

	gone := conn.Context().Done()
	go s.clicks.handOn(ctx, gone, t.Do)
	go stay(ctx, conn, t.Shown)
	for {
		select {
		case <-gone: // with ctx too
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("%w any more", ErrNoBus)
		case <-t.Changed:
			s.draw()
		case <-s.due:
			s.draw()
		}
	}
}

// stay keeps the item registered with whoever watches for items, and tells
// whether somebody shows it. It ends with the connection.
func stay(ctx context.Context, conn *dbus.Conn, tell func(bool)) {
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, watcherName)},
		{dbus.WithMatchSender(watcherName), dbus.WithMatchInterface(watcherName), dbus.WithMatchMember("StatusNotifierHostRegistered")},
		{dbus.WithMatchSender(watcherName), dbus.WithMatchInterface(watcherName), dbus.WithMatchMember("StatusNotifierHostUnregistered")},
	} {
		if conn.AddMatchSignal(match...) != nil {
			return // the connection has ended
		}
	}
	watcher := conn.Object(watcherName, watcherPath)
	known, last, registered := false, false, false
	for register := true; ; {
		if register {
			registered = watcher.CallWithContext(ctx, watcherName+".RegisterStatusNotifierItem", dbus.FlagNoAutoStart, itemPath).Err == nil
		}
		is := registered && hosted(ctx, watcher)
		if ctx.Err() != nil || !conn.Connected() {
			return
		}
		if !known || is != last {
			known, last = true, is
			tell(is)
		}
		select {
		case <-ctx.Done():
			return
		case signal, ok := <-signals:
			if !ok {
				return
			}
			register = signal.Name == "org.freedesktop.DBus.NameOwnerChanged"
		}
	}
}

// hosted reports whether a panel has told the watcher that it shows items.
func hosted(ctx context.Context, watcher dbus.BusObject) bool {
	var is dbus.Variant
	err := watcher.CallWithContext(ctx, properties+".Get", dbus.FlagNoAutoStart, watcherName, "IsStatusNotifierHostRegistered").Store(&is)
	if err != nil {
		return false
	}
	yes, ok := is.Value().(bool)
	return ok && yes
}
