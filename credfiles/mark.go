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
// sign-in, which would keep it from using the token: Claude Code skips such a
// server for 15 minutes whatever the store holds, and on macOS as long as its
// file has an entry without a token. The error is a *Problem.
func (h *Hold) ClearMark(c Credential) error {
	s := h.store
	if s.client.marks == "" {
		return nil
	}
	any := func(jsonedit.Value) bool { return true }
	err := s.clear(s.client.marks, []string{c.Name}, any)
	if s.chain != nil && err == nil {
		// It is written under the store's lock.
		ctx, cancel := context.WithTimeout(context.Background(), storePatience)
		defer cancel()
		lock, lockErr := s.lock(ctx, s.lockOf())
		if lockErr != nil {
			return &Problem{Store: filepath.Join(s.home, s.file.name), Client: s.client.name, Kind: Cache, Err: lockErr}
		}
		defer lock.Release()
		_, place := s.place(jsonedit.Value{}, c.Key)
		err = s.clear(s.file.name, place, claudeStub)
	}
	return err
}

// clear removes a member of a file of the home's that is as goes says.
func (s *Store) clear(file string, path []string, goes func(jsonedit.Value) bool) error {
	name := filepath.Join(s.home, file)
	replace.Leftovers(name)
	err := errBeingWritten
	for range rounds {
		if err = clearMember(name, path, goes); !errors.Is(err, errBeingWritten) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &Problem{Store: name, Client: s.client.name, Kind: Cache, Err: err}
	}
	return nil
}

// Claude Code writes its marks in place and without a lock (2.1.329, observed).
var errBeingWritten = errors.New("it is not whole, or another program keeps writing it")

func clearMember(name string, path []string, goes func(jsonedit.Value) bool) error {
	text, err := readFile(name, maxSize)
	if err != nil {
		return err
	}
	root, err := jsonedit.Parse(text)
	if err != nil {
		return errBeingWritten
	}
	if v, ok := root.Get(path...); !ok || !goes(v) {
		return nil
	}
	next, err := jsonedit.Apply(text, jsonedit.Delete(path))
	if err != nil {
		return err
	}
	target, err := replace.Prepare(name, int64(len(text)))
	if err != nil {
		return err
	}
	defer target.Close()
	came, err := target.Swap(next)
	if came == nil || bytes.Equal(came, text) {
		return err
	}
	// Somebody marked a server meanwhile. Theirs goes back if it is whole: a
	// mark that is lost costs its client no more than another try.
	if _, err := jsonedit.Parse(came); err == nil {
		if _, err := target.Swap(came); err != nil {
			return err
		}
	}
	return errBeingWritten
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
