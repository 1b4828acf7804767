package clientlock

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// claude are the options of Claude Code's refresh lock, asked for less often
// so that simulated hours stay cheap.
var claude = DirOptions{Stale: 60 * time.Second, Heartbeat: 5 * time.Second, Retry: 250 * time.Millisecond}

// foreign makes the lock of a client that touched it last that long ago.
func foreign(t *testing.T, age time.Duration) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.lock")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	setAge(t, path, age)
	return path
}

func setAge(t *testing.T, path string, age time.Duration) {
	t.Helper()
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func stat(t *testing.T, path string) fs.FileInfo {
	t.Helper()
	info, err := look(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func patience(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestAHeldDirectoryNeverLooksStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "x.lock")
		l, err := Dir(t.Context(), path, claude)
		if err != nil {
			t.Fatal(err)
		}
		for range 600 {
			time.Sleep(time.Second)
			if age := time.Since(stat(t, path).ModTime()); age < 0 || age > claude.Heartbeat {
				t.Fatalf("its age is %v with a heartbeat of %v", age, claude.Heartbeat)
			}
		}
		other, err := Dir(patience(t, time.Hour), path, claude)
		wantBusy(t, other, err, path)
		if err := l.Check(); err != nil {
			t.Error(err)
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after the release: %v", err)
		}
	})
}

func TestTheSignOfLifeIsInTheMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := foreign(t, 20*time.Second)
		_, err := Dir(patience(t, time.Second), path, claude)
		want := time.Now().Add(-21 * time.Second).Format(time.DateTime)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %s", err, want)
		}
	})
}

func TestWhatIsNoLockDirectoryIsAnError(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file.lock")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.lock")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Skip(err)
	}
	for path, want := range map[string]string{
		file:                                 "not a directory",
		link:                                 "not a directory",
		filepath.Join(dir, "none", "x.lock"): "folder does not exist",
		filepath.Join(file, "x.lock"):        "folder does not exist",
	} {
		l, err := Dir(t.Context(), path, claude)
		if err == nil {
			l.Release()
		}
		var busy *BusyError
		if err == nil || errors.As(err, &busy) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
		if strings.Count(err.Error(), path) > 1 {
			t.Errorf("%q names the path twice", err)
		}
	}
}

func TestALostDirectoryIsFoundOutAndLeftAlone(t *testing.T) {
	lose := map[string]func(t *testing.T, path string){
		"removed": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"taken over": func(t *testing.T, path string) { // the new one may get the old one's number
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
			setAge(t, path, -400*time.Millisecond)
		},
		"replaced by one of the same time": func(t *testing.T, path string) {
			at := stat(t, path).ModTime()
			if err := os.Rename(path, path+".x"); err != nil { // kept, so that its number is not given again
				t.Fatal(err)
			}
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		},
		"touched by another": func(t *testing.T, path string) { setAge(t, path, 3*time.Second) },
	}
	for name, f := range lose {
		for _, late := range []bool{false, true} { // noticed by Check, or by the heartbeat
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					path := filepath.Join(t.TempDir(), "x.lock")
					l, err := Dir(t.Context(), path, claude)
					if err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					f(t, path)
					before, _ := look(path)
					if late {
						time.Sleep(time.Hour)
					}
					if err := l.Check(); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), path) {
						t.Errorf("Check: %v, want ErrLost", err)
					}
					if err := l.Release(); !errors.Is(err, ErrLost) {
						t.Errorf("Release: %v, want ErrLost", err)
					}
					after, _ := look(path)
					if (before == nil) != (after == nil) || before != nil && !unchanged(before, after) {
						t.Errorf("another's lock was touched: %v, then %v", before, after)
					}
				})
			})
		}
	}
}

func TestALostLockStaysLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "x.lock")
		l, err := Dir(t.Context(), path, claude)
		if err != nil {
			t.Fatal(err)
		}
		ours := stat(t, path).ModTime()
		if err := os.Rename(path, path+".x"); err != nil {
			t.Fatal(err)
		}
		if err := l.Check(); !errors.Is(err, ErrLost) {
			t.Fatal(err)
		}
		if err := os.Rename(path+".x", path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := l.Check(); !errors.Is(err, ErrLost) {
			t.Errorf("Check: %v", err)
		}
		if err := l.Release(); !errors.Is(err, ErrLost) {
			t.Errorf("Release: %v", err)
		}
		if !stat(t, path).ModTime().Equal(ours) {
			t.Error("a lost lock was touched")
		}
	})
}

func TestALateHeartbeatIsMadeUpForByCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "x.lock")
		l, err := makeDir(path, claude) // no heartbeat, as after a night's sleep
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(8 * time.Hour)
		if err := l.check(); err != nil {
			t.Fatal(err)
		}
		if age := time.Since(stat(t, path).ModTime()); age != 0 {
			t.Errorf("its age is %v", age)
		}
	})
}
