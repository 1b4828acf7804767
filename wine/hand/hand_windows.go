// Command hand says which windows are open: one line for each that can be seen,
// with its class, its corners and its title.
package main

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

func main() {
	user32 := windows.NewLazySystemDLL("user32.dll")
	text := func(call string, window uintptr) string {
		var t [200]uint16
		user32.NewProc(call).Call(window, uintptr(unsafe.Pointer(&t[0])), uintptr(len(t)))
		return windows.UTF16ToString(t[:])
	}
	user32.NewProc("EnumWindows").Call(syscall.NewCallback(func(window, _ uintptr) uintptr {
		if seen, _, _ := user32.NewProc("IsWindowVisible").Call(window); seen != 0 {
			var at [4]int32
			user32.NewProc("GetWindowRect").Call(window, uintptr(unsafe.Pointer(&at[0])))
			fmt.Println(text("GetClassNameW", window), at[0], at[1], at[2], at[3], text("GetWindowTextW", window))
		}
		return 1
	}), 0)
}
