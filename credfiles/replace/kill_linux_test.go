package replace

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lamplighter/lab/child"
)

// numbered is a content of some length that says itself whether it is whole.
func numbered(i int) []byte {
	body := strings.Repeat(strconv.Itoa(i)+" ", 1000+i%7*500)
	return fmt.Appendf(nil, "%08x %s", crc32.ChecksumIEEE([]byte(body)), body)
}

func wantWhole(t *testing.T, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum, body, _ := bytes.Cut(got, []byte(" "))
	if len(body) == 0 || string(sum) != fmt.Sprintf("%08x", crc32.ChecksumIEEE(body)) {
		t.Fatalf("the store is not whole: %d bytes", len(got))
	}
}

// wantRepaired asserts that after a crash the store is whole, the leftovers
// go, and nothing hinders the next swap.
func wantRepaired(t *testing.T, path string) (leftovers int) {
	t.Helper()
	wantWhole(t, path)
	leftovers = len(ours(t, filepath.Dir(path)))
	if err := Leftovers(path); err != nil {
		t.Fatal(err)
	}
	wantAlone(t, path)
	target := prepare(t, path, 10_000)
	swap(t, target, string(numbered(0)))
	target.Close()
	wantAlone(t, path)
	return leftovers
}

func TestAKillAtAnyMomentLeavesTheStoreWhole(t *testing.T) {
	if path := os.Getenv("LAMPLIGHTER_TEST_STORE"); path != "" {
		if os.Getenv("LAMPLIGHTER_TEST_RENAME") != "" {
			child.Restrict(t, withoutExchange)
		}
		for i := 1; ; i++ {
			target, err := Prepare(path, 10_000)
			for range i%3 + 1 {
				if err == nil {
					_, err = target.Swap(numbered(i))
				}
			}
			if err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			if i == 1 {
				fmt.Println("at work")
			}
			target.Close()
		}
	}
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	for _, rename := range []string{"", "yes"} {
		path := newStore(t, string(numbered(0)))
		leftovers := 0
		for range rounds {
			cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
			cmd.Env = append(os.Environ(), "LAMPLIGHTER_TEST_STORE="+path, "LAMPLIGHTER_TEST_RENAME="+rename)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			for lines.Scan() && lines.Text() != "at work" {
			}
			time.Sleep(rand.N(3 * time.Millisecond))
			cmd.Process.Kill()
			if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("the writer ended by itself: %v", err)
			}
			leftovers += wantRepaired(t, path)
		}
		if leftovers == 0 {
			t.Error("no kill left anything, so nothing was tested")
		}
	}
}

// Killed on entering each system call of a swap, in each of its halves.
func TestAKillAtEachSystemCallLeavesTheStoreWhole(t *testing.T) {
	calls := map[string]uintptr{
		"fstat": unix.SYS_FSTAT, "flock": unix.SYS_FLOCK, "fallocate": unix.SYS_FALLOCATE, "openat": unix.SYS_OPENAT,
		"pwrite": unix.SYS_PWRITE64, "ftruncate": unix.SYS_FTRUNCATE, "fsync": unix.SYS_FSYNC,
		"renameat2": unix.SYS_RENAMEAT2, "unlinkat": unix.SYS_UNLINKAT, "close": unix.SYS_CLOSE,
	}
	if step := os.Getenv("LAMPLIGHTER_TEST_STEP"); step != "" {
		kill := child.Rule{Call: calls[os.Getenv("LAMPLIGHTER_TEST_CALL")], Answer: unix.SECCOMP_RET_KILL_PROCESS}
		arm := func(at string) {
			if step == at {
				child.Restrict(t, kill)
			}
		}
		path := os.Getenv("LAMPLIGHTER_TEST_STORE")
		arm("prepare")
		target, err := Prepare(path, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			arm("stage" + strconv.Itoa(i))
			d, err := target.stage(numbered(i + 1))
			if err != nil {
				t.Fatal(err)
			}
			arm("commit" + strconv.Itoa(i))
			if _, err := target.commit(d); err != nil {
				t.Fatal(err)
			}
		}
		arm("close")
		target.Close()
		fmt.Println("alive")
		return
	}
	path := newStore(t, string(numbered(0)))
	for _, step := range []string{"prepare", "stage0", "commit0", "stage1", "commit1", "close"} {
		killed := 0
		for call := range calls {
			cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
			cmd.Env = append(os.Environ(), "LAMPLIGHTER_TEST_STORE="+path, "LAMPLIGHTER_TEST_STEP="+step, "LAMPLIGHTER_TEST_CALL="+call)
			out, err := cmd.CombinedOutput()
			if bytes.Contains(out, []byte("--- SKIP")) {
				t.Skipf("%s", out)
			}
			if !bytes.Contains(out, []byte("alive")) {
				if err == nil || !strings.Contains(err.Error(), "bad system call") {
					t.Fatalf("%s at %s: %v\n%s", call, step, err, out)
				}
				killed++
			}
			wantRepaired(t, path)
		}
		if killed == 0 {
			t.Errorf("%s was never killed, so nothing was tested", step)
		}
	}
}
