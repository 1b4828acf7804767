// Package watch answers one question: did any of these files change?
//
// It watches directories, because clients replace their files by rename, and
// a watch on a file ends with the first rename. Where a directory is missing
// it watches the nearest one that exists, and it follows links, so that a
// link that points elsewhere counts as a change. What the system does not
// report - network file systems, Windows folders seen from WSL and the other
// way round, some FUSE - is found by [Watcher.Poll].
package watch

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// most is how long a signal waits for events to stop.
const most = time.Second

// A Watcher tells when one of a set of files may have changed. Its methods
// may be called from any goroutine. It has no timer but the quiet time after
// an event: while nothing happens, it never wakes.
//
// It knows nothing about who made a change; the caller's own writes come back
// as signals like any other.
type Watcher struct {
	changed chan struct{}
	lull    *lull
	readers sync.WaitGroup

	// look is held during every look at the file system. The readers of
	// events never take it: on Windows the library's Add waits for a
	// goroutine that may itself wait for a reader.
	look    sync.Mutex
	closed  bool
	paths   []string
	seen    map[string]string // by path: what it led to when last looked at
	places  []place
	backend *fsnotify.Watcher // nil where the system refused one, or after a failure

	mu     sync.Mutex // guards what follows; never held during a system call
	names  map[string][]string
	err    error // why some changes are seen by polling only
	silent bool  // the system may not report all of them
	failed error // what the backend reported, until the next look
}

// New returns a Watcher of no files. It sends a signal when quiet has passed
// without another event, and after one second of events without a pause.
// A system that refuses to report changes is no error here: see [Watcher.Err].
func New(quiet time.Duration) (*Watcher, error) {
	if quiet <= 0 || quiet > most {
		return nil, fmt.Errorf("a quiet time of %v: want more than zero and at most %v", quiet, most)
	}
	w := &Watcher{changed: make(chan struct{}, 1)}
	w.lull = newLull(quiet, most, w.settled)
	return w, nil
}

// Changed is sent one value after files changed, after a look that could not
// be complete, and when the system stops reporting. It holds one: signals
// that nobody took are one signal. It is never closed.
func (w *Watcher) Changed() <-chan struct{} { return w.changed }

// Set says which files to watch from now on; missing ones are waited for.
// Every change after Set returns is signalled, so read the files after it.
// A file that was watched before and changed meanwhile is signalled too.
func (w *Watcher) Set(paths []string) {
	w.look.Lock()
	defer w.look.Unlock()
	if w.closed {
		return
	}
	w.paths = w.paths[:0]
	for _, path := range paths {
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
		w.paths = append(w.paths, path)
	}
	w.open()
	if w.update() {
		w.signal()
	}
}

// Poll looks at every path and signals at once where size, times, inode,
// mode or a link on the way differ from what was last seen. It also sets up
// again whatever could not be watched. Call it once a minute, or every few
// minutes while the Watcher is not [Watcher.Blind]. On a file system that
// hangs, so does Poll.
func (w *Watcher) Poll() {
	w.look.Lock()
	defer w.look.Unlock()
	if w.closed {
		return
	}
	w.open()
	if w.update() {
		w.signal()
	}
}

// Err says why some changes are seen by Poll only, and what can be done about
// it. It is nil while the system reports all of them as far as it tells us.
func (w *Watcher) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Blind reports whether there may be changes that only Poll sees: then Err says
// why, or a file lies where others may change it unseen, as on a network.
func (w *Watcher) Blind() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err != nil || w.silent
}

// Close stops the watching. No signal is sent after it.
func (w *Watcher) Close() {
	w.look.Lock()
	w.closed = true
	w.lull.stop()
	w.shut()
	w.look.Unlock()
	w.readers.Wait()
}

// settled runs when events have come and stopped.
func (w *Watcher) settled() {
	w.look.Lock()
	defer w.look.Unlock()
	if w.closed {
		return
	}
	w.mu.Lock()
	failed := w.failed
	w.mu.Unlock()
	if failed != nil {
		w.shut() // a new one is made by Poll, so that a lasting failure costs little
	}
	w.update()
	w.signal() // also where a look shows no difference: an event is never wrong
}

func (w *Watcher) signal() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// open makes the backend if there is none.
func (w *Watcher) open() {
	if w.backend != nil {
		return
	}
	backend, err := fsnotify.NewWatcher()
	w.mu.Lock()
	w.failed = err
	w.mu.Unlock()
	if err != nil {
		return
	}
	w.backend = backend
	w.readers.Go(func() { w.read(backend) })
}

// shut ends the backend, and with it its reader.
func (w *Watcher) shut() {
	if w.backend != nil {
		w.backend.Close()
	}
	w.backend, w.places = nil, nil
}

// read takes the events of one backend until it is closed. It only decides
// whether they concern us.
func (w *Watcher) read(backend *fsnotify.Watcher) {
	events, errs := backend.Events, backend.Errors
	for events != nil || errs != nil {
		select {
		case event, ok := <-events:
			if !ok {
				events = nil
			} else if w.concerns(event) {
				w.lull.event()
			}
		case err, ok := <-errs:
			if !ok {
				errs = nil
				break
			}
			if !harmless(err) {
				w.mu.Lock()
				w.failed = err
				w.mu.Unlock()
			}
			w.lull.event()
		}
	}
}

// harmless reports whether the backend goes on after this error, so that
// another look mends all: events were dropped, or inotify had itself ended
// the watch of a directory that was moved and then removed, which fsnotify
// 1.10.1 finds out when it wants to end it.
func harmless(err error) bool {
	return errors.Is(err, fsnotify.ErrEventOverflow) || errors.Is(err, syscall.EINVAL)
}

// concerns reports whether an event is about a name that we wait for, or
// about a watched directory itself. A Write to a directory is none: kqueue
// and Windows send it for every name in there.
func (w *Watcher) concerns(event fsnotify.Event) bool {
	path := filepath.Clean(event.Name)
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.names[path]; ok && event.Op&(fsnotify.Remove|fsnotify.Rename|fsnotify.Chmod) != 0 {
		return true
	}
	// Some file systems ignore case; a signal too many does no harm.
	return slices.ContainsFunc(w.names[filepath.Dir(path)], func(name string) bool {
		return strings.EqualFold(name, filepath.Base(path))
	})
}

// update sets the watches where the paths now lead and reports whether the
// files differ from what was seen before, or the watching became worse.
func (w *Watcher) update() bool {
	seen, err := w.place()
	before := w.seen
	w.seen = seen

	silent := slices.ContainsFunc(w.places, func(p place) bool { return unreported(p.dir) })

	w.mu.Lock()
	worse := w.err == nil && err != nil
	w.err, w.silent = err, silent
	w.mu.Unlock()

	return worse || differs(before, seen)
}

// differs reports whether a path in both is not the same in both.
func differs(before, now map[string]string) bool {
	for path, was := range before {
		if is, ok := now[path]; ok && is != was {
			return true
		}
	}
	return false
}
