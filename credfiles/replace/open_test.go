package replace

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// On Windows that is no matter of course.
func TestWhatWeReadCanBeRenamedAndRemoved(t *testing.T) {
	for what, do := range map[string]func(name string) error{
		"renamed": func(name string) error { return os.Rename(name, name+".old") },
		"removed": os.Remove,
	} {
		name := newStore(t, "content")
		f, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := do(name); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if text, err := io.ReadAll(f); err != nil || string(text) != "content" {
			t.Errorf("%s: %q, %v", what, text, err)
		}
		f.Close()
	}
	if _, err := Open(filepath.Join(t.TempDir(), "nothing")); !os.IsNotExist(err) {
		t.Errorf("of no file: %v", err)
	}
}
