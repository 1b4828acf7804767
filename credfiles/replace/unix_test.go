//go:build unix

package replace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestTheTargetOfALinkIsWrittenAndTheLinkStays(t *testing.T) {
	for name, links := range map[string][][2]string{
		"relative":          {{"home/store.json", "../dotfiles/store.json"}},
		"absolute":          {{"home/store.json", "/dotfiles/store.json"}},
		"chain":             {{"home/store.json", "second"}, {"home/second", "../third"}, {"third", "dotfiles/store.json"}},
		"folder":            {{"home/there", "../dotfiles"}, {"home/store.json", "there/store.json"}},
		"up through a link": {{"home/there", "../dotfiles/deep"}, {"home/store.json", "there/../store.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for _, dir := range []string{"home", "dotfiles/deep"} {
				if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for _, link := range links {
				to := link[1]
				if filepath.IsAbs(to) {
					to = root + to
				}
				if err := os.Symlink(to, filepath.Join(root, link[0])); err != nil {
					t.Fatal(err)
				}
			}
			real, path := filepath.Join(root, "dotfiles/store.json"), filepath.Join(root, "home/store.json")
			put(t, real, "old")
			target := prepare(t, path, 100)
			if len(ours(t, filepath.Dir(real))) == 0 {
				t.Error("the temporary files are not beside the file itself")
			}
			if came := swap(t, target, "new"); came != "old" {
				t.Errorf("came out: %q", came)
			}
			if err := InPlace(path, []byte("newer")); err != nil {
				t.Error(err)
			}
			wantContent(t, real, "newer")
			for _, link := range links {
				if info, err := os.Lstat(filepath.Join(root, link[0])); err != nil || info.Mode()&os.ModeSymlink == 0 {
					t.Errorf("%s is a link no more", link[0])
				}
			}
			target.Close()
			wantAlone(t, real)
			wantAlone(t, path)
		})
	}
}

func TestALinkThatWasTurnedElsewhereIsAnObstacle(t *testing.T) {
	dir := t.TempDir()
	one, two, link := filepath.Join(dir, "one"), filepath.Join(dir, "two"), filepath.Join(dir, "store")
	put(t, one, "one")
	put(t, two, "two")
	if err := os.Symlink(one, link); err != nil {
		t.Fatal(err)
	}
	target := prepare(t, link, 100)
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(two, link); err != nil {
		t.Fatal(err)
	}
	_, err := target.Swap([]byte("new"))
	wantKind(t, err, Link)
	wantContent(t, one, "one")
	wantContent(t, two, "two")
	target.Close()
	wantAlone(t, one)
}

func TestAFolderThatWasReplacedIsAnObstacle(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	path := filepath.Join(dir, "store")
	home := func(content string) {
		t.Helper()
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		put(t, path, content)
	}
	home("first home")
	target := prepare(t, path, 100)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	home("second home")
	_, err := target.Swap([]byte("new"))
	wantKind(t, err, Folder)
	wantContent(t, path, "second home")
	wantContent(t, filepath.Join(dir+".away", "store"), "first home")
}

// What takes the file's place in the last moment goes back there.
func TestWhatIsNoFileIsPutBack(t *testing.T) {
	for name, test := range map[string]struct {
		kind Kind
		make func(path string) error
	}{
		"folder": {NotRegular, func(path string) error { return os.Mkdir(path, 0o700) }},
		"link":   {Link, func(path string) error { return os.Symlink("elsewhere", path) }},
		"pipe":   {NotRegular, func(path string) error { return syscall.Mkfifo(path, 0o600) }},
	} {
		t.Run(name, func(t *testing.T) {
			path := newStore(t, "old")
			target := prepare(t, path, 100)
			if !target.Atomic() {
				t.Skip("this file system cannot exchange files")
			}
			d, err := target.stage([]byte("new"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := test.make(path); err != nil {
				t.Fatal(err)
			}
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = target.commit(d)
			err = obstacle(path, err, Folder)
			wantKind(t, err, test.kind)
			if !strings.HasPrefix(err.Error(), path+" ") {
				t.Errorf("the obstacle speaks of another file: %v", err)
			}
			after, err := os.Lstat(path)
			if err != nil || !os.SameFile(before, after) {
				t.Errorf("it is not back: %v", err)
			}

			_, err = target.Swap([]byte("new"))
			wantKind(t, err, test.kind)
			target.Close()
			wantAlone(t, path)
		})
	}
}

func TestAFileThatVanishesAtTheLastMomentIsNotCreated(t *testing.T) {
	path := newStore(t, "old")
	target := prepare(t, path, 100)
	if !target.Atomic() {
		t.Skip("this file system cannot exchange files")
	}
	d, err := target.stage([]byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = target.commit(d)
	wantKind(t, obstacle(path, err, Folder), NotFound)
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the file is there again")
	}
}

func TestSwapDoesNotNeedTheTemporaryFilesOfPrepare(t *testing.T) {
	path := newStore(t, "old")
	target := prepare(t, path, 100)
	tidy := func() {
		for _, name := range ours(t, filepath.Dir(path)) {
			if err := os.Remove(filepath.Join(filepath.Dir(path), name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	tidy()
	if came := swap(t, target, "new"); came != "old" {
		t.Errorf("came out: %q", came)
	}
	tidy()
	if came := swap(t, target, "newer"); came != "new" {
		t.Errorf("came out: %q", came)
	}
	wantContent(t, path, "newer")
}

// Clients may lock the store itself.
func TestTheFileIsNeverLocked(t *testing.T) {
	path := newStore(t, "old")
	target := prepare(t, path, 100)
	if !target.Atomic() {
		t.Skip("this file system cannot exchange files")
	}
	d, err := target.stage([]byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := exchange(d, path); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Error(err)
	}
}

func TestCloseRemovesNoFilesButItsOwn(t *testing.T) {
	path := newStore(t, "old")
	target := prepare(t, path, 100)
	theirs := filepath.Join(filepath.Dir(path), "theirs")
	put(t, theirs, "theirs")
	name := target.drafts[0].name
	if err := os.Rename(theirs, name); err != nil {
		t.Fatal(err)
	}
	if err := target.Close(); err != nil {
		t.Error(err)
	}
	wantContent(t, name, "theirs")
}

// A file system must not seem to be one that cannot exchange because somebody
// tidied up.
func TestATemporaryFileThatIsGoneSaysNothingOfTheFileSystem(t *testing.T) {
	target := prepare(t, newStore(t, "old"), 100)
	if !target.Atomic() {
		t.Skip("this file system cannot exchange files")
	}
	a, b := target.drafts[0], target.drafts[1]
	if err := os.Remove(a.name); err != nil {
		t.Fatal(err)
	}
	if _, err := try(a, b, target.guard.name+".x"); !errors.Is(err, errDraftGone) {
		t.Errorf("error %v", err)
	}
}

func TestAPipeIsNotWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Prepare(path, 1)
	wantKind(t, err, NotRegular)
	wantKind(t, CanInPlace(path), NotRegular)
	wantKind(t, File(path, nil, 0o600), NotRegular)
	_, err = Prepare("/dev/null", 1)
	wantKind(t, err, NotRegular)
}

func TestLeftoversKeepsAnotherUsersFiles(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make another user's files")
	}
	path := newStore(t, "store")
	name := filepath.Join(filepath.Dir(path), ".store.json.lamplighter-abc.0")
	put(t, name, "theirs")
	if err := os.Chown(name, 12345, 0); err != nil {
		t.Fatal(err)
	}
	if err := Leftovers(path); err != nil {
		t.Fatal(err)
	}
	wantContent(t, name, "theirs")
	// A draft of a store that is theirs.
	if err := os.Chown(path, 12345, 0); err != nil {
		t.Fatal(err)
	}
	if err := Leftovers(path); err != nil {
		t.Fatal(err)
	}
	wantAlone(t, path)
}
