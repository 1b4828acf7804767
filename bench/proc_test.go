//go:build bench && linux

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A usage is what the system says of a program that consists of one or more
// processes, at one moment.
type usage struct {
	switches  map[int]int64 // voluntary context switches, by thread
	ticks     int64         // of CPU time, user and system: a hundredth of a second each
	rss, pss  int64         // bytes
	processes int
}

// threads is how many there are.
func (u usage) threads() int { return len(u.switches) }

// wakeups are the voluntary context switches since an earlier moment: how
// often a thread waited, and so was woken. What a thread did that ended
// meanwhile is not seen.
func (u usage) wakeups(since usage) (n int64) {
	for id, count := range u.switches {
		n += count - since.switches[id]
	}
	return n
}

// use asks the system about some processes and their children.
func use(t testing.TB, pids ...int) usage {
	t.Helper()
	u := usage{switches: map[int]int64{}}
	for _, pid := range family(pids) {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		if err != nil || len(tasks) == 0 {
			t.Fatalf("process %d is gone", pid)
		}
		u.processes++
		for _, name := range tasks {
			id, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			u.switches[id] = field(name, "voluntary_ctxt_switches:")
		}
		rollup := fmt.Sprintf("/proc/%d/smaps_rollup", pid)
		u.rss += 1024 * field(rollup, "Rss:")
		u.pss += 1024 * field(rollup, "Pss:")
		u.ticks += ticks(pid)
	}
	return u
}

// family is the processes and all that descend from them.
func family(pids []int) []int {
	all := append([]int(nil), pids...)
	for i := 0; i < len(all); i++ {
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		for _, name := range lists {
			text, _ := os.ReadFile(name)
			for _, f := range strings.Fields(string(text)) {
				if pid, err := strconv.Atoi(f); err == nil {
					all = append(all, pid)
				}
			}
		}
	}
	return all
}

// field is the number behind a name in a file of /proc.
func field(file, name string) int64 {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}

// ticks is fields 14 and 15 of proc_pid_stat(5).
func ticks(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(text), ") ") // the name may hold spaces
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return user + system
}
