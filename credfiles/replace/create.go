package replace

import (
	"errors"
	"os"
	"path/filepath"
)

// CanCreate finds out whether Create could make a file of that name, and leaves
// nothing there. The error is an *Obstacle.
func CanCreate(path string) error {
	d, err := newGuard(path)
	if err == nil {
		err = d.discard()
	}
	return obstacle(path, err, Folder)
}

// Create makes a file of mode 0600 with data in it, durably and at once: it is
// there with all of it, or not at all. Where something has that name already
// the error wraps fs.ErrExist, and nothing was changed: whoever made it meanwhile
// keeps it. The folder has to exist.
//
// Leftovers removes what a crash leaves here too.
func Create(path string, data []byte) error {
	folder, err := openFolder(filepath.Dir(path))
	if err != nil {
		return obstacle(path, err, Folder)
	}
	if folder != nil {
		defer folder.Close()
	}
	d, err := newGuard(path)
	if err != nil {
		return obstacle(path, err, Folder)
	}
	if err := d.write(data); err != nil {
		return errors.Join(obstacle(path, err, Folder), d.discard())
	}
	// A rename would put it in the place of another's.
	if err := os.Link(d.name, path); err != nil {
		return errors.Join(err, d.discard())
	}
	return errors.Join(d.discard(), syncFolder(folder))
}
