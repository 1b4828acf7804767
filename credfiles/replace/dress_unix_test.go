//go:build unix

package replace

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

var (
	umasks = []int{0, 0o002, 0o022, 0o027, 0o077, 0o777}
	modes  = []os.FileMode{0o600, 0o640, 0o644, 0o660, 0o664, 0o666, 0o700, 0o755, 0o604, 0o620}
)

// withUmask runs f under another umask of the whole process.
func withUmask(mask int, f func()) {
	defer syscall.Umask(syscall.Umask(mask))
	f()
}

func wantMode(t testing.TB, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode() & modeBits; got != want {
		t.Errorf("%s has mode %v, want %v", path, got, want)
	}
}

func TestSwapKeepsTheModeWhateverTheUmask(t *testing.T) {
	for _, mode := range modes {
		path := newStore(t, "old")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		for _, umask := range umasks {
			withUmask(umask, func() {
				target := prepare(t, path, 100)
				swap(t, target, "new")
				swap(t, target, "newer")
				swap(t, target, "newest")
				target.Close()
			})
			wantMode(t, path, mode)
		}
	}
}

func TestADraftIsNeverMoreOpenThanTheFile(t *testing.T) {
	path := newStore(t, "old")
	withUmask(0, func() {
		target := prepare(t, path, 100)
		wantMode(t, target.guard.name, 0o600)
		for _, d := range target.drafts {
			wantMode(t, d.name, 0o600)
		}
	})
}

func TestAModeThatChangedSincePrepareIsKept(t *testing.T) {
	for _, mode := range []os.FileMode{0o644, 0o600} {
		path := newStore(t, "old")
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		target := prepare(t, path, 100)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		d, err := target.stage([]byte("new"))
		if err != nil {
			t.Fatal(err)
		}
		wantMode(t, d.name, mode) // before anybody can see it
		swap(t, target, "new")
		wantMode(t, path, mode)
	}
}

func TestAModeThatChangesAtTheLastMomentIsKept(t *testing.T) {
	for _, mode := range []os.FileMode{0o644, 0o600} {
		path := newStore(t, "old")
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		target := prepare(t, path, 100)
		if !target.Atomic() {
			t.Skip("this file system cannot exchange files")
		}
		d, err := target.stage([]byte("new"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := target.commit(d); err != nil {
			t.Fatal(err)
		}
		wantMode(t, path, mode)
		wantContent(t, path, "new")
	}
}

func TestFileHasItsModeWhateverTheUmask(t *testing.T) {
	for _, umask := range umasks {
		for _, mode := range modes {
			path := filepath.Join(t.TempDir(), "ledger.json")
			withUmask(umask, func() {
				if err := File(path, nil, mode); err != nil {
					t.Fatal(err)
				}
			})
			wantMode(t, path, mode)
		}
	}
}

func TestFileNarrowsAModeAndNeverWidensIt(t *testing.T) {
	for _, was := range modes {
		for _, mode := range modes {
			path := newStore(t, "old")
			if err := os.Chmod(path, was); err != nil {
				t.Fatal(err)
			}
			if err := File(path, []byte("new"), mode); err != nil {
				t.Fatal(err)
			}
			wantMode(t, path, was&mode)
			wantContent(t, path, "new")
		}
	}
}

func TestSwapKeepsTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can replace another user's file")
	}
	path := newStore(t, "old")
	give := func(uid, gid int, mode os.FileMode) {
		t.Helper()
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	want := func(uid, gid uint32, mode os.FileMode) {
		t.Helper()
		wantMode(t, path, mode)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if s := stat(info); s.Uid != uid || s.Gid != gid {
			t.Errorf("it belongs to %d:%d, want %d:%d", s.Uid, s.Gid, uid, gid)
		}
	}
	give(12345, 23456, 0o640)
	target := prepare(t, path, 100)
	swap(t, target, "new")
	want(12345, 23456, 0o640)
	give(111, 222, 0o660|os.ModeSetuid)
	swap(t, target, "newer")
	want(111, 222, 0o660|os.ModeSetuid)
	if err := File(path, []byte("newest"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(111, 222, 0o600)
}
