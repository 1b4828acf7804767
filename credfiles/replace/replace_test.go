package replace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newStore makes a file in a folder of its own.
func newStore(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.json")
	put(t, path, content)
	return path
}

func put(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func prepare(t testing.TB, path string, size int64) *Target {
	t.Helper()
	target, err := Prepare(path, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { target.Close() })
	return target
}

func swap(t testing.TB, target *Target, data string) string {
	t.Helper()
	came, err := target.Swap([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return string(came)
}

func wantContent(t testing.TB, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s holds %.40q, want %.40q", path, got, want)
	}
}

func wantKind(t testing.TB, err error, kind Kind) {
	t.Helper()
	if !is(err, kind) {
		t.Errorf("error %v (%T), want the obstacle %q", err, err, kind)
	}
}

// wantAlone asserts that nothing of ours is left in the file's folder.
func wantAlone(t testing.TB, path string) {
	t.Helper()
	if left := ours(t, filepath.Dir(path)); len(left) > 0 {
		t.Errorf("left in the folder: %q", left)
	}
}

func ours(t testing.TB, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".lamplighter-") {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestSwapReplacesAndReturnsWhatWasThere(t *testing.T) {
	path := newStore(t, "old")
	target := prepare(t, path, 100)
	if came := swap(t, target, "new and longer"); came != "old" {
		t.Errorf("came out: %q", came)
	}
	wantContent(t, path, "new and longer")
	if err := target.Close(); err != nil {
		t.Error(err)
	}
	wantAlone(t, path)
	if err := target.Close(); err != nil {
		t.Error("second Close:", err)
	}
}

func TestTheLengthIsTheDataWhateverWasPreparedOrThere(t *testing.T) {
	for _, size := range []int64{0, 3, 1 << 20} {
		for _, length := range []int{0, 3, 100_000} {
			path := newStore(t, strings.Repeat("o", 5000))
			data := strings.Repeat("n", length)
			swap(t, prepare(t, path, size), data)
			wantContent(t, path, data)
		}
	}
}

func TestPrepareTouchesNothingButItsOwnFiles(t *testing.T) {
	path := newStore(t, "old")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	target := prepare(t, path, 100)
	for _, name := range ours(t, filepath.Dir(path)) {
		if !strings.HasPrefix(name, ".store.json.lamplighter-") {
			t.Errorf("temporary file %s", name)
		}
	}
	target.Close()
	wantAlone(t, path)
	wantContent(t, path, "old")
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if !after.ModTime().Equal(before.ModTime()) || !os.SameFile(before, after) {
		t.Error("the file itself was touched")
	}
}

func TestSwapReturnsWhatAnotherProgramPutThereMeanwhile(t *testing.T) {
	path := newStore(t, "compared")
	target := prepare(t, path, 100)
	theirs := filepath.Join(filepath.Dir(path), "theirs")
	put(t, theirs, "theirs")
	if err := os.Rename(theirs, path); err != nil {
		t.Fatal(err)
	}
	if came := swap(t, target, "ours"); came != "theirs" {
		t.Errorf("came out: %q", came)
	}
	if came := swap(t, target, "ours and theirs"); came != "ours" {
		t.Errorf("came out the second time: %q", came)
	}
	wantContent(t, path, "ours and theirs")
}

func TestWhatCameOutStaysOnTheDiskUntilTheMergedBytesAreIn(t *testing.T) {
	path := newStore(t, "theirs")
	target := prepare(t, path, 100)
	if !target.Atomic() {
		t.Skip("this file system cannot exchange files")
	}
	swap(t, target, "ours")
	out := target.out
	if _, err := target.stage([]byte("merged")); err != nil {
		t.Fatal(err)
	}
	wantContent(t, out, "theirs")
	swap(t, target, "merged")
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Error("what came out first is still there after the second swap")
	}
	wantContent(t, target.out, "ours")
	target.Close()
	wantAlone(t, path)
}

func TestALateWriteToWhatCameOutCanBeSeen(t *testing.T) {
	path := newStore(t, "old")
	writer, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	target := prepare(t, path, 100)
	if !target.Atomic() {
		t.Skip("this file system cannot exchange files")
	}
	swap(t, target, "ours")
	if _, err := writer.WriteString("late"); err != nil {
		t.Fatal(err)
	}
	if came, err := target.Came(); err != nil || string(came) != "late" {
		t.Errorf("came %q, %v", came, err)
	}
	wantContent(t, path, "ours")
}

func TestAFileThatVanishedIsNotCreated(t *testing.T) {
	path := newStore(t, "old")
	target := prepare(t, path, 100)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err := target.Swap([]byte("new"))
	wantKind(t, err, NotFound)
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the file is there again")
	}
	// It comes back by a login: the same Target goes on.
	put(t, path, "login")
	if came := swap(t, target, "new"); came != "login" {
		t.Errorf("came out: %q", came)
	}
	target.Close()
	wantAlone(t, path)
}

func TestWhatCannotBeReplacedIsAnObstacle(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "file"), "")
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, link := range [][2]string{{"dangling", "nowhere"}, {"no-folder", "nowhere/file"}, {"a", "b"}, {"b", "a"}, {"to-folder", "folder"}} {
		if err := os.Symlink(link[1], filepath.Join(dir, link[0])); err != nil {
			t.Skip("no symbolic links here:", err)
		}
	}
	for name, kind := range map[string]Kind{
		"missing":      NotFound,
		"missing/file": NotFound,
		"file/file":    NotFound,
		"folder":       NotRegular,
		"to-folder":    NotRegular,
		"dangling":     Link,
		"no-folder":    Link,
		"a":            Link,
		"a/file":       Link,
	} {
		path := filepath.Join(dir, name)
		_, err := Prepare(path, 1)
		wantKind(t, err, kind)
		wantKind(t, CanInPlace(path), kind)
		wantKind(t, InPlace(path, []byte("new")), kind)
		var o *Obstacle
		if errors.As(err, &o) && (o.Path != path || !strings.HasPrefix(err.Error(), path+" ")) {
			t.Errorf("%s: the obstacle speaks of another file: %v", name, err)
		}
	}
	wantAlone(t, filepath.Join(dir, "file"))
}

func TestEveryKindOfObstacleHasASentence(t *testing.T) {
	for _, kind := range []Kind{NotFound, NotRegular, Link, Folder, Mount, Owner, Space, ReadOnly, Denied} {
		if sentences[kind] == "" {
			t.Errorf("%s has none", kind)
		}
	}
}

// A temporary file that another program took away does not make the store one
// that is gone: its credential was not signed out.
func TestAMissingTemporaryFileIsNoMissingStore(t *testing.T) {
	path := newStore(t, "a store")
	target := prepare(t, path, 0)
	missing := &fs.PathError{Op: "open", Path: target.guard.name, Err: fs.ErrNotExist}
	if err := target.trouble(missing, Folder); !errors.Is(err, errDraftGone) {
		t.Errorf("with the store in its place: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := target.trouble(missing, Folder); !is(err, NotFound) {
		t.Errorf("without it: %v", err)
	}
}
