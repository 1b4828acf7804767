package replace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

var errCircle = errors.New("too many links")

// resolve follows every link of path and returns the file it leads to, which
// need not exist. The error is an Obstacle: a circle, something that is not a
// regular file, or a folder that cannot be searched.
func resolve(path string) (file string, exists bool, err error) {
	at, err := filepath.Abs(path)
	if err != nil {
		return "", false, err
	}
	for range 40 { // as Linux does
		folder, base := filepath.Split(at)
		real, err := filepath.EvalSymlinks(folder)
		switch {
		case err == nil:
			folder = real
		case errors.Is(err, fs.ErrNotExist):
			return at, false, nil
		case runtime.GOOS == "windows": // it cannot go through a junction; the system can
		case errors.Is(err, fs.ErrPermission), kindOf(err) != "":
			return "", false, obstacle(path, err, Folder)
		default:
			return "", false, &Obstacle{Link, path, err}
		}
		at = filepath.Join(folder, base)
		info, err := os.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return at, false, nil
		case err != nil:
			return "", false, obstacle(path, err, Folder)
		case info.Mode().IsRegular():
			return at, true, nil
		case info.Mode()&fs.ModeSymlink == 0:
			return "", false, &Obstacle{NotRegular, path, fs.ErrInvalid}
		}
		to, err := os.Readlink(at)
		if err != nil {
			return "", false, obstacle(path, err, Denied)
		}
		if !filepath.IsAbs(to) {
			// Not cleaned: a/../b is not b where a is a link.
			to = folder + string(filepath.Separator) + to
		}
		at = to
	}
	return "", false, &Obstacle{Link, path, errCircle}
}

// existing is resolve for a file that must be there.
func existing(path string) (string, error) {
	file, exists, err := resolve(path)
	if err == nil && !exists {
		kind := NotFound
		if _, err := os.Lstat(path); err == nil {
			kind = Link
		}
		err = &Obstacle{kind, path, fs.ErrNotExist}
	}
	return file, err
}
