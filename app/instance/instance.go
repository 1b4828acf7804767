package instance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/gofrs/flock"
)

// The names in the state folder.
const (
	lockName   = "tray.lock"
	folderName = "requests"
)

// A RunningError says that another process is the tray app of this folder.
type RunningError struct{ Dir string }

func (e *RunningError) Error() string {
	return fmt.Sprintf("Lamplighter runs already, with its state in %s", e.Dir)
}

// An Instance is the claim to be the one that runs.
type Instance struct {
	lock     *flock.Flock
	folder   string
	watcher  *fsnotify.Watcher // nil where the system has no watch to give
	requests chan Request
	closing  chan struct{}
	watching sync.WaitGroup
	once     sync.Once
	err      error // of Close
}

// Claim makes this process the one that runs, with dir as the state folder,
// which is made if it is missing. It does not wait: where another process has
// the claim the error is a [*RunningError]. A process that ends, by a crash too,
// gives its claim up.
func Claim(dir string) (*Instance, error) {
	folder, err := prepare(dir)
	if err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))
	switch got, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be locked: %w; the state has to be on a file system that has locks", lock.Path(), err)
	case !got:
		return nil, &RunningError{Dir: dir}
	}
	// Without a watch (Linux gives a user 128 of them) the folder is looked at
	// now and then: it is no reason not to start.
	watcher, err := fsnotify.NewWatcher()
	if err == nil && watcher.Add(folder) != nil {
		watcher.Close()
		watcher = nil
	}
	i := &Instance{lock: lock, folder: folder, watcher: watcher, requests: make(chan Request), closing: make(chan struct{})}
	i.watching.Go(i.watch)
	return i, nil
}

// Requests are what other processes ask, each once and in the order in which
// they were left. A request that nobody takes from the channel stays where it
// is, until it is too old. The channel is closed by Close.
func (i *Instance) Requests() <-chan Request { return i.requests }

// Close gives the claim up.
func (i *Instance) Close() error {
	i.once.Do(func() {
		close(i.closing)
		i.watching.Wait()
		if i.watcher != nil {
			i.err = i.watcher.Close()
		}
		i.err = errors.Join(i.err, i.lock.Unlock())
	})
	return i.err
}

// patience is how long a running instance has to take a request.
const patience = 5 * time.Second

// Start is what a start of the program does: it claims, or else asks who runs.
// The error is a [*RunningError] when that one has taken the request, or
// another when it does not within five seconds; the request then stays for it.
// Where it ends just then, this process is the one after all.
func Start(ctx context.Context, dir string, r Request) (*Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var left string // our request's file
	for {
		i, err := Claim(dir)
		var running *RunningError
		switch {
		case err == nil:
			if left != "" {
				os.Remove(left) // what was asked is what this start does
			}
			return i, nil
		case !errors.As(err, &running):
			return nil, err
		case left == "":
			if left, err = leave(dir, r); err != nil {
				return nil, err
			}
		}
		if _, err := os.Lstat(left); errors.Is(err, os.ErrNotExist) {
			return nil, running
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w, and does not answer; end it and start again", running)
		}
	}
}
