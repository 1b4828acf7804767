package replace

import (
	"os"

	"golang.org/x/sys/unix"
)

// exchangeNames lets two files change places (renamex_np(2), macOS 10.12, on
// APFS). Written from the manual page and compiled, never run.
func exchangeNames(a, b string) error {
	err := restart(func() error { return unix.RenamexNp(a, b, unix.RENAME_SWAP) })
	if err != nil {
		return &os.LinkError{Op: "exchange", Old: a, New: b, Err: err}
	}
	return nil
}
