package clientlock

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"
)

// soon is a context that ends while another surely still holds the lock.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// must takes a lock that is free.
func must(t *testing.T, kind, path string) *Lock {
	t.Helper()
	l, err := take(t.Context(), kind, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Release() })
	return l
}

func wantBusy(t *testing.T, l *Lock, err error, path string) {
	t.Helper()
	if err == nil {
		l.Release()
	}
	var busy *BusyError
	if !errors.As(err, &busy) || busy.Path != path || busy.Since.IsZero() {
		t.Fatalf("got %v, want a BusyError for %s", err, path)
	}
}

func TestAnotherProcessKeepsUsOut(t *testing.T) {
	for _, kind := range []string{"file", "dir"} {
		t.Run(kind, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.lock")
			other := hold(t, command(t, kind+"-hold", path))
			l, err := take(soon(t), kind, path)
			wantBusy(t, l, err, path)
			other.release(t)
			must(t, kind, path)
		})
	}
}

func TestReadersShareAFileLockAndKeepAWriterOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	other := hold(t, command(t, "shared-hold", path))
	must(t, "shared", path).Release()
	l, err := take(soon(t), "file", path)
	wantBusy(t, l, err, path)
	other.release(t)
	must(t, "file", path)
	l, err = take(soon(t), "shared", path)
	wantBusy(t, l, err, path)
}

func TestWhoAsksOnceDoesNotWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	held, err := File(t.Context(), path, FileOptions{Mode: 0o600, Once: true})
	if err != nil {
		t.Fatal(err)
	}
	busy, err := File(context.Background(), path, FileOptions{Mode: 0o600, Once: true})
	wantBusy(t, busy, err, path)
	held.Release()
	again, err := File(t.Context(), path, FileOptions{Mode: 0o600, Once: true})
	if err != nil {
		t.Fatal(err)
	}
	again.Release()
}

func TestAKilledHolderFreesItsFileLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	hold(t, command(t, "file-hold", path)).kill()
	must(t, "file", path)
}

func TestTheFlockCommandAndWeKeepEachOtherOut(t *testing.T) {
	tool, err := exec.LookPath("flock")
	if err != nil {
		t.Skip("there is no flock command here")
	}
	path := filepath.Join(t.TempDir(), "x.lock")
	other := hold(t, exec.Command(tool, path, "sh", "-c", "echo locked; cat"))
	l, err := take(soon(t), "file", path)
	wantBusy(t, l, err, path)
	other.release(t)

	l = must(t, "file", path)
	var exit *exec.ExitError
	if err := exec.Command(tool, "-n", path, "true").Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("flock -n while we hold the lock: %v, want exit status 1", err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command(tool, "-n", path, "true").Run(); err != nil {
		t.Errorf("flock -n after our release: %v", err)
	}
}

func TestALockFileKeepsItsBytesAndStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	const note = "a client's own note\n"
	if err := os.WriteFile(path, []byte(note), 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	must(t, "file", path).Release()
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(path)
	if !unchanged(before, after) || before.Mode() != after.Mode() || string(b) != note {
		t.Errorf("the lock file was changed: %v, %q", after, b)
	}
}

func TestOnlyTheLastFolderOfALockFileIsMade(t *testing.T) {
	home := t.TempDir()
	l := must(t, "file", filepath.Join(home, "locks", "x.lock"))
	if l.Path() != filepath.Join(home, "locks", "x.lock") {
		t.Errorf("Path is %s", l.Path())
	}
	_, err := take(t.Context(), "file", filepath.Join(home, "no-home", "locks", "x.lock"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "folder does not exist") {
		t.Errorf("a lock below a missing home: %v", err)
	}
	if _, err := os.Stat(filepath.Join(home, "no-home")); err == nil {
		t.Error("a home came into being through a lock")
	}
}

func TestAFolderInPlaceOfALockFileIsAnError(t *testing.T) {
	path := t.TempDir()
	_, err := take(t.Context(), "file", path)
	var busy *BusyError
	if err == nil || errors.As(err, &busy) || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("got %v", err)
	}
}

func TestALockFileThatWasReplacedIsLost(t *testing.T) {
	replace := map[string]func(t *testing.T, path string){
		"removed": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"replaced": func(t *testing.T, path string) {
			if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, f := range replace {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.lock")
			l := must(t, "file", path)
			if err := l.Check(); err != nil {
				t.Fatal(err)
			}
			f(t, path)
			if err := l.Check(); !errors.Is(err, ErrLost) {
				t.Errorf("Check: %v, want ErrLost", err)
			}
			next := must(t, "file", path) // as any client would: the path is free
			if err := l.Release(); !errors.Is(err, ErrLost) {
				t.Errorf("Release: %v, want ErrLost", err)
			}
			if err := next.Check(); err != nil {
				t.Errorf("the next holder's lock: %v", err)
			}
			other, err := take(soon(t), "file", path)
			wantBusy(t, other, err, path)
		})
	}
}

func TestALockOnAFileReplacedMeanwhileDoesNotCount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	l := &fileLock{Flock: flock.New(path, flock.SetPermissions(0o644))}
	ok, err := l.try(func() (bool, error) {
		ok, err := l.TryLock()
		if err := os.Rename(path, path+".old"); err != nil {
			t.Fatal(err)
		}
		return ok, err
	})
	if ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	must(t, "file", path+".old") // it was given back
	if ok, err = l.try(l.TryLock); !ok || err != nil {
		t.Errorf("the next try: %v, %v", ok, err)
	}
	if err := l.release(); err != nil {
		t.Error(err)
	}
}

func TestALockFileThatAppearsAnewIsWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	hold(t, command(t, "file-hold", path))
	go os.Rename(path, path+".old")
	l, err := File(t.Context(), path, fileOpts)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	if err := l.Check(); err != nil {
		t.Error(err)
	}
}

func TestAReleasedLockIsNotOurs(t *testing.T) {
	for _, kind := range []string{"file", "dir"} {
		l := must(t, kind, filepath.Join(t.TempDir(), "x.lock"))
		if err := l.Release(); err != nil {
			t.Errorf("%s: Release: %v", kind, err)
		}
		if err := l.Check(); !errors.Is(err, ErrLost) {
			t.Errorf("%s: Check after Release: %v, want ErrLost", kind, err)
		}
		if err := l.Release(); err != nil {
			t.Errorf("%s: the second Release: %v", kind, err)
		}
	}
}

func TestTheContextDecidesPatience(t *testing.T) {
	for _, kind := range []string{"file", "dir"} {
		synctest.Test(t, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.lock")
			l := must(t, kind, path)
			defer l.Release()
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
			defer cancel()
			other, err := take(ctx, kind, path)
			wantBusy(t, other, err, path)
			if waited := time.Since(start); waited != 7*time.Second {
				t.Errorf("%s: waited %v, want 7s", kind, waited)
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v does not say that the time was up", kind, err)
			}
			if since := start.Format(time.DateTime); !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), since) {
				t.Errorf("%s: %q does not name the path and %s", kind, err, since)
			}

			ended, cancel := context.WithCancel(t.Context())
			cancel()
			free := filepath.Join(t.TempDir(), "free.lock")
			var busy *BusyError
			if _, err := take(ended, kind, free); !errors.Is(err, context.Canceled) || errors.As(err, &busy) {
				t.Errorf("%s: an ended context: %v", kind, err)
			}
			if _, err := os.Stat(free); err == nil {
				t.Errorf("%s: an ended context took the lock", kind)
			}
		})
	}
}
