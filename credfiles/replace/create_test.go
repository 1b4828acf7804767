package replace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestCreateMakesAFileAndNeverTakesAnothersPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.json")
	if err := Create(path, []byte("mine")); err != nil {
		t.Fatal(err)
	}
	wantContent(t, path, "mine")
	wantAlone(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 && os.PathSeparator == '/' {
		t.Error(info.Mode(), err)
	}
	if err := Create(path, []byte("another")); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	wantContent(t, path, "mine")
	wantAlone(t, path)
	if err := Create(filepath.Join(path+"-missing", "store.json"), nil); err == nil {
		t.Error("it made a folder")
	}
	link := filepath.Join(filepath.Dir(path), "link")
	if err := os.Symlink("nowhere", link); err == nil {
		if err := Create(link, nil); !errors.Is(err, fs.ErrExist) {
			t.Error("a dangling link:", err)
		}
	}
}
