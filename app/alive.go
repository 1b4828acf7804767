package app

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"lamplighter/credfiles/clientlock"
)

// Every keeper holds a shared lock on one file in the state folder: as long as
// it runs, and however it ends.
func (x *parts) aliveFile() string { return filepath.Join(x.ledger.Dir(), "locks", "keeper") }

// alive shows others that a keeper runs, until ctx ends. One that only watches,
// since the user has not begun, is none. It is for one goroutine.
func (x *parts) alive(ctx context.Context) {
	if x.keeps || x.waits() != "" {
		return
	}
	x.keeps = true
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	lock, err := clientlock.File(short, x.aliveFile(), clientlock.FileOptions{
		Mode: 0o600, FolderMode: 0o700, Retry: 20 * time.Millisecond, Shared: true,
	})
	if err == nil { // else nobody sees us, which harms nothing
		context.AfterFunc(ctx, func() { lock.Release() })
	}
}

// keeperRuns reports whether a keeper runs: it asks for the keepers' lock alone,
// for a moment. Those who ask do so one after the other, so that nobody takes
// one of them for a keeper, and the answer needs no patience.
func (x *parts) keeperRuns() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	opts := clientlock.FileOptions{Mode: 0o600, FolderMode: 0o700, Retry: time.Millisecond}
	if asking, err := clientlock.File(ctx, x.aliveFile()+"-asked", opts); err == nil {
		defer asking.Release()
	}
	opts.Once = true
	lock, err := clientlock.File(context.Background(), x.aliveFile(), opts)
	if err == nil {
		lock.Release()
	}
	var busy *clientlock.BusyError
	return errors.As(err, &busy)
}
