package clientlock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// FileOptions say how a client makes and asks for its lock files.
type FileOptions struct {
	Mode       fs.FileMode   // of a lock file that is not there yet, before the umask; must be set
	FolderMode fs.FileMode   // of its folder, likewise; zero: the folder must exist
	Retry      time.Duration // how often to ask; must be positive, but with Once
	Once       bool          // asks once, so that a *BusyError comes at once
	Shared     bool          // for readers: keeps out only those who want it alone
	Remove     bool          // the client removes the file at its release
}

// File locks the whole file at path: flock(2), on Windows LockFileEx. The
// file is made if it is missing, and never written or truncated: Codex after
// 0.169.0 keeps a note in some of its lock files. It is deleted only with
// Remove, which is for MSAL: that waits 5 s for its lock file to go, and then
// asks for the lock on it all the same (msal-extensions 5a27660, source).
// Codex 0.145.0 to 0.169.0 calls flock(2) on Unix (observed). On Windows ours
// locks the first byte, and so do all whose locks are known: every byte in
// Rust's File::try_lock, in Go's own and in Python's portalocker, the first in
// its msvcrt and filelock (source). So each keeps the others out.
//
// File asks without blocking until ctx ends, which gives a *BusyError. Any
// other error means that waiting would not help. The lock ends with the
// process, however that ends.
func File(ctx context.Context, path string, opts FileOptions) (*Lock, error) {
	if opts.Retry <= 0 && !opts.Once || opts.Mode == 0 {
		return nil, fmt.Errorf("cannot lock %s: a retry of %v and the mode %v", path, opts.Retry, opts.Mode)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", path, context.Cause(ctx))
	}
	if opts.FolderMode != 0 {
		// One level only: what is above belongs to the client, and a home
		// that is missing must not come into being through a lock.
		if err := os.Mkdir(filepath.Dir(path), opts.FolderMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, refused(path, err)
		}
	}
	l := &fileLock{Flock: flock.New(path, flock.SetPermissions(opts.Mode)), remove: opts.Remove}
	ask := l.TryLock
	if opts.Shared {
		ask = l.TryRLock
	}
	for since := time.Now(); ; {
		ok, err := l.try(ask)
		if err != nil {
			return nil, refused(path, err)
		}
		if ok {
			return &Lock{path, l.check, sync.OnceValue(l.release)}, nil
		}
		if opts.Once {
			return nil, &BusyError{path, since, errOnce}
		}
		select {
		case <-ctx.Done():
			return nil, &BusyError{path, since, context.Cause(ctx)}
		case <-time.After(opts.Retry):
		}
	}
}

var errOnce = errors.New("it was asked for once")

type fileLock struct {
	*flock.Flock
	remove bool
}

// try asks once. A lock on a file that was deleted or replaced between
// opening and locking keeps nobody out, so it is given back and counts as
// held by another; the library opens the path anew at each try.
func (l *fileLock) try(ask func() (bool, error)) (bool, error) {
	// Opening a FIFO would block.
	if info, err := os.Stat(l.Path()); err == nil && !info.Mode().IsRegular() {
		return false, errors.New("it is not a regular file")
	}
	ok, err := ask()
	if errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	if !ok || err != nil {
		return false, err
	}
	if err := l.check(); err != nil {
		l.Unlock()
		if errors.Is(err, ErrLost) {
			return false, nil
		}
		return false, err
	}
	return true, nil
}

func (l *fileLock) check() error {
	if !l.Locked() && !l.RLocked() {
		return fmt.Errorf("%s: %w: it was released", l.Path(), ErrLost)
	}
	ours, err := l.Stat()
	if err != nil {
		return fmt.Errorf("cannot check the lock %s: %w", l.Path(), cause(err))
	}
	named, err := os.Stat(l.Path())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w: the file was removed", l.Path(), ErrLost)
	case err != nil:
		return fmt.Errorf("cannot check the lock %s: %w", l.Path(), cause(err))
	case !os.SameFile(ours, named):
		return fmt.Errorf("%s: %w: the file was replaced", l.Path(), ErrLost)
	}
	return nil
}

// release unlocks our own open file, whatever the path names by now.
func (l *fileLock) release() error {
	lost := l.check()
	remove := l.remove && lost == nil
	if remove && runtime.GOOS != "windows" {
		os.Remove(l.Path()) // while nobody else can have it
	}
	if err := l.Unlock(); err != nil {
		return fmt.Errorf("cannot unlock %s: %w", l.Path(), cause(err))
	}
	if remove && runtime.GOOS == "windows" {
		os.Remove(l.Path()) // no open file can be removed there: ours could not, another's stays
	}
	if errors.Is(lost, ErrLost) {
		return lost
	}
	return nil
}
