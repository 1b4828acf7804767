// Package clientlock takes the locks that a client takes itself, so that it
// waits for us and we wait for it.
//
// Five kinds are enough for the clients that lock at all. File is an advisory
// lock on a whole file, as Codex takes them. Dir is a directory whose making
// is the lock and whose removal is the release, kept alive by its
// modification time, as Claude Code takes them (the protocol of the npm
// package proper-lockfile, observed with Claude Code 2.1.329). Filled is a
// directory with files in it, as opencode and Cline have them. Lease is a file
// that says who holds it and since when, as mcp-remote writes it. Exclusive is
// a file that is only there while it is held, as Qwen Code's.
//
// A lock can be lost while we hold it: a computer that slept, a client that
// took it for stale, a person who tidied up. So a holder asks Check before
// each step that must not be done twice, and Release leaves alone what is not
// ours any more.
package clientlock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// A Lock is one that we hold. It is safe for concurrent use.
type Lock struct {
	path    string
	check   func() error
	release func() error
}

// Path is what was locked, as it was given.
func (l *Lock) Path() string { return l.path }

// Check reports whether the lock is still ours: nil if it is, an error that
// wraps ErrLost if another has it or nobody, any other error if that could
// not be found out. For a file, the path still names the file that was
// locked; for a directory, it is still the one that was made, with the
// modification time that was set last; where something is written in it, that
// is what we wrote. One whose heartbeat is late, because the computer slept, is
// touched on the way.
func (l *Lock) Check() error { return l.check() }

// Release gives the lock back. What is not ours any more is neither removed
// nor unlocked; the error then wraps ErrLost. What File locked stays where it
// is, for whoever waits on it. Only the first call does anything; the others return
// what it returned.
func (l *Lock) Release() error { return l.release() }

// ErrLost is wrapped by the errors of a Lock that is not ours any more.
var ErrLost = errors.New("the lock is not ours any more")

// A BusyError says that the context ended while another program held the
// lock. It wraps the context's cause.
type BusyError struct {
	Path string
	// Since is when the lock was held already: when we first asked, or the last
	// sign of life that its holder had given by then, if it gives any. Zero:
	// we held it, and lost it or cannot tell.
	Since time.Time

	cause error
}

func (e *BusyError) Error() string {
	if e.Since.IsZero() {
		return e.Path + " was locked by us, and is not any more"
	}
	return fmt.Sprintf("%s is locked by another program, at least since %s", e.Path, e.Since.Format(time.DateTime))
}

func (e *BusyError) Unwrap() error { return e.cause }

// refused words why a lock cannot be had at all, however long we wait.
func refused(path string, err error) error {
	err = cause(err)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("cannot lock %s: its folder does not exist: %w", path, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("cannot lock %s: it cannot be made or opened there: %w", path, err)
	}
	return fmt.Errorf("cannot lock %s: %w", path, err)
}

// cause drops the path of a file error: the message has one already.
func cause(err error) error {
	var one *fs.PathError
	var two *os.LinkError
	switch {
	case errors.As(err, &one):
		return one.Err
	case errors.As(err, &two):
		return two.Err
	}
	return err
}
