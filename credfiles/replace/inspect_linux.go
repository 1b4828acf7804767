package replace

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// inspect finds what the names tell before anything is tried.
func inspect(path, file, folder string) error {
	f, ferr := statx(file)
	d, derr := statx(folder)
	if ferr == nil && derr == nil {
		known := f.Mask&unix.STATX_MNT_ID != 0 && d.Mask&unix.STATX_MNT_ID != 0
		switch {
		case known && f.Mnt_id != d.Mnt_id, !known && mounted(file, folder):
			return &Obstacle{Mount, path, errMounted}
		case d.Attributes&(unix.STATX_ATTR_IMMUTABLE|unix.STATX_ATTR_APPEND) != 0:
			// In an append-only folder a draft could be made, but neither
			// renamed nor removed.
			return &Obstacle{Folder, path, unix.EPERM}
		}
	} else if mounted(file, folder) {
		return &Obstacle{Mount, path, errMounted}
	}
	return nil
}

func statx(name string) (s unix.Statx_t, err error) {
	err = unix.Statx(unix.AT_FDCWD, name, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, &s)
	return s, err
}

// mounted is for kernels before 5.8, whose statx(2) does not name the mount. A
// file that was bound from the same file system shows in the list of mounts
// only (proc_pid_mountinfo(5): the fifth field, octal escapes).
func mounted(file, folder string) bool {
	if onOtherDevice(file, folder) {
		return true
	}
	list, _ := os.ReadFile("/proc/self/mountinfo")
	escaped := strings.NewReplacer(`\`, `\134`, " ", `\040`, "\t", `\011`, "\n", `\012`).Replace(file)
	for line := range strings.Lines(string(list)) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[4] == escaped {
			return true
		}
	}
	return false
}
