package clientlock

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// grace is what we wait beyond a client's own stale age, so that clients
// settle an abandoned lock among themselves first.
const grace = 5 * time.Second

// A sighting is what we know about another's lock from looking at it.
type sighting struct {
	info  fs.FileInfo
	since time.Time // held since then at least
	last  time.Time // when we last looked
	still time.Duration
}

// see takes in one more look, retry after the last.
func (s *sighting) see(info fs.FileInfo, retry time.Duration) {
	now := time.Now()
	switch {
	case s.info != nil && unchanged(s.info, info):
		// A computer that slept between two looks gave the holder no time
		// for a heartbeat, so a long gap counts as a short one.
		s.still += min(now.Sub(s.last), 2*retry)
	case s.info != nil && os.SameFile(s.info, info):
		s.info, s.still = info, 0
	default:
		*s = sighting{info: info, since: info.ModTime()}
		if s.since.After(now) {
			s.since = now // clients set the time up to a second ahead
		}
	}
	s.last = now
}

// abandoned reports whether the holder has been silent for longer than the
// client itself allows. One and a half heartbeats of looking, because a
// holder that woke with us from a sleep has up to a whole one still to go.
func (s *sighting) abandoned(stale, heartbeat time.Duration) bool {
	return stale > 0 &&
		time.Since(s.info.ModTime()) > stale+grace &&
		s.still >= heartbeat*3/2
}

var (
	errChanged  = errors.New("the lock changed hands") // it is not the one that was seen
	errNotEmpty = errors.New("it is not empty; remove it if the client is not running")
)

// takeAway removes the abandoned directory that was seen at path, and no
// other.
//
// Clients remove by path: between our last look and our rmdir one may have
// done rmdir and mkdir of its own, and we would delete a live lock without
// ever knowing. A rename has the same gap but shows afterwards what it moved.
// So the directory is moved aside under a name of our own, compared with what
// was seen, and either removed or put back, with its identity and its
// modification time, which is what its holder compares. Putting back never
// replaces: if a third has the lock by then, two believed to hold it, and the
// one whose directory is gone finds that out at its next heartbeat. Nothing
// better can be built on mkdir and rmdir; the gap is two system calls wide,
// and only open where two take over at once, a lock that nobody has touched
// for longer than the stale age.
//
// A process killed in between leaves an empty directory called
// .lamplighter-stale-*, which is nobody's lock.
func takeAway(path string, seen fs.FileInfo) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errChanged
	}
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return errNotEmpty
	}
	if info, err := look(path); err != nil || !unchanged(seen, info) {
		return errChanged
	}
	return moveAway(path, seen)
}

// moveAway is takeAway from the moment of the last look.
func moveAway(path string, seen fs.FileInfo) error { return moveAside(path, seen, look, os.Remove) }

// moveAside is moveAway for a lock that takes more to be told from another, and
// to be removed.
func moveAside(path string, seen fs.FileInfo, look func(string) (fs.FileInfo, error), remove func(string) error) error {
	aside := filepath.Join(filepath.Dir(path), ".lamplighter-stale-"+rand.Text())
	err := os.Rename(path, aside)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errChanged
	case errors.Is(err, syscall.EXDEV):
		// overlayfs refuses to move a directory that came with the image.
		if err = remove(path); errors.Is(err, fs.ErrNotExist) {
			return errChanged
		}
		return err
	case err != nil:
		return err
	}

	moved, err := look(aside)
	if err == nil && !unchanged(seen, moved) {
		err = errChanged
	}
	if err == nil {
		if err = remove(aside); err == nil {
			return nil
		}
	}
	if back := renameNew(aside, path); back != nil {
		os.Remove(aside) // fails where it is not empty, and then it should stay
	}
	return err
}

// renameUnlessThere is as near to renameNew as a system comes that has no
// call for it.
func renameUnlessThere(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}
