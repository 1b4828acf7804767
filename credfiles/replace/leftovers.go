package replace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Leftovers removes the temporary files that a crash left beside the file that
// path leads to: they hold tokens. It touches only regular files with our
// pattern of name that belong to us or to the file's owner, and none that a
// running Target has in use, in whatever process. On Windows it first ends an
// exchange that a crash cut in two, which leaves no file at path: there it is
// for the caller who finds none, too.
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
	if err := mend(names, file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_, err = os.Lstat(file)
	missing := errors.Is(err, fs.ErrNotExist)
	var errs []error
	for _, name := range names {
		if strings.HasSuffix(name, old) && missing {
			continue // perhaps the only copy
		}
		if owned(name, file) {
			errs = append(errs, remove(name))
		}
	}
	return errors.Join(errs...)
}

// old ends the names of what came out on Windows.
const old = ".old"

// mend ends what ReplaceFileW began: it renames twice, and a crash in between
// leaves no file, but what it held as a draft's .old, and the draft itself.
// After a whole exchange the draft is gone.
func mend(names []string, file string) error {
	for _, name := range names {
		draft, isOld := strings.CutSuffix(name, old)
		if !isOld || !slices.Contains(names, draft) || !owned(name, file) {
			continue
		}
		if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
			return os.Rename(name, file)
		}
	}
	return nil
}
