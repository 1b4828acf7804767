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

// A draft is a file that is to take another's place. It is named
// .<base>.lamplighter-<group>.<number> beside it, where group is random and
// the same for all drafts of one Target, and it stays locked until its turn
// comes, so that Leftovers can tell it from one that a crash left.
type draft struct {
	name string
	file *os.File
	info os.FileInfo // as created, for its identity
}

func prefix(file string) string { return "." + filepath.Base(file) + ".lamplighter-" }

func newGroup() string { return strings.ToLower(rand.Text()[:12]) }

// newDraft creates an empty draft for file, of mode 0600.
func newDraft(file, group string, number int) (*draft, error) {
	name := filepath.Join(filepath.Dir(file), prefix(file)+group+"."+strconv.Itoa(number))
	var err error
	for range 8 {
		d := &draft{name: name}
		d.file, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, obstacle(file, err, Folder)
		}
		if d.info, err = d.file.Stat(); err == nil {
			err = d.lock()
		}
		if err == nil {
			return d, nil
		}
		// Leftovers came by between the two calls.
		d.discard()
	}
	return nil, err
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
	return remove(d.name)
}

// named reports whether the name is still the draft's.
func (d *draft) named() bool {
	info, err := os.Lstat(d.name)
	return err == nil && d.info != nil && os.SameFile(info, d.info)
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
