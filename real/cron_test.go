//go:build real && linux

package real

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The line of a crontab, as the README has it, run by a real cron that knows no
// other. Cron sets no PATH to speak of, no terminal and no session.
func TestALineOfACrontab(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("cron runs as root")
	}
	if _, err := exec.LookPath("cron"); err != nil {
		t.Skip(err)
	}
	b := newBench(t)
	before, mark := b.signedIn(codex), b.mark()
	spool := t.TempDir()
	line := fmt.Sprintf("HOME=%s\n* * * * * %s ensure codex/mcp/lab --min-ttl 30m >>\"$HOME/said\" 2>&1 && env >\"$HOME/began\"\n",
		b.home, filepath.Join(os.Getenv(place), "lamplighter"))
	if err := os.WriteFile(filepath.Join(spool, "root"), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	const alone = `mount --bind "$1" /var/spool/cron/crontabs && mount -t tmpfs tmpfs /etc/cron.d && mount --bind /dev/null /etc/crontab &&
		mount -t tmpfs tmpfs /var/run/ && exec cron -f`
	cron := exec.Command("sh", "-c", alone, "sh", spool)
	cron.Env = []string{"PATH=" + os.Getenv("PATH")}
	cron.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	var said strings.Builder
	cron.Stdout, cron.Stderr = &said, &said
	if err := cron.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cron.Process.Kill()
		cron.Wait()
	}()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		if began, err := os.ReadFile(filepath.Join(b.home, "began")); err == nil && len(began) > 0 {
			break
		} else if time.Now().After(deadline) {
			ours, _ := os.ReadFile(filepath.Join(b.home, "said"))
			t.Fatalf("the job did not begin; cron said %q, lamplighter %q", said.String(), ours)
		}
	}
	if posts := refreshes(b.since(mark), ""); len(posts) != 1 || posts[0].agent != "lamplighter" || b.token(codex).Access == before.Access {
		t.Errorf("%s; want one refresh, by lamplighter", b.story(mark))
	}
	if words := b.file("said"); len(words) != 0 { // cron would mail it
		t.Errorf("said %q", words)
	}
}
