package clientlock

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// LeaseOptions say when a client takes a lease for abandoned.
type LeaseOptions struct {
	Stale     time.Duration // the age at which the client takes a lease over; zero: it never does
	Heartbeat time.Duration // how often ours is put forward; must be positive
	Retry     time.Duration // how often to ask; must be positive
}

// Lease locks by a file that says who holds it and since when, as mcp-remote
// 0.8.3 to 0.15.1 does (observed):
//
//	{
//	  "pid": 4711,
//	  "nonce": "0f1f...",
//	  "at": 1795250386927
//	}
//
// Whoever creates it holds the lock, and removing it is the release. A client
// takes it over when "at", in milliseconds, is older than Stale, when no
// process has that pid, and when it cannot be parsed. So the file appears with
// its content in it, and its time is put forward every Heartbeat in place,
// byte for byte of the same length: no reader ever sees half of one.
//
// A lease that another holds is waited for until ctx ends, which gives a
// *BusyError; any other error means that waiting would not help. An abandoned
// one is taken over by its age alone, past Stale and 5 s and seen unchanged for
// one and a half heartbeats: a pid may be of another container.
func Lease(ctx context.Context, path string, opts LeaseOptions) (*Lock, error) {
	return taking{
		path: path, stale: opts.Stale, heartbeat: opts.Heartbeat, retry: opts.Retry,
		make: func() (holding, error) { return makeLease(path, opts.Heartbeat) },
		look: func() (fs.FileInfo, error) { return lookFile(path) },
		takeOver: func(seen fs.FileInfo) error {
			if now, err := look(path); err != nil || !unchanged(seen, now) {
				return errChanged
			}
			return moveAway(path, seen)
		},
	}.take(ctx)
}

// lookFile is look at what must be a file.
func lookFile(path string) (fs.FileInfo, error) {
	info, err := look(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errNoFile
	}
	return info, err
}

var errNoFile = errors.New("it is not a regular file; remove it if the client is not running")

// a claim is what stands in a lease.
type claim struct {
	PID   int    `json:"pid"`
	Nonce string `json:"nonce"`
	At    int64  `json:"at"` // milliseconds since 1970
}

func (c claim) text() []byte {
	text, _ := json.MarshalIndent(c, "", "  ")
	return text
}

type lease struct {
	path  string
	every time.Duration
	stop  chan struct{}
	done  chan struct{}

	mu    sync.Mutex
	claim claim
	lost  error // once set, the path is never touched again
}

func makeLease(path string, every time.Duration) (*lease, error) {
	l := &lease{
		path: path, every: every, stop: make(chan struct{}), done: make(chan struct{}),
		claim: claim{PID: os.Getpid(), Nonce: rand.Text(), At: time.Now().UnixMilli()},
	}
	// A process killed in between leaves a file of this name, which is nobody's
	// lock.
	draft := filepath.Join(filepath.Dir(path), ".lamplighter-lease-"+l.claim.Nonce)
	if err := create(draft, l.claim.text()); err != nil {
		return nil, err
	}
	err := os.Link(draft, path)
	if removed := os.Remove(draft); err == nil {
		err = removed
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = create(path, l.claim.text()) // a file system without links
	}
	return l, err
}

func create(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(path)
	}
	return err
}

func (l *lease) heartbeat() { beats(l.every, l.stop, l.done, l.beat) }

func (l *lease) beat() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.renew()
}

func (l *lease) check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	// By the wall clock: timers stand still while the computer sleeps.
	if age := time.Since(time.UnixMilli(l.claim.At)); age < 0 || age > l.every {
		return l.renew()
	}
	return l.withFile(os.O_RDONLY, func(*os.File) error { return nil })
}

// renew puts our time forward.
func (l *lease) renew() error {
	return l.withFile(os.O_RDWR, func(f *os.File) error {
		next := l.claim
		next.At = time.Now().UnixMilli()
		if _, err := f.WriteAt(next.text(), 0); err != nil {
			return fmt.Errorf("cannot keep the lock %s alive: %w", l.path, cause(err))
		}
		l.claim = next
		return nil
	})
}

// withFile does something with the file, if it is ours and the path still
// names it afterwards. What is done to a file that a client removes meanwhile
// harms nobody.
func (l *lease) withFile(flag int, do func(*os.File) error) error {
	if l.lost != nil {
		return l.lost
	}
	f, err := os.OpenFile(l.path, flag, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return l.lose("the file was removed")
	}
	if err != nil {
		return fmt.Errorf("cannot check the lock %s: %w", l.path, cause(err))
	}
	defer f.Close()
	ours, err := f.Stat()
	if err != nil {
		return fmt.Errorf("cannot check the lock %s: %w", l.path, cause(err))
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return fmt.Errorf("cannot check the lock %s: %w", l.path, cause(err))
	}
	var there claim
	if json.Unmarshal(text, &there) != nil || there.Nonce != l.claim.Nonce {
		return l.lose("it is another's")
	}
	if err := do(f); err != nil {
		return err
	}
	if named, err := os.Lstat(l.path); err != nil || !os.SameFile(ours, named) {
		return l.lose("the file was replaced")
	}
	return nil
}

func (l *lease) release() error {
	close(l.stop)
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.withFile(os.O_RDONLY, func(*os.File) error { return nil }); err != nil {
		return err
	}
	if err := os.Remove(l.path); err != nil {
		return fmt.Errorf("cannot remove the lock %s: %w", l.path, cause(err))
	}
	l.lose("it was released")
	return nil
}

func (l *lease) lose(why string) error {
	l.lost = fmt.Errorf("%s: %w: %s", l.path, ErrLost, why)
	return l.lost
}
