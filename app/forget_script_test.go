package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// erased [WORD...]: no token that a server ever gave stands in the state
// folder, and none of the words.
func scriptErased(ts *testscript.TestScript, neg bool, args []string) {
	sc, found := of(ts), ""
	ts.Check(filepath.WalkDir(filepath.Join(sc.home, ".local/state/lamplighter"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if what := sc.leak(string(text)); what != "" {
			found = what + " stands in " + path
		}
		for _, word := range args {
			if strings.Contains(string(text), word) {
				found = word + " stands in " + path
			}
		}
		return nil
	}))
	if (found == "") == neg {
		ts.Fatalf("in the state folder: %q", found)
	}
}
