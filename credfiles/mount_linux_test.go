package credfiles

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"lamplighter/lab/child"
)

// mountStore makes the store a file that is mounted by itself, as containers
// do it, and returns the file behind it.
func (l *lab) mountStore() (source string) {
	l.t.Helper()
	source = filepath.Join(l.t.TempDir(), "outside.json")
	l.must(os.WriteFile(source, []byte(l.get(l.file())), 0o600))
	child.Mount(l.t, source, l.path(l.file()), "", unix.MS_BIND, "")
	return source
}

func TestAStoreMountedByItself(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	for _, c := range clients {
		l := realLab(t, c)
		source := l.mountStore()
		old := l.one("lab")
		before := l.get(l.file())
		h, err := l.store().Hold(context.Background(), old)
		l.must(err)
		if err := h.Ready(); !l.store().file.inPlace {
			var p *Problem
			if !errors.As(err, &p) || p.Kind != Mount || p.Store != l.path(l.file()) {
				t.Errorf("%s: Ready: %v", c.name, err)
			}
			if _, err := h.Write(context.Background(), old, fresh("lab"), noImage); !errors.As(err, &p) || p.Kind != Mount {
				t.Errorf("%s: Write: %v", c.name, err)
			}
			l.must(h.Close())
			equal(t, c.name, l.get(l.file()), before)
			continue
		} else if err != nil {
			t.Fatalf("%s: Ready: %v", c.name, err)
		}

		// The image is on the disk before the store is touched, under the lock.
		var images []string
		result, err := h.Write(context.Background(), old, fresh("lab"), func(image []byte) error {
			images = append(images, string(image))
			equal(t, "the store while the image is kept", l.get(l.file()), before)
			if lock, err := l.tryLock(c.storeLock); err == nil && lock != nil {
				lock.Release()
				t.Error("written without the client's lock")
			}
			return nil
		})
		if err != nil || result != Written || len(images) != 1 || images[0] != l.get(l.file()) || !has(l.one("lab"), fresh("lab")) {
			t.Errorf("%s: %v, %v, %d images", c.name, result, err, len(images))
		}
		behind, err := os.ReadFile(source)
		l.must(err)
		equal(t, c.name+": the file behind it", string(behind), l.get(l.file()))
		l.must(h.Close())
		if len(l.files()) != len(realLab(t, c).files()) {
			t.Errorf("%s: something was left behind", c.name)
		}
	}
}

// A journal that cannot keep the image is a reason not to begin.
func TestNothingIsWrittenInPlaceWithoutAnImage(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	l := realLab(t, &codex)
	l.mountStore()
	old := l.one("lab")
	before := l.get(l.file())
	h := l.hold(old)
	full := errors.New("the journal is full")
	if _, err := h.Write(context.Background(), old, fresh("lab"), func([]byte) error { return full }); !errors.Is(err, full) {
		t.Error(err)
	}
	equal(t, "the store", l.get(l.file()), before)

	// A lock that was lost while the image was kept, too.
	_, err := h.Write(context.Background(), old, fresh("lab"), func([]byte) error { return os.Remove(l.path(codex.storeLock.path)) })
	if err == nil {
		t.Error("written without the lock")
	}
	equal(t, "the store", l.get(l.file()), before)
	l.must(h.Close())
}

// Between our reading and our writing in place another program wrote.
func TestAWriteInPlaceMerges(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	l := realLab(t, &codex)
	l.mountStore()
	old := l.one("lab")
	h := l.race(old)
	writes := 0
	h.pause = before(func() {
		if writes++; writes == 1 {
			l.put(l.file(), l.entries(func(all map[string]map[string]any) { delete(all, "notes|1262121f17593025") }))
		}
	})
	images := 0
	result, err := h.Write(context.Background(), old, fresh("lab"), func([]byte) error { images++; return nil })
	if err != nil || result != Written || images != 1 {
		t.Errorf("%v, %v, %d images", result, err, images)
	}
	l.must(h.Close())
	if all := l.scan(); len(all) != 1 || !has(all[0], fresh("lab")) {
		t.Error("their logout of the other entry, or our token, is lost")
	}
}

// People in WSL link their home to the one of Windows. The locks do not reach
// there.
func TestALinkToAHomeOfAnotherSystemIsOnlyWatched(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	if err := unix.Mount("tmpfs", "/mnt", "tmpfs", 0, ""); err != nil {
		t.Skip("cannot mount:", err)
	}
	for _, c := range clients {
		l := realLab(t, c)
		l.host.Kernel = "6.6.87.2-microsoft-standard-WSL2"
		windows := filepath.Join("/mnt/c/Users/x", c.dir)
		l.must(os.MkdirAll(filepath.Dir(windows), 0o755))
		out, err := exec.Command("mv", l.dir, windows).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		l.must(os.Symlink(windows, l.dir))
		for _, cred := range l.scan() {
			if cred.WatchOnly != ForeignSystem {
				t.Errorf("%s is watch-only %q", cred.ID, cred.WatchOnly)
			}
		}
	}
}

// The same folder under two names, without a link: a mount, or a file system
// that does not tell upper from lower case. Two stores would be two copies of
// each grant.
func TestAHomeThatIsMountedTwiceIsOneHome(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	for _, c := range clients {
		if c.below != "" {
			continue // there is nothing to mount but what the variable names
		}
		l := realLab(t, c)
		folder := l.mkdir("again") // the variable names one around the home, or the home
		again := l.mkdir(filepath.Join("again", filepath.FromSlash(c.below)))
		if err := unix.Mount(l.dir, again, "", unix.MS_BIND, ""); err != nil {
			t.Skip("cannot mount:", err)
		}
		l.host.Getenv = func(name string) string { return map[string]string{c.env: folder}[name] }
		if got := l.profiles(Home{Client: c.name, Path: again, Name: "again"}); len(got) != 1 {
			t.Errorf("%s: %q", c.name, got)
		}
		l.must(unix.Unmount(again, unix.MNT_DETACH))
	}
}
