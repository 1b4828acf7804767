//go:build torture

package torture_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A power cut at every fourth stop behind the first byte of the answer, and at
// some before it: home and state are on a file system in a file, which is copied as
// it is when the program has been killed. What was not synced is not in it.
func TestThePowerIsCutOnTheWay(t *testing.T) {
	skipUnlessRoot(t)
	skipUnlessTraceable(t)
	base := fileSystem(t)
	var tallies []*tally
	for _, w := range []way{{"codex", "refresh", "strict"}, {"claude", "refresh", "strict"}, {"codex", "keep", "previous"}, {"claude", "keep", "previous"}} {
		tallies = append(tallies, newTally(w))
	}
	// What is cut is cut: a write that was not synced is gone, and one that was
	// is there.
	for call, lost := range map[string]bool{"pwrite64 " + record: true, "fsync " + record: false} {
		v := powerCut(t, base, job{tallies[0], target{late: true, kind: call, after: true}})
		if v.lost != lost || v.said != "" {
			t.Fatalf("after %s the answer is lost: %t, want %t; %s", call, v.lost, lost, v.said)
		}
	}
	var jobs []job
	for _, c := range tallies {
		c.enumerate(t)
		for region, n := range c.calls {
			step := 4 * *stride
			if region == 0 {
				step *= 5
			}
			for i := 1; i <= n+50; i += step {
				jobs = append(jobs, job{c, target{late: region == 1, n: i}})
			}
		}
	}
	kills(t, *workers, jobs, func(j job) *victim { return powerCut(t, base, j) })
	fmt.Print(table(tallies))
}

// fileSystem makes an empty file system in a file in memory.
func fileSystem(t *testing.T) string {
	t.Helper()
	name := filepath.Join(inMemory(t), "base")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(24 << 20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", "-m", "0", "-J", "size=4", "-E", "lazy_itable_init=0,lazy_journal_init=0", name).CombinedOutput(); err != nil {
		t.Skipf("no file system in a file here: %v: %s", err, out)
	}
	return name
}

func inMemory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "lamplighter-torture-")
	if err != nil {
		t.Skip("no memory for file systems:", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func powerCut(t *testing.T, base string, j job) *victim {
	scratch := &scratch{TB: t}
	defer scratch.clean()
	dir, err := os.MkdirTemp("/dev/shm", "lamplighter-torture-")
	if err != nil {
		t.Fatal(err)
	}
	scratch.Cleanup(func() { os.RemoveAll(dir) })
	disk, root := filepath.Join(dir, "disk"), filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	copyFile(t, base, disk)
	plug(t, disk, root)
	scratch.Cleanup(func() { unix.Unmount(root, unix.MNT_DETACH) })
	scratch.root = root
	return j.in(scratch, j.target, func() {
		after := disk + "-after"
		copyFile(t, disk, after)
		if err := unix.Unmount(root, unix.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
		plug(t, after, root)
	})
}

func plug(t *testing.T, disk, root string) {
	// Neither clock nor rename writes anything that we have not synced.
	if out, err := exec.Command("mount", "-o", "loop,commit=300,noauto_da_alloc", disk, root).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a file: %v: %s", err, out)
	}
}

func copyFile(t *testing.T, from, to string) {
	if out, err := exec.Command("cp", "--sparse=always", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
