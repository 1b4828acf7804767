package ledger

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lamplighter/credfiles/replace"
)

// swept is when the folder was last looked through.
type swept struct {
	mu sync.Mutex
	at time.Time
}

// Prune removes the kept tokens that are past their time, also of credentials
// that nobody looks at any more, and what a crash left half written. It looks
// once an hour at most, so that it may be called at every turn.
func (l *Ledger) Prune() error {
	l.swept.mu.Lock()
	defer l.swept.mu.Unlock()
	if age := time.Since(l.swept.at); age >= 0 && age < time.Hour {
		return nil
	}
	l.swept.at = time.Now()
	defer os.WriteFile(l.sweptFile(), []byte(l.swept.at.Format(time.RFC3339)+"\n"), 0o600)
	var errs []error
	for _, folder := range []string{"", "memory", "modes", "kept", "deliveries"} {
		entries, err := os.ReadDir(filepath.Join(l.dir, folder))
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := filepath.Join(l.dir, folder, e.Name())
			if of, _, ok := strings.Cut(strings.TrimPrefix(e.Name(), "."), ".lamplighter-"); ok {
				errs = append(errs, replace.Leftovers(filepath.Join(l.dir, folder, of)))
			} else if folder == "kept" && pastTime(name) {
				errs = append(errs, l.prune(e.Name()))
			}
		}
	}
	return errors.Join(errs...)
}

// sweptFile is as old as the last look of any process.
func (l *Ledger) sweptFile() string { return filepath.Join(l.dir, "swept") }

// pastTime reports whether a file of kept tokens holds one that should not be
// there any more. A damaged one is of no use to anybody.
func pastTime(name string) bool {
	text, err := os.ReadFile(name)
	if err != nil {
		return false
	}
	var k Kept
	return json.Unmarshal(text, &k) != nil || k.current() != k
}

// prune writes one file of kept tokens anew, without those past their time.
// Who holds the credential's lock may be writing it, and goes first.
func (l *Ledger) prune(owner string) error {
	lock, err := l.lock(owner, 50*time.Millisecond)
	if err != nil {
		return err
	}
	defer lock.Release()
	name := filepath.Join(l.dir, "kept", owner)
	k, err := readKept(name)
	if err != nil {
		return err
	}
	return writeKept(name, k)
}
