//go:build cgo && !windows && !darwin

package main

import (
	"os"
	"path/filepath"
)

// keepFromBus names a bus that is not there, where there is none. Fyne asks the
// desktop for light or dark over the session bus; without an address its D-Bus
// library would start a bus of its own by dbus-launch, and leave it behind.
func keepFromBus() {
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return
	}
	bus := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus")
	if _, err := os.Stat(bus); err != nil || os.Getenv("XDG_RUNTIME_DIR") == "" {
		os.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	}
}
