//go:build unix

package replace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// kindOf names the system errors that mean the same wherever they are met.
func kindOf(err error) Kind {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return ""
	}
	switch errno {
	case unix.EROFS:
		return ReadOnly
	case unix.ENOSPC, unix.EDQUOT, unix.EFBIG:
		return Space
	case unix.EBUSY, unix.EXDEV:
		return Mount
	case unix.ELOOP:
		return Link
	case unix.EISDIR, unix.ENXIO:
		return NotRegular
	case unix.ENOTDIR:
		return NotFound
	}
	return ""
}

// openRegular opens a file that is no link and does not wait for a pipe's
// other end.
func openRegular(name string, flag int) (*os.File, error) {
	f, err := os.OpenFile(name, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &Obstacle{NotRegular, name, fs.ErrInvalid}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func readRegular(name string) ([]byte, error) {
	f, err := openRegular(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// Open opens a file to read it. Whoever it belongs to may rename and remove it
// meanwhile.
func Open(name string) (*os.File, error) { return os.Open(name) }

func openFolder(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDONLY|unix.O_DIRECTORY, 0)
}

func sameFolder(folder *os.File, name string) bool {
	was, err := folder.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(name)
	return err == nil && os.SameFile(was, now)
}

// syncFolder makes a change of names durable. Some network and FUSE file
// systems cannot, and say so.
func syncFolder(folder *os.File) error {
	err := folder.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}

func rename(d *draft, file string) error { return os.Rename(d.name, file) }

// lock marks a guard as in use, if it is still there. A file system without
// locks is no reason not to write; Leftovers then removes nothing.
func (d *draft) lock() error {
	if errors.Is(flock(d.file, unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK) {
		return unix.EWOULDBLOCK
	}
	if !d.named() {
		return fs.ErrNotExist
	}
	return nil
}

// usable reports whether a draft that stayed behind can be used again.
func (d *draft) usable() bool { return d.named() }

// seize takes a guard's lock for Leftovers. A guard that is not there is not
// held; one that cannot be locked counts as held.
func seize(guard string) (unlock func(), held bool, err error) {
	f, err := openRegular(guard, os.O_RDWR)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return func() {}, false, nil
	case err != nil:
		return nil, true, nil
	}
	if flock(f, unix.LOCK_EX|unix.LOCK_NB) != nil {
		f.Close()
		return nil, true, nil
	}
	return func() { f.Close() }, false, nil
}

func flock(f *os.File, how int) error {
	return restart(func() error { return unix.Flock(int(f.Fd()), how) })
}

// restart repeats a system call that a signal cut short: the Go runtime sends
// itself many.
func restart(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// owned reports whether a temporary file is ours, or has got the owner of the
// file that it was made for.
func owned(name, file string) bool {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	if int(stat(info).Uid) == os.Geteuid() {
		return true
	}
	store, err := os.Lstat(file)
	return err == nil && stat(store).Uid == stat(info).Uid
}

// exchange puts the draft and the file in each other's place, and back again
// if what came out is nothing that a draft can stand in for.
func exchange(d *draft, file string) (out string, came []byte, err error) {
	if err := exchangeNames(d.name, file); err != nil {
		return "", nil, err
	}
	if came, err = readRegular(d.name); err == nil {
		err = dress(d.file, d.name) // the mode may have changed at the last moment
	}
	if err == nil {
		return d.name, came, nil
	}
	if err := exchangeNames(d.name, file); err != nil {
		return "", nil, fmt.Errorf("what was at %s could not be put back: %w", file, err)
	}
	return "", nil, err
}

// try finds out with two drafts, of which spare is a free name, whether files
// can be exchanged here, or at least renamed: in a sticky folder only an owner
// may, and the drafts have the file's.
func try(a, b *draft, spare string) (exchanges bool, err error) {
	err = exchangeNames(a.name, b.name)
	if err == nil {
		a.name, b.name = b.name, a.name
		return true, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return false, errDraftGone
	}
	if err := os.Rename(b.name, spare); err != nil {
		return false, err
	}
	b.name = spare
	return false, nil
}
