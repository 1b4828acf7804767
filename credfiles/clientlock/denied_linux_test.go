package clientlock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// asNobody runs f without the rights of root, if we are root. Only this
// thread's file access changes; it ends with the goroutine.
func asNobody(t *testing.T, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if os.Geteuid() == 0 {
			unix.RawSyscall(unix.SYS_SETFSUID, 65534, 0, 0)
		}
		f()
	}()
	<-done
}

// open lets everybody reach dir, which is below the folder for temporary
// files, and returns it.
func open(t *testing.T, dir string) string {
	t.Helper()
	for d := dir; strings.HasPrefix(d, os.TempDir()+"/"); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	asNobody(t, func() { _, err = os.ReadDir(dir) })
	if err != nil {
		t.Skip(err)
	}
	return dir
}

func TestAFolderThatIsNotWritableIsNotABusyLock(t *testing.T) {
	dir := open(t, t.TempDir())
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	path := filepath.Join(dir, "x.lock")
	for _, kind := range []string{"file", "dir"} {
		asNobody(t, func() {
			_, err := take(t.Context(), kind, path)
			var busy *BusyError
			if !errors.Is(err, fs.ErrPermission) || errors.As(err, &busy) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: got %v", kind, err)
			}
		})
	}
}

func TestALockFileThatWeMayOnlyReadCanBeLocked(t *testing.T) {
	path := filepath.Join(open(t, t.TempDir()), "x.lock")
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		l, err := take(t.Context(), "file", path)
		if err != nil {
			t.Error(err)
			return
		}
		l.Release()
	})
}
