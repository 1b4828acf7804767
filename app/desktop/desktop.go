// Package desktop asks little things of the desktop that this process runs on:
// whether there is one, and to take a text to its clipboard. What it may have
// besides, a tray and a notification service, the tray and notice packages see
// for themselves, on connections of their own.
package desktop

// Display reports whether windows can be shown. On Windows and macOS that is
// taken for granted: a program of the user runs in a session.
func Display(goos string, getenv func(string) string) bool {
	switch goos {
	case "windows", "darwin":
		return true
	}
	return getenv("WAYLAND_DISPLAY") != "" || getenv("DISPLAY") != ""
}
