package ledger_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/refresher/ledger"
)

func wantMark(t *testing.T, l *ledger.Ledger, print string, want string) ledger.Mark {
	t.Helper()
	m, ok, err := l.Marked(print)
	got := "none"
	switch {
	case err != nil:
		got = "error"
	case ok && m.Spent:
		got = "spent"
	case ok:
		got = "dead"
	}
	if got != want {
		t.Errorf("the mark is %s, want %s (%v)", got, want, err)
	}
	return m
}

func TestAMarkHoldsInEveryProcessAtOnce(t *testing.T) {
	dir := t.TempDir()
	other := open(t, dir)
	lk := locked(t, dir, "a")
	spent, dead := lk.Fingerprint(token("a", 1)), lk.Fingerprint(token("a", 2))
	wantMark(t, other, spent, "none")
	if err := lk.MarkSpent(spent, 4); err != nil {
		t.Fatal(err)
	}
	if err := lk.MarkDead(dead, 5); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*ledger.Ledger{other, lk.Ledger, open(t, dir)} {
		m := wantMark(t, l, spent, "spent")
		if m.Lineage != 4 || m.Owner != l.OwnerOf(key("a")) || time.Since(m.At).Abs() > time.Minute {
			t.Errorf("%+v", m)
		}
		wantMark(t, l, dead, "dead")
		wantMark(t, l, "", "none")
	}
}

func TestADeadValueCanTurnOutSpentAndNeverTheOtherWay(t *testing.T) {
	dir := t.TempDir()
	lk := locked(t, dir, "a")
	p := lk.Fingerprint(token("a", 1))
	for _, step := range []struct {
		mark func(string, int) error
		want string
	}{{lk.MarkDead, "dead"}, {lk.MarkSpent, "spent"}, {lk.MarkDead, "spent"}} {
		if err := step.mark(p, 0); err != nil {
			t.Fatal(err)
		}
		wantMark(t, lk.Ledger, p, step.want)
		wantMark(t, open(t, dir), p, step.want)
	}
}

func TestMarksOfManyProcessesAreAllThere(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	names := []string{"a", "b", "c", "d"}
	others(t, "mark", dir, names)
	for _, name := range names {
		for n := range 50 {
			m := wantMark(t, l, l.Fingerprint(token(name, n)), "spent")
			if m.Lineage != n || m.Owner != l.OwnerOf(key(name)) {
				t.Errorf("%s %d: %+v", name, n, m)
			}
		}
	}
}

// A crash in the middle of a line takes that line, whose mark nobody relies
// on yet, and no other.
func TestATornMarkTakesNoOtherWithIt(t *testing.T) {
	dir := t.TempDir()
	lk := locked(t, dir, "a")
	prints := []string{lk.Fingerprint(token("a", 0)), lk.Fingerprint(token("a", 1)), lk.Fingerprint(token("a", 2))}
	if err := lk.MarkSpent(prints[0], 0); err != nil {
		t.Fatal(err)
	}
	whole := files(t, dir)["marks"]
	for _, tail := range []string{"0", prints[1] + " sp", prints[1] + " spent x", "\x00\x00\x00", strings.Repeat("y", 200<<10)} {
		dir := t.TempDir()
		copyState(t, lk.Dir(), dir)
		put(t, string(whole)+tail, dir, "marks")
		early := open(t, dir) // has read up to the torn line
		wantMark(t, early, prints[0], "spent")
		lk := locked(t, dir, "a")
		if err := lk.MarkDead(prints[2], 0); err != nil {
			t.Fatal(err)
		}
		for _, l := range []*ledger.Ledger{early, open(t, dir)} {
			wantMark(t, l, prints[0], "spent")
			wantMark(t, l, prints[1], "none")
			wantMark(t, l, prints[2], "dead")
		}
	}
}

func copyState(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func TestLinesThatAreNoMarksAreLeftOut(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	p := l.Fingerprint(token("a", 1))
	for _, line := range []string{
		p + " lost a 0 1", p + " spent a x 1", p + " spent a 0 x", p + " spent a 0", p + " spent a 0 1 1", "x" + p[1:] + " spent a 0 1", "",
	} {
		put(t, line+"\n", dir, "marks")
		wantMark(t, open(t, dir), p, "none")
	}
	put(t, p+" spent a 0 1\n", dir, "marks")
	wantMark(t, open(t, dir), p, "spent")
	put(t, p+" spent a 0 1\n"+p+" dead b 0 2\n", dir, "marks") // two processes at once
	wantMark(t, open(t, dir), p, "spent")
}

// What a process has once read it goes by, whatever becomes of the file.
func TestMarksThatVanishWhileRunningStillCount(t *testing.T) {
	for name, change := range map[string]func(file string){
		"gone":       func(file string) { os.Remove(file) },
		"empty":      func(file string) { os.Truncate(file, 0) },
		"a backup":   func(file string) { os.Rename(file, file+".old"); os.WriteFile(file, nil, 0o600) },
		"unreadable": func(file string) { os.Remove(file); os.Mkdir(file, 0o700) },
	} {
		dir := t.TempDir()
		lk := locked(t, dir, "a")
		p, dead := lk.Fingerprint(token("a", 1)), lk.Fingerprint(token("a", 2))
		if err := errors.Join(lk.MarkSpent(p, 0), lk.MarkDead(dead, 0)); err != nil {
			t.Fatal(err)
		}
		wantMark(t, lk.Ledger, p, "spent")
		wantMark(t, lk.Ledger, dead, "dead")
		change(filepath.Join(dir, "marks"))
		m := wantMark(t, lk.Ledger, p, "spent")
		if m.Owner != lk.OwnerOf(lk.Key) {
			t.Errorf("%s: %+v", name, m)
		}
		if m, ok, err := lk.Marked(dead); err == nil && (!ok || m.Owner != lk.OwnerOf(lk.Key)) {
			t.Errorf("%s: what is dead is sent", name)
		}
	}
}

func TestWithoutTheMarksFileNothingCountsAsUnspent(t *testing.T) {
	for _, change := range []func(file string){
		func(file string) { os.Remove(file) },
		func(file string) { os.Remove(file); os.Mkdir(file, 0o700) },
	} {
		dir := t.TempDir()
		lk := locked(t, dir, "a")
		change(filepath.Join(dir, "marks"))
		wantMark(t, lk.Ledger, lk.Fingerprint(token("a", 1)), "error")
		wantMark(t, open(t, dir), lk.Fingerprint(token("a", 1)), "error")
		if lk.MarkSpent(lk.Fingerprint(token("a", 1)), 0) == nil {
			t.Error("marked where nothing can be read back")
		}
	}
}

// A year of tokens that live five minutes.
func BenchmarkMarksOfAYear(b *testing.B) {
	dir := b.TempDir()
	l, err := ledger.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	var text strings.Builder
	for n := range 365 * 24 * 12 {
		fmt.Fprintf(&text, "%s spent %s 0 %d\n", l.Fingerprint(token("a", n)), l.OwnerOf(key("a")), 1_800_000_000+n*300)
	}
	if err := os.WriteFile(filepath.Join(dir, "marks"), []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(text.Len()), "bytes")
	b.ReportAllocs()
	for b.Loop() {
		l, err := ledger.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		if _, ok, err := l.Marked(l.Fingerprint(token("a", 7))); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
