package replace

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFileCreatesAndReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.json")
	for _, content := range []string{"first, and longer than the second", "second", ""} {
		if err := File(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		wantContent(t, path, content)
		wantAlone(t, path)
	}
}

func TestFileFollowsALink(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "dotfiles"), 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "config.toml")
	if err := os.Symlink("dotfiles/config.toml", link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	for _, content := range []string{"created", "replaced"} {
		if err := File(link, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		wantContent(t, filepath.Join(dir, "dotfiles", "config.toml"), content)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link is gone")
	}
}

func TestFileNeedsItsFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "ledger.json")
	wantKind(t, File(path, []byte("new"), 0o600), NotFound)
}

func TestFileLeavesAFolderInItsPlaceAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.json")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	wantKind(t, File(path, []byte("new"), 0o600), NotRegular)
	wantAlone(t, path)
}

func TestInPlaceKeepsTheFileItself(t *testing.T) {
	for _, content := range []string{"", "old", "old, and a good deal longer than what comes"} {
		path := newStore(t, content)
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := CanInPlace(path); err != nil {
			t.Fatal(err)
		}
		wantContent(t, path, content)
		for _, data := range []string{"new", "", "new and longer"} {
			if err := InPlace(path, []byte(data)); err != nil {
				t.Fatal(err)
			}
			wantContent(t, path, data)
		}
		after, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if !os.SameFile(before, after) {
			t.Error("it is another file now")
		}
		wantAlone(t, path)
	}
}

func TestInPlaceDoesNotCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.json")
	wantKind(t, InPlace(path, []byte("new")), NotFound)
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("it was created")
	}
}

func TestLeftoversRemovesOnlyOursOfThatFile(t *testing.T) {
	path := newStore(t, "store")
	dir := filepath.Dir(path)
	for _, name := range []string{
		".store.json.lamplighter-abc.0",
		".store.json.lamplighter-abc.1",
		".store.json.lamplighter-abc",
		".store.json.lamplighter-xyz.7.old",
		".store.json.lamplighter-alone",
	} {
		put(t, filepath.Join(dir, name), "token")
	}
	others := []string{
		".other.json.lamplighter-abc.0",
		".store.json.tmp",
		"store.json.lamplighter-abc.0",
		".store.json.lamplighter-abc.2.d",
	}
	for _, name := range others[:3] {
		put(t, filepath.Join(dir, name), "theirs")
	}
	if err := os.Mkdir(filepath.Join(dir, others[3]), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Leftovers(path); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(others)+1 {
		t.Errorf("there are %d files now, want %d: %v", len(entries), len(others)+1, entries)
	}
	for _, name := range others {
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestLeftoversKeepsWhatARunningTargetUses(t *testing.T) {
	path := newStore(t, "old")
	target := prepare(t, path, 100)
	sweep := func() {
		t.Helper()
		before := len(ours(t, filepath.Dir(path)))
		if err := Leftovers(path); err != nil {
			t.Fatal(err)
		}
		if after := len(ours(t, filepath.Dir(path))); after != before || after == 0 {
			t.Errorf("%d temporary files before, %d after", before, after)
		}
	}
	sweep()
	for range 3 {
		swap(t, target, "new")
		sweep() // what came out is no draft, and is not locked
	}
	target.Close()
	wantAlone(t, path)
}

// What a crash between the two renames of ReplaceFileW leaves on Windows.
func TestLeftoversPutsBackAFileThatACrashLeftBesideItsPlace(t *testing.T) {
	path := newStore(t, "")
	beside := filepath.Join(filepath.Dir(path), ".store.json.lamplighter-abc")
	for _, test := range []struct {
		name          string
		file, draft   bool
		want, wantOld bool
	}{
		{"between the two", false, true, true, false},
		{"before", true, true, true, false},
		{"after", true, false, true, false},
		{"after, and a logout", false, false, false, true}, // not to be undone, nor to be thrown away
	} {
		for name, there := range map[string]bool{path: test.file, beside + ".0": test.draft, beside + ".0.old": true, beside: true} {
			os.Remove(name)
			if there {
				put(t, name, "content")
			}
		}
		if err := Leftovers(path); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]bool{path: test.want, beside + ".0": false, beside + ".0.old": test.wantOld, beside: false} {
			if _, err := os.Lstat(name); (err == nil) != want {
				t.Errorf("%s: %s is there: %v, want %v", test.name, filepath.Base(name), err == nil, want)
			}
		}
	}
}
