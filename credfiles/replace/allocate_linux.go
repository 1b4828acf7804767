package replace

import (
	"os"

	"golang.org/x/sys/unix"
)

// allocate takes size bytes from the disk for f.
func allocate(f *os.File, size int64) error {
	if size <= 0 {
		return nil
	}
	err := fallocate(f, 0, size)
	if err == nil || kindOf(err) == Space {
		return err
	}
	return fillZeros(f, size) // NFS before 4.2, FUSE, and some say so oddly
}

// reserve takes what f needs to grow to size, without making it longer.
func reserve(f *os.File, size int64) error {
	err := fallocate(f, unix.FALLOC_FL_KEEP_SIZE, size)
	if kindOf(err) == Space {
		return err
	}
	return nil
}

func fallocate(f *os.File, mode uint32, size int64) error {
	return restart(func() error { return unix.Fallocate(int(f.Fd()), mode, 0, size) })
}
