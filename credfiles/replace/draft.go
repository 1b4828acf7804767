package replace

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A draft is a file that is to take another's place. It stands beside it, as
// .<base>.lamplighter-<random>.<number>.
type draft struct {
	name string
	file *os.File
	info os.FileInfo // as created, for its identity
}

func prefix(file string) string {
	return filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".lamplighter-")
}

func newDraft(guard *draft, number int) (*draft, error) {
	return create(guard.name + "." + strconv.Itoa(number))
}

// newGuard creates the file that says by its lock that the drafts which have
// its name and a number are in use. It is there before them and after them,
// so that Leftovers need not wonder about what it sees in between.
func newGuard(file string) (*draft, error) {
	var err error
	for range 100 {
		var g *draft
		g, err = create(prefix(file) + strings.ToLower(rand.Text()[:12]))
		if err != nil {
			return nil, err
		}
		if err = g.lock(); err == nil {
			return g, nil
		}
		g.discard() // Leftovers came by between the two calls
	}
	return nil, err
}

// create makes an empty file of mode 0600.
func create(name string) (*draft, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close(), remove(name))
	}
	return &draft{name, f, info}, nil
}

// write makes data the whole content, on the disk.
func (d *draft) write(data []byte) error {
	if _, err := d.file.WriteAt(data, 0); err != nil {
		return err
	}
	if err := d.file.Truncate(int64(len(data))); err != nil {
		return err
	}
	return d.file.Sync()
}

// discard removes the draft, unless its name is another file's by now.
func (d *draft) discard() error {
	d.file.Close()
	if !d.named() {
		return nil
	}
	err := remove(d.name)
	if errors.Is(err, fs.ErrPermission) {
		// Given away in a sticky folder, by a process that may do that but not
		// remove another's file.
		os.Lchown(d.name, os.Geteuid(), os.Getegid())
		err = remove(d.name)
	}
	return err
}

// named reports whether the name is still the draft's.
func (d *draft) named() bool {
	info, err := os.Lstat(d.name)
	return err == nil && os.SameFile(info, d.info)
}

func remove(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// fillZeros writes size zero bytes.
func fillZeros(f *os.File, size int64) error {
	zeros := make([]byte, 64<<10)
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at); err != nil {
			return err
		}
	}
	return nil
}
