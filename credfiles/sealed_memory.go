package credfiles

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamplighter/credfiles/replace"
)

// A memory is where an Opener finds what another process opened: in a folder of
// ours the content of the latest file at each path, encrypted by a key in the
// keyring, where the file's own passphrase is. It is only what is known of a
// file that is the same, byte for byte.
type memory struct {
	dir string
	by  Sealer
}

// Remember gives an Opener its memory across processes. dir need not exist. An
// Opener without one, or whose keyring has no key for us, remembers for itself
// only: nothing is written plainly.
func (o *Opener) Remember(dir string, by Sealer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.memory = memory{dir, by}
}

// Forget erases what is remembered of the files at these paths, in this process
// and for others; of all where there are none.
func (o *Opener) Forget(paths ...string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened = nil
	entries, err := os.ReadDir(o.memory.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		name := filepath.Join(o.memory.dir, e.Name())
		beside := func(path string) bool { return strings.Contains(name, filepath.Base(o.memory.name(path))) } // also what a crash left
		if len(paths) == 0 || slices.ContainsFunc(paths, beside) {
			if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

func (m memory) name(path string) string {
	sum := sha256.Sum256([]byte(path))
	return filepath.Join(m.dir, hex.EncodeToString(sum[:16]))
}

func (m memory) place(path string) string { return "opened " + path }

// recall is what is known of the latest file that was opened at a path.
func (m memory) recall(path string) (was opened, ok bool) {
	if m.by == nil {
		return opened{}, false
	}
	sealed, err := readFile(m.name(path), 2*maxSize)
	if err != nil {
		return opened{}, false
	}
	text, err := m.by.Open(sealed, m.place(path))
	if err != nil || len(text) < 2*sha256.Size {
		return opened{}, false
	}
	copy(was.file[:], text)
	copy(was.passphrase[:], text[sha256.Size:])
	was.text = bytes.Clone(text[2*sha256.Size:])
	return was, true
}

// remember is its counterpart. What cannot be remembered is opened again.
func (m memory) remember(path string, now opened) {
	if m.by == nil || now.err != nil {
		return
	}
	sealed, err := m.by.Seal(append(append(bytes.Clone(now.file[:]), now.passphrase[:]...), now.text...), m.place(path))
	if err == nil && sealed != nil && os.MkdirAll(m.dir, 0o700) == nil {
		err = replace.File(m.name(path), sealed, 0o600)
	}
	if err != nil || sealed == nil {
		os.Remove(m.name(path))
	}
}
