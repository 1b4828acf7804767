package replace

import (
	"os"

	"golang.org/x/sys/unix"
)

// exchangeNames lets two files change places (renameat2(2), Linux 3.15; not on
// NFS and some other file systems).
func exchangeNames(a, b string) error {
	err := restart(func() error {
		return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	})
	if err != nil {
		return &os.LinkError{Op: "exchange", Old: a, New: b, Err: err}
	}
	return nil
}
