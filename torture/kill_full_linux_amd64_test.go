//go:build torture

package torture_test

import (
	"cmp"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var (
	stride  = flag.Int("stride", 1, "kill or refuse at every so many stops only")
	before  = flag.Int("before", 1, "and at every so many of these before the first byte of the answer")
	only    = flag.String("only", "", "refuse only calls with this in their name")
	workers = flag.Int("workers", 3*runtime.NumCPU(), "how many programs run at once")
)

// The real program is killed before and after every system call of a refresh,
// from our own lock's taking to its release, one stop further each time, each
// time in a fresh home. Behind the write that journals the answer nothing is
// lost.
func TestKilledAtEverySystemCallOfARefresh(t *testing.T) {
	skipUnlessTraceable(t)
	var tallies []*tally
	for _, command := range []string{"refresh", "keep"} {
		for _, client := range []string{"codex", "claude"} {
			for _, server := range []string{"strict", "previous", "grace"} {
				tallies = append(tallies, newTally(way{client, command, server}))
			}
		}
	}
	var jobs []job
	for _, c := range tallies {
		c.enumerate(t)
		for i := 1; i <= 400 && c.server == "previous"; i += *stride {
			jobs = append(jobs, job{c, target{start: true, n: i}})
		}
		for region, n := range c.calls {
			step := *stride
			if region == 0 {
				step *= *before
			}
			for i := 1; i <= n+50; i += step {
				jobs = append(jobs, job{c, target{late: region == 1, n: i}})
			}
		}
	}
	kills(t, *workers, jobs, nil)
	// What no count met is sought by its name.
	for round := 0; round < 5 && *stride == 1; round++ {
		jobs = nil
		for _, c := range tallies {
			for _, at := range c.unmet() {
				jobs = append(jobs, job{c, at})
			}
		}
		kills(t, *workers, jobs, nil)
	}
	fmt.Print(table(tallies))
	if *stride == 1 {
		fmt.Print(coverage(tallies))
	}
	for _, c := range tallies {
		for _, at := range c.unmet() {
			if *stride == 1 && !slices.Contains(byChance, at.kind) {
				t.Errorf("%s: never killed at %v", c.way, at)
			}
		}
	}
}

// byChance are calls by which the Go runtime looks after its threads, its memory
// and its poller: whether a run makes them at all is a matter of scheduling. They
// change nothing that could be lost.
var byChance = []string{
	"futex", "gettid", "getrandom", "rt_sigprocmask", "sigaltstack", "madvise", "tgkill", "rt_sigreturn", "clone",
	"sched_yield", "getpid", "mmap", "munmap", "epoll_pwait", "read anon_inode", "write anon_inode", "write pipe",
}

// enumerate lists the stops of runs that are not killed.
func (c *tally) enumerate(t testing.TB) {
	var counts [2][]int
	for i := range 6 {
		late := i%2 == 1
		v := c.once(t, target{late: late})
		for kind := range v.seen {
			c.all[fmt.Sprint(late, " ", kind)] = true
		}
		for region, n := range v.counted {
			counts[region] = append(counts[region], n)
		}
	}
	for region, n := range counts {
		slices.Sort(n)
		c.calls[region] = n[len(n)/2] // the runtime's own calls differ from run to run
	}
}

// unmet are the kinds of stops at which nothing was killed yet.
func (c *tally) unmet() (left []target) {
	for name := range c.all {
		if c.met[name] > 0 {
			continue
		}
		region, rest, _ := strings.Cut(name, " ")
		side, kind, _ := strings.Cut(rest, " ")
		left = append(left, target{late: region == "true", kind: kind, after: side == "after"})
	}
	slices.SortFunc(left, func(a, b target) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return left
}

// coverage says at how much of what there is something was killed.
func coverage(tallies []*tally) string {
	var b strings.Builder
	var all, hit int
	for _, c := range tallies {
		all += len(c.all)
		for name := range c.all {
			if c.met[name] > 0 {
				hit++
			}
		}
	}
	fmt.Fprintf(&b, "killed at %d of %d kinds of stops (a command, a client, a server, a call, what it is about, before or after it)\n", hit, all)
	for _, c := range tallies {
		for _, at := range c.unmet() {
			side := "before"
			if at.after {
				side = "after"
			}
			fmt.Fprintf(&b, "  not met: %s, %s %s\n", c.way, side, at.kind)
		}
	}
	return b.String()
}
