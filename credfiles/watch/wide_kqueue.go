//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package watch

import (
	"os"
	"path/filepath"
	"strings"
)

// tooWide reports whether a directory is left to Poll: the home folder and
// those above it. kqueue opens every file of a watched directory, which in a
// home folder are many and on macOS some that ask the user for permission
// (fsnotify 1.10.1, backend_kqueue.go).
func tooWide(dir string) bool {
	home, err := os.UserHomeDir()
	if err != nil {
		return false
	}
	if real, err := filepath.EvalSymlinks(home); err == nil {
		home = real
	}
	return dir == home || strings.HasPrefix(home, strings.TrimSuffix(dir, "/")+"/")
}
