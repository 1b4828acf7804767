package clientlock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"
)

// A taking is how one kind of lock is had whose being there is the lock. What
// stands there may be abandoned, which a lock of the system's never is.
type taking struct {
	path                    string
	stale, heartbeat, retry time.Duration

	make     func() (holding, error)          // an error that wraps fs.ErrExist: another has it
	look     func() (fs.FileInfo, error)      // at what tells whether its holder lives
	takeOver func(seen fs.FileInfo) error     // removes what was seen, and nothing else; errChanged if that is gone
	free     func(seen fs.FileInfo) (ok bool) // what was seen is nobody's, and gone now; may be nil
}

// A holding is a lock that was made.
type holding interface {
	heartbeat() // until the release, or until it is lost
	check() error
	release() error
}

// beats keeps a lock alive until stop is closed or it is lost, and then closes
// done.
func beats(every time.Duration, stop <-chan struct{}, done chan<- struct{}, beat func() error) {
	defer close(done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			// Any other error may pass: the client's stale age leaves room for
			// some beats to fail.
			if err := beat(); errors.Is(err, ErrLost) {
				return
			}
		}
	}
}

// take waits for the lock until ctx ends.
func (t taking) take(ctx context.Context) (*Lock, error) {
	if t.heartbeat <= 0 || t.retry <= 0 {
		return nil, fmt.Errorf("cannot lock %s: a heartbeat of %v and a retry of %v", t.path, t.heartbeat, t.retry)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", t.path, context.Cause(ctx))
	}
	other := sighting{since: time.Now()}
	tookOver := false
	for {
		l, err := t.make()
		if err == nil && tookOver {
			// A client that found the old one stale before we moved it removes
			// ours next, unseen. It does so at once if it does.
			time.Sleep(t.retry)
			err = l.check()
		}
		if err == nil {
			go l.heartbeat()
			return &Lock{t.path, l.check, sync.OnceValue(l.release)}, nil
		}
		tookOver = false
		if !errors.Is(err, fs.ErrExist) && !errors.Is(err, ErrLost) {
			return nil, refused(t.path, err)
		}

		info, err := t.look()
		switch {
		case errors.Is(err, fs.ErrNotExist): // released just now
		case err != nil:
			return nil, fmt.Errorf("cannot lock %s: %w", t.path, cause(err))
		case t.free != nil && t.free(info):
			continue
		default:
			other.see(info, t.retry)
			if !other.abandoned(t.stale, t.heartbeat) {
				break
			}
			if err := t.takeOver(other.info); err == nil {
				tookOver = true
				continue
			} else if !errors.Is(err, errChanged) {
				return nil, fmt.Errorf("cannot take over the abandoned lock %s: %w", t.path, cause(err))
			}
		}
		select {
		case <-ctx.Done():
			return nil, &BusyError{t.path, other.since, context.Cause(ctx)}
		case <-time.After(t.retry):
		}
	}
}
