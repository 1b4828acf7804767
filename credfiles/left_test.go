package credfiles

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lamplighter/credfiles/clientlock"
)

// held makes a lock of each kind as its client does, last alive so long ago.
func held(t *testing.T, s *Store, l clientLock, ago time.Duration) (path string) {
	t.Helper()
	if path = l.path; !filepath.IsAbs(path) {
		path = filepath.Join(s.home, path)
	}
	then := time.Now().Add(-ago)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Dir(path), 0o755))
	touched := path
	switch {
	case l.dir, l.filled != nil:
		must(os.MkdirAll(path, 0o755))
		if l.filled != nil && l.filled.beat != "" {
			touched = filepath.Join(path, l.filled.beat)
			must(os.WriteFile(touched, nil, 0o600))
			must(os.Chtimes(path, time.Now(), time.Now()))
		}
	case l.lease:
		must(os.WriteFile(path, fmt.Appendf(nil, `{"pid":1,"nonce":"EXAMPLE","at":%d}`, then.UnixMilli()), 0o600))
	default:
		must(os.WriteFile(path, nil, 0o600))
	}
	must(os.Chtimes(touched, then, then))
	return path
}

func TestALockIsLeftOnlyPastItsClientsOwnAge(t *testing.T) {
	for _, c := range []*client{&claude, &mcpRemote, &opencode, &cline} {
		t.Run(c.name, func(t *testing.T) {
			l := realLab(t, c)
			s := l.store()
			creds, _ := s.Scan(t.Context())
			all := []clientLock{s.lockOf()}
			if c.grantLock != nil {
				all = append(all, c.grantLock(s, creds[0]))
			}
			if c.further != nil {
				all = append(all, c.further(s.home)...)
			}
			all = slices.DeleteFunc(all, func(l clientLock) bool { return l.stale == 0 })
			if len(all) == 0 || len(s.LeftLocks(creds)) != 0 {
				t.Fatalf("%d locks; without any there are left %v", len(all), s.LeftLocks(creds))
			}
			for _, one := range all {
				path := held(t, s, one, one.stale)
				if left := s.LeftLocks(creds); len(left) != 0 {
					t.Errorf("a young one counts as left: %v", left)
				}
				held(t, s, one, one.stale+time.Minute)
				left := s.LeftLocks(creds)
				if len(left) != 1 || left[0].Path != path || left[0].Stale != one.stale {
					t.Errorf("left: %v, want %s", left, path)
				}
				os.RemoveAll(path)
			}
		})
	}
}

// Codex's locks end with the process that has them, whatever is as old.
func TestALockFileIsNeverLeft(t *testing.T) {
	l := realLab(t, &codex)
	s := l.store()
	creds, _ := s.Scan(t.Context())
	path := held(t, s, codex.grantLock(s, creds[0]), 24*time.Hour)
	held(t, s, codex.storeLock, 24*time.Hour)
	if left := s.LeftLocks(creds); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	lock, err := clientlock.File(t.Context(), path, clientlock.FileOptions{Mode: 0o644, Once: true})
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if left := s.LeftLocks(creds); len(left) != 0 {
		t.Errorf("left while it is held: %v", left)
	}
}
