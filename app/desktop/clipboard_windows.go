package desktop

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	user32   = windows.NewLazySystemDLL("user32.dll")
	kernel32 = windows.NewLazySystemDLL("kernel32.dll")

	createWindow   = user32.NewProc("CreateWindowExW")
	destroyWindow  = user32.NewProc("DestroyWindow")
	openClipboard  = user32.NewProc("OpenClipboard")
	emptyClipboard = user32.NewProc("EmptyClipboard")
	setClipboard   = user32.NewProc("SetClipboardData")
	closeClipboard = user32.NewProc("CloseClipboard")
	registerFormat = user32.NewProc("RegisterClipboardFormatW")

	globalAlloc  = kernel32.NewProc("GlobalAlloc")
	globalFree   = kernel32.NewProc("GlobalFree")
	globalLock   = kernel32.NewProc("GlobalLock")
	globalUnlock = kernel32.NewProc("GlobalUnlock")
	moveMemory   = kernel32.NewProc("RtlMoveMemory")
)

const (
	patience    = time.Second // while another program has the clipboard open
	unicodeText = 13          // CF_UNICODETEXT
	moveable    = 2           // GMEM_MOVEABLE
)

// messageOnly is HWND_MESSAGE, the parent of windows that nobody sees.
var messageOnly = ^uintptr(2)

// unkept are the formats that keep a text out of the clipboard history, its
// cloud, and programs that watch ("Cloud Clipboard and Clipboard History
// Formats" in Microsoft's documentation). The first works by being there, the
// others by a DWORD of 0.
var unkept = []string{"ExcludeClipboardContentFromMonitorProcessing", "CanIncludeInClipboardHistory", "CanUploadToCloudClipboard"}

// Copy puts a secret text on the clipboard, and out of its history. getenv is
// not needed. An error says what to do instead.
func Copy(ctx context.Context, _ func(string) string, text string) error {
	if err := copyText(ctx, text); err != nil {
		return fmt.Errorf(`nothing was copied (%w); "lamplighter token" prints a token`, err)
	}
	return nil
}

func copyText(ctx context.Context, text string) error {
	utf16, err := windows.UTF16FromString(text)
	if err != nil {
		return err
	}
	defer clear(utf16)
	runtime.LockOSThread() // the clipboard is open for a thread
	defer runtime.UnlockOSThread()
	// Without a window of ours SetClipboardData may fail.
	class, _ := windows.UTF16PtrFromString("STATIC")
	window, _, err := createWindow.Call(0, uintptr(unsafe.Pointer(class)), 0, 0, 0, 0, 0, 0, messageOnly, 0, 0, 0)
	if window == 0 {
		return err
	}
	defer destroyWindow.Call(window)
	if err := open(ctx, window); err != nil {
		return err
	}
	defer closeClipboard.Call()
	if ok, _, err := emptyClipboard.Call(); ok == 0 {
		return err
	}
	for _, name := range unkept {
		wide, _ := windows.UTF16PtrFromString(name)
		format, _, err := registerFormat.Call(uintptr(unsafe.Pointer(wide)))
		if format == 0 {
			return err
		}
		if err := set(format, make([]byte, 4)); err != nil {
			return err
		}
	}
	data := make([]byte, 0, 2*len(utf16))
	for _, unit := range utf16 {
		data = binary.LittleEndian.AppendUint16(data, unit)
	}
	defer clear(data)
	return set(unicodeText, data)
}

func open(ctx context.Context, window uintptr) error {
	for end := time.Now().Add(patience); ; {
		ok, _, err := openClipboard.Call(window)
		switch {
		case ok != 0:
			return nil
		case time.Now().After(end):
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// set hands data to the clipboard, which owns the memory from then on.
func set(format uintptr, data []byte) error {
	memory, _, err := globalAlloc.Call(moveable, uintptr(len(data)))
	if memory == 0 {
		return err
	}
	at, _, err := globalLock.Call(memory)
	if at != 0 {
		moveMemory.Call(at, uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)))
		globalUnlock.Call(memory)
		var taken uintptr
		if taken, _, err = setClipboard.Call(format, memory); taken != 0 {
			return nil
		}
	}
	globalFree.Call(memory)
	return err
}
