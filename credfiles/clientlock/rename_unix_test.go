//go:build unix

package clientlock

import "golang.org/x/sys/unix"

// rename is rename(2), as Node calls it: it puts a directory in the place of an
// empty one.
func rename(from, to string) error { return unix.Rename(from, to) }
