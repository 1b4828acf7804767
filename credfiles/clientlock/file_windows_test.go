package clientlock

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/windows"
)

// Rust, Go and portalocker lock every byte, Python's msvcrt and filelock the
// first.
func TestEachKeepsTheOtherOutHoweverManyBytesItLocks(t *testing.T) {
	for _, high := range []uint32{0, ^uint32(0)} {
		low := max(1, high)
		path := filepath.Join(t.TempDir(), "x.lock")
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lock := func() error {
			return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, low, high, new(windows.Overlapped))
		}
		if err := lock(); err != nil {
			t.Fatal(err)
		}
		other, err := take(soon(t), "file", path)
		wantBusy(t, other, err, path)
		if err := windows.UnlockFileEx(windows.Handle(f.Fd()), 0, low, high, new(windows.Overlapped)); err != nil {
			t.Fatal(err)
		}
		l := must(t, "file", path)
		if err := lock(); !errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
			t.Errorf("theirs beside ours: %v", err)
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
		if err := lock(); err != nil {
			t.Error(err)
		}
	}
}
