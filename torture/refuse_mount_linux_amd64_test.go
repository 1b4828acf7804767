package torture_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lamplighter/lab/child"
	"lamplighter/refresher/authtest"
)

// advises: it names a file, and says what to do.
var advises = regexp.MustCompile(`/.*(\n    -> |nothing was written to it\. )\w`)

// A disk is a small file system of its own at some folder.
type disk struct {
	t   *testing.T
	dir string
}

// diskAt mounts one over a folder, with what is in it.
func diskAt(t *testing.T, dir, size string) disk {
	t.Helper()
	files := map[string][]byte{}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = text
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=700,size="+size); err != nil {
		t.Skip("cannot mount:", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return disk{t, dir}
}

// fill takes all room that is left but some.
func (d disk) fill(but int64) {
	d.t.Helper()
	f, err := os.OpenFile(filepath.Join(d.dir, "ballast"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	size := int64(0)
	for part := 1 << 20; part > 0; {
		n, err := f.Write(make([]byte, part))
		size += int64(n)
		if err != nil {
			part /= 2
		}
	}
	if err := f.Truncate(max(0, size-but)); err != nil {
		d.t.Fatal(err)
	}
}

func (d disk) free() { os.Remove(filepath.Join(d.dir, "ballast")) }

func (d disk) remount(flags uintptr) {
	d.t.Helper()
	if err := unix.Mount("", d.dir, "", unix.MS_REMOUNT|flags, "mode=700"); err != nil {
		d.t.Skip("cannot remount:", err)
	}
}

// Disks that are full or read-only, before the request and while the server
// thinks: what cannot be kept is not asked for, what came is not lost, and
// when there is room again all is well.
func TestDisksThatAreFullOrReadOnly(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	const none, all = 0, 1
	for _, c := range []struct {
		name  string
		state bool // our own folder, else the client's
		late  bool // while the server thinks
		put   func(d disk)
		undo  func(d disk)
		posts int
	}{
		{"state full", true, false, func(d disk) { d.fill(0) }, disk.free, none},
		{"state with room for all but the journal", true, false, func(d disk) { d.fill(1 << 20) }, disk.free, none},
		{"state read-only", true, false, func(d disk) { d.remount(unix.MS_RDONLY) }, func(d disk) { d.remount(0) }, none},
		{"store full", false, false, func(d disk) { d.fill(0) }, disk.free, none},
		{"store read-only", false, false, func(d disk) { d.remount(unix.MS_RDONLY) }, func(d disk) { d.remount(0) }, none},
		{"state full in between", true, true, func(d disk) { d.fill(0) }, disk.free, all},
		{"store full in between", false, true, func(d disk) { d.fill(0) }, disk.free, all},
	} {
		for _, client := range []string{"codex", "claude"} {
			l, s, line := oneOf(t, client)
			at, size := filepath.Dir(line.Store), "1m"
			if c.state {
				at, size = l.State, "4m"
			}
			d := diskAt(t, at, size)
			if got := l.Run("status"); got.Code != 0 { // to make the state folder is not what fails
				t.Fatal(got.Output)
			}
			if c.late {
				s.Next(authtest.Token, authtest.Behaviour{BeforeAnswer: func() { c.put(d) }})
			} else {
				c.put(d)
			}
			began := time.Now()
			got := l.Run("refresh", "--within", "15m")
			if n := s.TokenPosts(line.Grant.ID); n != c.posts {
				t.Errorf("%s, %s: %d POSTs, want %d", client, c.name, n, c.posts)
			}
			if got.Code != 0 && !advises.MatchString(got.Output) || got.Code == 0 && c.posts == none {
				t.Errorf("%s, %s: it ends with %d: %s", client, c.name, got.Code, got.Output)
			}
			t.Logf("%s, %s, %s: [%d] %s", client, c.name, time.Since(began).Round(time.Millisecond), got.Code, got.Output)
			c.undo(d)
			if got := l.Run("refresh", "--within", "15m"); got.Code != 0 {
				t.Errorf("%s, %s: the next run ends with %d: %s", client, c.name, got.Code, got.Output)
			}
			if n := s.TokenPosts(line.Grant.ID); n != 1 {
				t.Errorf("%s, %s: %d POSTs after the next run", client, c.name, n)
			}
			if text := l.Well(); text != "" {
				t.Errorf("%s, %s: %s", client, c.name, text)
			}
		}
	}
}
