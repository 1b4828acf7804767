//go:build unix

package credfiles

import (
	"io/fs"
	"os"
	"syscall"
	"testing"
)

// regroup gives a file to another group, where we may, and says which it has.
func regroup(t testing.TB, name string) int {
	t.Helper()
	if os.Geteuid() == 0 {
		if err := os.Chown(name, -1, 4242); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return groupOf(info)
}

func groupOf(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Gid) }

func TestAnotherOwnersStoreIsOnlyWatched(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	for _, c := range clients {
		l := realLab(t, c)
		l.must(os.Chown(l.path(l.file()), 4242, 4242))
		for _, cred := range l.scan() {
			if cred.Path == l.path(l.file()) && cred.WatchOnly != ForeignOwner {
				t.Errorf("%s is watch-only %q", cred.ID, cred.WatchOnly)
			}
		}
	}
}
