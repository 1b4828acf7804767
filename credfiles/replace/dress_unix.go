//go:build unix

package replace

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// modeBits are the bits that chmod(2) sets.
const modeBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// dress gives a draft the owner, the extended attributes and the mode that
// the file named from has, whatever the umask. It changes nothing that is
// right already.
func dress(to *os.File, from string) error {
	want, err := lstatRegular(from)
	if err != nil {
		return err
	}
	if err := giveOwner(to, want); err != nil {
		return err
	}
	if err := copyAttributes(to, from); err != nil {
		return err
	}
	// Last, because giving a file away and setting its ACL change the mode.
	return chmod(to, want.Mode()&modeBits)
}

// inherit is dress for a file of our own: its mode ends up within mode, and an
// owner that we cannot give costs the others their access.
func inherit(to *os.File, from string, mode os.FileMode) error {
	want, err := lstatRegular(from)
	if err != nil {
		return err
	}
	bits := want.Mode() & mode.Perm()
	err = giveOwner(to, want)
	if is(err, Owner) {
		return chmod(to, bits&0o700)
	}
	if err == nil {
		err = copyAttributes(to, from)
	}
	if err != nil {
		return err
	}
	return chmod(to, bits)
}

func lstatRegular(name string) (os.FileInfo, error) {
	info, err := os.Lstat(name)
	switch {
	case err != nil || info.Mode().IsRegular():
		return info, err
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, &Obstacle{Link, name, syscall.ELOOP}
	}
	return nil, &Obstacle{NotRegular, name, fs.ErrInvalid}
}

func giveOwner(to *os.File, want os.FileInfo) error {
	have, err := to.Stat()
	if err != nil {
		return err
	}
	w, h := stat(want), stat(have)
	if h.Uid == w.Uid && h.Gid == w.Gid {
		return nil
	}
	err = to.Chown(int(w.Uid), int(w.Gid))
	if err != nil && kindOf(err) == "" {
		err = &Obstacle{Owner, want.Name(), err} // also EINVAL: an owner unknown in a user namespace
	}
	return err
}

func chmod(f *os.File, bits os.FileMode) error {
	have, err := f.Stat()
	if err != nil || have.Mode()&modeBits == bits {
		return err
	}
	return f.Chmod(bits)
}

func stat(info os.FileInfo) *syscall.Stat_t { return info.Sys().(*syscall.Stat_t) }

func onOtherDevice(file, folder string) bool {
	f, ferr := os.Lstat(file)
	d, derr := os.Lstat(folder)
	return ferr == nil && derr == nil && stat(f).Dev != stat(d).Dev
}

var errMounted = errors.New("mounted on its own")
