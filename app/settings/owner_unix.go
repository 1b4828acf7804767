//go:build unix

package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// writableByOthers says why others than the user could change the config,
// with the command that mends it; "" if they cannot. Who changes the config
// decides where refresh tokens are sent.
func writableByOthers(path string, info os.FileInfo) string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Sprintf("cannot be checked: %v", err)
	}
	if what := foreign(real, info); what != "" {
		return what
	}
	var wide []string
	if info.Mode().Perm()&0o022 != 0 {
		wide = append(wide, real)
	}
	var before os.FileInfo
	for _, dir := range []string{filepath.Dir(real), filepath.Dir(path)} {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Sprintf("cannot be checked: %v", err)
		}
		if before != nil && os.SameFile(before, info) {
			break
		}
		before = info
		if what := foreign(dir, info); what != "" {
			return what
		}
		if info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSticky == 0 {
			wide = append(wide, dir)
		}
	}
	if len(wide) == 0 {
		return ""
	}
	return "others may change it; run: chmod go-w" + arguments(wide)
}

// foreign says that a file belongs to someone else than us and root.
func foreign(path string, info os.FileInfo) string {
	uid := int(info.Sys().(*syscall.Stat_t).Uid)
	if uid == 0 || uid == os.Geteuid() {
		return ""
	}
	return fmt.Sprintf("%s belongs to another user (%d), not to you; run: sudo chown %d%s", path, uid, os.Geteuid(), arguments([]string{path}))
}

// arguments writes paths as a shell takes them.
func arguments(paths []string) string {
	var b strings.Builder
	for _, p := range paths {
		if strings.Trim(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@") != "" {
			p = "'" + strings.ReplaceAll(p, "'", `'\''`) + "'"
		}
		b.WriteString(" " + p)
	}
	return b.String()
}

// Secure makes dir if it is missing, and makes it and what is in it ours
// alone: folders 0700, files 0600. It returns what was wider, so that it can
// be said. A folder of another user is an error.
//
// On Windows it only makes the folder: what is below the user's profile
// inherits an access list that names the user, the system and administrators.
func Secure(dir string) (repaired []string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if uid := int(info.Sys().(*syscall.Stat_t).Uid); uid != os.Geteuid() {
		return nil, fmt.Errorf("%s belongs to another user (%d), not to you; run: sudo chown -R %d%s", dir, uid, os.Geteuid(), arguments([]string{dir}))
	}
	root, err := filepath.EvalSymlinks(dir) // WalkDir does not follow a link
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // another process cleans up
			return nil
		}
		if err != nil {
			return err
		}
		if !entry.IsDir() && !entry.Type().IsRegular() {
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		narrow := info.Mode().Perm() & 0o600
		if entry.IsDir() {
			narrow = info.Mode().Perm() & 0o700
		}
		if narrow == info.Mode().Perm() {
			return nil
		}
		err = os.Chmod(path, narrow)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			repaired = append(repaired, path)
		}
		return err
	})
	return repaired, err
}
