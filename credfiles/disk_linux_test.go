package credfiles

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

// breakSync makes the fsync of a Hold's folder fail, and nothing else: its
// descriptor becomes one that only names the folder.
func breakSync(t *testing.T, h *Hold) (mend func()) {
	t.Helper()
	folder := (*os.File)(reflect.ValueOf(h.ready.swap).Elem().FieldByName("folder").UnsafePointer())
	was, err := unix.Dup(int(folder.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	named, err := unix.Open(folder.Name(), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(named)
	if err := unix.Dup2(named, int(folder.Fd())); err != nil {
		t.Fatal(err)
	}
	if folder.Sync() == nil {
		t.Skip("it still syncs")
	}
	return func() {
		unix.Dup2(was, int(folder.Fd()))
		unix.Close(was)
	}
}

// The exchange happened and only the folder's fsync failed: what came out is
// merged all the same, and the caller keeps the token until a write that
// reached the disk.
func TestAFailingFsyncLosesNothing(t *testing.T) {
	for _, c := range together {
		l := realLab(t, c)
		old := l.one("lab")
		h := l.race(old)
		mend := breakSync(t, h)
		exchanges := 0
		h.pause = before(func() {
			if exchanges++; exchanges == 1 {
				l.replace(l.entries(func(all map[string]map[string]any) { delete(all, "notes|1262121f17593025") }))
			}
		})
		_, err := h.Write(context.Background(), old, fresh("lab"), noImage)
		var p *Problem
		if !errors.As(err, &p) || !errors.Is(err, unix.EBADF) {
			t.Errorf("%s: %v", c.name, err)
		}
		if exchanges != 2 {
			t.Errorf("%s: %d exchanges", c.name, exchanges)
		}
		if all := l.there(); len(all) != 1 || !has(all[0], fresh("lab")) {
			t.Errorf("%s: their logout of the other entry, or our token, is lost", c.name)
		}
		mend()
		if result, err := h.Write(context.Background(), old, fresh("lab"), noImage); err != nil || result != Written {
			t.Errorf("%s: %v, %v", c.name, result, err)
		}
		l.must(h.Close())
	}
}

// The folder refuses after the first exchange, with what is theirs out of the
// file: it is written over ours.
func TestTheirsGoesBackWhereASecondExchangeIsRefused(t *testing.T) {
	for _, c := range clients {
		l := realLab(t, c)
		old := l.one("lab")
		h := l.race(old)
		theirs := l.get(l.file()) + "\n\n"
		exchanges := 0
		h.pause = before(func() {
			if exchanges++; exchanges == 1 {
				l.replace(theirs)
			} else {
				immutable(t, filepath.Dir(l.path(l.file())), true)
			}
		})
		t.Cleanup(func() { immutable(t, filepath.Dir(l.path(l.file())), false) })
		_, err := h.Write(context.Background(), old, fresh("lab"), noImage)
		var p *Problem
		if !errors.As(err, &p) {
			t.Errorf("%s: %v", c.name, err)
		}
		equal(t, c.name+": the store", l.get(l.file()), theirs)
		immutable(t, filepath.Dir(l.path(l.file())), false)
		if c.storeLock.dir || c.storeLock.filled != nil {
			l.must(os.RemoveAll(l.path(c.storeLock.path))) // which could not be removed either
		}
		h.pause = nil
		if result, err := h.Write(context.Background(), old, fresh("lab"), noImage); err != nil || result != Written {
			t.Errorf("%s: %v, %v", c.name, result, err)
		}
		h.Close()
		if len(l.files()) != len(realLab(t, c).files()) {
			t.Errorf("%s: something was left behind", c.name)
		}
	}
}

// immutable keeps a folder as it is, names and all (chattr +i).
func immutable(t *testing.T, dir string, yes bool) {
	t.Helper()
	f, err := os.Open(dir)
	if err != nil {
		return // gone with the test
	}
	defer f.Close()
	flags, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err == nil {
		flags &^= unix.STATX_ATTR_IMMUTABLE
		if yes {
			flags |= unix.STATX_ATTR_IMMUTABLE // the same bit as FS_IMMUTABLE_FL
		}
		err = unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags)
	}
	if err != nil {
		t.Skip("no folder can be made immutable here:", err)
	}
}
