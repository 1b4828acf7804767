package credfiles

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"lamplighter/credfiles/clientlock"
	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/replace"
)

// ErrGone says that an entry, or its whole store, is not there any more.
var ErrGone = errors.New("the entry is gone")

// A Hold is one entry under its client's own grant lock, from Hold to Close.
// Its client waits meanwhile, or finds the lock taken and leaves the entry
// alone.
type Hold struct {
	store   *Store
	key     Key
	grant   *clientlock.Lock // nil where the client has none
	target  *replace.Target  // made by Ready
	inPlace bool             // the store can only be written in place
}

// Hold takes the client's lock on an entry. ctx bounds the wait; then the
// error is a *clientlock.BusyError. A lock that cannot be made at all is a
// *Problem: without it we do nothing.
func (s *Store) Hold(ctx context.Context, c Credential) (*Hold, error) {
	h := &Hold{store: s, key: c.Key}
	if s.client.grantLock != nil {
		lock, err := s.lock(ctx, s.client.grantLock(s, c))
		if err != nil {
			return nil, err
		}
		h.grant = lock
	}
	return h, nil
}

// lock takes one of the client's own locks, the way the client does.
func (s *Store) lock(ctx context.Context, l clientLock) (*clientlock.Lock, error) {
	if l.path == "" {
		return nil, nil
	}
	path := filepath.Join(s.home, l.path)
	var lock *clientlock.Lock
	var err error
	if l.dir {
		lock, err = clientlock.Dir(ctx, path, clientlock.DirOptions{Stale: l.stale, Heartbeat: l.heartbeat, Retry: 100 * time.Millisecond})
	} else {
		lock, err = clientlock.File(ctx, path, clientlock.FileOptions{Mode: 0o644, FolderMode: 0o755, Retry: 50 * time.Millisecond})
	}
	var busy *clientlock.BusyError
	if err != nil && !errors.As(err, &busy) && ctx.Err() == nil {
		return nil, &Problem{Store: s.path, Client: s.client.name, Kind: Folder, Err: err}
	}
	return lock, err
}

// Read returns the entry as the store holds it now. The error is ErrGone
// where it is not there, a *Problem where the store cannot be read.
func (h *Hold) Read(ctx context.Context) (Credential, error) {
	raw, err := h.store.readSettled(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return Credential{}, ErrGone
	}
	if err != nil {
		return Credential{}, h.store.problem(err)
	}
	return h.store.find(raw, h.key)
}

// find takes one entry out of a store's bytes.
func (s *Store) find(raw []byte, key Key) (Credential, error) {
	all, problems := s.entries(raw)
	for _, c := range all {
		if c.Key == key {
			return c, nil
		}
	}
	if len(problems) > 0 {
		return Credential{}, &problems[0]
	}
	return Credential{}, ErrGone
}

// Ready finds out whether the store could be written, before anything is at
// stake: it makes the file that will take the store's place, at its full size.
// The error is a *Problem.
func (h *Hold) Ready() error {
	raw, err := h.store.read()
	if err != nil {
		return h.store.problem(err)
	}
	// Tokens differ in length; a quarter more and 64 KiB hold any that we take.
	size := int64(len(raw) + len(raw)/4 + 64<<10)
	replace.Leftovers(h.store.path)
	target, err := replace.Prepare(h.store.path, size)
	var obstacle *replace.Obstacle
	if errors.As(err, &obstacle) && obstacle.Kind == replace.Mount && h.store.file.inPlace {
		if err := replace.CanInPlace(h.store.path); err != nil {
			return h.store.problem(err)
		}
		h.inPlace = true
		return nil
	}
	if err != nil {
		return h.store.problem(err)
	}
	h.target = target
	return nil
}

// Check reports whether the client's lock is still ours.
func (h *Hold) Check() error {
	if h.grant == nil {
		return nil
	}
	return h.grant.Check()
}

// Close lets the client's lock go. It never removes somebody else's.
func (h *Hold) Close() error {
	var err error
	if h.target != nil {
		err = h.target.Close()
	}
	if h.grant != nil {
		err = errors.Join(err, h.grant.Release())
	}
	return err
}

// place is where the entry stands in the document, with its kind.
func (s *Store) place(key Key) (*kind, []string) {
	for i := range s.file.kinds {
		k := &s.file.kinds[i]
		switch {
		case k.single && key.Entry == k.name:
			return k, k.at
		case !k.single:
			return k, join(k.at, []string{key.Entry})
		}
	}
	return nil, nil
}

// spliced is the store with the entry's token replaced.
func (s *Store) spliced(raw []byte, key Key, t Token) ([]byte, error) {
	k, place := s.place(key)
	root, err := jsonedit.Parse(raw)
	if err != nil {
		return nil, err
	}
	e, ok := root.Get(place...)
	if !ok {
		return nil, ErrGone
	}
	return jsonedit.Apply(raw, k.changes(place, e, t)...)
}
