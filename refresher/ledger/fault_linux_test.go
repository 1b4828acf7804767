package ledger_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"lamplighter/refresher/ledger"
)

// inChild runs the calling test once more in a process of its own and reports
// whether this is that process. The other returns with its result.
func inChild(t *testing.T, attr *syscall.SysProcAttr) bool {
	t.Helper()
	const childVar = "LEDGER_TEST_CHILD"
	if os.Getenv(childVar) == t.Name() {
		return true
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), childVar+"="+t.Name())
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Skipf("needs a process of another kind, which is not permitted here: %v", err)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skipf("%s", out)
	case err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())):
		t.Fatalf("in the other process: %v\n%s", err, out)
	}
	return false
}

// failing makes a system call fail for this process until its end.
func failing(t *testing.T, call uintptr, errno syscall.Errno) {
	t.Helper()
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: uint32(call)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Skip("no seccomp here:", err)
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&filter))); errno != 0 {
		t.Skip("no seccomp here:", errno)
	}
}

// A disk that cannot say that it has the bytes has not got them.
func TestWithoutFsyncNothingCountsAsWritten(t *testing.T) {
	if !inChild(t, nil) {
		return
	}
	dir := t.TempDir()
	a, b := locked(t, dir, "a"), locked(t, dir, "b")
	rec := begin(t, a, sent("a"))
	if err := a.MarkDead(a.Fingerprint(token("z", 1)), 0); err != nil {
		t.Fatal(err)
	}
	failing(t, unix.SYS_FSYNC, unix.EIO)
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
func smallDisk(t *testing.T, size string) (dir string, child bool) {
	t.Helper()
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	if !inChild(t, attr) {
		return "", false
	}
	dir = t.TempDir()
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		err = unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=700,size="+size)
	}
	if err != nil {
		t.Skip("cannot mount:", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
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
	dir, child := smallDisk(t, "4m")
	if !child {
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
	dir, child := smallDisk(t, "4m")
	if !child {
		return
	}
	failing(t, unix.SYS_FALLOCATE, unix.EOPNOTSUPP)
	lk := locked(t, dir, "a")
	rec := begin(t, lk, sent("a"))
	fillUp(t, dir)
	if err := rec.Answered(answer(strings.Repeat("x", 1<<20))); err != nil {
		t.Errorf("the answer was refused: %v", err)
	}
}

// A folder that has become read-only can be looked into, and nothing begins.
func TestAReadOnlyFolderCanBeLookedInto(t *testing.T) {
	dir, child := smallDisk(t, "8m")
	if !child {
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
