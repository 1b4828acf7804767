package watch

import (
	"os"
	"path/filepath"
	"strings"
)

// mostLinks is how many links a path may lead through, as in Linux.
const mostLinks = 40

// A step is a name that decides where a path leads: a link, the first thing
// that is missing, or the file itself. Its directory has no links left in it.
type step struct{ dir, name string }

// A walk follows many paths at one moment. What they have in common is looked
// at once.
type walk map[string]lstat

type lstat struct {
	info os.FileInfo
	err  error
}

func (w walk) lstat(path string) (os.FileInfo, error) {
	l, ok := w[path]
	if !ok {
		l.info, l.err = os.Lstat(path)
		w[path] = l
	}
	return l.info, l.err
}

// follow walks a path as the system would. It returns the steps, and as a
// text to compare what was found: every link's target, and at the end the
// file's attributes or why there is none.
func (w walk) follow(path string) (steps []step, found string) {
	var seen strings.Builder
	dir, rest := split(path)
	links := 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case ".":
			continue
		case "..":
			dir = filepath.Dir(dir)
			continue
		}

		at := filepath.Join(dir, name)
		info, err := w.lstat(at)
		switch {
		case err != nil:
			return append(steps, step{dir, name}), seen.String() + err.Error()

		case info.Mode()&os.ModeSymlink != 0:
			steps = append(steps, step{dir, name})
			target, err := os.Readlink(at)
			if err != nil {
				return steps, seen.String() + err.Error()
			}
			if links++; links > mostLinks {
				return steps, seen.String() + "too many links"
			}
			seen.WriteString(at + "\x00" + target + "\x00")
			root, parts := split(target)
			switch {
			case filepath.IsAbs(target):
				dir = root
			case target != "" && os.IsPathSeparator(target[0]): // Windows: the same drive
				dir, _ = split(dir)
			}
			rest = append(parts, rest...)

		case len(rest) == 0:
			return append(steps, step{dir, name}), seen.String() + attributes(at)

		case info.IsDir():
			dir = at

		default:
			// A junction is no directory to Lstat, and can be pointed elsewhere.
			steps = append(steps, step{dir, name})
			if info, err := os.Stat(at); err != nil || !info.IsDir() {
				return steps, seen.String() + "not a directory"
			}
			dir = at
		}
	}
	return steps, seen.String() + attributes(dir)
}

// split returns the root that a path starts from and the names after it.
func split(path string) (root string, names []string) {
	volume := filepath.VolumeName(path)
	names = strings.FieldsFunc(path[len(volume):], func(r rune) bool {
		return r < 0x80 && os.IsPathSeparator(uint8(r))
	})
	return volume + string(filepath.Separator), names
}
