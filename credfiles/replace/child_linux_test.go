package replace

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lamplighter/lab/child"
)

func bind(t *testing.T, source, target string) {
	t.Helper()
	child.Mount(t, source, target, "", unix.MS_BIND, "")
}

func remountReadOnly(t *testing.T, target string) {
	t.Helper()
	if err := unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skipf("cannot remount: %v", err)
	}
}

// withoutExchange is a file system that cannot exchange files.
var withoutExchange = child.Rule{Call: unix.SYS_RENAMEAT2, Arg: 4, Value: unix.RENAME_EXCHANGE, Answer: unix.SECCOMP_RET_ERRNO | uint32(unix.EINVAL)}

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
