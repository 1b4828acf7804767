package watch

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
)

// A place is a watched directory and the names in it that concern us.
type place struct {
	dir   string
	info  os.FileInfo
	names []string
	err   error // why it is not watched
}

// place watches the directories that the paths lead through and no others.
// It returns what the paths lead to, seen after the watches were in place so
// that nothing falls in between, and why a place is not watched.
func (w *Watcher) place() (seen map[string]string, err error) {
	// A directory that appears or vanishes while we look makes another round
	// necessary. One that does so without end is left to Poll.
	for round := range 10 {
		var steps []step
		seen = make(map[string]string, len(w.paths))
		walk := walk{}
		for _, path := range w.paths {
			s, found := walk.follow(path)
			steps = append(steps, s...)
			seen[path] = found
		}
		places, vanished := placesOf(steps)
		// First the names, then the watches: an event that comes at once must
		// find its name.
		w.expect(places)
		placed := w.add(places, round == 0)
		w.places = places
		if !placed && !vanished {
			break
		}
	}
	return seen, w.problem()
}

// placesOf gathers the steps by directory. Two paths of one directory, as a
// bind mount makes them, are one place: the system reports under one of them.
func placesOf(steps []step) (places []place, vanished bool) {
next:
	for _, s := range steps {
		for i := range places {
			if places[i].dir == s.dir {
				if !slices.Contains(places[i].names, s.name) {
					places[i].names = append(places[i].names, s.name)
				}
				continue next
			}
		}
		if tooWide(s.dir) {
			continue
		}
		info, err := os.Stat(s.dir)
		if err != nil {
			vanished = true
			continue
		}
		for i := range places {
			if os.SameFile(places[i].info, info) {
				places[i].names = append(places[i].names, s.name)
				continue next
			}
		}
		places = append(places, place{dir: s.dir, info: info, names: []string{s.name}})
	}
	return places, vanished
}

// expect tells the reader which names concern us.
func (w *Watcher) expect(places []place) {
	names := make(map[string][]string, len(places))
	for _, p := range places {
		names[p.dir] = p.names
	}
	w.mu.Lock()
	w.names = names
	w.mu.Unlock()
}

// add makes the backend watch these places instead of the ones before, and
// reports whether it had to do anything. With all set it adds every place:
// adding twice changes nothing, and heals a watch that ended unsaid, as
// inotify's do when a file system is unmounted.
func (w *Watcher) add(places []place, all bool) (placed bool) {
	if w.backend == nil {
		return false
	}
	same := func(a, b place) bool { return a.dir == b.dir && os.SameFile(a.info, b.info) }
	for _, old := range w.places {
		if !slices.ContainsFunc(places, func(p place) bool { return same(p, old) }) {
			w.backend.Remove(old.dir) // an error means that it is gone already
		}
	}
	for i := range places {
		p := &places[i]
		old := slices.IndexFunc(w.places, func(old place) bool { return same(*p, old) })
		if old >= 0 && !all {
			p.err = w.places[old].err
			continue
		}
		p.err = w.backend.Add(p.dir)
		placed = true
	}
	return placed
}

// problem says why changes are seen by polling only; nil where they are not.
func (w *Watcher) problem() error {
	w.mu.Lock()
	failed := w.failed
	w.mu.Unlock()
	if w.backend == nil && failed != nil {
		return fmt.Errorf("changes are seen by polling only: %w%s", failed, remedy(failed))
	}
	var first *place
	more := 0
	for i, p := range w.places {
		switch {
		case p.err == nil:
		case first == nil:
			first = &w.places[i]
		default:
			more++
		}
	}
	if first == nil {
		return nil
	}
	others := ""
	if more > 0 {
		others = fmt.Sprintf(" and %d more", more)
	}
	return fmt.Errorf("changes in %s%s are seen by polling only: %w%s", first.dir, others, first.err, remedy(first.err))
}

// remedy says what helps against a limit of inotify(7), whose error texts
// speak of disks and files.
func remedy(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "; raise fs.inotify.max_user_watches"
	case errors.Is(err, syscall.EMFILE):
		return "; raise fs.inotify.max_user_instances or the limit of open files"
	}
	return ""
}
