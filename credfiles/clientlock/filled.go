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
	"syscall"
	"time"
)

// FilledOptions say what stands in a client's lock directory, how it comes to
// be, and when the client takes one for abandoned.
type FilledOptions struct {
	// Files are what stands in it, by name. The token is this holding's own and
	// must stand in one of them.
	Files     func(token string) map[string]string
	Beat      string        // the file whose modification time is the sign of life; empty: the directory itself
	Staged    bool          // made under another name and renamed when it is whole: an empty one is nobody's
	Breaker   string        // the end of the name of a second directory, which clients make while they take one over; empty: none
	Folder    bool          // makes the folder around it, and those around that
	Stale     time.Duration // the age at which the client takes a lock over; zero: it never does
	Heartbeat time.Duration // how often ours is touched; must be positive
	Retry     time.Duration // how often to ask; must be positive
}

// Filled locks by a directory with files in it that say who holds it, as
// opencode 1.18.33 does, which makes the directory first (mkdir, mode 0700)
// and then the files, and @cline/core 0.0.86, which renames one that is whole
// (source of both). Waiting, its errors and the taking over of an abandoned
// lock are as those of Dir, but that what stands in an abandoned one goes with
// it.
func Filled(ctx context.Context, path string, opts FilledOptions) (*Lock, error) {
	if opts.Folder {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, refused(path, err)
		}
	}
	m := marking{
		path: path, files: opts.Files, beat: opts.Beat, every: opts.Heartbeat,
		make: opts.make, look: opts.look, remove: os.RemoveAll,
	}
	t := m.taking(opts.Stale, opts.Retry)
	if opts.Staged {
		t.free = func(fs.FileInfo) bool { return os.Remove(path) == nil } // which removes an empty one only
	}
	if opts.Breaker != "" {
		t.takeOver = func(seen fs.FileInfo) error {
			return opts.withBreaker(path+opts.Breaker, func() error { return m.takeOver(seen) })
		}
	}
	return t.take(ctx)
}

// look is at what tells whether a lock's holder lives: the file that he
// touches, or before he made that the directory.
func (o FilledOptions) look(path string) (fs.FileInfo, error) {
	info, err := look(path)
	if err == nil && !info.IsDir() {
		return nil, errNoDirectory
	}
	if err == nil && o.Beat != "" {
		if beat, err := look(filepath.Join(path, o.Beat)); err == nil {
			return beat, nil
		}
	}
	return info, err
}

// make makes the directory with the files in it.
func (o FilledOptions) make(path, token string, files map[string]string) error {
	place := path
	if o.Staged {
		// A process killed in between leaves a directory of this name, which is
		// nobody's lock.
		place += ".tmp." + token
	}
	err := os.Mkdir(place, 0o700)
	if err != nil {
		return err
	}
	var made []string
	for name, text := range files {
		if err == nil {
			if err = create(filepath.Join(place, name), []byte(text)); err == nil {
				made = append(made, name)
			}
		}
	}
	if err == nil && o.Staged {
		err = renameNew(place, path)
		// Each system has its own words for a name that is taken.
		if _, there := look(path); err != nil && there == nil {
			err = fs.ErrExist
		}
	}
	if err != nil {
		for _, name := range made {
			os.Remove(filepath.Join(place, name))
		}
		os.Remove(place)
	}
	return err
}

// withBreaker does something while no client takes the lock over. A breaker
// that was left behind is removed as the clients do, and the next try may have
// its own.
func (o FilledOptions) withBreaker(breaker string, do func() error) error {
	err := os.Mkdir(breaker, 0o700)
	if errors.Is(err, fs.ErrExist) {
		if left, err := look(breaker); err == nil && time.Since(left.ModTime()) > o.Stale+grace {
			takeAway(breaker, left)
		}
		return errChanged
	}
	if err != nil {
		return err
	}
	defer os.Remove(breaker)
	return do()
}

// A marking is how a lock is made and removed in which stands whose it is.
type marking struct {
	path   string
	files  func(token string) map[string]string // by name below path
	beat   string                               // the one that is touched
	every  time.Duration
	make   func(path, token string, files map[string]string) error
	look   func(path string) (fs.FileInfo, error)
	remove func(path string) error
}

func (m marking) taking(stale, retry time.Duration) taking {
	return taking{
		path: m.path, stale: stale, heartbeat: m.every, retry: retry,
		make: func() (holding, error) {
			token := rand.Text()
			l := &marked{marking: m, held: m.files(token), stop: make(chan struct{}), done: make(chan struct{})}
			if err := m.make(m.path, token, l.held); err != nil {
				return nil, err
			}
			// A network's file system has a clock of its own.
			err := l.touch()
			if err != nil && !errors.Is(err, ErrLost) {
				l.takeAway()
			}
			return l, err
		},
		look:     func() (fs.FileInfo, error) { return m.look(m.path) },
		takeOver: m.takeOver,
	}
}

// takeOver removes the abandoned lock that was seen, and no other.
func (m marking) takeOver(seen fs.FileInfo) error {
	if now, err := m.look(m.path); err != nil || !unchanged(seen, now) {
		return errChanged
	}
	return moveAside(m.path, seen, m.look, m.remove)
}

// A marked is such a lock while it is ours.
type marked struct {
	marking
	held map[string]string
	stop chan struct{}
	done chan struct{}

	mu      sync.Mutex
	touched time.Time
	lost    error // once set, the path is never touched again
}

func (l *marked) heartbeat() { beats(l.every, l.stop, l.done, l.live) }

func (l *marked) live() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.verify(); err != nil {
		return err
	}
	return l.touch()
}

func (l *marked) check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.verify(); err != nil {
		return err
	}
	// By the wall clock: timers stand still while the computer sleeps.
	if age := time.Since(l.touched.Round(0)); age < 0 || age > l.every {
		return l.touch()
	}
	return nil
}

func (l *marked) touch() error {
	now := time.Now()
	if err := os.Chtimes(filepath.Join(l.path, l.beat), now, now); errors.Is(err, fs.ErrNotExist) {
		return l.lose("it was removed")
	} else if err != nil {
		return fmt.Errorf("cannot keep the lock %s alive: %w", l.path, cause(err))
	}
	l.touched = now
	return l.verify() // what was touched may be another's by now, whom it does not harm
}

// verify reports whether what we wrote stands there.
func (l *marked) verify() error {
	if l.lost != nil {
		return l.lost
	}
	for name, want := range l.held {
		text, err := os.ReadFile(filepath.Join(l.path, name))
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			return l.lose("it was removed, or is another's")
		case err != nil:
			return fmt.Errorf("cannot check the lock %s: %w", l.path, cause(err))
		case string(text) != want:
			return l.lose("it is another's")
		}
	}
	return nil
}

func (l *marked) release() error {
	close(l.stop)
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.takeAway()
}

// takeAway removes it, if it is still ours.
func (l *marked) takeAway() error {
	seen, err := l.look(l.path)
	if lost := l.verify(); lost != nil {
		return lost
	}
	if err == nil {
		err = moveAside(l.path, seen, l.look, l.remove)
	}
	if errors.Is(err, errChanged) {
		return l.lose("it is another's")
	}
	if err != nil {
		return fmt.Errorf("cannot remove the lock %s: %w", l.path, cause(err))
	}
	l.lose("it was released")
	return nil
}

func (l *marked) lose(why string) error {
	l.lost = fmt.Errorf("%s: %w: %s", l.path, ErrLost, why)
	return l.lost
}
