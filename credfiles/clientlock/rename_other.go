//go:build !linux && !darwin

package clientlock

// renameNew renames and does not replace what it finds.
func renameNew(from, to string) error { return renameUnlessThere(from, to) }
