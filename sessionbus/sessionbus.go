// Package sessionbus says where the D-Bus session bus is, for each who makes a
// connection of his own.
package sessionbus

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"
)

// ErrUnknown means that nothing says where a bus is, or will be.
var ErrUnknown = errors.New("neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set")

// Address is where the session bus is, or where it will be once it runs: what
// DBUS_SESSION_BUS_ADDRESS says, else the socket "bus" in XDG_RUNTIME_DIR
// (sd_bus_open_user(3)). getenv is the environment's. It never starts a bus, as
// the library does where none is named, or where "autolaunch:" is: that one
// would be left behind.
func Address(getenv func(string) string) (string, error) {
	address := getenv("DBUS_SESSION_BUS_ADDRESS")
	if address != "" && !strings.HasPrefix(address, "autolaunch:") {
		return address, nil
	}
	dir := getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		return "", ErrUnknown
	}
	return "unix:path=" + dbus.EscapeBusAddressValue(filepath.Join(dir, "bus")), nil
}
