package app

import (
	"os"

	"golang.org/x/sys/windows"
)

// ansi reports whether the console understands escape sequences. It has to be
// asked to.
func ansi(f *os.File) bool {
	var mode uint32
	h := windows.Handle(f.Fd())
	if windows.GetConsoleMode(h, &mode) != nil {
		return false
	}
	const vt = windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
	return mode&vt != 0 || windows.SetConsoleMode(h, mode|vt) == nil
}
