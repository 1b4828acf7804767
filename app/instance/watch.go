package instance

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// busy is how long a request that cannot be removed is left alone: on
	// Windows another program may have it open for a moment.
	busy = 100 * time.Millisecond
	// unwatched is how often the folder is looked at where nothing tells.
	unwatched = 2 * time.Second
)

// watch gives requests until the end. Between them it costs nothing.
func (i *Instance) watch() {
	defer close(i.requests)
	for {
		var again <-chan time.Time
		switch {
		case i.look():
			again = time.After(busy)
		case i.watcher == nil:
			again = time.After(unwatched)
		}
		if !i.wait(again) {
			return
		}
	}
}

// wait returns when there may be something to see, and false at the end.
func (i *Instance) wait(again <-chan time.Time) bool {
	var events <-chan fsnotify.Event
	var errs <-chan error
	if i.watcher != nil {
		events, errs = i.watcher.Events, i.watcher.Errors
	}
	for {
		select {
		case <-i.closing:
			return false
		case <-again:
			return true
		case <-errs: // what was missed is still there
			return true
		case e := <-events:
			switch {
			case e.Name == i.folder && e.Has(fsnotify.Remove|fsnotify.Rename):
				i.restore()
				return true
			case e.Has(fsnotify.Create) && filepath.Ext(e.Name) == extension:
				return true
			}
		}
	}
}

// restore makes a folder again that was taken away, as by one who tidies up. If
// it cannot, nothing more is asked until the next start.
func (i *Instance) restore() {
	if _, err := prepare(filepath.Dir(i.folder)); err == nil {
		i.watcher.Add(i.folder)
	}
}

// look gives what is there, and removes whatever is not a request. again means
// that one is still there that cannot be removed now.
func (i *Instance) look() (again bool) {
	entries, _ := os.ReadDir(i.folder) // by name, which is by time
	for _, e := range entries {
		file := filepath.Join(i.folder, e.Name())
		if strings.HasPrefix(e.Name(), draft) {
			if info, err := e.Info(); err != nil || time.Since(info.ModTime()) < tooOld {
				continue // it is being written
			}
		}
		r, ok := read(file)
		ok = ok && filepath.Ext(e.Name()) == extension && fresh(e.Name(), time.Now())
		// Removed first: after a crash it would be done twice.
		if err := os.Remove(file); err != nil {
			again = again || ok && !errors.Is(err, fs.ErrNotExist)
			continue
		}
		if !ok {
			continue
		}
		select {
		case i.requests <- r:
		case <-i.closing:
			return false
		}
	}
	return again
}
