package desktop

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

func TestWhatIsCopiedCanBePastedAndIsNotKept(t *testing.T) {
	const secret = "access-token-EXAMPLE"
	if err := Copy(t.Context(), nil, secret); err != nil {
		t.Fatal(err)
	}
	available := user32.NewProc("IsClipboardFormatAvailable")
	for _, name := range unkept {
		wide, _ := windows.UTF16PtrFromString(name)
		format, _, _ := registerFormat.Call(uintptr(unsafe.Pointer(wide)))
		if is, _, _ := available.Call(format); is == 0 {
			t.Errorf("%s is not there", name)
		}
	}
	if err := open(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	defer closeClipboard.Call()
	memory, _, err := user32.NewProc("GetClipboardData").Call(unicodeText)
	if memory == 0 {
		t.Fatal(err)
	}
	at, _, _ := globalLock.Call(memory)
	defer globalUnlock.Call(memory)
	got := make([]uint16, len(secret)+1)
	moveMemory.Call(uintptr(unsafe.Pointer(&got[0])), at, uintptr(2*len(got)))
	if windows.UTF16ToString(got) != secret {
		t.Errorf("%q", windows.UTF16ToString(got))
	}
}
