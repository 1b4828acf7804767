//go:build unix

package instance

import (
	"io/fs"
	"os"
	"syscall"
)

// ours reports that the user who runs this owns a file.
func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
