//go:build !windows && !darwin

package notice

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	busName    = "org.freedesktop.DBus"
	serverName = "org.freedesktop.Notifications" // also its interface
	serverPath = "/org/freedesktop/Notifications"
)

// A bus is a connection of our own: what others listen to, ask or close on a
// shared one is theirs, and the other way round.
type bus struct {
	conn        *dbus.Conn
	server      dbus.BusObject
	signals     chan *dbus.Signal // closed when the bus is gone
	owner       string            // the unique name of the service that runs; "" for none
	activatable bool              // the bus starts one when it is called
}

// connect connects, listens and looks who is there. The bus lives until ctx
// ends.
func connect(ctx context.Context, address string) (_ *bus, err error) {
	ctx, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(patience, cancel)
	defer func() {
		if !late.Stop() {
			err = ErrSilent
		}
		if err != nil {
			cancel()
		}
	}()
	b := &bus{signals: make(chan *dbus.Signal, 16)}
	// The order of signals matters, which the default handler does not keep.
	b.conn, err = dbus.Connect(address, dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return nil, err
	}
	context.AfterFunc(b.conn.Context(), cancel)
	b.server = b.conn.Object(serverName, serverPath)
	b.conn.Signal(b.signals)
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchSender(busName), dbus.WithMatchInterface(busName), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, serverName)},
		{dbus.WithMatchSender(serverName), dbus.WithMatchInterface(serverName), dbus.WithMatchMember("ActionInvoked")},
		{dbus.WithMatchSender(serverName), dbus.WithMatchInterface(serverName), dbus.WithMatchMember("ActivationToken")},
	} {
		if err := b.conn.AddMatchSignalContext(ctx, match...); err != nil {
			return nil, err
		}
	}
	var no dbus.Error
	err = b.conn.BusObject().CallWithContext(ctx, busName+".GetNameOwner", 0, serverName).Store(&b.owner)
	if err != nil && !errors.As(err, &no) {
		return nil, err
	}
	var names []string
	if err := b.conn.BusObject().CallWithContext(ctx, busName+".ListActivatableNames", 0).Store(&names); err != nil {
		return nil, err
	}
	b.activatable = slices.Contains(names, serverName)
	return b, nil
}
