package credfiles

import (
	"bytes"
	"context"
	"errors"
	"time"

	"lamplighter/credfiles/clientlock"
	"lamplighter/credfiles/replace"
)

// rounds bounds how often a write merges with somebody who writes at the same
// time without a lock.
const rounds = 16

// merge works on the file until it holds what others last put there, with our
// token if that belongs there. theirs is what they put, there what the file
// holds. A program that writes without the client's lock may do so at any
// moment: nothing that it wrote is lost, and what cannot be decided about is
// put back as it was.
func (w *write) merge(ctx context.Context, theirs, there []byte) (Result, error) {
	for round := 0; ; round++ {
		result, want, err := w.plan(theirs)
		if bytes.Equal(want, there) {
			if err != nil {
				return 0, err
			}
			newer, now, err := w.again(ctx, there)
			if newer == nil {
				return result, errors.Join(err, w.unsynced)
			}
			theirs, there = newer, now
			if round < rounds {
				continue
			}
		}
		// What is theirs and not in the file any more has to come back, with
		// the lock or without.
		owed := !bytes.Equal(theirs, there)
		if round >= rounds {
			return 0, w.giveUp(theirs, owed)
		}
		w.next(exchanging)
		if err := w.stillLocked(); err != nil && !owed {
			return 0, err
		}
		if w.ready.swap == nil {
			if theirs, there, err = w.overwrite(ctx, theirs, there, want); err != nil {
				return 0, err
			}
			continue
		}
		came, err := w.ready.swap.Swap(want)
		switch {
		case came != nil: // also where only the folder's fsync failed
			w.came, w.unsynced = came, err
			if !bytes.Equal(came, there) {
				theirs = w.settled(ctx)
			}
			there, w.there = want, want
		case owed:
			return 0, w.giveBack(theirs, there, err)
		case obstacle(err, replace.Link), obstacle(err, replace.Folder):
			// The path leads elsewhere now: Claude Code puts a file in the place
			// of a link (2.1.329, observed).
			if err := w.Ready(); err != nil {
				return 0, err
			}
			doc, err := w.store.readSettled(ctx)
			if err != nil {
				return 0, err
			}
			theirs, there = doc.text, doc.text
			w.came, w.there = nil, nil // of a file that the path does not lead to
		default:
			return 0, err
		}
	}
}

// A step of a write is a moment at which others may write too.
type step int

const (
	exchanging step = iota // before what was read is exchanged
	looking                // before what was written is read back
)

func (w *write) next(s step) {
	if w.pause != nil {
		w.pause(s)
	}
}

func obstacle(err error, kind replace.Kind) bool {
	var o *replace.Obstacle
	return errors.As(err, &o) && o.Kind == kind
}

// stillLocked reports whether the client's store lock is still ours. Without
// it a client may be between its reading and its writing.
func (w *write) stillLocked() error {
	if w.lock == nil || w.lock.Check() == nil {
		return nil
	}
	return &clientlock.BusyError{Path: w.lock.Path()}
}

// overwrite writes over the store, if it still holds there. It returns what is
// theirs and what the store holds afterwards.
func (w *write) overwrite(ctx context.Context, theirs, there, want []byte) (_, _ []byte, err error) {
	now, _, err := w.store.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(now.text, there) {
		return now.text, now.text, nil
	}
	if w.ready.torn {
		if err := w.image(want); err != nil {
			return nil, nil, err
		}
	}
	if err := w.stillLocked(); err != nil {
		return nil, nil, err
	}
	if err := w.ready.over(ctx, want); err != nil {
		return nil, nil, err
	}
	w.there = want
	return theirs, want, nil
}

// again finds what others wrote since we did, and what the file holds now; nil
// where nobody wrote, or we did not. They may have put a file in the place of
// ours, or have written into the one before, which they had open.
func (w *write) again(ctx context.Context, there []byte) (theirs, now []byte, err error) {
	if w.there == nil {
		return nil, nil, nil
	}
	w.next(looking)
	doc, err := w.store.readSettled(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(doc.text, there) {
		return doc.text, doc.text, nil
	}
	if !w.late() {
		return nil, nil, nil
	}
	return w.settled(ctx), there, nil
}

// late reports whether what came out of the file was written to since.
func (w *write) late() bool {
	if w.ready == nil || w.ready.swap == nil || w.came == nil {
		return false
	}
	came, err := w.ready.swap.Came()
	if err != nil || bytes.Equal(came, w.came) {
		return false
	}
	w.came = came
	return true
}

// settled is what came out of the file, once a program that was writing it in
// place is done with it.
func (w *write) settled(ctx context.Context) []byte {
	for deadline := time.Now().Add(settle); ; {
		_, err := w.store.parse(w.came)
		if !transient(err) || !time.Now().Before(deadline) || ctx.Err() != nil {
			return w.came
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
		w.late()
	}
}

// finalLook is for a program that had the store open while we exchanged it,
// and took its time to write. Where somebody else wrote the store since, that
// is newer.
func (w *write) finalLook() error {
	if !w.late() {
		return nil
	}
	_, err := w.locked(context.Background(), func(ctx context.Context) (Result, error) {
		doc, err := w.store.readSettled(ctx)
		if err != nil || !bytes.Equal(doc.text, w.there) {
			return 0, err
		}
		return w.merge(ctx, w.settled(ctx), w.there)
	})
	return err
}

// giveUp puts theirs back, whoever wrote meanwhile.
func (w *write) giveUp(theirs []byte, owed bool) error {
	err := errors.New("another program keeps writing it")
	if owed && w.ready.swap != nil {
		_, backErr := w.ready.swap.Swap(theirs)
		err = errors.Join(err, backErr)
	}
	return err
}

// giveBack writes theirs over ours where a second exchange was refused.
func (w *write) giveBack(theirs, there []byte, refusal error) error {
	now, err := readFile(w.store.path, maxSize)
	if err == nil && bytes.Equal(now, there) {
		err = replace.InPlace(w.store.path, theirs)
	}
	return errors.Join(refusal, err)
}
