package credfiles

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"lamplighter/credfiles/clientlock"
)

// A Result says what became of a token that was to be written.
type Result int

// What became of a token.
const (
	Written Result = iota // it is in the store, read back
	Theirs                // the store got another one meanwhile, which stays
	Gone                  // a logout, or a login of another client or issuer: nothing was written
)

// storePatience bounds a write, and in it the wait for the client's store
// lock, which a client holds for milliseconds.
const storePatience = 10 * time.Second

// Write puts the token that came for old into the store, if the entry is still
// as old says. One that others wrote meanwhile keeps their refresh token, or
// their access token if ours brought no new refresh token and ends sooner; one
// that its client wiped takes a token that is newer than what was refused; one
// that is gone, or of another login, is left alone. Whatever else others wrote
// meanwhile stays, also where they take no lock.
//
// image is called with the store's new content before a store that can only
// be written in place is written; it has to be on disk when it returns.
//
// After an error nothing is known to be in the store, and the token must be
// kept by the caller. The error is a *clientlock.BusyError, also where the
// client's store lock was lost meanwhile, or a *Problem.
func (h *Hold) Write(ctx context.Context, old Credential, t Token, image func([]byte) error) (Result, error) {
	return h.put(ctx, &write{Hold: h, old: old, token: t, image: image})
}

func (h *Hold) put(ctx context.Context, w *write) (Result, error) {
	w.stamp()
	if h.ready == nil {
		err := h.Ready()
		if errors.Is(err, ErrGone) {
			return Gone, nil
		}
		if err != nil {
			return 0, err
		}
	}
	result, err := w.locked(ctx, func(ctx context.Context) (Result, error) {
		doc, err := h.store.readSettled(ctx)
		if err != nil {
			return 0, err
		}
		return w.merge(ctx, doc.text, doc.text)
	})
	if w.there != nil {
		h.lastLook = w.finalLook
	}
	return result, err
}

// A write is one token on its way into the store.
type write struct {
	*Hold
	old   Credential
	token Token
	login *Login // of which token is a part; nil for a refresh
	image func([]byte) error

	restores bool   // it puts back what the client wiped
	entry    Secret // the whole entry, where that may be gone as well

	lock     *clientlock.Lock // the client's store lock; nil where it has none
	came     []byte           // what the last exchange took out of the file
	there    []byte           // what we put into it last; nil before
	unsynced error            // why that may not be on the disk
}

// stamp notes when the token is written.
func (w *write) stamp() {
	w.token.written = time.Now()
	if w.login != nil {
		w.login.written = w.token.written
	}
}

// locked does something under the client's store lock. A store that is gone
// meanwhile is no error.
func (w *write) locked(ctx context.Context, do func(context.Context) (Result, error)) (result Result, err error) {
	defer w.store.writers.take(ctx)()
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	w.lock, err = w.store.lock(ctx, w.store.lockOf())
	if err == nil {
		if w.lock != nil {
			defer w.lock.Release()
		}
		result, err = do(ctx)
	}
	var busy *clientlock.BusyError
	switch {
	case err == nil, errors.As(err, &busy):
		return result, err
	case errors.Is(err, ErrGone), errors.Is(err, fs.ErrNotExist) && !w.store.Exists():
		return Gone, nil
	}
	return 0, w.store.problem(err)
}

// plan is what the store should hold, given what others last put there. What
// cannot be decided about stays as they put it.
func (w *write) plan(theirs []byte) (Result, []byte, error) {
	doc, err := w.store.parse(theirs)
	if err != nil {
		return 0, theirs, err
	}
	j := w.store.pair()
	now, err := w.store.find(doc.root, w.key, j)
	switch {
	case errors.Is(err, ErrGone) && !w.entry.IsZero():
		if doc, err = w.inserted(doc); err != nil {
			return 0, theirs, err
		}
		return Written, doc.text, nil
	case errors.Is(err, ErrGone):
		return Gone, theirs, nil
	case err == nil && now.WatchOnly == OddFormat:
		err = w.store.odd(now.Name)
	}
	if err != nil {
		return 0, theirs, err
	}
	k := w.store.kind(w.key)
	if (w.store.file.many || k.away) && now.ServerURL == "" {
		now.ServerURL = w.old.ServerURL // the file's or the entry's name holds it
	}
	if (w.store.file.many || k.preset) && w.old.Preset || w.store.file.many && now.ClientID == "" {
		now.ClientID = w.old.ClientID // it never stood beside the store
	}
	if result := w.decide(now); result != Written {
		return result, theirs, nil
	}
	next, err := w.spliced(doc)
	if err == nil {
		now, err = w.store.find(next.root, w.key, j)
	}
	if err == nil && (!w.in(now) || now.Access.IsZero() || now.WatchOnly == OddFormat) {
		err = errors.New("the token cannot be stored so that its client reads it back")
	}
	if err != nil {
		return 0, theirs, err
	}
	return Written, next.text, nil
}

func (w *write) decide(now Credential) Result {
	switch {
	case w.login != nil:
		return w.login.decide(now, w.old)
	case w.restores:
		return decideBack(now, w.old, w.token)
	}
	return decide(now, w.old, w.token)
}

// spliced is a document with what is to be written in its entry.
func (w *write) spliced(doc document) (document, error) {
	if w.login != nil {
		return w.store.splicedLogin(doc, w.key, *w.login)
	}
	return w.store.spliced(doc, w.key, w.token)
}

// in reports that an entry holds what is to be written.
func (w *write) in(c Credential) bool {
	if w.login != nil {
		return w.login.in(c)
	}
	return has(c, w.token)
}

// decide compares an entry with the one that a token was asked for: the table
// of what wins where somebody else wrote meanwhile.
func decide(now, old Credential, t Token) Result {
	rotated := !t.Refresh.IsZero() && !t.Refresh.Equal(old.Refresh)
	wiped := now.Refresh.IsZero() && !old.Refresh.IsZero() && (now.Blanked || now.Access.Equal(old.Access))
	switch {
	case now.ServerURL != old.ServerURL,
		now.ClientID != old.ClientID,
		now.Issuer != old.Issuer && old.Issuer != "" && now.Issuer != "",
		now.Endpoint != old.Endpoint && old.Endpoint != "" && now.Endpoint != "":
		// Another login. An entry whose client was refused lost its client_id
		// and cannot use our token either.
		return Gone
	case has(now, t):
		return Written // by us, before a crash
	case wiped && rotated:
		// The client wiped what the server refused: ours is newer.
		return Written
	case !now.Refresh.Equal(old.Refresh):
		// Also a wipe of the very value that we still have.
		return Theirs
	case now.Access.Equal(old.Access), rotated:
		return Written
	case now.Expiry.After(t.Expiry) && now.Expiry.After(time.Now()):
		return Theirs
	}
	return Written
}

// has reports whether an entry holds a token. One that came without a refresh
// token leaves the entry's.
func has(c Credential, t Token) bool {
	return c.Access.Equal(t.Access) && (t.Refresh.IsZero() || c.Refresh.Equal(t.Refresh))
}
