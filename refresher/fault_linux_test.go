package refresher_test

// Disks and folders that refuse, on the real thing: what cannot be stored is
// not asked for, and what came is not lost.

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/lab/child"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
)

// fillUp takes all room that is left on a disk, and returns how to give it
// back.
func fillUp(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	return func() { os.Remove(name) }
}

// aside moves a store to a disk of its own, with a link in its place.
func (l *lab) aside(t *testing.T, store []string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	child.Mount(t, "tmpfs", dir, "tmpfs", 0, "mode=700,size=1m")
	name := l.path(store...)
	target := filepath.Join(dir, filepath.Base(name))
	if err := os.WriteFile(target, []byte(l.read(store...)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(name), os.Symlink(target, name)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What cannot be stored is found before the POST, so that nothing is rotated
// that cannot be stored.
func TestWhatCannotBeStoredIsNotAskedFor(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	for what, refuse := range map[string]func(t *testing.T, l *lab, id string) (undo func()){
		"read-only": func(t *testing.T, l *lab, id string) func() {
			dir := l.aside(t, storeOf(id))
			if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
				t.Skip(err)
			}
			return func() { unix.Mount("", dir, "", unix.MS_REMOUNT, "") }
		},
		"full": func(t *testing.T, l *lab, id string) func() { return fillUp(t, l.aside(t, storeOf(id))) },
		"mounted by itself": func(t *testing.T, l *lab, id string) func() {
			name := l.path(storeOf(id)...)
			child.Mount(t, name, name, "", unix.MS_BIND, "")
			if id == linear { // its client writes in place too, so only what is read-only refuses
				unix.Mount("", name, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
			}
			return func() { unix.Unmount(name, 0) }
		},
	} {
		for _, id := range []string{linear, linearC} {
			bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
				g := s.Grant(due)
				l.put(id, g)
				undo := refuse(t, l, id)
				before := l.read(storeOf(id)...)
				for range 3 {
					out := l.refresh(id)
					l.want(out, refresher.Failed, refresher.Retrying)
					var problem *credfiles.Problem
					if out.Why != refresher.TroubleStore || !errors.As(out.Err, &problem) {
						t.Errorf("%s, %s: %s, %v", what, id, out.Why, out.Err)
					}
				}
				if l.read(storeOf(id)...) != before {
					t.Errorf("%s, %s: the store was touched", what, id)
				}
				l.wantPosts(s, g.ID, 0)
				l.wantQuiet()
				undo()
				l.want(l.refresh(id), refresher.Refreshed, refresher.Fresh)
				l.wantPosts(s, g.ID, 1)
				l.wantStored(s, g.ID, id)
			})
		}
	}
}

func TestAFolderThatMayNotBeWrittenIsFoundBeforeThePOST(t *testing.T) {
	if !child.AsNobody(t) {
		return
	}
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		lock := l.lock(l.grantLockPath(linear, g)) // the locks' folder is there and may be written
		lock.Release()
		for name, mode := range map[string]os.FileMode{".codex": 0o555, ".codex/.credentials.json": 0o400} {
			was, err := os.Stat(l.path(name))
			if err != nil {
				t.Fatal(err)
			}
			os.Chmod(l.path(name), mode)
			out := l.refresh(linear)
			l.want(out, refresher.Failed, refresher.Retrying)
			if out.Why != refresher.TroubleStore {
				t.Errorf("%s: %s, %v", name, out.Why, out.Err)
			}
			l.wantPosts(s, g.ID, 0)
			os.Chmod(l.path(name), was.Mode())
		}
		l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
	})
}

// A store that is mounted as a single file is written in place for a client
// that does the same, with the whole of it in the journal first.
func TestAStoreThatIsMountedByItselfIsWrittenInPlaceForCodex(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		old := l.read(codexStore...)
		name := l.path(codexStore...)
		child.Mount(t, name, name, "", unix.MS_BIND, "")
		l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
		l.wantStored(s, g.ID, linear)
		l.wantQuiet()
		l.write(old, codexStore...)
		l.want(l.refresh(linear), refresher.Restored, refresher.Fresh)
		l.wantStored(s, g.ID, linear)
		l.wantPosts(s, g.ID, 1)
		l.wantQuiet()
	})
}

// A write in place that failed may have left half of it: the record stays, and
// with it the store's whole content.
func TestAWriteInPlaceThatFailsLeavesItsImage(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		old := l.read(codexStore...)
		name := l.path(codexStore...)
		child.Mount(t, name, name, "", unix.MS_BIND, "")
		l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
		newest := l.read(codexStore...)
		l.write(old, codexStore...)
		lock := l.lock(l.storeLockPath())
		time.AfterFunc(3*time.Second, func() { // it was found writable by then
			if err := unix.Mount("", name, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
				t.Error(err)
			}
			lock.Release()
		})
		l.want(l.keep(linear), refresher.Failed, refresher.Refreshing)
		if records := l.pending(); len(records) != 1 || string(records[0].Image) != newest {
			t.Errorf("%d records", len(records))
		}
		if err := unix.Mount("", name, "", unix.MS_BIND|unix.MS_REMOUNT, ""); err != nil {
			t.Fatal(err)
		}
		row := l.row(linear)
		l.restart()
		l.write(newest[:len(newest)/2], codexStore...)
		time.Sleep(time.Minute)
		l.Refresh(context.Background(), row, refresher.Options{})
		if l.read(codexStore...) != newest {
			t.Error("it was not mended")
		}
		l.wantPosts(s, g.ID, 1)
		l.wantQuiet()
	})
}

// Where the journal finds no room, nothing is sent.
func TestAFullStateFolderMeansNoPOST(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.state = t.TempDir()
		child.Mount(t, "tmpfs", l.state, "tmpfs", 0, "mode=700,size=4m")
		l.restart()
		g := l.one(s, due)
		before := l.read(codexStore...)
		free := fillUp(t, l.state)
		if err := os.Truncate(filepath.Join(l.state, "ballast"), 3<<20); err != nil { // room for all but a record
			t.Fatal(err)
		}
		out := l.refresh(linear)
		if out.Did != refresher.Failed || out.Err == nil || !strings.Contains(out.Err.Error(), "nothing is sent") {
			t.Errorf("did %s, %v", out.Did, out.Err)
		}
		l.wantPosts(s, g.ID, 0)
		if l.read(codexStore...) != before {
			t.Error("the store was touched")
		}
		l.wantQuiet()
		free()
		l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
	})
}

// unreserve takes from a record the room that was reserved for the answer.
func (l *lab) unreserve(t *testing.T) {
	t.Helper()
	name := filepath.Join(l.state, "journal", l.Ledger.OwnerOf(l.keyOf(codexStore)))
	text, err := os.ReadFile(name)
	if err != nil {
		t.Error(err)
		return
	}
	if err := os.Truncate(name, int64(bytes.IndexByte(text, 0))); err != nil {
		t.Error(err)
	}
}

// A journal that could not take the answer leaves the store as the only place,
// and both are tried until one takes it.
func TestAnAnswerThatTheJournalRefusesIsNotLost(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	for _, storeToo := range []bool{false, true} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			l.state = t.TempDir()
			child.Mount(t, "tmpfs", l.state, "tmpfs", 0, "mode=700,size=4m")
			l.restart()
			g := l.one(s, due)
			l.row(linear)
			var lock *clientlock.Lock
			s.Next(authtest.Token, authtest.Behaviour{BeforeAnswer: func() {
				l.unreserve(t)
				free := fillUp(t, l.state)
				if storeToo {
					lock = l.lock(l.storeLockPath())
					time.AfterFunc(25*time.Second, free)
				} else {
					time.AfterFunc(time.Hour, free)
				}
			}, Shape: authtest.Shape{Pad: 100 << 10}})
			out := l.Refresh(context.Background(), l.row(linear), refresher.Options{})
			if out.Did != refresher.Failed || out.Err == nil {
				t.Errorf("did %s, %v", out.Did, out.Err)
			}
			if storeToo {
				if records := l.pending(); len(records) != 1 || records[0].Answer == nil {
					t.Fatal("nobody has the answer")
				}
				lock.Release()
			} else {
				l.wantStored(s, g.ID, linear)
				time.Sleep(2 * time.Hour)
			}
			l.restart()
			if out := l.refresh(linear); storeToo && out.Did != refresher.Refreshed {
				t.Errorf("did %s, %v", out.Did, out.Err)
			}
			l.wantStored(s, g.ID, linear)
			if storeToo {
				l.wantPosts(s, g.ID, 1)
			}
			l.wantQuiet()
		})
	}
}

// The order of the system calls of one refresh: the request is on the disk
// with its name before it is sent, and the answer before the store changes.
func TestTheDiskHasTheRequestBeforeTheServerAndTheAnswerBeforeTheStore(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace")
	}
	s := authtest.New(t, authtest.Options{})
	l := realLab(t)
	g := l.one(s, due)
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command(strace, "-f", "-yy", "-s", "24", "-o", trace, "-e", "trace=openat,fallocate,pwrite64,write,fsync,connect,renameat2,unlinkat",
		program(t), "refresh", "--within", "15m")
	cmd.Env = l.environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("cannot trace here: %v: %s", err, out)
	}
	l.wantStored(s, g.ID, linear)
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct{ what, call, on string }{
		{"room reserved", "fallocate(", "/journal/"},
		{"the request written", "pwrite64(", "/journal/"},
		{"the request on disk", "fsync(", "/journal/"},
		{"its name on disk", "fsync(", "/journal>"},
		{"the request sent", "write(", "POST /oauth/token"},
		{"the answer written", "pwrite64(", "/journal/"},
		{"the answer on disk", "fsync(", "/journal/"},
		{"the new store on disk", "fsync(", "/.codex/"},
		{"the store exchanged", "renameat2(", "/.codex/.credentials.json"},
		{"its name on disk", "fsync(", "/.codex>"},
		{"the record ended", "unlinkat(", "/journal/"},
	}
	next := 0
	for line := range strings.Lines(string(text)) {
		if step := steps[min(next, len(steps)-1)]; next < len(steps) && strings.Contains(line, step.call) && strings.Contains(line, step.on) {
			next++
		} else if next < 4 && (strings.Contains(line, "POST /oauth/token")) {
			t.Fatalf("sent before %s", step.what)
		} else if next < 7 && strings.Contains(line, "renameat2(") && strings.Contains(line, `credentials.json", AT_FDCWD, "`+l.path(codexStore...)+`"`) {
			t.Fatalf("the store changed before %s", step.what)
		}
	}
	if next < len(steps) {
		t.Errorf("not seen in this order: %s\n%s", steps[next].what, text)
	}
}
