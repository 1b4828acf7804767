package app

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32           = windows.NewLazySystemDLL("kernel32.dll")
	consoleProcessList = kernel32.NewProc("GetConsoleProcessList")
	freeConsole        = kernel32.NewProc("FreeConsole")
)

// leaveConsole closes the console that Windows opened for this program alone,
// as the Explorer does for one that it starts, at login too. The same program
// in somebody's shell keeps the shell's.
func (p *program) leaveConsole() {
	var others [2]uint32
	if n, _, _ := consoleProcessList.Call(uintptr(unsafe.Pointer(&others[0])), uintptr(len(others))); n != 1 {
		return
	}
	nowhere, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return
	}
	// What goes to a file or a pipe goes there still. The window, a process of
	// its own, inherits what stands here.
	for _, f := range []**os.File{&os.Stdin, &os.Stdout, &os.Stderr, &p.out.file, &p.err.file} {
		var mode uint32
		if windows.GetConsoleMode(windows.Handle((*f).Fd()), &mode) == nil {
			*f = nowhere
		}
	}
	freeConsole.Call()
}
