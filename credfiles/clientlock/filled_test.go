package clientlock

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The clients with such locks, asked for less often so that simulated hours
// stay cheap.
var filled = map[string]FilledOptions{
	"opencode": {
		Files: func(token string) map[string]string {
			return map[string]string{"heartbeat": "", "meta.json": `{"token":"` + token + `"}`}
		},
		Beat: "heartbeat", Breaker: ".breaker", Folder: true,
		Stale: 60 * time.Second, Heartbeat: 20 * time.Second, Retry: 250 * time.Millisecond,
	},
	"cline": {
		Files:  func(token string) map[string]string { return map[string]string{"owner." + token: token} },
		Staged: true,
		Stale:  10 * time.Second, Heartbeat: 3 * time.Second, Retry: 250 * time.Millisecond,
	},
}

// exclusive is Qwen Code's.
var exclusive = ExclusiveOptions{
	Text:  func(token string) string { return token },
	Stale: 35 * time.Second, Heartbeat: 10 * time.Second, Retry: 250 * time.Millisecond,
}

// A shape is one client's lock with something written in it, in a bubble.
type shape struct {
	client           string
	path             string
	stale, heartbeat time.Duration
	beat             string // the path whose time is the sign of life
	take             func(ctx context.Context) (*Lock, error)
}

func eachShape(t *testing.T, test func(t *testing.T, s shape)) {
	for client, take := range ours {
		t.Run(client, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := shape{client: client, path: filepath.Join(t.TempDir(), "x.lock"), stale: filled[client].Stale, heartbeat: filled[client].Heartbeat}
				if client == "qwen" {
					s.stale, s.heartbeat = exclusive.Stale, exclusive.Heartbeat
				}
				s.beat = filepath.Join(s.path, filled[client].Beat)
				s.take = func(ctx context.Context) (*Lock, error) { return take(ctx, s.path, 250*time.Millisecond) }
				test(t, s)
			})
		})
	}
}

func (s shape) must(t *testing.T) *Lock {
	t.Helper()
	l, err := s.take(patience(t, 2*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Release() })
	return l
}

// theirs is a lock that the client took, that long ago.
func (s shape) theirs(t *testing.T, age time.Duration) (release func() error) {
	t.Helper()
	release, err := theirs[s.client](s.path)
	if err != nil {
		t.Fatal(err)
	}
	setAge(t, s.beat, age)
	return release
}

// names are what stands in a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// contents are the bytes of a lock, for a look whether they are as they were.
func contents(t *testing.T, path string) (all string) {
	t.Helper()
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var text []byte
			text, err = os.ReadFile(name)
			all += name + "=" + string(text) + "\n"
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAWrittenLockStandsThereWholeAndLeavesNothing(t *testing.T) {
	eachShape(t, func(t *testing.T, s shape) {
		l := s.must(t)
		if mode := stat(t, s.path).Mode(); runtime.GOOS != "windows" && mode.Perm()&0o077 != 0 {
			t.Errorf("mode %v", mode)
		}
		if got := names(t, filepath.Dir(s.path)); !slices.Equal(got, []string{"x.lock"}) {
			t.Errorf("beside it: %q", got)
		}
		if err := l.Check(); err != nil {
			t.Error(err)
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
		if got := names(t, filepath.Dir(s.path)); len(got) != 0 {
			t.Errorf("left behind: %q", got)
		}
		if err := l.Check(); !errors.Is(err, ErrLost) {
			t.Errorf("checked after the release: %v", err)
		}
	})
}

// As opencode 1.18.33 and @cline/core 0.0.86 leave them.
func TestWhatStandsInAFilledLock(t *testing.T) {
	eachShape(t, func(t *testing.T, s shape) {
		s.must(t)
		if s.client == "qwen" {
			return
		}
		got := names(t, s.path)
		if s.client == "opencode" && !slices.Equal(got, []string{"heartbeat", "meta.json"}) ||
			s.client == "cline" && (len(got) != 1 || contents(t, s.path) != filepath.Join(s.path, got[0])+"="+strings.TrimPrefix(got[0], "owner.")+"\n") {
			t.Errorf("%q", contents(t, s.path))
		}
	})
}

func TestAWrittenLockNeverLooksStaleAndKeepsOthersOut(t *testing.T) {
	eachShape(t, func(t *testing.T, s shape) {
		l := s.must(t)
		for range 200 {
			time.Sleep(time.Second)
			if age := time.Since(stat(t, s.beat).ModTime()); age < 0 || age > s.heartbeat+time.Second {
				t.Fatalf("it looks %v old", age)
			}
		}
		other, err := s.take(patience(t, 3*s.stale))
		wantBusy(t, other, err, s.path)
		if err := l.Check(); err != nil {
			t.Error(err)
		}
	})
}

func TestALateHeartbeatOfAWrittenLockIsMadeUpForByCheck(t *testing.T) {
	eachShape(t, func(t *testing.T, s shape) {
		l := s.must(t)
		time.Sleep(s.heartbeat / 2)
		setAge(t, s.beat, 8*time.Hour) // as after a night's sleep
		time.Sleep(s.heartbeat * 2)
		if err := l.Check(); err != nil {
			t.Fatal(err)
		}
		if age := time.Since(stat(t, s.beat).ModTime()); age > s.heartbeat {
			t.Errorf("it looks %v old", age)
		}
	})
}

func TestWeWaitForAClientsWrittenLock(t *testing.T) {
	eachShape(t, func(t *testing.T, s shape) {
		release := s.theirs(t, 0)
		before := contents(t, s.path)
		other, err := s.take(patience(t, s.stale))
		wantBusy(t, other, err, s.path)
		if contents(t, s.path) != before {
			t.Error("it was touched")
		}
		go func() {
			time.Sleep(time.Second)
			if err := release(); err != nil {
				t.Error(err)
			}
		}()
		s.must(t)
	})
}

func TestAnAbandonedWrittenLockIsTakenOverPastTheStaleAge(t *testing.T) {
	eachShape(t, func(t *testing.T, s shape) {
		s.theirs(t, 0)
		other, err := s.take(patience(t, s.stale+grace-time.Second))
		wantBusy(t, other, err, s.path)
		l, err := s.take(patience(t, s.heartbeat*3/2+3*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Check(); err != nil {
			t.Error(err)
		}
		if got := names(t, filepath.Dir(s.path)); !slices.Equal(got, []string{"x.lock"}) {
			t.Errorf("beside it: %q", got)
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	})
}

func TestAnAbandonedWrittenLockIsLookedAtTwice(t *testing.T) {
	eachShape(t, func(t *testing.T, s shape) {
		s.theirs(t, time.Hour)
		go func() {
			for range 30 { // its holder woke up
				time.Sleep(s.heartbeat)
				if os.Chtimes(s.beat, time.Time{}, time.Now().Add(-time.Hour)) != nil {
					t.Error("it is gone")
				}
			}
		}()
		other, err := s.take(patience(t, 29*s.heartbeat))
		wantBusy(t, other, err, s.path)
		time.Sleep(2 * s.heartbeat)
	})
}

func TestAWrittenLockThatWasTakenIsLostAndLeftAlone(t *testing.T) {
	for _, late := range []bool{false, true} { // noticed by Check, or by the heartbeat
		eachShape(t, func(t *testing.T, s shape) {
			l := s.must(t)
			setAge(t, s.beat, time.Hour)
			s.theirs(t, 0)
			before, at := contents(t, s.path), stat(t, s.beat).ModTime()
			if late {
				time.Sleep(time.Hour)
			}
			if err := l.Check(); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), s.path) {
				t.Error(err)
			}
			if err := l.Release(); !errors.Is(err, ErrLost) {
				t.Error(err)
			}
			if contents(t, s.path) != before || !stat(t, s.beat).ModTime().Equal(at) {
				t.Error("another's lock was touched")
			}
		})
	}
}

func TestAClientDoesNotTakeOverWhatWeHold(t *testing.T) {
	defer func(was time.Duration) { clientPause = was }(clientPause)
	clientPause = 100 * time.Millisecond
	eachShape(t, func(t *testing.T, s shape) {
		l := s.must(t)
		got := make(chan func() error)
		go func() {
			release, err := theirs[s.client](s.path)
			if err != nil {
				t.Error(err)
			}
			got <- release
		}()
		select {
		case <-got:
			t.Fatal("it has what we hold")
		case <-time.After(2 * s.stale):
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
		if err := (<-got)(); err != nil {
			t.Error(err)
		}
	})
}

// Clients of Cline's kind put theirs in the place of an empty directory.
func TestAnEmptyDirectoryHoldsForOpencodeAndNotForCline(t *testing.T) {
	eachShape(t, func(t *testing.T, s shape) {
		if s.client == "qwen" {
			return
		}
		if err := os.Mkdir(s.path, 0o700); err != nil {
			t.Fatal(err)
		}
		l, err := s.take(patience(t, time.Second))
		if s.client == "opencode" {
			wantBusy(t, l, err, s.path)
		} else if err != nil {
			t.Error(err)
		} else if err := l.Release(); err != nil {
			t.Error(err)
		}
	})
}

func TestABreakerIsRespectedUntilItIsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "x.lock")
		s := shape{client: "opencode", path: path, beat: filepath.Join(path, "heartbeat")}
		s.theirs(t, time.Hour)
		if err := os.Mkdir(path+".breaker", 0o700); err != nil {
			t.Fatal(err)
		}
		setAge(t, path+".breaker", 0)
		other, err := ours["opencode"](patience(t, time.Minute), path, time.Second)
		wantBusy(t, other, err, path)
		l, err := ours["opencode"](patience(t, time.Minute), path, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"x.lock"}) {
			t.Errorf("beside it: %q", got)
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	})
}

func TestAFolderIsMadeOnlyWhereTheClientMakesIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "locks", "x.lock")
	if _, err := ours["cline"](t.Context(), path, time.Millisecond); err == nil || !strings.Contains(err.Error(), "folder does not exist") {
		t.Error(err)
	}
	l, err := ours["opencode"](t.Context(), path, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

func TestWhereNoWrittenLockCanBeIsAnError(t *testing.T) {
	dir := t.TempDir()
	file, folder := filepath.Join(dir, "file.lock"), filepath.Join(dir, "folder.lock")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.MkdirAll(filepath.Join(folder, "x"), 0o700)); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for client, take := range ours {
		wrong := file
		if client == "qwen" {
			wrong = folder
		}
		for path, ctx := range map[string]context.Context{
			wrong:                        t.Context(),
			filepath.Join(file, "x"):     t.Context(),
			filepath.Join(dir, "x.lock"): ended,
		} {
			l, err := take(ctx, path, time.Millisecond)
			var busy *BusyError
			if l != nil || err == nil || errors.As(err, &busy) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%s, %s: %v, %v", client, path, l, err)
			}
		}
		if _, err := take(t.Context(), filepath.Join(dir, "x.lock"), 0); err == nil {
			t.Errorf("%s: asked for without a pause", client)
		}
	}
	if left := names(t, dir); !slices.Equal(left, []string{"file.lock", "folder.lock"}) {
		t.Errorf("left behind: %q", left)
	}
}

// As MSAL does at its release.
func TestALockFileIsRemovedWhereItsClientRemovesIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lockfile")
	l, err := take(t.Context(), "removed", path)
	if err != nil {
		t.Fatal(err)
	}
	other, err := take(soon(t), "file", path)
	wantBusy(t, other, err, path)
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the release: %v", err)
	}
	// What is not ours any more stays.
	if l, err = take(t.Context(), "removed", path); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		return // nobody can take it from us
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); !errors.Is(err, ErrLost) {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Error(err)
	}
}
