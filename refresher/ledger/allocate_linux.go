package ledger

import (
	"os"

	"golang.org/x/sys/unix"
)

// allocate reserves size bytes for f on the disk itself.
func allocate(f *os.File, size int64) error {
	if unix.Fallocate(int(f.Fd()), 0, 0, size) == nil {
		return f.Sync()
	}
	// Not every file system can, and some say so with odd errors. Writing
	// tells whether there is really no room.
	return fill(f, size)
}
