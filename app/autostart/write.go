package autostart

import (
	"errors"
	"os"
	"path/filepath"
)

// write makes text the entry's file, whole or not at all. A link stays, since
// that is how some people keep their settings. The folder is for the user alone
// where it is new (XDG Base Directory Specification 0.8), the file is not
// secret.
func (e Entry) write(text string) error {
	path, mode := e.path(), os.FileMode(0o644)
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
		if old, err := os.ReadFile(path); err == nil && string(old) == text {
			return nil
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+e.ID+"-")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
