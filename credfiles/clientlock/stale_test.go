package clientlock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnAbandonedLockIsTakenOverPastTheStaleAgeAndAfterTwoLooks(t *testing.T) {
	for _, test := range []struct{ age, wait time.Duration }{
		{0, 65 * time.Second},
		{59 * time.Second, 7500 * time.Millisecond}, // stale, plus 5 s, comes before one and a half heartbeats
		{30 * time.Second, 35 * time.Second},
		{time.Hour, 7500 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			path := foreign(t, test.age)
			early, err := Dir(patience(t, test.wait-time.Second), path, claude)
			wantBusy(t, early, err, path)
		})
		synctest.Test(t, func(t *testing.T) {
			path := foreign(t, test.age)
			seen := stat(t, path)
			l, err := Dir(patience(t, test.wait+time.Second), path, claude)
			if err != nil {
				t.Fatalf("age %v: %v", test.age, err)
			}
			defer l.Release()
			if unchanged(seen, stat(t, path)) {
				t.Errorf("age %v: the lock is still the client's", test.age)
			}
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestAHolderThatWakesUpKeepsItsLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := foreign(t, time.Hour)
		client := stat(t, path)
		go func() {
			time.Sleep(6 * time.Second) // a whole heartbeat and a little after it woke
			for range 20 {
				setAge(t, path, 0)
				time.Sleep(claude.Heartbeat)
			}
		}()
		other, err := Dir(patience(t, time.Minute), path, claude)
		wantBusy(t, other, err, path)
		if !os.SameFile(client, stat(t, path)) {
			t.Error("the client's directory is gone")
		}
		time.Sleep(time.Minute)
	})
}

func TestAHolderWhoseClockIsSlowKeepsItsLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := foreign(t, 10*time.Minute)
		go func() {
			for range 30 {
				setAge(t, path, 10*time.Minute)
				time.Sleep(claude.Heartbeat)
			}
		}()
		other, err := Dir(patience(t, 2*time.Minute), path, claude)
		wantBusy(t, other, err, path)
		time.Sleep(time.Minute)
	})
}

func TestAClientThatTakesOverAtTheSameTimeIsRespected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := foreign(t, time.Hour)
		abandoned := stat(t, path)
		client := make(chan fs.FileInfo, 1)
		go func() {
			time.Sleep(claude.Retry / 2) // never at the moment of one of our looks
			for unchanged(abandoned, stat(t, path)) {
				time.Sleep(claude.Retry)
			}
			// It saw the abandoned one, and removes by path what is ours by now.
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Error(err)
			}
			setAge(t, path, -time.Second)
			client <- stat(t, path)
		}()
		other, err := Dir(patience(t, time.Minute), path, claude)
		wantBusy(t, other, err, path)
		if !unchanged(<-client, stat(t, path)) {
			t.Error("the client's lock was touched")
		}
	})
}

func TestASleepBetweenTwoLooksIsNotSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := foreign(t, time.Hour)
		var s sighting
		s.see(stat(t, path), claude.Retry)
		time.Sleep(8 * time.Hour)
		s.see(stat(t, path), claude.Retry)
		if s.abandoned(claude.Stale, claude.Heartbeat) {
			t.Error("two looks with a night between them count as a heartbeat of silence")
		}
	})
}

func TestAClientWithoutAStaleAgeIsNeverTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := foreign(t, 1000*time.Hour)
		opts := claude
		opts.Stale = 0
		other, err := Dir(patience(t, time.Hour), path, opts)
		wantBusy(t, other, err, path)
	})
}

func TestADirectoryThatIsNotEmptyIsNeverRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := foreign(t, 0)
		if err := os.WriteFile(filepath.Join(path, "owner"), []byte("4711"), 0o600); err != nil {
			t.Fatal(err)
		}
		setAge(t, path, time.Hour)
		_, err := Dir(t.Context(), path, claude)
		if err == nil || !errors.Is(err, errNotEmpty) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v", err)
		}
		if _, err := os.Stat(filepath.Join(path, "owner")); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestOnlyWhatWasSeenIsTakenAway(t *testing.T) {
	for name, away := range map[string]func(string, fs.FileInfo) error{"looks again": takeAway, "too late to look": moveAway} {
		t.Run(name, func(t *testing.T) {
			path := foreign(t, time.Hour)
			seen := stat(t, path)
			setAge(t, path, 0) // it lives after all
			live := stat(t, path)
			if err := away(path, seen); !errors.Is(err, errChanged) {
				t.Errorf("got %v", err)
			}
			if !unchanged(live, stat(t, path)) {
				t.Error("the live lock is not as it was")
			}
			if err := away(path, live); err != nil {
				t.Error(err)
			}
			if err := away(path, live); !errors.Is(err, errChanged) {
				t.Errorf("taking away what is gone: %v", err)
			}
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestADirectoryThatIsFilledTooLateIsPutBack(t *testing.T) {
	path := foreign(t, 0)
	if err := os.WriteFile(filepath.Join(path, "owner"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	setAge(t, path, time.Hour)
	seen := stat(t, path)
	if err := moveAway(path, seen); err == nil {
		t.Error("a directory with something in it was taken away")
	}
	if !unchanged(seen, stat(t, path)) {
		t.Error("it is not as it was")
	}
	if _, err := os.Stat(filepath.Join(path, "owner")); err != nil {
		t.Error(err)
	}
}

func TestPuttingBackReplacesNoLock(t *testing.T) {
	for name, rename := range map[string]func(from, to string) error{"new": renameNew, "unless there": renameUnlessThere} {
		moved, path := foreign(t, 0), foreign(t, time.Minute)
		third := stat(t, path)
		if err := rename(moved, path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: got %v", name, err)
		}
		if !unchanged(third, stat(t, path)) {
			t.Errorf("%s: the lock was replaced", name)
		}
		was := stat(t, moved)
		if err := rename(moved, path+".free"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !unchanged(was, stat(t, path+".free")) {
			t.Errorf("%s: the lock is not as it was", name)
		}
	}
}

func TestAKilledHoldersDirectoryIsTakenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	hold(t, command(t, "dir-hold", path)).kill()
	other, err := take(soon(t), "dir", path)
	wantBusy(t, other, err, path)
	setAge(t, path, 66*time.Second)
	opts := dirOpts
	opts.Heartbeat = 20 * time.Millisecond // so that two looks are near each other
	l, err := Dir(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

func TestManyTakeOversOfOneLockLeaveOneHolder(t *testing.T) {
	path := foreign(t, time.Hour)
	opts := dirOpts
	opts.Heartbeat = 10 * time.Millisecond
	type result struct {
		l   *Lock
		err error
	}
	results := make(chan result)
	for range 8 {
		go func() {
			l, err := Dir(patience(t, time.Second), path, opts)
			results <- result{l, err}
		}()
	}
	ours := 0
	var held []*Lock
	for range 8 {
		if r := <-results; r.err == nil {
			held = append(held, r.l)
		}
	}
	for _, l := range held {
		if l.Check() == nil {
			ours++
		}
		defer l.Release()
	}
	if ours != 1 || len(held) != 1 {
		t.Errorf("%d got the lock and %d still have it, want 1 and 1", len(held), ours)
	}
}
