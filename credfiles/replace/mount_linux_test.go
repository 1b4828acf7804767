package replace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lamplighter/lab/child"
)

// mountedFile is a store that is mounted as a single file, as containers do
// it, from a file on the same file system or on another.
func mountedFile(t *testing.T, content string, elsewhere bool) (path, source string) {
	t.Helper()
	path = newStore(t, "what is beneath")
	dir := t.TempDir()
	if elsewhere {
		child.Mount(t, "tmpfs", dir, "tmpfs", 0, "")
	}
	source = filepath.Join(dir, "source.json")
	put(t, source, content)
	bind(t, source, path)
	return path, source
}

func TestAFileMountedByItselfIsFoundBeforehandAndWrittenInPlace(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	for _, elsewhere := range []bool{false, true} {
		path, source := mountedFile(t, "old", elsewhere)
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{path, link} {
			_, err := Prepare(name, 100)
			wantKind(t, err, Mount)
			wantAlone(t, path)
			if err := CanInPlace(name); err != nil {
				t.Error(err)
			}
			wantContent(t, source, "old")
			if err := InPlace(name, []byte("new and longer")); err != nil {
				t.Error(err)
			}
			wantContent(t, source, "new and longer")
			if err := InPlace(name, []byte("old")); err != nil {
				t.Error(err)
			}
			wantContent(t, path, "old")
		}
		wantKind(t, File(path, []byte("new"), 0o600), Mount)
		wantContent(t, path, "old")
		wantAlone(t, path)
	}
}

// The names of mounts came with Linux 5.8.
func TestAnOldKernelFindsMountedFilesToo(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	child.Restrict(t, child.Fails(unix.SYS_STATX, unix.ENOSYS))
	for _, elsewhere := range []bool{false, true} {
		path, _ := mountedFile(t, "old", elsewhere)
		_, err := Prepare(path, 100)
		wantKind(t, err, Mount)
	}
	dir := filepath.Join(t.TempDir(), `a folder with \ and spaces`)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "store.json")
	put(t, path, "old")
	swap(t, prepare(t, path, 100), "new")
	bind(t, path, path)
	_, err := Prepare(path, 100)
	wantKind(t, err, Mount)

	child.Mount(t, "tmpfs", "/proc", "tmpfs", 0, "") // no list of mounts either
	path, _ = mountedFile(t, "old", true)
	_, err = Prepare(path, 100)
	wantKind(t, err, Mount)
}

func TestAFileMountedSincePrepareIsAnObstacle(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	path := newStore(t, "beneath")
	target := prepare(t, path, 100)
	source := newStore(t, "mounted")
	bind(t, source, path)
	_, err := target.Swap([]byte("new"))
	wantKind(t, err, Mount)
	wantContent(t, path, "mounted")
}

func TestAMountedFolderIsNoObstacle(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	source := newStore(t, "old")
	dir := t.TempDir()
	bind(t, filepath.Dir(source), dir)
	path := filepath.Join(dir, "store.json")
	swap(t, prepare(t, path, 100), "new")
	wantContent(t, source, "new")
}

func TestAReadOnlyMountIsFoundBeforehand(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	path := newStore(t, "old")
	bind(t, filepath.Dir(path), filepath.Dir(path))
	remountReadOnly(t, filepath.Dir(path))
	_, err := Prepare(path, 100)
	wantKind(t, err, ReadOnly)
	wantKind(t, CanInPlace(path), ReadOnly)
	wantKind(t, File(path, nil, 0o600), ReadOnly)
	wantContent(t, path, "old")

	path, _ = mountedFile(t, "old", false)
	remountReadOnly(t, path)
	wantKind(t, CanInPlace(path), ReadOnly)
	wantKind(t, InPlace(path, []byte("new")), ReadOnly)
	wantContent(t, path, "old")
}

// smallDisk is a file system of 256 KiB with a store on it.
func smallDisk(t *testing.T, content string) (path string) {
	t.Helper()
	dir := t.TempDir()
	child.Mount(t, "tmpfs", dir, "tmpfs", 0, "size=256k")
	path = filepath.Join(dir, "store.json")
	put(t, path, content)
	return path
}

// fill leaves no byte free on the file's disk.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), "filler"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for {
		if _, err := f.Write(block); err != nil {
			if kindOf(err) != Space {
				t.Fatal(err)
			}
			return
		}
	}
}

func TestAFullDiskIsFoundBeforehand(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	old := strings.Repeat("o", 4096)
	path := smallDisk(t, old)
	_, err := Prepare(path, 1<<20)
	wantKind(t, err, Space)
	wantAlone(t, path)
	fill(t, path)
	_, err = Prepare(path, 100)
	wantKind(t, err, Space)
	wantKind(t, File(path, []byte("new"), 0o600), Space)
	wantKind(t, CanInPlace(path), Space)
	wantKind(t, InPlace(path, []byte(old+old)), Space)
	wantContent(t, path, old)
	wantAlone(t, path)

	// Room for a part of what comes.
	filler := filepath.Join(filepath.Dir(path), "filler")
	info, err := os.Stat(filler)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filler, info.Size()-2*int64(os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	wantKind(t, InPlace(path, make([]byte, 10*os.Getpagesize())), Space)
	wantContent(t, path, old)
}

func TestADiskThatFillsUpAfterPrepareStopsNoSwap(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	path := smallDisk(t, "old")
	target := prepare(t, path, 40<<10)
	fill(t, path)
	first, second := strings.Repeat("1", 30<<10), strings.Repeat("2", 40<<10)
	if came := swap(t, target, first); came != "old" {
		t.Errorf("came out: %q", came)
	}
	wantContent(t, path, first)
	fill(t, path) // what the first swap gave back
	swap(t, target, second)
	wantContent(t, path, second)
	target.Close()
	wantAlone(t, path)
}

func TestASwapThatDoesNotFitChangesNothing(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	path := smallDisk(t, "old")
	target := prepare(t, path, 4096)
	fill(t, path)
	_, err := target.Swap(make([]byte, 64<<10))
	wantKind(t, err, Space)
	wantContent(t, path, "old")
	if came := swap(t, target, "new"); came != "old" {
		t.Errorf("came out: %q", came)
	}
}

func TestADiskThatFillsUpAfterCanInPlaceStopsNoWrite(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	path := smallDisk(t, "old")
	if err := CanInPlace(path); err != nil {
		t.Fatal(err)
	}
	fill(t, path)
	data := strings.Repeat("n", 64<<10)
	if err := InPlace(path, []byte(data)); err != nil {
		t.Fatal(err)
	}
	wantContent(t, path, data)
}
