package ledger

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/replace"
)

// Guard is what of m has to outlast a forgetting as long as the entry stands in
// its store: by which a value that its client rotates away meanwhile is known as
// spent, and nothing of another registration is put into the entry; and the wait
// that a server asked for, or that an unclear answer left. There is no token in
// it, no endpoint, and nothing of other attempts.
func (m Memory) Guard() Memory {
	g := Memory{
		Store: m.Store, Entry: m.Entry, ID: m.ID, Client: m.Client, Lineage: m.Lineage,
		Refresh: m.Refresh, Access: m.Access, Seen: m.Seen,
	}
	if m.For == m.Refresh && (m.Wait == Asked || m.Wait == Ambiguous) {
		g.For, g.Wait, g.Tried, g.Until, g.Failures = m.For, m.Wait, m.Tried, m.Until, m.Failures
	}
	return g
}

// Forget erases the kept tokens of the credential and its Memory, but for the
// Guard of one whose entry is there. The journal, the mode and the marks of its
// refresh tokens stay.
func (l *Locked) Forget(there bool) error {
	m, err := l.Memory(l.Key)
	if err != nil {
		return err
	}
	if err := erase(l.file("kept", l.Key)); err != nil {
		return err
	}
	if there {
		return l.Save(m.Guard())
	}
	return erase(l.file("memory", l.Key))
}

// erase removes a file of ours, and what a crash left beside it.
func erase(name string) error {
	err := os.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, replace.Leftovers(name))
}

// begins is the lineage of a credential of which nothing is remembered, or not
// any more: above those of its marks, for nobody knows what descends from them.
func (l *Ledger) begins(key credfiles.Key) (next int, err error) {
	l.marks.mu.Lock()
	defer l.marks.mu.Unlock()
	if err := l.readMarks(); err != nil {
		return 0, err
	}
	owner := int32(slices.Index(l.marks.owners, l.OwnerOf(key)))
	for _, m := range l.marks.known {
		if m.owner == owner {
			next = max(next, int(m.lineage)+1)
		}
	}
	return next, nil
}

// Remembered are the memories of all credentials. Of the nameless something is
// kept, or a damaged memory, and nobody knows whose it is: it is given by its
// owner's name in the ledger.
func (l *Ledger) Remembered() (all []Memory, nameless []string, err error) {
	named := map[string]bool{}
	for _, folder := range []string{"memory", "kept"} {
		entries, err := os.ReadDir(filepath.Join(l.dir, folder))
		if err != nil {
			return nil, nil, err
		}
		for _, e := range entries {
			owner := e.Name()
			if _, err := parsePrint([]byte(owner)); err != nil || named[owner] {
				continue // on its way, or nothing of ours
			}
			m, ok := l.memoryOf(owner)
			if ok {
				all = append(all, m)
			} else {
				nameless = append(nameless, owner)
			}
			named[owner] = true
		}
	}
	return all, nameless, nil
}

func (l *Ledger) memoryOf(owner string) (m Memory, ok bool) {
	text, err := os.ReadFile(filepath.Join(l.dir, "memory", owner))
	if err != nil || json.Unmarshal(text, &m) != nil {
		return Memory{}, false
	}
	return m, l.OwnerOf(credfiles.Key{Store: m.Store, Entry: m.Entry}) == owner
}

// ForgetNameless erases what is kept of one of the nameless. A journal record
// stays, and all else with it.
func (l *Ledger) ForgetNameless(owner string) error {
	lock, err := l.lock(owner, 10*time.Second)
	if err != nil {
		return err
	}
	defer lock.Release()
	if _, err := os.Lstat(filepath.Join(l.dir, "journal", owner)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(erase(filepath.Join(l.dir, "kept", owner)), erase(filepath.Join(l.dir, "memory", owner)))
}

// ForgetQuestions erases what was asked about these clients, and what came back;
// about all where there are none. That an endpoint was asked stays, as long as
// it is to be left alone.
func (l *Ledger) ForgetQuestions(clients ...string) error {
	folder := filepath.Join(l.dir, "doctor")
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	lock, err := l.lock("doctor", 10*time.Second)
	if err != nil {
		return err
	}
	defer lock.Release()
	var errs []error
	for _, e := range entries {
		name := filepath.Join(folder, e.Name())
		q, err := readQuestion(name)
		switch age := time.Since(q.At); {
		case err != nil:
			errs = append(errs, err)
		case len(clients) > 0 && !slices.Contains(clients, q.Client):
		case age < questionRest && age > -questionRest:
			errs = append(errs, writeQuestion(name, Question{At: q.At}))
		default:
			errs = append(errs, erase(name))
		}
	}
	return errors.Join(errs...)
}
