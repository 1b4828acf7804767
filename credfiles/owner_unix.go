//go:build unix

package credfiles

import (
	"os"
	"syscall"
)

// ours reports whether the file is the user's that we run as.
func ours(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return true
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(stat.Uid) == os.Geteuid()
}
