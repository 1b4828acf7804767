// Package replace gives an existing file new bytes without ever letting it be
// half there, and without changing anything else about it: mode, owner,
// extended attributes, access control list and the link that leads to it stay.
//
// Prepare finds out beforehand whether that will work, by doing all of it but
// the last step; what it finds is an Obstacle. Swap does the last step, and
// returns what it replaced, so that a caller can see whether somebody else
// wrote in the meantime. InPlace is for the one case where no file can take
// another's place and the owner of the file writes it in place as well. File
// is for files that are ours alone.
//
// Access control lists are kept on Linux (POSIX) and Windows. On macOS and
// FreeBSD only those are that show as extended attributes. A second hard link
// to the file keeps the old bytes, except with InPlace.
package replace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// A Target is a file that can be replaced. It is for one goroutine at a time.
type Target struct {
	path   string   // as the caller named it
	file   string   // links resolved
	folder *os.File // of file; nil where a system needs none
	atomic bool
	guard  *draft

	// drafts[0] is next. Prepare makes two, because a swap that has to be
	// repeated must not find the disk full either.
	drafts []*draft
	made   int    // how many so far
	out    string // what came out last; "" if it is on no disk any more
	came   []byte // its bytes
}

// Prepare makes everything ready to replace the file that path leads to, with
// up to size bytes, and finds what would refuse. The file has to exist. The
// error is an *Obstacle, or the system's own where it is of no kind known.
func Prepare(path string, size int64) (*Target, error) {
	file, err := existing(path)
	if err != nil {
		return nil, err
	}
	t := &Target{path: path, file: file}
	if err := t.prepare(size); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func (t *Target) prepare(size int64) error {
	dir := filepath.Dir(t.file)
	if err := inspect(t.path, t.file, dir); err != nil {
		return err
	}
	// Nothing needs to be writable for a rename, but a file that its owner
	// made unwritable is not ours to replace. Immutable and append-only files
	// show here too.
	f, err := openRegular(t.file, os.O_WRONLY)
	if err != nil {
		return obstacle(t.path, err, Denied)
	}
	f.Close()
	if t.folder, err = openFolder(dir); err != nil {
		return obstacle(t.path, err, Folder)
	}
	if t.guard, err = newGuard(t.file); err != nil {
		return t.trouble(err, Folder)
	}
	for range 2 {
		if err := t.add(size); err != nil {
			return err
		}
	}
	t.atomic, err = try(t.drafts[0], t.drafts[1], t.guard.name+".x")
	return t.trouble(err, Folder)
}

// trouble is obstacle for a step that names temporary files as well: one that
// somebody removed does not mean that the file is gone.
func (t *Target) trouble(err error, denied Kind) error {
	var known *Obstacle
	if errors.Is(err, fs.ErrNotExist) && !errors.As(err, &known) {
		if _, lerr := os.Lstat(t.file); lerr == nil {
			return errDraftGone
		}
	}
	return obstacle(t.path, err, denied)
}

// add makes one more draft, complete but for its bytes.
func (t *Target) add(size int64) error {
	d, err := newDraft(t.guard, t.made)
	if err != nil {
		return t.trouble(err, Folder)
	}
	t.made++
	if err = dress(d.file, t.file); err == nil {
		err = allocate(d.file, size)
	}
	if err == nil {
		err = d.file.Sync()
	}
	if err != nil {
		d.discard()
		return t.trouble(err, Denied)
	}
	t.drafts = append(t.drafts, d)
	return nil
}

// Atomic reports whether what comes out of Swap is exactly what it replaced.
// Where it is not, on file systems that cannot exchange two files, a write by
// somebody else between the last look and the rename is lost.
func (t *Target) Atomic() bool { return t.atomic }

// Swap makes data the content of the file, durably, and returns the content
// that it had until then. It never creates the file: one that is gone is an
// Obstacle of kind NotFound. After an error other than one of the folder's
// fsync, which comes together with the bytes, the file is as it was.
//
// Swap can be called again. What came out stays on the disk until the next
// Swap has succeeded, or Close.
func (t *Target) Swap(data []byte) (came []byte, err error) {
	for range 4 {
		d, err := t.stage(data)
		if err != nil {
			return nil, t.trouble(err, Denied)
		}
		came, err := t.commit(d)
		if !errors.Is(err, errDraftGone) {
			return came, t.trouble(err, Folder)
		}
	}
	return nil, errDraftGone
}

// errDraftGone says that somebody removed the draft, such as a program that
// tidies up.
var errDraftGone = errors.New("the temporary file was removed by another program")

// stage writes data to the next draft and returns it.
func (t *Target) stage(data []byte) (*draft, error) {
	if len(t.drafts) == 0 {
		if err := t.add(int64(len(data))); err != nil {
			return nil, err
		}
	}
	d := t.drafts[0]
	// The owner may have changed the mode since Prepare. Before the bytes, so
	// that they are never in a file that more people may read.
	if err := dress(d.file, t.file); err != nil {
		return nil, err
	}
	if err := d.write(data); err != nil {
		return nil, err
	}
	return d, t.unmoved()
}

// unmoved reports whether the path still leads to the file and the folder that
// Prepare saw.
func (t *Target) unmoved() error {
	file, exists, err := resolve(t.path)
	switch {
	case err != nil:
		return err
	case file != t.file:
		return &Obstacle{Link, t.path, errors.New("it leads elsewhere now")}
	case !exists:
		return &Obstacle{NotFound, t.path, fs.ErrNotExist}
	}
	if !sameFolder(t.folder, filepath.Dir(file)) {
		return &Obstacle{Folder, t.path, errors.New("the folder is another one now")}
	}
	return nil
}

// commit puts the draft into the file's place.
func (t *Target) commit(d *draft) ([]byte, error) {
	swap := exchange
	if !t.atomic {
		swap = readAndRename
	}
	out, came, err := swap(d, t.file)
	if err != nil && d.usable() {
		return nil, err // next time
	}
	t.drafts = t.drafts[1:]
	if err != nil {
		d.discard()
		_, derr := os.Lstat(d.name)
		_, ferr := os.Lstat(t.file)
		if errors.Is(derr, fs.ErrNotExist) && ferr == nil {
			return nil, errDraftGone
		}
		return nil, err
	}
	d.file.Close()
	if t.out != "" {
		remove(t.out)
	}
	t.out, t.came = out, came
	return came, syncFolder(t.folder)
}

// readAndRename is for file systems that cannot exchange.
func readAndRename(d *draft, file string) (out string, came []byte, err error) {
	if came, err = readRegular(file); err != nil {
		return "", nil, err
	}
	return "", came, rename(d, file)
}

// Came reads what came out last once more: a program that had the file open
// to write it in place may have written after Swap looked.
func (t *Target) Came() ([]byte, error) {
	if t.out == "" {
		return t.came, nil
	}
	return readRegular(t.out)
}

// Close removes the temporary files. It may be called twice.
func (t *Target) Close() error {
	var errs []error
	if t.out != "" {
		errs = append(errs, remove(t.out))
		t.out = ""
	}
	for _, d := range t.drafts {
		errs = append(errs, d.discard())
	}
	t.drafts = nil
	if t.guard != nil {
		errs = append(errs, t.guard.discard()) // last
		t.guard = nil
	}
	if t.folder != nil {
		t.folder.Close()
		t.folder = nil
	}
	return errors.Join(errs...)
}
