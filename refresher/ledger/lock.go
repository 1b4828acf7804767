package ledger

import (
	"context"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
)

// A Locked is one credential's part of the ledger while we hold our lock on
// it: nobody else of ours refreshes it or writes what is remembered of it.
type Locked struct {
	*Ledger
	Key credfiles.Key
	// Protected means that the credential's store is: then what is kept of it is
	// sealed. The caller sets it, who knows the store.
	Protected bool

	held *clientlock.Lock
}

// Lock takes our own lock on a credential. The system frees it when the
// process dies. ctx bounds the wait; the error is then a *clientlock.BusyError.
// It wraps ErrReplaced where the state folder is not the one that was opened.
func (l *Ledger) Lock(ctx context.Context, key credfiles.Key) (*Locked, error) {
	held, err := clientlock.File(ctx, l.file("locks", key), clientlock.FileOptions{
		Mode: 0o600, FolderMode: 0o700, Retry: 20 * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	if err := l.same(); err != nil {
		held.Release()
		return nil, err
	}
	return &Locked{Ledger: l, Key: key, held: held}, nil
}

// Check reports whether the lock is still ours. It is not where somebody
// removed its file: then another process may have it too.
func (l *Locked) Check() error { return l.held.Check() }

// Unlock lets others in.
func (l *Locked) Unlock() error { return l.held.Release() }
