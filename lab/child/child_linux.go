package child

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const variable = "LAMPLIGHTER_TEST_CHILD"

// In runs the calling test once more in a process of its own, started with attr
// and env beside its own environment, and reports whether this is that process.
// The other returns with the child's result as its own.
func In(t *testing.T, attr *syscall.SysProcAttr, env ...string) bool {
	t.Helper()
	if os.Getenv(variable) == t.Name() {
		return true
	}
	// Not by its path: a user without rights may not reach the build folder.
	run := "^" + strings.ReplaceAll(regexp.QuoteMeta(t.Name()), "/", "$/^") + "$"
	cmd := exec.Command("/proc/self/exe", "-test.run="+run, "-test.v")
	cmd.Env = append(append(os.Environ(), variable+"="+t.Name()), env...)
	cmd.SysProcAttr = attr
	if attr != nil && attr.Credential != nil {
		cmd.Dir = "/" // nor that of the package
	}
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

// InMounts is In where mounts are private. It needs root, or user namespaces.
func InMounts(t *testing.T, env ...string) bool {
	t.Helper()
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	if !In(t, attr, env...) {
		return false
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Skip("no private mounts here:", err)
	}
	return true
}

// AsNobody is In without any rights beyond everybody's. It needs root.
func AsNobody(t *testing.T, env ...string) bool {
	t.Helper()
	if os.Getenv(variable) == "" && os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	return In(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}, env...)
}

// Mount mounts until the test ends (mount(2)).
func Mount(t testing.TB, source, target, kind string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		t.Skip("cannot mount:", err)
	}
	t.Cleanup(func() { unix.Unmount(target, unix.MNT_DETACH) })
}
