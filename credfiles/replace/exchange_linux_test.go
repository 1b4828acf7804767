package replace

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"lamplighter/lab/child"
)

func inode(t testing.TB, path string) uint64 {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return stat(info).Ino
}

// The file that comes out is the very one that was there, which only an
// exchange can do.
func TestFilesAreExchanged(t *testing.T) {
	for _, dir := range []string{t.TempDir(), "/dev/shm"} {
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err != nil {
			t.Skip(err)
		}
		if fs.Type != unix.EXT4_SUPER_MAGIC && fs.Type != unix.TMPFS_MAGIC {
			t.Skipf("%s is neither ext4 nor tmpfs", dir)
		}
		dir, err := os.MkdirTemp(dir, "replace")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "store.json")
		put(t, path, "old")
		was := inode(t, path)
		target := prepare(t, path, 100)
		if !target.Atomic() {
			t.Error("not atomic")
		}
		swap(t, target, "new")
		if inode(t, target.out) != was || inode(t, path) == was {
			t.Error("the files did not change places")
		}
		target.Close()
	}
}

func TestAFileSystemWithoutExchangeGetsARename(t *testing.T) {
	if !child.In(t, nil) {
		return
	}
	path := newStore(t, "old")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	child.Restrict(t, withoutExchange)
	target := prepare(t, path, 100)
	if target.Atomic() {
		t.Error("it says that it can exchange")
	}
	if came := swap(t, target, "new"); came != "old" {
		t.Errorf("came out: %q", came)
	}
	if came, err := target.Came(); err != nil || string(came) != "old" {
		t.Errorf("came out: %q, %v", came, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if came := swap(t, target, "newer"); came != "new" {
		t.Errorf("came out the second time: %q", came)
	}
	wantContent(t, path, "newer")
	wantMode(t, path, 0o644)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err := target.Swap([]byte("newest"))
	wantKind(t, err, NotFound)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = target.Swap([]byte("newest"))
	wantKind(t, err, NotRegular)
	target.Close()
	wantAlone(t, path)
}

func TestRoomIsTakenByPrepare(t *testing.T) {
	path := newStore(t, "old")
	for _, d := range prepare(t, path, 1<<20).drafts {
		info, err := d.file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if got := stat(info).Blocks * 512; got < 1<<20 {
			t.Errorf("only %d bytes are taken", got)
		}
	}
}

func TestAFileSystemWithoutFallocateGetsZeros(t *testing.T) {
	if !child.In(t, nil) {
		return
	}
	child.Restrict(t, child.Fails(unix.SYS_FALLOCATE, unix.EOPNOTSUPP))
	TestRoomIsTakenByPrepare(t)
	path := newStore(t, "old")
	if err := CanInPlace(path); err != nil {
		t.Error(err)
	}
	wantContent(t, path, "old")
}
