package credfiles

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"
)

// asNobody runs f without root's access to files. Only this thread's changes,
// which ends with the goroutine.
func asNobody(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if os.Geteuid() == 0 {
			unix.RawSyscall(unix.SYS_SETFSGID, 65534, 0, 0)
			unix.RawSyscall(unix.SYS_SETFSUID, 65534, 0, 0)
		}
		f()
	}()
	<-done
}

// open lets everybody reach a folder of the test's.
func open(t testing.TB, dir string) {
	t.Helper()
	for ; strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAStoreThatMayNotBeReadIsAProblem(t *testing.T) {
	for _, c := range clients {
		l := realLab(t, c)
		open(t, l.dir)
		for name, row := range map[string]struct{ store, folder os.FileMode }{
			"the store":  {0o000, 0o755},
			"its folder": {0o600, 0o000},
		} {
			l.must(os.Chmod(l.path(l.file()), row.store))
			l.must(os.Chmod(l.dir, row.folder))
			asNobody(func() {
				all, problems := l.store().Scan(context.Background())
				if len(all) != 0 || len(problems) != 1 || problems[0].Kind != Denied {
					t.Errorf("%s, %s: %v, %v", c.name, name, all, problems)
				}
			})
			l.must(os.Chmod(l.dir, 0o755))
		}
	}
}

// What could not be written is found before anything is at stake.
func TestAStoreThatMayNotBeWrittenIsFoundByReady(t *testing.T) {
	for _, c := range clients {
		for name, row := range map[string]struct {
			store, folder os.FileMode
			owner         int
			kind          ProblemKind
		}{
			"the folder is closed":       {0o666, 0o755, 65534, Folder},
			"the store is closed":        {0o444, 0o777, 0, Denied},
			"the store is somebody else": {0o666, 0o777, 0, Owner},
		} {
			if os.Geteuid() != 0 {
				t.Skip("only root can give files away")
			}
			l := realLab(t, c)
			open(t, l.dir)
			old := l.one("lab")
			// The locks can be had: the grant lock where everybody may make it.
			l.must(os.MkdirAll(l.path("mcp-oauth-locks"), 0o777))
			l.must(os.Chmod(l.path("mcp-oauth-locks"), 0o777))
			l.must(os.Chmod(l.path(l.file()), row.store))
			l.must(os.Chown(l.path(l.file()), row.owner, row.owner))
			before := l.get(l.file())
			h, err := l.store().Hold(context.Background(), old)
			l.must(err)
			l.must(os.Chmod(filepath.Dir(l.path(l.file())), row.folder))
			asNobody(func() {
				var p *Problem
				if err := h.Ready(); !errors.As(err, &p) || p.Kind != row.kind || p.Store != l.path(l.file()) {
					t.Errorf("%s, %s: %v", c.name, name, err)
				}
				if _, err := h.Write(context.Background(), old, fresh("x"), noImage); !errors.As(err, &p) {
					t.Errorf("%s, %s: Write: %v", c.name, name, err)
				}
			})
			l.must(h.Close())
			equal(t, name, l.get(l.file()), before)
		}
	}
}

// A lock that cannot be made is no reason to go without.
func TestALockThatCannotBeMadeIsAProblem(t *testing.T) {
	for _, c := range clients {
		if c.grantLock == nil {
			continue
		}
		l := realLab(t, c)
		open(t, l.dir)
		old := l.one("lab")
		l.must(os.Chmod(l.path(l.file()), 0o666))
		dir := filepath.Dir(l.path(l.file()))
		l.must(os.Chmod(dir, 0o555))
		t.Cleanup(func() { os.Chmod(dir, 0o755) })
		asNobody(func() {
			var p *Problem
			if _, err := l.store().Hold(context.Background(), old); !errors.As(err, &p) || p.Kind != Folder {
				t.Errorf("%s: %v", c.name, err)
			}
		})
	}
}

// Nobody waits for the other end of a pipe.
func TestAPipeIsAProblem(t *testing.T) {
	for _, c := range clients {
		synctest.Test(t, func(t *testing.T) {
			l := realLab(t, c)
			l.must(os.Remove(l.path(l.file())))
			l.must(unix.Mkfifo(l.path(l.file()), 0o600))
			refused(l, NotRegular)
			l = realLab(t, c)
			for _, name := range []string{"config.toml", claudeMarks, filepath.Join("..", ".claude.json")} {
				os.Remove(l.path(name))
				l.must(unix.Mkfifo(l.path(name), 0o600))
			}
			all, _ := l.look()
			if len(all) != 2 {
				t.Errorf("%s: %d credentials", c.name, len(all))
			}
		})
	}
}

func TestAConfigThatCannotBeReadBlocksAndSaysWhy(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"folder":   func(path string) error { return os.Mkdir(path, 0o700) },
		"dangling": func(path string) error { return os.Symlink("nowhere", path) },
		"closed":   func(path string) error { return os.WriteFile(path, nil, 0o000) },
	} {
		l := realLab(t, &codex)
		open(t, l.dir)
		l.must(os.Chmod(l.path(l.file()), 0o644))
		l.must(os.Remove(l.path("config.toml")))
		l.must(make(l.path("config.toml")))
		asNobody(func() {
			all, problems := l.look()
			if len(problems) != 1 || problems[0].Kind != BadConfig || problems[0].Err == nil || problems[0].Store != l.path("config.toml") {
				t.Errorf("%s: %v", name, problems)
			}
			for _, cred := range all {
				if cred.WatchOnly != ClientConfig {
					t.Errorf("%s: %s is watch-only %q", name, cred.ID, cred.WatchOnly)
				}
			}
		})
	}
}
