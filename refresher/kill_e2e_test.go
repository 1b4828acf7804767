//go:build e2e && linux

package refresher_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"lamplighter/refresher/authtest"
)

// The real program is killed at every system call that changes a file, one
// call further each time, until it gets through: the next start ends with the
// newest token in the store, and no spent one was sent. The server takes a
// value again as long as its successor was not used, so that a lost answer
// loses nothing if it is repeated rightly, and only then.
func TestKilledAtEverySystemCallThatChangesAFile(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace")
	}
	for _, call := range []string{"openat", "fallocate", "pwrite64", "write", "fsync", "ftruncate", "renameat2", "renameat", "unlinkat", "flock", "fchmod"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			for n := 1; ; n++ {
				s := authtest.New(t, authtest.Options{Policy: authtest.Policy{Reuse: authtest.PreviousUntilUsed}})
				l := realLab(t)
				g := l.one(s, due)
				cmd := exec.Command(strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n),
					program(t), "refresh", "--within", "15m")
				cmd.Env = l.environ()
				out, err := cmd.CombinedOutput()
				if strings.Contains(string(out), "ptrace") {
					t.Skipf("cannot trace here: %s", out)
				}
				if err == nil {
					if n == 1 {
						t.Skip("it makes no such call")
					}
					t.Logf("killed at %d calls", n-1)
					return
				}
				l.restart()
				if records := l.pending(); len(records) == 1 && records[0].Answer == nil && !records[0].Sent.Write && s.TokenPosts(g.ID) == 1 {
					s.NotJournaled(s.Last(g.ID).N)
				}
				l.runs(t, 0, "refresh", "--within", "15m")
				l.wantStored(s, g.ID, linear)
				if posts := s.TokenPosts(g.ID); posts > 2 {
					t.Errorf("killed at %s %d: %d POSTs", call, n, posts)
				}
				// Temporary files may be left where nothing was left to do. They go
				// with the next refresh.
				l.runs(t, 0, "refresh", "linear")
				l.wantStored(s, g.ID, linear)
				l.wantQuiet()
				if broken := s.Check(); broken != nil || t.Failed() {
					t.Fatalf("killed at %s %d: %s", call, n, strings.Join(broken, "; "))
				}
			}
		})
	}
}
