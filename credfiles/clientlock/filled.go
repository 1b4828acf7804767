package clientlock

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// FilledOptions say what stands in a client's lock directory, and when it
// takes one for abandoned.
type FilledOptions struct {
	// Files are what stands in it, by name. The token is this holding's own and
	// must stand in one of them.
	Files     func(token string) map[string]string
	Beat      string        // the file whose modification time is the sign of life; empty: the directory itself
	Breaker   string        // the end of the name of a second directory, which clients make while they take one over; empty: none
	Stale     time.Duration // the age at which the client takes a lock over; zero: it never does
	Heartbeat time.Duration // how often ours is touched; must be positive
	Retry     time.Duration // how often to ask; must be positive
}

// Filled locks by a directory that has files in it, as opencode 1.18.33 and
// @cline/core 0.0.86 do (source). It is made under another name and renamed
// when it is whole, because for Cline an empty directory is nobody's lock, and
// opencode believes in one whose files it cannot make itself. The folder around
// it is made where it is missing, as both clients do.
//
// Waiting, its errors and the taking over of an abandoned lock are as those of
// Dir, but that what stands in an abandoned one goes with it.
func Filled(ctx context.Context, path string, opts FilledOptions) (*Lock, error) {
	if opts.Heartbeat <= 0 || opts.Retry <= 0 {
		return nil, fmt.Errorf("cannot lock %s: a heartbeat of %v and a retry of %v", path, opts.Heartbeat, opts.Retry)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", path, context.Cause(ctx))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, refused(path, err)
	}
	other := sighting{since: time.Now()}
	for {
		info, err := opts.look(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			l, err := makeFilled(path, opts)
			if err == nil {
				go l.heartbeat()
				return &Lock{path, l.check, sync.OnceValue(l.release)}, nil
			}
			// Each system has its own words for a name that is taken: what stands
			// there decides.
			if _, there := look(path); there != nil && !errors.Is(err, fs.ErrExist) {
				return nil, refused(path, err)
			}
		case err != nil:
			return nil, fmt.Errorf("cannot lock %s: %w", path, cause(err))
		default:
			other.see(info, opts.Retry)
			if !other.abandoned(DirOptions{Stale: opts.Stale, Heartbeat: opts.Heartbeat}) {
				break
			}
			if err := opts.takeOver(path, other.info); err == nil {
				continue
			} else if !errors.Is(err, errChanged) {
				return nil, fmt.Errorf("cannot take over the abandoned lock %s: %w", path, cause(err))
			}
		}
		select {
		case <-ctx.Done():
			return nil, &BusyError{path, other.since, context.Cause(ctx)}
		case <-time.After(opts.Retry):
		}
	}
}

// look is what tells whether a lock's holder lives: the file that he touches,
// or before he made that the directory.
func (o FilledOptions) look(path string) (fs.FileInfo, error) {
	if o.Beat != "" {
		if info, err := look(filepath.Join(path, o.Beat)); err == nil {
			return info, nil
		}
	}
	info, err := look(path)
	if err == nil && !info.IsDir() {
		err = errors.New("it is not a directory; remove it if the client is not running")
	}
	return info, err
}

// takeOver removes the abandoned lock that was seen, and no other.
func (o FilledOptions) takeOver(path string, seen fs.FileInfo) error {
	if o.Breaker != "" {
		// One that was left behind is the clients' to remove.
		if err := os.Mkdir(path+o.Breaker, 0o700); errors.Is(err, fs.ErrExist) {
			return errChanged
		} else if err != nil {
			return err
		}
		defer os.Remove(path + o.Breaker)
	}
	if now, err := o.look(path); err != nil || !unchanged(seen, now) {
		return errChanged
	}
	return moveAside(path, seen, o.look, os.RemoveAll)
}

type filledLock struct {
	path  string
	opts  FilledOptions
	files map[string]string
	stop  chan struct{}
	done  chan struct{}

	mu   sync.Mutex
	beat time.Time // when it was touched last
	lost error     // once set, the path is never touched again
}

func makeFilled(path string, opts FilledOptions) (*filledLock, error) {
	token := rand.Text()
	l := &filledLock{path: path, opts: opts, files: opts.Files(token), stop: make(chan struct{}), done: make(chan struct{})}
	// A process killed in between leaves a directory of this name, which is
	// nobody's lock.
	draft := path + ".tmp." + token
	err := os.Mkdir(draft, 0o700)
	for name, text := range l.files {
		if err == nil {
			err = create(filepath.Join(draft, name), []byte(text))
		}
	}
	if l.beat = time.Now(); err == nil {
		err = os.Chtimes(filepath.Join(draft, opts.Beat), l.beat, l.beat)
	}
	if err == nil {
		err = renameNew(draft, path)
	}
	if err != nil {
		os.RemoveAll(draft)
	}
	return l, err
}

func (l *filledLock) heartbeat() {
	defer close(l.done)
	tick := time.NewTicker(l.opts.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
			l.mu.Lock()
			err := l.verify()
			if err == nil {
				err = l.touch()
			}
			l.mu.Unlock()
			if errors.Is(err, ErrLost) {
				return
			}
		}
	}
}

func (l *filledLock) check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.verify(); err != nil {
		return err
	}
	// By the wall clock: timers stand still while the computer sleeps.
	if age := time.Since(l.beat); age < 0 || age > l.opts.Heartbeat {
		return l.touch()
	}
	return nil
}

func (l *filledLock) touch() error {
	now := time.Now()
	if err := os.Chtimes(filepath.Join(l.path, l.opts.Beat), now, now); errors.Is(err, fs.ErrNotExist) {
		return l.lose("the directory was removed")
	} else if err != nil {
		return fmt.Errorf("cannot keep the lock %s alive: %w", l.path, cause(err))
	}
	l.beat = now
	return l.verify() // what was touched may have been another's by then, whom it does not harm
}

// verify reports whether the directory holds what we put into it.
func (l *filledLock) verify() error {
	if l.lost != nil {
		return l.lost
	}
	for name, want := range l.files {
		text, err := os.ReadFile(filepath.Join(l.path, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return l.lose("the directory was removed, or is another's")
		case err != nil:
			return fmt.Errorf("cannot check the lock %s: %w", l.path, cause(err))
		case string(text) != want:
			return l.lose("the directory is another's")
		}
	}
	return nil
}

func (l *filledLock) release() error {
	close(l.stop)
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	seen, err := l.opts.look(l.path)
	if lost := l.verify(); lost != nil {
		return lost
	}
	if err == nil {
		err = moveAside(l.path, seen, l.opts.look, os.RemoveAll)
	}
	if errors.Is(err, errChanged) {
		return l.lose("the directory is another's")
	}
	if err != nil {
		return fmt.Errorf("cannot remove the lock %s: %w", l.path, cause(err))
	}
	l.lose("it was released")
	return nil
}

func (l *filledLock) lose(why string) error {
	l.lost = fmt.Errorf("%s: %w: %s", l.path, ErrLost, why)
	return l.lost
}
