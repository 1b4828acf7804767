//go:build e2e && linux

package refresher_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"lamplighter/refresher/authtest"
)

// pastes runs a sign-in of the real program, and is the person at the browser.
func (l *lab) pastes(t *testing.T, cmd *exec.Cmd) error {
	t.Helper()
	cmd.Env = l.environ()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	words, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	overdue := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer overdue.Stop()
	for lines := bufio.NewScanner(words); lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "http") {
			continue
		}
		r, err := http.NewRequest(http.MethodGet, lines.Text(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		io.WriteString(in, resp.Header.Get("Location")+"\n")
	}
	return cmd.Wait()
}

// The real program is killed in place of every system call of a sign-in that
// changes a file. What stands in the journal lands; else the entry is as it was.
// The one loss is that of the write which journals the answer: nobody can have
// kept it.
func TestASignInKilledAtEverySystemCallThatChangesAFile(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace")
	}
	for _, call := range []string{"fallocate", "pwrite64", "write", "fsync", "ftruncate", "renameat2", "renameat", "unlinkat", "flock", "fchmod"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			landed, unknown := 0, 0
			for n := 1; ; n++ {
				s := authtest.New(t, authtest.Options{})
				l := realLab(t)
				g := l.one(s, authtest.GrantOptions{AccessLeft: 8 * time.Hour})
				before := l.read(codexStore...)
				err := l.pastes(t, exec.Command(strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:error=EIO:signal=KILL:when=%d", call, n),
					program(t), "login", "linear", "--no-browser"))
				if err == nil {
					if n == 1 {
						t.Skip("it makes no such call")
					}
					t.Logf("killed at %d calls: landed after %d, the answer not yet in the journal at %d", n-1, landed, unknown)
					return
				}
				l.restart()
				journaled := false
				for _, r := range l.pending() {
					journaled = journaled || r.Answer != nil
				}
				signedIn := len(s.Grants()) > 1
				l.runs(t, 0, "refresh", "--within", "15m")
				switch after := l.read(codexStore...); {
				case journaled:
					l.wantStored(s, newest(s).ID, linear)
					landed++
				case after == before:
					if signedIn {
						unknown++
						if call != "pwrite64" {
							t.Errorf("killed at %s %d: the server has answered, and nobody has the answer", call, n)
						}
					}
				default: // it had got through
					l.wantStored(s, newest(s).ID, linear)
				}
				if !json.Valid([]byte(l.read(codexStore...))) {
					t.Fatalf("killed at %s %d: the store is torn", call, n)
				}
				if err := l.pastes(t, exec.Command(program(t), "login", "linear", "--no-browser")); err != nil {
					t.Errorf("killed at %s %d: no sign-in afterwards: %v", call, n, err)
				}
				l.wantStored(s, newest(s).ID, linear)
				l.wantPosts(s, g.ID, 0)
				l.runs(t, 0, "refresh", "linear")
				l.wantStored(s, newest(s).ID, linear)
				l.wantQuiet()
				if broken := s.Check(); broken != nil || t.Failed() {
					t.Fatalf("killed at %s %d: %s", call, n, strings.Join(broken, "; "))
				}
			}
		})
	}
}
