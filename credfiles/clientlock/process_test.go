package clientlock

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The test binary plays the other process when this variable names a part.
const partVar = "CLIENTLOCK_TEST_PART"

func TestMain(m *testing.M) {
	if part := os.Getenv(partVar); part != "" {
		if err := play(part, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

var (
	fileOpts = FileOptions{Mode: 0o644, FolderMode: 0o755, Retry: time.Millisecond}
	dirOpts  = DirOptions{Stale: 60 * time.Second, Heartbeat: 5 * time.Second, Retry: time.Millisecond}
)

// theirs are the clients by their own protocols.
var theirs = map[string]func(path string) (release func() error, err error){"opencode": opencode, "cline": cline, "qwen": qwen}

// ours is the kind of lock that keeps a client out.
var ours = map[string]func(ctx context.Context, path string, retry time.Duration) (*Lock, error){
	"opencode": func(ctx context.Context, path string, retry time.Duration) (*Lock, error) {
		opts := filled["opencode"]
		opts.Retry = retry
		return Filled(ctx, path, opts)
	},
	"cline": func(ctx context.Context, path string, retry time.Duration) (*Lock, error) {
		opts := filled["cline"]
		opts.Retry = retry
		return Filled(ctx, path, opts)
	},
	"qwen": func(ctx context.Context, path string, retry time.Duration) (*Lock, error) {
		opts := exclusive
		opts.Retry = retry
		return Exclusive(ctx, path, opts)
	},
}

// take takes the lock of the kind that a part's name begins with.
func take(ctx context.Context, kind, path string) (*Lock, error) {
	switch kind {
	case "file":
		return File(ctx, path, fileOpts)
	case "shared":
		opts := fileOpts
		opts.Shared = true
		return File(ctx, path, opts)
	case "removed":
		opts := fileOpts
		opts.Remove = true
		return File(ctx, path, opts)
	}
	if take := ours[kind]; take != nil {
		return take(ctx, path, time.Millisecond)
	}
	return Dir(ctx, path, dirOpts)
}

func play(part string, args []string) error {
	kind, act, _ := strings.Cut(part, "-")
	switch act {
	case "hold": // path: takes the lock, says so, keeps it until stdin ends
		l, err := take(context.Background(), kind, args[0])
		if err != nil {
			return err
		}
		fmt.Println("locked")
		io.Copy(io.Discard, os.Stdin)
		return l.Release()
	case "count", "client": // path, counter, times
		take := func() (check, release func() error, err error) {
			l, err := take(context.Background(), kind, args[0])
			if err != nil {
				return nil, nil, err
			}
			return l.Check, l.Release, nil
		}
		if act == "client" {
			take = func() (check, release func() error, err error) {
				release, err = theirs[kind](args[0])
				return func() error { return nil }, release, err
			}
		}
		times, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		for range times {
			if err := countOne(take, args[1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// countOne adds one to the number in a file, in a way that loses counts if
// two do it at once.
func countOne(take func() (check, release func() error, err error), counter string) error {
	check, release, err := take()
	if err != nil {
		return err
	}
	b, err := os.ReadFile(counter)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(b))
	if err != nil {
		return err
	}
	if err := os.WriteFile(counter, []byte(strconv.Itoa(n+1)), 0o600); err != nil {
		return err
	}
	if err := check(); err != nil {
		return err
	}
	return release()
}

func command(t *testing.T, part string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), partVar+"="+part)
	cmd.Stderr = os.Stderr
	return cmd
}

// A peer is another process that holds a lock.
type peer struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// hold starts cmd and waits until it has said that it holds its lock.
func hold(t *testing.T, cmd *exec.Cmd) *peer {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &peer{cmd, stdin}
	t.Cleanup(p.kill)
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	return p
}

// release lets the peer give its lock back and waits for its end.
func (p *peer) release(t *testing.T) {
	t.Helper()
	p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the other process: %v", err)
	}
}

// kill ends the peer without giving it a chance to release.
func (p *peer) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// contend lets twelve processes count under a lock; every other one is the
// client by its own protocol, where we have that.
func contend(t *testing.T, kind string) {
	const processes, times = 12, 200
	dir := t.TempDir()
	path, counter := dir+"/x.lock", dir+"/counter"
	if err := os.WriteFile(counter, []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	var all []*exec.Cmd
	for i := range processes {
		part := kind + "-count"
		if theirs[kind] != nil && i%2 == 1 {
			part = kind + "-client"
		}
		cmd := command(t, part, path, counter, strconv.Itoa(times))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	for _, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Errorf("a contender: %v", err)
		}
	}
	b, err := os.ReadFile(counter)
	if err != nil {
		t.Fatal(err)
	}
	if want := strconv.Itoa(processes * times); string(b) != want {
		t.Errorf("the counter is %s, want %s: updates were lost", b, want)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]int{"file": 2}[kind]; len(left) != max(1, want) {
		t.Errorf("left behind: %v", left)
	}
}

func TestTwelveProcessesLoseNoUpdateUnderAFileLock(t *testing.T)          { contend(t, "file") }
func TestTwelveProcessesLoseNoUpdateUnderAFileThatIsRemoved(t *testing.T) { contend(t, "removed") }
func TestTwelveProcessesLoseNoUpdateUnderADirLock(t *testing.T)           { contend(t, "dir") }
func TestOpencodeAndWeLoseNoUpdate(t *testing.T)                          { contend(t, "opencode") }
func TestClineAndWeLoseNoUpdate(t *testing.T)                             { contend(t, "cline") }
func TestQwenAndWeLoseNoUpdate(t *testing.T)                              { contend(t, "qwen") }
