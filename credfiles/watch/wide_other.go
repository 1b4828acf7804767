//go:build !(darwin || freebsd || netbsd || openbsd || dragonfly)

package watch

// tooWide reports whether a directory is left to Poll. inotify and Windows
// watch a directory of any size at the same cost.
func tooWide(string) bool { return false }
