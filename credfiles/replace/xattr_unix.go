//go:build unix

package replace

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// posixACL is the one attribute without which the mode means something else:
// with it the group's bits are the limit of all named users and groups.
const posixACL = "system.posix_acl_access"

// copyAttributes gives to all extended attributes of the file named from that
// can be listed and set.
func copyAttributes(to *os.File, from string) error {
	fd := int(to.Fd())
	list, err := sized(func(b []byte) (int, error) { return unix.Llistxattr(from, b) })
	if err != nil {
		return nil // a file system without them
	}
	names := strings.FieldsFunc(string(list), func(r rune) bool { return r == 0 })
	for _, name := range names {
		if name == "security.ima" || name == "security.evm" {
			continue // signatures of the old bytes
		}
		want, err := sized(func(b []byte) (int, error) { return unix.Lgetxattr(from, name, b) })
		if err != nil {
			continue // gone meanwhile, or not for us to see
		}
		have, err := sized(func(b []byte) (int, error) { return unix.Fgetxattr(fd, name, b) })
		if err == nil && bytes.Equal(have, want) {
			continue
		}
		err = restart(func() error { return unix.Fsetxattr(fd, name, want, 0) })
		if err != nil && (name == posixACL || kindOf(err) == Space) {
			return err
		}
	}
	if _, err := unix.Fgetxattr(fd, posixACL, nil); err == nil && !slices.Contains(names, posixACL) {
		// A folder's default ACL must not let in more people than the file did.
		return restart(func() error { return unix.Fremovexattr(fd, posixACL) })
	}
	return nil
}

// sized calls read with a buffer as large as it asks for, and again if that
// grew meanwhile.
func sized(read func([]byte) (int, error)) ([]byte, error) {
	var b []byte
	for {
		n, err := read(b)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ERANGE):
			b = nil
		case err != nil:
			return nil, err
		case len(b) == 0 && n > 0:
			b = make([]byte, n)
		default:
			return b[:n], nil
		}
	}
}
