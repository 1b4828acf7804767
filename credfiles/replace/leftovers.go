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
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		return obstacle(path, err, Folder)
	}
	groups := map[string][]string{} // by the guard's name
	for _, e := range entries {
		name := filepath.Join(filepath.Dir(file), e.Name())
		random, ours := strings.CutPrefix(name, prefix(file))
		if !ours || !e.Type().IsRegular() {
			continue
		}
		random, _, _ = strings.Cut(random, ".")
		guard := prefix(file) + random
		groups[guard] = append(groups[guard], name)
	}
	var errs []error
	for guard, names := range groups {
		errs = append(errs, sweep(guard, names, file))
	}
	return errors.Join(errs...)
}

// sweep removes a group of temporary files if nobody holds its guard. Where
// there is no guard nobody uses the group, and as it is random nobody will.
func sweep(guard string, names []string, file string) error {
	unlock, held, err := seize(guard)
	if held || err != nil {
		return err
	}
	defer unlock()
	var errs []error
	for _, name := range names {
		if owned(name, file) {
			errs = append(errs, remove(name))
		}
	}
	return errors.Join(errs...)
}
