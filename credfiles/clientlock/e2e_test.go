//go:build e2e

package clientlock

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// modules is where node finds proper-lockfile.
var modules string

// TestWithProperLockfile runs against the real npm package, whose protocol
// Claude Code's locks follow.
func TestWithProperLockfile(t *testing.T) {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s here", tool)
		}
	}
	dir := t.TempDir()
	npm := exec.Command("npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--silent", "proper-lockfile@4.1.2")
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm: %v: %s", err, out)
	}
	modules = filepath.Join(dir, "node_modules")

	t.Run("it waits for us", itWaitsForUs)
	t.Run("we wait for it", weWaitForIt)
	t.Run("our heartbeat keeps it out", ourHeartbeatKeepsItOut)
	t.Run("it takes over from our killed holder", itTakesOverFromOurKilledHolder)
	t.Run("we take over from its killed holder", weTakeOverFromItsKilledHolder)
	t.Run("its take-over is found out and respected", itsTakeOverIsFoundOutAndRespected)
	t.Run("it and we lose no update", itAndWeLoseNoUpdate)
}

func node(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("node", append([]string{"testdata/peer.js"}, args...)...)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	return cmd
}

func wantLocked(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("proper-lockfile: %v, %s, want exit status 3", err, out)
	}
}

func wantFree(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("proper-lockfile: %v, %s", err, out)
	}
}

func itWaitsForUs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	l := must(t, "dir", path)
	wantLocked(t, node(t, "try", path, "60000", "0"))
	waiting := node(t, "try", path, "60000", "2000")
	if err := waiting.Start(); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	if err := waiting.Wait(); err != nil {
		t.Errorf("proper-lockfile did not get the lock that we released: %v", err)
	}
}

func weWaitForIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	other := hold(t, node(t, "hold", path, "60000"))
	l, err := take(soon(t), "dir", path)
	wantBusy(t, l, err, path)
	other.release(t)
	must(t, "dir", path)
}

func ourHeartbeatKeepsItOut(t *testing.T) {
	opts := DirOptions{Stale: 2 * time.Second, Heartbeat: 500 * time.Millisecond, Retry: time.Millisecond}
	path := filepath.Join(t.TempDir(), "x.lock")
	l, err := Dir(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	wantLocked(t, node(t, "try", path, "2000", "1000")) // asks for at least 5 s
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

func itTakesOverFromOurKilledHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	hold(t, command(t, "dir-hold", path)).kill()
	setAge(t, path, 50*time.Second)
	wantLocked(t, node(t, "try", path, "60000", "0"))
	setAge(t, path, 61*time.Second)
	wantFree(t, node(t, "try", path, "60000", "0"))
}

func weTakeOverFromItsKilledHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	hold(t, node(t, "hold", path, "60000")).kill()
	opts := dirOpts
	opts.Heartbeat = 20 * time.Millisecond
	setAge(t, path, 61*time.Second) // stale for it, not yet for us
	l, err := Dir(soon(t), path, opts)
	wantBusy(t, l, err, path)
	setAge(t, path, 66*time.Second)
	if l, err = Dir(t.Context(), path, opts); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

func itsTakeOverIsFoundOutAndRespected(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	l, err := makeDir(path, dirOpts) // no heartbeat, as if we were stopped
	if err != nil {
		t.Fatal(err)
	}
	go l.heartbeat()
	setAge(t, path, time.Hour)
	l.mu.Lock()
	l.ours = stat(t, path)
	l.mu.Unlock()
	other := hold(t, node(t, "hold", path, "60000"))
	if err := l.check(); !errors.Is(err, ErrLost) {
		t.Errorf("Check: %v, want ErrLost", err)
	}
	if err := l.release(); !errors.Is(err, ErrLost) {
		t.Errorf("Release: %v, want ErrLost", err)
	}
	wantLocked(t, node(t, "try", path, "60000", "0"))
	other.release(t)
}

func itAndWeLoseNoUpdate(t *testing.T) {
	const each, times = 4, 100
	dir := t.TempDir()
	path, counter := filepath.Join(dir, "x.lock"), filepath.Join(dir, "counter")
	if err := os.WriteFile(counter, []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	var all []*exec.Cmd
	for range each {
		n := strconv.Itoa(times)
		all = append(all, command(t, "dir-count", path, counter, n), node(t, "count", path, "60000", counter, n))
	}
	for _, cmd := range all {
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Errorf("a contender: %v", err)
		}
	}
	if b, err := os.ReadFile(counter); err != nil || string(b) != strconv.Itoa(2*each*times) {
		t.Errorf("the counter is %s, %v, want %d", b, err, 2*each*times)
	}
}
