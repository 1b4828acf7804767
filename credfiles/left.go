package credfiles

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// A LeftLock is one of a client's own locks whose holder has given no sign of
// life for longer than the client itself allows.
type LeftLock struct {
	Path  string
	Since time.Time     // the holder's last sign of life
	Stale time.Duration // the age at which the client takes it over
}

// leftGrace is added to a client's own stale age, as where a lock is taken.
const leftGrace = 5 * time.Second

// LeftLocks lists the locks of this store's client that were left behind: those
// of the entries given, those over a write, and those that we never take. A lock
// that ends with its process, as flock(2) does, is never left. Nothing is
// changed.
func (s *Store) LeftLocks(entries []Credential) (all []LeftLock) {
	locks := []clientLock{s.lockOf()}
	if s.client.grantLock != nil {
		for _, c := range entries {
			locks = append(locks, s.client.grantLock(s, c))
		}
	}
	if s.client.further != nil {
		locks = append(locks, s.client.further(s.home)...)
	}
	now, seen := time.Now(), map[string]bool{}
	for _, l := range locks {
		if l.path == "" || l.stale <= 0 {
			continue
		}
		path := l.path
		if !filepath.IsAbs(path) {
			path = filepath.Join(s.home, path)
		}
		if seen[path] {
			continue
		}
		seen[path] = true
		if since, ok := l.alive(path); ok && now.Sub(since) > l.stale+leftGrace {
			all = append(all, LeftLock{path, since, l.stale})
		}
	}
	return all
}

// alive is when the holder of a lock showed last that it lives. ok is false
// where nobody holds it, or its kind shows no such time.
func (l clientLock) alive(path string) (since time.Time, ok bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return time.Time{}, false
	}
	switch {
	case l.lease:
		text, err := readFile(path, 4096)
		var claim struct {
			At int64 `json:"at"`
		}
		if err != nil || json.Unmarshal(text, &claim) != nil || claim.At <= 0 {
			return time.Time{}, false // its client takes it over at once
		}
		return time.UnixMilli(claim.At), true
	case l.exclusive && info.Mode().IsRegular():
		return info.ModTime(), true
	case (l.dir || l.filled != nil) && info.IsDir():
		if l.filled != nil {
			if beat, err := os.Lstat(filepath.Join(path, l.filled.beat)); err == nil {
				info = beat
			}
		}
		return info.ModTime(), true
	}
	return time.Time{}, false
}
