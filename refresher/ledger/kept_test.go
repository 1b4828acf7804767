package ledger_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/ledger"
)

func someToken(n int) credfiles.Token {
	return credfiles.Token{
		Access: credfiles.NewSecret("at-EXAMPLE"), Refresh: token("a", n),
		Expiry: time.Unix(2e9, 0).UTC(), RefreshExpiry: time.Unix(3e9, 0).UTC(), Scope: "read",
	}
}

func TestKeptTokensComeBackAsTheyWere(t *testing.T) {
	dir := t.TempDir()
	lk := locked(t, dir, "a")
	if err := lk.SaveKept(ledger.Kept{Good: ledger.Keep(someToken(1), 3), Orphan: ledger.Keep(someToken(2), 4)}); err != nil {
		t.Fatal(err)
	}
	k, err := open(t, dir).Kept(key("a"))
	if err != nil || k.Good == nil || k.Orphan == nil {
		t.Fatalf("%+v, %v", k, err)
	}
	for n, kept := range []*ledger.KeptToken{k.Good, k.Orphan} {
		got, want := kept.Reveal(), someToken(n+1)
		if !got.Access.Equal(want.Access) || !got.Refresh.Equal(want.Refresh) || !got.Expiry.Equal(want.Expiry) ||
			!got.RefreshExpiry.Equal(want.RefreshExpiry) || got.Scope != want.Scope || kept.Lineage != n+3 {
			t.Errorf("%+v", kept)
		}
	}
	if k, err := open(t, dir).Kept(key("b")); err != nil || k != (ledger.Kept{}) {
		t.Errorf("of another credential: %+v, %v", k, err)
	}
}

func TestAGoodTokenIsKeptForAWeekAndAnOrphanForADay(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		lk := locked(t, dir, "a")
		if err := lk.SaveKept(ledger.Kept{Good: ledger.Keep(someToken(1), 0), Orphan: ledger.Keep(someToken(2), 0)}); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			wait         time.Duration
			good, orphan bool
		}{
			{24 * time.Hour, true, true},
			{time.Second, true, false},
			{6*24*time.Hour - time.Second, true, false},
			{time.Second, false, false},
		} {
			time.Sleep(step.wait)
			k, err := lk.Kept(key("a"))
			if err != nil || (k.Good != nil) != step.good || (k.Orphan != nil) != step.orphan {
				t.Errorf("after %v more: good %v, orphan %v, %v", step.wait, k.Good != nil, k.Orphan != nil, err)
			}
		}
	})
}

// What is past its time leaves the disk too, whoever looks, and what is not
// stays.
func TestWhatIsPastItsTimeLeavesTheDisk(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := open(t, dir)
		for _, entry := range []string{"a", "b"} {
			lk, err := l.Lock(ctx, key(entry))
			if err != nil {
				t.Fatal(err)
			}
			if err := lk.SaveKept(ledger.Kept{Good: ledger.Keep(someToken(1), 0), Orphan: ledger.Keep(someToken(2), 0)}); err != nil {
				t.Fatal(err)
			}
			lk.Unlock()
		}
		size := func() int { return len(files(t, dir)["kept/"+l.OwnerOf(key("a"))]) }
		both := size()
		time.Sleep(24*time.Hour + time.Second)
		lk, err := l.Lock(ctx, key("b")) // at work on the other one
		if err != nil {
			t.Fatal(err)
		}
		defer lk.Unlock()
		if err := l.Prune(); err == nil {
			t.Error("the one that is being worked on was not left alone")
		}
		if n := size(); n == 0 || n >= both {
			t.Errorf("%d bytes, there were %d", n, both)
		}
		if n := len(files(t, dir)["kept/"+l.OwnerOf(key("b"))]); n != both {
			t.Errorf("of the one that is being worked on %d bytes, there were %d", n, both)
		}
		time.Sleep(6 * 24 * time.Hour)
		open(t, dir) // a command, where no keeper runs
		if n := size(); n != 0 {
			t.Errorf("%d bytes are left", n)
		}
	})
}

func TestWhatACrashLeftHalfWrittenIsRemoved(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	owner := l.OwnerOf(key("a"))
	left := filepath.Join("kept", "."+owner+".lamplighter-abcdefghijkl.0")
	put(t, "rt-EXAMPLE", dir, left)
	put(t, "x", dir, ".salt.lamplighter-abcdefghijkl.0")
	open(t, dir)
	for name := range files(t, dir) {
		if filepath.Base(name)[0] == '.' {
			t.Errorf("%s is left", name)
		}
	}
}

func TestADamagedRecordCountsAsNothingAndGoes(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	name := filepath.Join(dir, "kept", l.OwnerOf(key("a")))
	for _, text := range []string{"", "{", "[]", `{"good":{"token":{"refresh":`} {
		put(t, text, name)
		if k, err := l.Kept(key("a")); err != nil || k != (ledger.Kept{}) {
			t.Errorf("%q: %+v, %v", text, k, err)
		}
		open(t, dir)
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%q is left", text)
		}
	}
}

func TestNothingKeptIsNoFile(t *testing.T) {
	dir := t.TempDir()
	lk := locked(t, dir, "a")
	for range 2 {
		if err := lk.SaveKept(ledger.Kept{}); err != nil {
			t.Fatal(err)
		}
		if err := lk.SaveKept(ledger.Kept{Good: ledger.Keep(someToken(1), 0)}); err != nil {
			t.Fatal(err)
		}
		if err := lk.SaveKept(ledger.Kept{}); err != nil {
			t.Fatal(err)
		}
		if entries, err := os.ReadDir(filepath.Join(dir, "kept")); err != nil || len(entries) != 0 {
			t.Errorf("left: %v, %v", entries, err)
		}
	}
}

// A command that only looks leaves what is kept unread, unless nobody has
// pruned for an hour.
func TestWhoOnlyLooksPrunesOnceAnHour(t *testing.T) {
	dir := t.TempDir()
	if _, err := ledger.Open(dir); err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(dir, "kept", "0123456789abcdef0123456789abcdef")
	gone := func() bool { _, err := os.Stat(damaged); return os.IsNotExist(err) }
	if err := os.WriteFile(damaged, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Look(dir); err != nil || gone() {
		t.Fatalf("%v, gone: %v", err, gone())
	}
	for _, at := range []time.Time{time.Now().Add(-2 * time.Hour), time.Now().Add(2 * time.Hour)} {
		os.Chtimes(filepath.Join(dir, "swept"), at, at)
		if _, err := ledger.Look(dir); err != nil || !gone() {
			t.Fatalf("%v, gone: %v", err, gone())
		}
		os.WriteFile(damaged, []byte("{"), 0o600)
	}
	if _, err := ledger.Open(dir); err != nil || !gone() {
		t.Fatalf("%v, gone: %v", err, gone())
	}
}

func TestAKeptTokenMayBringTheEntryAroundIt(t *testing.T) {
	dir := t.TempDir()
	text := credfiles.NewSecret(`{"a":"at_EXAMPLE"}`)
	if err := locked(t, dir, "a").SaveKept(ledger.Kept{Good: ledger.Keep(someToken(1), 1).In(text)}); err != nil {
		t.Fatal(err)
	}
	k, err := open(t, dir).Kept(key("a"))
	if err != nil || k.Good == nil || !k.Good.Text().Equal(text) || !k.Good.Reveal().Access.Equal(someToken(1).Access) {
		t.Error(k, err)
	}
}
