package ledger

import (
	"errors"
	"io/fs"
	"os"
)

// Erase removes all that is remembered of a credential but the marks of its
// refresh tokens, which hold none.
func (l *Locked) Erase() error {
	var all []error
	for _, folder := range []string{"journal", "kept", "memory", "modes"} {
		if err := os.Remove(l.file(folder, l.Key)); !errors.Is(err, fs.ErrNotExist) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}
