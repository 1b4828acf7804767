//go:build unix && !linux

package replace

// inspect finds what the names tell before anything is tried. FreeBSD's nullfs
// can mount a single file and gives it a device number of its own; written
// from its source, never run.
func inspect(path, file, folder string) error {
	if onOtherDevice(file, folder) {
		return &Obstacle{Mount, path, errMounted}
	}
	return nil
}
