package credfiles

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/replace"
)

// ClearMark removes the client's own note that this server waits for a
// sign-in, which would keep it from using the token (Claude Code skips such a
// server for 15 minutes whatever the store holds). The error is a *Problem.
func (h *Hold) ClearMark(c Credential) error {
	if h.store.client.marks == "" {
		return nil
	}
	name := filepath.Join(h.store.home, h.store.client.marks)
	var err error
	for range rounds {
		var again bool
		if again, err = clearMark(name, c.Name); !again {
			break
		}
		// Claude Code writes it in place and without a lock (2.1.329, observed).
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &Problem{Store: name, Client: h.store.client.name, Kind: Cache, Err: err}
	}
	return nil
}

// clearMark tries once. again says that somebody was writing the file.
func clearMark(name, server string) (again bool, err error) {
	text, err := readFile(name, maxSize)
	if err != nil {
		return false, err
	}
	root, err := jsonedit.Parse(text)
	if err != nil {
		return true, err
	}
	if _, ok := root.Get(server); !ok {
		return false, nil
	}
	next, err := jsonedit.Apply(text, jsonedit.Delete([]string{server}))
	if err != nil {
		return false, err
	}
	replace.Leftovers(name)
	target, err := replace.Prepare(name, int64(len(text)))
	if err != nil {
		return false, err
	}
	defer target.Close()
	came, err := target.Swap(next)
	if came == nil || bytes.Equal(came, text) {
		return false, err
	}
	// Somebody marked a server meanwhile: theirs goes back.
	if _, err := target.Swap(came); err != nil {
		return false, err
	}
	return true, errors.New("another program keeps writing it")
}

// Restore writes the image of a store that a crash left half written in
// place. The image is the caller's journal's. A store that is whole, or gone,
// stays as it is: the write went through, or somebody mended it. The error is
// a *clientlock.BusyError or a *Problem.
func (h *Hold) Restore(image []byte) error {
	w := write{Hold: h}
	_, err := w.locked(context.Background(), func(ctx context.Context) (Result, error) {
		_, err := h.store.readSettled(ctx)
		var p *Problem
		if mixed := errors.As(err, &p) && p.Kind == NotUTF8; !mixed && !transient(err) {
			return 0, err
		}
		return 0, replace.InPlace(h.store.path, image)
	})
	return err
}
