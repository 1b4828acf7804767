package clientlock

import (
	"errors"

	"golang.org/x/sys/unix"
)

// renameNew renames and never replaces: rename(2) would put a directory in
// the place of another that is empty, which here is somebody's lock.
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return renameUnlessThere(from, to) // the file system does not know the flag
	}
	return err
}
