package replace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Leftovers removes the temporary files that a crash left beside the file that
// path leads to: they hold tokens. It touches only regular files with our
// pattern of name that belong to us or to the file's owner, and none that a
// running Target has in use, in whatever process.
func Leftovers(path string) error {
	file, _, err := resolve(path)
	if err != nil {
		return err
	}
	folder := filepath.Dir(file)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return obstacle(path, err, Folder)
	}
	groups := map[string][]string{}
	for _, e := range entries {
		rest, found := strings.CutPrefix(e.Name(), prefix(file))
		group, _, numbered := strings.Cut(rest, ".")
		if found && numbered && e.Type().IsRegular() {
			groups[group] = append(groups[group], filepath.Join(folder, e.Name()))
		}
	}
	var errs []error
	for _, names := range groups {
		if abandoned(names, file) {
			for _, name := range names {
				errs = append(errs, remove(name))
			}
		}
	}
	return errors.Join(errs...)
}
