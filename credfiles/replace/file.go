package replace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// File makes data the content of one of our own files, durably and at once:
// the old content or the new is there, never anything between. A file that
// does not exist is created with mode; one that exists loses the permissions
// that mode lacks and gets none, and keeps its owner as far as we may give
// it. A link is followed. The folder has to exist.
//
// Leftovers removes what a crash leaves here too.
func File(path string, data []byte, mode os.FileMode) error {
	file, exists, err := resolve(path)
	if err != nil {
		return err
	}
	dir := filepath.Dir(file)
	folder, err := openFolder(dir)
	if err != nil {
		return obstacle(path, err, Folder)
	}
	if folder != nil {
		defer folder.Close()
	}
	d, err := newGuard(file) // what stands alone is its own guard
	if err != nil {
		return obstacle(path, err, Folder)
	}
	if exists {
		err = inherit(d.file, file, mode)
	}
	if !exists || errors.Is(err, fs.ErrNotExist) {
		err = d.file.Chmod(mode)
	}
	if err == nil {
		err = d.write(data)
	}
	if err == nil {
		err = rename(d, file)
	}
	if err != nil {
		return errors.Join(obstacle(path, err, Folder), d.discard())
	}
	d.file.Close()
	return syncFolder(folder)
}
