package credfiles

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestWhatWasOpenedCanBeForgotten(t *testing.T) {
	l, b, dir := newSealedLab(t), &box{key: 0x5a}, filepath.Join(t.TempDir(), "opened")
	s := func() *Store {
		l.host.Opener = &Opener{}
		l.host.Opener.Remember(dir, b)
		return l.sealedStore()
	}
	for _, all := range []bool{false, true} {
		store := s()
		if err := l.host.Opener.Forget(); err != nil {
			t.Fatal(err) // nothing is there yet
		}
		for _, look := range []bool{true, false} {
			was := l.words.reads
			if found, problems := store.Scan(context.Background()); len(found) == 0 || len(problems) > 0 {
				t.Fatalf("%d entries, %v", len(found), problems)
			}
			if opened := l.words.reads > was; look != opened && look {
				t.Error("nothing was opened, so nothing can be forgotten")
			}
		}
		paths := []string{store.Path()}
		if all {
			paths = nil
		} else if err := l.host.Opener.Forget("/elsewhere"); err != nil || count(t, dir) != 1 {
			t.Error("another's is forgotten", err)
		}
		if err := l.host.Opener.Forget(paths...); err != nil || count(t, dir) != 0 {
			t.Errorf("%d files are left, %v", count(t, dir), err)
		}
		was := l.words.reads
		s().Scan(context.Background())
		if l.words.reads == was {
			t.Error("it is remembered still")
		}
	}
}

func count(t *testing.T, dir string) int {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}
