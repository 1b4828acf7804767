package clientlock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// DirOptions say how a client keeps a directory lock alive and when it takes
// one for abandoned.
type DirOptions struct {
	Stale     time.Duration // the age at which the client takes a lock over; zero: it never does
	Heartbeat time.Duration // how often its holder touches it; must be positive
	Retry     time.Duration // how often to ask; must be positive
}

// Dir locks by making the directory path: whoever makes it holds the lock,
// and removing it is the release. Until then its modification time is set to
// the wall clock's every Heartbeat, which tells waiting clients that the
// holder lives.
//
// A lock that another holds is waited for until ctx ends, which gives a
// *BusyError. Any other error means that waiting would not help: the path is
// not a directory, its folder is missing or not writable, an abandoned lock
// is not empty. An abandoned one is taken over: one older than Stale and 5 s,
// and seen unchanged for one and a half heartbeats, so that ctx must last
// that long. A modification time in the future counts as young, as it does
// for the clients.
func Dir(ctx context.Context, path string, opts DirOptions) (*Lock, error) {
	return taking{
		path: path, stale: opts.Stale, heartbeat: opts.Heartbeat, retry: opts.Retry,
		make: func() (holding, error) { return makeDir(path, opts) },
		look: func() (fs.FileInfo, error) {
			info, err := look(path)
			if err == nil && !info.IsDir() {
				err = errNoDirectory
			}
			return info, err
		},
		takeOver: func(seen fs.FileInfo) error { return takeAway(path, seen) },
	}.take(ctx)
}

var errNoDirectory = errors.New("it is not a directory; remove it if the client is not running")

// look is os.Lstat. On Windows that leaves the file's identity to be read at
// the first comparison, by when the path may name another: comparing it with
// itself reads it now.
func look(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err == nil {
		os.SameFile(info, info)
	}
	return info, err
}

// unchanged reports whether both are the same directory with the same
// modification time. The identity alone is not enough: file systems give a
// removed directory's number to the next one made.
func unchanged(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime())
}

type dirLock struct {
	path  string
	every time.Duration
	stop  chan struct{}
	done  chan struct{}

	mu   sync.Mutex
	ours fs.FileInfo // as we touched it last
	lost error       // once set, the path is never touched again
}

func makeDir(path string, opts DirOptions) (*dirLock, error) {
	// The mode that a client's mkdir has: the umask decides.
	if err := os.Mkdir(path, 0o777); err != nil {
		return nil, err
	}
	l := &dirLock{path: path, every: opts.Heartbeat, stop: make(chan struct{}), done: make(chan struct{})}
	var err error
	if l.ours, err = look(path); errors.Is(err, fs.ErrNotExist) {
		return nil, l.lose("the directory was removed")
	}
	if err == nil {
		err = l.touch()
	}
	if err != nil && !errors.Is(err, ErrLost) {
		os.Remove(path)
	}
	return l, err
}

func (l *dirLock) heartbeat() { beats(l.every, l.stop, l.done, l.beat) }

func (l *dirLock) beat() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.verify(); err != nil {
		return err
	}
	return l.touch()
}

func (l *dirLock) check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.verify(); err != nil {
		return err
	}
	// By the wall clock: timers stand still while the computer sleeps, and
	// the age that a client sees does not.
	if age := time.Since(l.ours.ModTime()); age < 0 || age > l.every {
		return l.touch()
	}
	return nil
}

func (l *dirLock) release() error {
	close(l.stop)
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.verify(); err != nil {
		return err
	}
	if err := os.Remove(l.path); err != nil {
		return fmt.Errorf("cannot remove the lock %s: %w", l.path, cause(err))
	}
	l.lose("it was released")
	return nil
}

// verify reports whether the directory is as we left it.
func (l *dirLock) verify() error {
	if l.lost != nil {
		return l.lost
	}
	info, err := look(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l.lose("the directory was removed")
	case err != nil:
		return fmt.Errorf("cannot check the lock %s: %w", l.path, cause(err))
	case !unchanged(l.ours, info):
		return l.lose("the directory is another's")
	}
	return nil
}

// touch sets the modification time to now and reads it back, because file
// systems round it.
func (l *dirLock) touch() error {
	now := time.Now()
	if err := os.Chtimes(l.path, now, now); errors.Is(err, fs.ErrNotExist) {
		return l.lose("the directory was removed")
	} else if err != nil {
		return fmt.Errorf("cannot keep the lock %s alive: %w", l.path, cause(err))
	}
	info, err := look(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l.lose("the directory was removed")
	case err != nil:
		return fmt.Errorf("cannot check the lock %s: %w", l.path, cause(err))
	case !os.SameFile(l.ours, info):
		return l.lose("the directory is another's")
	}
	l.ours = info
	return nil
}

func (l *dirLock) lose(why string) error {
	l.lost = fmt.Errorf("%s: %w: %s", l.path, ErrLost, why)
	return l.lost
}
