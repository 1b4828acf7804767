package deliver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lamplighter/credfiles"
	"lamplighter/credfiles/replace"
)

// A File is a file of mode 0600, in a folder that is there. Its path is
// absolute; a link is followed.
type File struct {
	Path string
	Form Form
}

func (f File) String() string { return f.Path }

// Text is the token in the file's form.
func (f File) Text(t Token) (credfiles.Secret, error) {
	text, err := f.Form.Text(t)
	if err != nil {
		return text, fmt.Errorf("%s: %w", f.Path, err)
	}
	return text, nil
}

// Put replaces the file whole. One that is empty may be anybody's.
func (f File) Put(_ context.Context, t Token, ours func(credfiles.Secret) bool) error {
	if !t.Lives() {
		return ErrEnding
	}
	text, err := f.Text(t)
	if err != nil {
		return err
	}
	there, err := f.read()
	switch {
	case err != nil:
		return err
	case there.Equal(text):
		return nil
	case !there.IsZero() && !ours(there):
		return fmt.Errorf("%s: %w", f.Path, ErrForeign)
	}
	// A crash leaves a token beside the file; what keeps us from removing that
	// keeps us from writing too, and that has the better words.
	_ = replace.Leftovers(f.Path)
	err = replace.File(f.Path, []byte(text.Reveal()), 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s: %w", f.Path, ErrNoFolder)
	}
	return err
}

// Gone reports that there is no such file, or nothing in it.
func (f File) Gone() bool {
	info, err := os.Stat(f.Path)
	return err != nil || !info.Mode().IsRegular() || info.Size() == 0
}

// Erase removes the file, and what a crash left beside it, if its text is ours.
// One that is gone is no error.
func (f File) Erase(ours func(credfiles.Secret) bool) error {
	there, err := f.read()
	if err != nil {
		return err
	}
	if !there.IsZero() && !ours(there) {
		return fmt.Errorf("%s: %w", f.Path, ErrForeign)
	}
	err = replace.Leftovers(f.Path)
	if real, _ := filepath.EvalSymlinks(f.Path); err == nil && real != "" {
		err = os.Remove(real) // a link is its user's
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// most is beyond what we write.
const most = 1 << 20

// read returns what is there, zero where nothing is.
func (f File) read() (credfiles.Secret, error) {
	info, err := os.Stat(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return credfiles.Secret{}, nil
	case err != nil:
		return credfiles.Secret{}, err
	case !info.Mode().IsRegular() || info.Size() > most: // a pipe would be waited for
		return credfiles.Secret{}, fmt.Errorf("%s: %w", f.Path, ErrForeign)
	}
	text, err := os.ReadFile(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return credfiles.NewSecret(string(text)), err
}
