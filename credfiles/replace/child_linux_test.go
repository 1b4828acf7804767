package replace

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

const childEnv = "LAMPLIGHTER_TEST_CHILD"

// inChild runs the calling test once more in a process of its own, started
// with attr, and reports whether this is that process. The other returns with
// the child's result as its own.
func inChild(t *testing.T, attr *syscall.SysProcAttr, env ...string) bool {
	t.Helper()
	if os.Getenv(childEnv) == t.Name() {
		return true
	}
	// Not by its path: a user without rights may not reach the build folder.
	run := "^" + strings.ReplaceAll(regexp.QuoteMeta(t.Name()), "/", "$/^") + "$"
	cmd := exec.Command("/proc/self/exe", "-test.run="+run, "-test.v")
	cmd.Env = append(append(os.Environ(), childEnv+"="+t.Name()), env...)
	cmd.Dir = "/"
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

// inMountNamespace is inChild where mounts are private. It needs root, or user
// namespaces.
func inMountNamespace(t *testing.T, env ...string) bool {
	t.Helper()
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	if !inChild(t, attr, env...) {
		return false
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Skip("no private mounts here:", err)
	}
	return true
}

func mount(t *testing.T, source, target, kind string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		t.Skipf("cannot mount: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(target, unix.MNT_DETACH) })
}

func bind(t *testing.T, source, target string) {
	t.Helper()
	mount(t, source, target, "", unix.MS_BIND, "")
}

func remountReadOnly(t *testing.T, target string) {
	t.Helper()
	if err := unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skipf("cannot remount: %v", err)
	}
}

// asNobody is inChild without any rights beyond everybody's.
func asNobody(t *testing.T, env ...string) bool {
	t.Helper()
	if os.Getenv(childEnv) == "" && os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	return inChild(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}, env...)
}

// A rule says what the kernel answers to a system call.
type rule struct {
	call   uintptr
	arg    int // which argument must have value; 0 is none of them, since the first never matters here
	value  uint32
	answer uint32
}

func fails(call uintptr, errno syscall.Errno) rule {
	return rule{call: call, answer: unix.SECCOMP_RET_ERRNO | uint32(errno)}
}

// withoutExchange is a file system that cannot exchange files.
var withoutExchange = rule{call: unix.SYS_RENAMEAT2, arg: 4, value: unix.RENAME_EXCHANGE, answer: unix.SECCOMP_RET_ERRNO | uint32(unix.EINVAL)}

// restrict makes rules the law for this process until its end (seccomp(2)).
func restrict(t *testing.T, rules ...rule) {
	t.Helper()
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		ret   = unix.BPF_RET | unix.BPF_K
	)
	var program []unix.SockFilter
	for _, r := range rules {
		program = append(program, unix.SockFilter{Code: load, K: 0})
		if r.arg == 0 {
			program = append(program, unix.SockFilter{Code: equal, Jf: 1, K: uint32(r.call)})
		} else {
			low := uint32(16 + 8*r.arg) // of struct seccomp_data, little endian
			program = append(program,
				unix.SockFilter{Code: equal, Jf: 3, K: uint32(r.call)},
				unix.SockFilter{Code: load, K: low},
				unix.SockFilter{Code: equal, Jf: 1, K: r.value})
		}
		program = append(program, unix.SockFilter{Code: ret, K: r.answer})
	}
	program = append(program, unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Skip("no seccomp here:", err)
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&filter)))
	if errno != 0 {
		t.Skip("no seccomp here:", errno)
	}
}

// openToAll makes a folder of the test's own reachable for everybody, up to
// the folder of all temporary files.
func openToAll(t *testing.T, dir string) {
	t.Helper()
	for strings.HasPrefix(dir, os.TempDir()+"/") {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		dir = dir[:strings.LastIndexByte(dir, '/')]
	}
}
