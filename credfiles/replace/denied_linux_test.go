package replace

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"lamplighter/lab/child"
)

func TestWhatWeMayNotReplaceIsFoundBeforehand(t *testing.T) {
	const nobody = 65534
	type store struct {
		name       string
		uid, gid   int
		mode       os.FileMode
		folder     os.FileMode
		folderUID  int
		kind       Kind // "" if it can be replaced
		canInPlace bool
	}
	stores := []store{
		{"ours", nobody, nobody, 0o600, 0o755, nobody, "", true},
		{"ours in a sticky folder", nobody, nobody, 0o600, os.ModeSticky | 0o777, 0, "", true},
		{"another's", 0, 0, 0o666, 0o777, 0, Owner, true},
		{"another's, hidden", 0, 0, 0o600, 0o777, 0, Denied, false},
		{"another group's", nobody, 0, 0o660, 0o777, 0, Owner, true},
		{"another's in our sticky folder", 0, 0, 0o666, os.ModeSticky | 0o777, nobody, Owner, true},
		{"read-only", nobody, nobody, 0o400, 0o755, nobody, Denied, false},
		{"in a read-only folder", nobody, nobody, 0o600, 0o555, nobody, Folder, true},
		{"in another's folder", nobody, nobody, 0o600, 0o755, 0, Folder, true},
		{"in a folder that cannot be searched", nobody, nobody, 0o600, 0o600, nobody, Folder, false},
	}
	root := os.Getenv("LAMPLIGHTER_TEST_DIR")
	if root == "" && os.Geteuid() == 0 {
		root = t.TempDir()
		openToAll(t, root)
		for _, s := range stores {
			dir := filepath.Join(root, s.name)
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "store.json")
			put(t, path, "old")
			for _, err := range []error{
				os.Chown(path, s.uid, s.gid), os.Chmod(path, s.mode),
				os.Chown(dir, s.folderUID, s.folderUID), os.Chmod(dir, s.folder),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if !child.AsNobody(t, "LAMPLIGHTER_TEST_DIR="+root) {
		return
	}
	for _, s := range stores {
		t.Run(s.name, func(t *testing.T) {
			path := filepath.Join(root, s.name, "store.json")
			err := CanInPlace(path)
			if (err == nil) != s.canInPlace {
				t.Errorf("CanInPlace: %v", err)
			}
			target, err := Prepare(path, 100)
			if s.kind != "" {
				wantKind(t, err, s.kind)
				if s.folder&0o111 != 0 {
					wantAlone(t, path)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer target.Close()
			swap(t, target, "new")
			wantContent(t, path, "new")
		})
	}
}

// A process that may give files away and write them, but not rename another's
// in a sticky folder, would come as far as the swap.
func TestAStickyFolderIsFoundBeforehand(t *testing.T) {
	dir := os.Getenv("LAMPLIGHTER_TEST_DIR")
	if dir == "" {
		if os.Geteuid() != 0 {
			t.Skip("only root can make another user's files")
		}
		dir = t.TempDir()
		openToAll(t, dir)
		put(t, filepath.Join(dir, "store.json"), "old")
		if err := os.Chmod(dir, os.ModeSticky|0o777); err != nil {
			t.Fatal(err)
		}
	}
	if !child.In(t, &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: 65534, Gid: 65534},
		AmbientCaps: []uintptr{unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE},
	}, "LAMPLIGHTER_TEST_DIR="+dir) {
		return
	}
	path := filepath.Join(dir, "store.json")
	_, err := Prepare(path, 100)
	wantKind(t, err, Folder)
	wantAlone(t, path)
}

// Our own files may stand where we cannot give the owner: then nobody else
// gets in.
func TestFileThatCannotKeepItsOwnerIsForUsAlone(t *testing.T) {
	dir := os.Getenv("LAMPLIGHTER_TEST_DIR")
	if dir == "" && os.Geteuid() == 0 {
		dir = t.TempDir()
		openToAll(t, dir)
		path := filepath.Join(dir, "config.toml")
		put(t, path, "old")
		if err := os.Chmod(path, 0o664); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if !child.AsNobody(t, "LAMPLIGHTER_TEST_DIR="+dir) {
		return
	}
	path := filepath.Join(dir, "config.toml")
	if err := File(path, []byte("new"), 0o666); err != nil {
		t.Fatal(err)
	}
	wantMode(t, path, 0o600)
	wantContent(t, path, "new")
}
