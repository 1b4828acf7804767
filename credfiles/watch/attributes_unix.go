//go:build unix

package watch

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// attributes returns what of a file changes with it. The change time is the
// one that a program cannot set, so it also shows a write that keeps size and
// modification time.
func attributes(path string) string {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return err.Error()
	}
	return fmt.Sprint(st.Dev, st.Ino, st.Mode, st.Uid, st.Gid, st.Size, st.Mtim, st.Ctim)
}
