package watch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inNamespace runs the rest of the test in a process with user and mount
// namespaces of its own, as this user there: root, to whom mounts and limits
// are open, or one without any privilege. It reports whether this is that
// process; the other one is done.
func inNamespace(t *testing.T, uid int) bool {
	t.Helper()
	if os.Getenv("WATCH_TEST_NAMESPACE") == t.Name() {
		return true
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v")
	cmd.Env = append(os.Environ(), "WATCH_TEST_NAMESPACE="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		t.Fatalf("%v\n%s", err, out)
	case err != nil:
		t.Skip("no namespaces here: ", err)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	}
	return false
}

func TestWhereInotifyIsUsedUpPollCarriesOn(t *testing.T) {
	for _, limit := range []string{"max_inotify_instances", "max_inotify_watches"} {
		t.Run(limit, func(t *testing.T) {
			if !inNamespace(t, 0) {
				return
			}
			limit := filepath.Join("/proc/sys/user", limit)
			if err := os.WriteFile(limit, []byte("0"), 0); err != nil {
				t.Skip("the limit cannot be set: ", err)
			}
			path := filepath.Join(real(t), "store")
			w, err := New(quiet)
			must(t, err)
			defer w.Close()
			w.Set([]string{path})
			signalled(t, w, "a Set that could not watch")
			if err := w.Err(); err == nil || !strings.Contains(err.Error(), "polling only") || !strings.Contains(err.Error(), "raise fs.inotify.max_user_") {
				t.Fatalf("Err: %v", err)
			}

			write(t, path, "one")
			silent(t, w, "a write that nobody reports")
			w.Poll()
			signalled(t, w, "Poll")
			w.Poll()
			silent(t, w, "a Poll that finds nothing")

			must(t, os.WriteFile(limit, []byte("100"), 0))
			w.Poll()
			if err := w.Err(); err != nil {
				t.Fatalf("after the limit was raised: %v", err)
			}
			write(t, path, "two")
			signalled(t, w, "a write")
		})
	}
}

func TestADirectoryUnderTwoPathsIsWatchedForBoth(t *testing.T) {
	if !inNamespace(t, 0) {
		return
	}
	home := real(t)
	one, two := filepath.Join(home, "one"), filepath.Join(home, "two")
	must(t, os.Mkdir(one, 0o700), os.Mkdir(two, 0o700))
	if err := syscall.Mount(one, two, "", syscall.MS_BIND, ""); err != nil {
		t.Skip("no bind mounts here: ", err)
	}
	a, b := filepath.Join(one, "a"), filepath.Join(two, "b")
	w := watching(t, a, b)
	for _, path := range []string{a, b, filepath.Join(one, "b"), filepath.Join(two, "a")} {
		write(t, path, "x")
		signalled(t, w, "a write to "+path)
		settle(w)
	}

	must(t, syscall.Unmount(two, syscall.MNT_DETACH))
	w.Poll()
	settle(w)
	write(t, b, "x")
	signalled(t, w, "a write where the mount was")
}

func TestPollSeesAChangeInALowerLayer(t *testing.T) {
	if !inNamespace(t, 0) {
		return
	}
	home := real(t)
	for _, dir := range []string{"lower", "upper", "work", "merged"} {
		must(t, os.Mkdir(filepath.Join(home, dir), 0o700))
	}
	lower, path := filepath.Join(home, "lower", "store"), filepath.Join(home, "merged", "store")
	write(t, lower, "one")
	options := "userxattr,lowerdir=" + home + "/lower,upperdir=" + home + "/upper,workdir=" + home + "/work"
	if err := syscall.Mount("overlay", filepath.Dir(path), "overlay", 0, options); err != nil {
		t.Skip("no overlays here: ", err)
	}
	defer syscall.Unmount(filepath.Dir(path), syscall.MNT_DETACH)
	w := watching(t, path)
	write(t, lower, "three")
	silent(t, w, "a write below")
	w.Poll()
	signalled(t, w, "Poll")
}

// A mount that went and came back has the same inode, and inotify ended the
// watch without a word that reaches us.
func TestPollRenewsAWatchThatAnUnmountEnded(t *testing.T) {
	if !inNamespace(t, 0) {
		return
	}
	home := real(t)
	store := filepath.Join(home, "store")
	mount := func() {
		if err := syscall.Mount("tmpfs", home, "tmpfs", 0, ""); err != nil {
			t.Skip("no tmpfs here: ", err)
		}
	}
	mount()
	w := watching(t, store)
	must(t, syscall.Unmount(home, 0))
	mount()
	w.Poll()
	settle(w)
	write(t, store, "one")
	signalled(t, w, "a write")
	must(t, syscall.Unmount(home, syscall.MNT_DETACH))
}

func TestAnIdleWatcherStartsNoTimer(t *testing.T) {
	path := filepath.Join(real(t), "store")
	w := watching(t, path)
	write(t, filepath.Join(filepath.Dir(path), "other"), "x")
	time.Sleep(5 * quiet)
	w.Poll()
	w.lull.mu.Lock()
	defer w.lull.mu.Unlock()
	if w.lull.timer != nil {
		t.Error("a timer was started for a name that concerns nobody")
	}
}

func TestADirectoryThatMayNotBeReadIsSaid(t *testing.T) {
	if !inNamespace(t, 1000) {
		return
	}
	dir := filepath.Join(real(t), "closed")
	must(t, os.Mkdir(dir, 0o300))
	w, err := New(quiet)
	must(t, err)
	defer w.Close()
	path := filepath.Join(dir, "store")
	w.Set([]string{path})
	signalled(t, w, "a Set that could not watch")
	if err := w.Err(); err == nil || !strings.Contains(err.Error(), dir) || !errors.Is(err, syscall.EACCES) {
		t.Errorf("Err: %v", err)
	}
	write(t, path, "one")
	w.Poll()
	signalled(t, w, "Poll")
	settle(w)
	must(t, os.Chmod(dir, 0o700))
	w.Poll()
	if err := w.Err(); err != nil {
		t.Errorf("when it may be read: %v", err)
	}
}

func TestADirectoryThatMovedAwayKeepsNoWatch(t *testing.T) {
	home := real(t)
	path := filepath.Join(home, "a", "b", "store")
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	w := watching(t, path)
	info, err := os.Stat(filepath.Dir(path))
	must(t, err)
	watched := func() bool {
		ino := fmt.Sprintf(" ino:%x ", info.Sys().(*syscall.Stat_t).Ino)
		fds, err := filepath.Glob("/proc/self/fdinfo/*")
		must(t, err)
		for _, fd := range fds {
			if b, _ := os.ReadFile(fd); strings.Contains(string(b), ino) {
				return true
			}
		}
		return false
	}
	if !watched() {
		t.Fatal("the kernel does not list the watch")
	}
	must(t, os.Rename(filepath.Join(home, "a"), filepath.Join(home, "old")))
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	w.Poll()
	if watched() {
		t.Error("the directory that moved away is still watched")
	}
}

func TestADirectoryMovedAndRemovedBeforeWeLookIsFollowed(t *testing.T) {
	home := real(t)
	dir := filepath.Join(home, ".codex")
	path := filepath.Join(dir, "store")
	must(t, os.Mkdir(dir, 0o700))
	w := watching(t, path)
	func() {
		w.mu.Lock() // the reader waits at the first event
		defer w.mu.Unlock()
		write(t, path, "one")
		time.Sleep(5 * quiet)
		must(t, os.Rename(dir, dir+".bak"), os.RemoveAll(dir+".bak"))
	}()
	signalled(t, w, "the directory went")
	settle(w)
	must(t, os.Mkdir(dir, 0o700))
	write(t, path, "two")
	signalled(t, w, "it came back")
	if err := w.Err(); err != nil {
		t.Error(err)
	}
}

// Files in the memory of this computer are changed by nobody unseen; those of
// a file system that is not known may be.
func TestWhereOthersMayWriteUnseenIsBlind(t *testing.T) {
	w, err := New(quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	dir, err := os.MkdirTemp("/dev/shm", "lamplighter-")
	if err != nil {
		t.Skip("no memory to put files into: ", err)
	}
	defer os.RemoveAll(dir)
	w.Set([]string{filepath.Join(dir, "store")})
	if w.Blind() || w.Err() != nil {
		t.Errorf("blind: %v", w.Err())
	}
	w.Set([]string{filepath.Join(dir, "store"), "/proc/self/status"})
	if !w.Blind() {
		t.Error("not blind for a file that the kernel makes up")
	}
}
