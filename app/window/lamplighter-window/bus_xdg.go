//go:build cgo && !windows && !darwin

package main

import (
	"os"

	"lamplighter/sessionbus"
)

// keepFromBus names a bus that is not there, where none is known. Fyne asks the
// desktop for light or dark over the session bus; without an address its D-Bus
// library would start a bus of its own by dbus-launch, and leave it behind.
func keepFromBus() {
	address, err := sessionbus.Address(os.Getenv)
	if err != nil {
		address = "unix:path=/nonexistent"
	}
	os.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
}
