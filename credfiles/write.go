package credfiles

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lamplighter/credfiles/clientlock"
	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/replace"
)

// A Result says what became of a token that was to be written.
type Result int

// What became of a token.
const (
	Written Result = iota // it is in the store, read back
	Theirs                // the store got another one meanwhile, which stays
	Gone                  // a logout, or a login of another client or issuer: nothing was written
)

// rounds bounds how often a write merges with somebody who writes at the same
// time without a lock.
const rounds = 8

// storePatience bounds the wait for the client's store lock, which a client
// holds for milliseconds.
const storePatience = 10 * time.Second

// Write puts the token that came for old into the store, if the entry is as
// old says or may be overwritten all the same (see decide). image is called
// with the store's new content before a store that can only be written in
// place is written; it has to be on disk when it returns.
//
// After an error nothing is known to be in the store, and the token must be
// kept by the caller. The error is a *clientlock.BusyError or a *Problem.
func (h *Hold) Write(ctx context.Context, old Credential, t Token, image func([]byte) error) (Result, error) {
	if h.target == nil && !h.inPlace {
		if err := h.Ready(); err != nil {
			if _, serr := os.Stat(h.store.path); errors.Is(serr, fs.ErrNotExist) {
				return Gone, nil
			}
			return 0, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	lock, err := h.store.lock(ctx, h.store.client.storeLock)
	if err != nil {
		return 0, err
	}
	if lock != nil {
		defer lock.Release()
	}
	result, err := h.write(ctx, lock, old, t, image)
	if err != nil {
		return 0, h.store.problem(err)
	}
	return result, nil
}

func (h *Hold) write(ctx context.Context, lock *clientlock.Lock, old Credential, t Token, image func([]byte) error) (Result, error) {
	// What others last put there, as far as we know, and what is there now.
	truth, err := h.store.readSettled(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return Gone, nil
	}
	if err != nil {
		return 0, err
	}
	there := truth
	for range rounds {
		result, err := h.decide(truth, old, t)
		if err != nil {
			return 0, err
		}
		want := truth
		if result == Written {
			if want, err = h.store.spliced(truth, h.key, t); err != nil {
				return 0, err
			}
		}
		if bytes.Equal(want, there) {
			return result, h.readBack(result, t)
		}
		if lock != nil && lock.Check() != nil {
			return 0, &clientlock.BusyError{Path: lock.Path()}
		}
		if h.inPlace {
			if err := image(want); err != nil {
				return 0, err
			}
			if err := replace.InPlace(h.store.path, want); err != nil {
				return 0, err
			}
			return result, h.readBack(result, t)
		}
		came, err := h.target.Swap(want)
		if err != nil {
			var o *replace.Obstacle
			if errors.As(err, &o) && o.Kind == replace.NotFound {
				return Gone, nil
			}
			return 0, err
		}
		if bytes.Equal(came, there) {
			there = want
			if bytes.Equal(want, truth) || result == Written {
				return result, h.readBack(result, t)
			}
		}
		// Somebody wrote between our reading and the exchange. What came out
		// is the latest that they know: it goes back, with our token if that
		// still belongs there.
		there, truth = want, came
	}
	return 0, &Problem{Store: h.store.path, Client: h.store.client.name, Kind: Failed, Err: errors.New("another program keeps writing it")}
}

// decide compares the entry in raw with the one that the token was asked for.
func (h *Hold) decide(raw []byte, old Credential, t Token) (Result, error) {
	now, err := h.store.find(raw, h.key)
	if errors.Is(err, ErrGone) {
		return Gone, nil
	}
	if err != nil {
		return 0, err
	}
	rotated := !t.Refresh.IsZero() && !t.Refresh.Equal(old.Refresh)
	switch {
	case now.ServerURL != old.ServerURL,
		now.ClientID != old.ClientID,
		now.Issuer != old.Issuer && old.Issuer != "" && now.Issuer != "":
		// Another login. An entry whose client was refused lost its client_id
		// and cannot use our token either.
		return Gone, nil
	case now.Access.Equal(t.Access) && (t.Refresh.IsZero() || now.Refresh.Equal(t.Refresh)):
		return Written, nil // by us, before a crash
	case now.Refresh.IsZero() && !old.Refresh.IsZero() && (now.Blanked || now.Access.Equal(old.Access)):
		// The client blanked what the server refused: ours is newer.
		return Written, nil
	case !now.Refresh.Equal(old.Refresh):
		return Theirs, nil
	case now.Access.Equal(old.Access), rotated:
		return Written, nil
	case now.Expiry.After(t.Expiry):
		return Theirs, nil
	}
	return Written, nil
}

// readBack makes sure that a written token is what the client will read, and
// clears the client's mark that made it skip the server.
func (h *Hold) readBack(result Result, t Token) error {
	if result != Written {
		return nil
	}
	raw, err := h.store.read()
	if err != nil {
		return err
	}
	c, err := h.store.find(raw, h.key)
	if err != nil {
		return err
	}
	if !c.Access.Equal(t.Access) || !t.Refresh.IsZero() && !c.Refresh.Equal(t.Refresh) {
		return errors.New("what was read back is not what was written")
	}
	return nil
}

// ClearMark removes the client's own note that this server waits for a
// sign-in, which would keep it from using the token (Claude Code skips such a
// server for 15 minutes whatever the store holds). The error is a *Problem.
func (h *Hold) ClearMark(c Credential) error {
	if h.store.client.marks == "" {
		return nil
	}
	name := filepath.Join(h.store.home, h.store.client.marks)
	err := clearMark(name, c.Name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &Problem{Store: name, Client: h.store.client.name, Kind: Cache, Err: err}
	}
	return nil
}

func clearMark(name, server string) error {
	for range rounds {
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		root, err := jsonedit.Parse(raw)
		if err != nil {
			return err
		}
		if _, ok := root.Get(server); !ok {
			return nil
		}
		next, err := jsonedit.Apply(raw, jsonedit.Delete([]string{server}))
		if err != nil {
			return err
		}
		target, err := replace.Prepare(name, int64(len(raw)))
		if err != nil {
			return err
		}
		came, err := target.Swap(next)
		if err == nil && !bytes.Equal(came, raw) {
			// Somebody marked a server meanwhile: theirs goes back, and again.
			_, err = target.Swap(came)
		} else if err == nil {
			return target.Close()
		}
		target.Close()
		if err != nil {
			return err
		}
	}
	return errors.New("another program keeps writing it")
}

// Restore writes the image of a store that a crash left half written in
// place. The image is the caller's journal's.
func (h *Hold) Restore(image []byte) error {
	raw, err := h.store.read()
	if err != nil {
		return h.store.problem(err)
	}
	if h.store.whole(raw) == nil {
		return nil // the write went through, or somebody mended it
	}
	if err := replace.InPlace(h.store.path, image); err != nil {
		return h.store.problem(err)
	}
	return nil
}
