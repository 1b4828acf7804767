package credfiles

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lamplighter/credfiles/clientlock"
	"lamplighter/credfiles/replace"
)

// ErrGone says that an entry, or its whole store, is not there any more.
var ErrGone = errors.New("the entry is gone")

// A Hold is one entry under its client's own grant lock, from Hold to Close.
// Its client waits meanwhile, or finds the lock taken and leaves the entry
// alone. It is for one goroutine.
type Hold struct {
	store    *Store
	key      Key
	grants   []*clientlock.Lock // none where the client has none
	ready    *ready             // made by Ready
	anew     bool               // the entry may have to be made
	lastLook func() error       // finds what came too late for Write; nil if nothing was written
	pause    func(step)         // for tests: called before each step of a write; may be nil
}

// Hold takes the client's lock on an entry. ctx bounds the wait; then the
// error is a *clientlock.BusyError. A lock that cannot be made at all is a
// *Problem: without it we do nothing. Nothing is created in a home that is
// not there.
func (s *Store) Hold(ctx context.Context, c Credential) (*Hold, error) {
	h := &Hold{store: s, key: c.Key, anew: c.Anew}
	// A vendor's login has locks of its own, which we do not know how to take.
	if k := s.kind(c.Key); k == nil || k.watchOnly != "" {
		return nil, &Problem{Store: s.path, Client: s.client.name, Kind: Failed, Err: errors.New("this entry is only watched")}
	}
	if s.own != nil {
		switch err := (ownPlace{s}).begin(); {
		case errors.Is(err, ErrGone):
			return nil, err
		case err != nil:
			return nil, s.problem(err)
		}
	}
	if s.client.grantLock == nil {
		return h, nil
	}
	// A client takes the one of its own home. Only we take several, one after
	// the other in the same order, under our own.
	grant := s.client.grantLock(s, c)
	homes := append([]string{s.home}, s.also...)
	slices.Sort(homes)
	if filepath.IsAbs(grant.path) {
		homes = homes[:1]
	}
	for _, home := range homes {
		lock, err := lockIn(ctx, s, home, grant)
		if err != nil {
			h.Close()
			return nil, err
		}
		if lock != nil {
			h.grants = append(h.grants, lock)
		}
	}
	s.Anew() // an item that is there by now goes first
	return h, nil
}

// lock takes one of the client's own locks, the way the client does.
func (s *Store) lock(ctx context.Context, l clientLock) (*clientlock.Lock, error) {
	return lockIn(ctx, s, s.home, l)
}

func lockIn(ctx context.Context, s *Store, home string, l clientLock) (*clientlock.Lock, error) {
	if l.path == "" {
		return nil, nil
	}
	path := filepath.Join(home, l.path)
	if filepath.IsAbs(l.path) {
		path = l.path
		// It is not made for a home that is gone.
		if _, err := os.Stat(home); err != nil {
			return nil, &Problem{Store: s.path, Client: s.client.name, Kind: Folder, Err: err}
		}
	}
	const retry = 100 * time.Millisecond
	var lock *clientlock.Lock
	var err error
	switch {
	case l.lease:
		lock, err = clientlock.Lease(ctx, path, clientlock.LeaseOptions{Stale: l.stale, Heartbeat: l.heartbeat, Retry: retry})
	case l.dir:
		lock, err = clientlock.Dir(ctx, path, clientlock.DirOptions{Stale: l.stale, Heartbeat: l.heartbeat, Retry: retry})
	case l.filled != nil:
		lock, err = clientlock.Filled(ctx, path, clientlock.FilledOptions{
			Files: l.filled.files, Beat: l.filled.beat, Staged: l.filled.staged, Breaker: l.filled.breaker, Folder: l.filled.folder,
			Stale: l.stale, Heartbeat: l.heartbeat, Retry: retry,
		})
	case l.exclusive:
		lock, err = clientlock.Exclusive(ctx, path, clientlock.ExclusiveOptions{
			Text:  func(token string) string { return token },
			Stale: l.stale, Heartbeat: l.heartbeat, Retry: retry,
		})
	default:
		opts := clientlock.FileOptions{Mode: 0o644, FolderMode: 0o755, Retry: retry / 2, Remove: l.removed}
		if filepath.Dir(path) == filepath.Clean(home) {
			opts.FolderMode = 0 // a home that is gone stays gone
		}
		lock, err = clientlock.File(ctx, path, opts)
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
	doc, err := h.store.readSettled(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return Credential{}, ErrGone
	}
	if err != nil {
		return Credential{}, err
	}
	j, _ := h.store.join(doc.root)
	return h.store.find(doc.root, h.key, j)
}

// Ready finds out whether the store could be written, before anything is at
// stake: of a file it makes the one that will take its place, at its full size.
// The error is ErrGone where there is no such entry, and none that a sign-in
// makes anew; else a *Problem.
func (h *Hold) Ready() error {
	doc, err := h.store.readSettled(context.Background())
	switch {
	case errors.Is(err, fs.ErrNotExist) && h.anew:
		if err := replace.CanCreate(h.store.path); err != nil {
			return h.store.problem(err)
		}
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return ErrGone
	case err != nil:
		return err
	}
	if _, err := h.store.find(doc.root, h.key, joined{}); err != nil && !(h.anew && errors.Is(err, ErrGone)) {
		return err
	}
	return h.prepare(len(doc.text))
}

// prepare makes what takes the store's place, for a text of about that size.
func (h *Hold) prepare(size int) error {
	h.drop() // what an earlier Ready made
	made, err := h.store.where().ready(context.Background(), size)
	if err != nil {
		return h.store.problem(err)
	}
	h.ready = &made
	return nil
}

// Check reports whether the client's lock is still ours.
func (h *Hold) Check() error {
	for _, lock := range h.grants {
		if err := lock.Check(); err != nil {
			return err
		}
	}
	return nil
}

// Close lets the client's lock go. It never removes somebody else's.
func (h *Hold) Close() error {
	var err error
	if h.lastLook != nil {
		err = h.lastLook()
	}
	err = errors.Join(err, h.drop())
	for _, lock := range slices.Backward(h.grants) {
		err = errors.Join(err, lock.Release())
	}
	return err
}

// drop gives up what Ready prepared.
func (h *Hold) drop() error {
	made := h.ready
	h.ready, h.lastLook = nil, nil
	if made == nil || made.swap == nil {
		return nil
	}
	return made.swap.Close()
}
