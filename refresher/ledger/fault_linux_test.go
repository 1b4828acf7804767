package ledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lamplighter/lab/child"
	"lamplighter/refresher/ledger"
)

// A disk that cannot say that it has the bytes has not got them.
func TestWithoutFsyncNothingCountsAsWritten(t *testing.T) {
	if !child.In(t, nil) {
		return
	}
	dir := t.TempDir()
	a, b := locked(t, dir, "a"), locked(t, dir, "b")
	rec := begin(t, a, sent("a"))
	if err := a.MarkDead(a.Fingerprint(token("z", 1)), 0); err != nil {
		t.Fatal(err)
	}
	child.Restrict(t, child.Fails(unix.SYS_FSYNC, unix.EIO))
	if _, err := b.Begin(sent("b")); err == nil {
		t.Error("a refresh began")
	}
	if _, err := os.Stat(filepath.Join(dir, "journal", b.OwnerOf(b.Key))); err == nil {
		t.Error("of the refresh that did not begin a record is left")
	}
	if rec.Answered(answer("x")) == nil || rec.Answer != nil {
		t.Error("the answer counts as journaled")
	}
	if rec.Imaged([]byte("x")) == nil || rec.Image != nil {
		t.Error("the image counts as journaled")
	}
	if a.MarkSpent(a.Fingerprint(token("a", 1)), 0) == nil {
		t.Error("the mark counts as written")
	}
	if a.Save(ledger.Memory{}) == nil {
		t.Error("the memory counts as written")
	}
	if a.SaveKept(ledger.Kept{Good: ledger.Keep(someToken(1), 0)}) == nil {
		t.Error("the kept token counts as written")
	}
	if a.SetMode(key("a"), ledger.Mode{Mode: "watch-only"}) == nil {
		t.Error("the mode counts as written")
	}
}

// smallDisk is a disk of its own in a process of its own.
func smallDisk(t *testing.T, size string) (dir string, inside bool) {
	t.Helper()
	if !child.InMounts(t) {
		return "", false
	}
	dir = t.TempDir()
	child.Mount(t, "tmpfs", dir, "tmpfs", 0, "mode=700,size="+size)
	return dir, true
}

// fillUp takes all room that is left.
func fillUp(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

func TestAFullDiskRefusesTheBeginningAndNotTheAnswer(t *testing.T) {
	dir, inside := smallDisk(t, "4m")
	if !inside {
		return
	}
	a, b := locked(t, dir, "a"), locked(t, dir, "b")
	rec := begin(t, a, sent("a"))
	fillUp(t, dir)
	if _, err := b.Begin(sent("b")); err == nil || !strings.Contains(err.Error(), "nothing is sent") {
		t.Errorf("on a full disk a refresh began: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "journal", b.OwnerOf(b.Key))); err == nil {
		t.Error("of the refresh that did not begin a record is left")
	}
	if err := rec.Answered(answer(strings.Repeat("x", 1<<20))); err != nil {
		t.Fatalf("the answer was refused: %v", err)
	}
	if found := after(t, dir, "a", a); found == nil || found.Answer == nil || len(found.Answer.Body) != 1<<20 {
		t.Error("the answer is not read back")
	}
}

func TestAFileSystemThatCannotReserveIsFilled(t *testing.T) {
	dir, inside := smallDisk(t, "4m")
	if !inside {
		return
	}
	child.Restrict(t, child.Fails(unix.SYS_FALLOCATE, unix.EOPNOTSUPP))
	lk := locked(t, dir, "a")
	rec := begin(t, lk, sent("a"))
	fillUp(t, dir)
	if err := rec.Answered(answer(strings.Repeat("x", 1<<20))); err != nil {
		t.Errorf("the answer was refused: %v", err)
	}
}

// A folder that has become read-only can be looked into, and nothing begins.
func TestAReadOnlyFolderCanBeLookedInto(t *testing.T) {
	dir, inside := smallDisk(t, "8m")
	if !inside {
		return
	}
	lk := locked(t, dir, "a")
	rec := begin(t, lk, sent("a"))
	if err := errors.Join(rec.Answered(answer("x")), lk.MarkSpent(lk.Fingerprint(token("a", 1)), 0), lk.SetMode(key("a"), ledger.Mode{Mode: "keep"})); err != nil {
		t.Fatal(err)
	}
	rec.Close()
	lk.Unlock()
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, "mode=700"); err != nil {
		t.Skip("cannot remount:", err)
	}
	l := open(t, dir)
	if m, err := l.Mode(key("a")); err != nil || m.Mode != "keep" {
		t.Errorf("%+v, %v", m, err)
	}
	wantMark(t, l, l.Fingerprint(token("a", 1)), "spent")
	if all, err := l.Pending(); err != nil || len(all) != 1 || all[0].Answer == nil {
		t.Errorf("%v, %v", all, err)
	}
	if lk, err := l.Lock(ctx, key("b")); err == nil {
		if _, err := lk.Begin(sent("b")); err == nil {
			t.Error("a refresh began")
		}
		lk.Unlock()
	}
}
