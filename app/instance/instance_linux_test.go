package instance

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lamplighter/lab/child"
)

func TestEverythingIsForTheUserAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "state")
	defer syscall.Umask(syscall.Umask(0))
	claim(t, dir)
	folder := filepath.Join(dir, folderName)
	draft, err := leave(t.TempDir(), Request{Do: "show"}) // where nobody takes it
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, folder: 0o700, filepath.Join(dir, lockName): 0o600, draft: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestWhatAnotherUserLeavesHasNoEffect(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	dir := t.TempDir()
	file, err := leave(dir, Request{Do: "effect"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(file, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	i := claim(t, dir)
	ask(t, dir, Request{Do: "last"})
	if r := next(t, i); r.Do != "last" {
		t.Errorf("%+v has an effect", r)
	}
	if err := os.Chown(filepath.Join(dir, folderName), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if Ask(dir, Request{Do: "show"}) == nil {
		t.Error("another user's folder is used")
	}
}

func TestAPipeIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	folder, err := prepare(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(folder, "00000000000000000001-pipe.json"), 0o600); err != nil {
		t.Skip(err)
	}
	i := claim(t, dir)
	ask(t, dir, Request{Do: "last"})
	if r := next(t, i); r.Do != "last" {
		t.Errorf("%+v", r)
	}
}

func TestAFolderThatCannotBeWrittenIsNamed(t *testing.T) {
	if !child.AsNobody(t) {
		return
	}
	for _, err := range []error{func() error { _, err := Claim("/proc/x"); return err }(), Ask("/proc/x", Request{Do: "show"})} {
		if err == nil {
			t.Error("there is no error")
		} else {
			t.Log(err)
		}
	}
}

func TestASystemWithoutWatchesIsNoReasonNotToStart(t *testing.T) {
	if !child.In(t, nil) {
		return
	}
	child.Restrict(t, child.Fails(unix.SYS_INOTIFY_INIT1, unix.EMFILE))
	dir := t.TempDir()
	i := claim(t, dir)
	ask(t, dir, Request{Do: "show"})
	if r := next(t, i); r.Do != "show" {
		t.Errorf("%+v", r)
	}
	ask(t, dir, Request{Do: "again"})
	if r := next(t, i); r.Do != "again" {
		t.Errorf("%+v", r)
	}
}

// A tray that waits for months must not wake the computer.
func TestWaitingWakesNobody(t *testing.T) {
	p := begin(t, "start", t.TempDir(), "x")
	p.line()
	time.Sleep(200 * time.Millisecond) // its start is over
	before := switches(t, p.Process.Pid)
	time.Sleep(2 * time.Second)
	if n := switches(t, p.Process.Pid) - before; n > 4 { // the runtime's own: sysmon, a collection of garbage
		t.Errorf("%d wakeups in 2 s", n)
	}
}

// switches are the times that the threads of a process went to sleep.
func switches(t *testing.T, pid int) (n int) {
	t.Helper()
	threads, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task/*/status"))
	if err != nil || len(threads) == 0 {
		t.Skip("nobody counts here:", err)
	}
	for _, thread := range threads {
		text, _ := os.ReadFile(thread)
		_, rest, _ := strings.Cut(string(text), "\nvoluntary_ctxt_switches:")
		line, _, _ := strings.Cut(rest, "\n")
		count, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Skip("nobody counts here:", err)
		}
		n += count
	}
	return n
}
