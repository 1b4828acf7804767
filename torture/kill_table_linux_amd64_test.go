package torture_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// A tally is what came of all runs of one way.
type tally struct {
	way
	calls     [2]int // stops of a run that is not killed, before and behind the first byte
	killed    [2]int
	starts    int // killed before our lock
	recovered int // the token of the answer is in the store, without another POST
	unsent    int // killed before the refresh token left
	repeated  int // the answer was lost in the window, and the repeat brought another
	lost      int // the answer was lost in the window, and the server revoked the grant
	behind    int // anything lost, sent twice or damaged otherwise
	met       map[string]int
	all       map[string]bool // what there is to be killed at
}

func newTally(w way) *tally { return &tally{way: w, met: map[string]int{}, all: map[string]bool{}} }

func (c *tally) add(v *victim) {
	if v.killed == nil {
		return
	}
	region := 0
	if v.late {
		region = 1
	}
	if v.start {
		c.starts++
	} else {
		c.killed[region]++
		c.met[fmt.Sprint(v.late, " ", v.killed)]++
	}
	switch {
	case v.said != "":
		c.behind++
	case v.lost && v.alive:
		c.repeated++
	case v.lost:
		c.lost++
	case v.posts == 0:
		c.unsent++
	default:
		c.recovered++
	}
}

// kills runs all targets, several at a time. how runs one; nil: in a place of
// the system's.
func kills(t testing.TB, workers int, jobs []job, how func(job) *victim) {
	if how == nil {
		how = func(j job) *victim { return j.once(t, j.target) }
	}
	began, done := time.Now(), 0
	var mu sync.Mutex
	several(workers, jobs, func(j job) {
		v := how(j)
		mu.Lock()
		defer mu.Unlock()
		j.add(v)
		if v.said != "" {
			t.Error(v.said)
		}
		if done++; done%1000 == 0 {
			fmt.Printf("%d of %d runs, %s\n", done, len(jobs), time.Since(began).Round(time.Second))
		}
	})
}

type job struct {
	*tally
	target
}

// table prints what came of everything.
func table(tallies []*tally) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "command, client, server\tstops before\tbehind\tkilled at the start\tbefore\tbehind\tnot sent\trecovered\trepeated\tlost in the window\tlost behind it\t")
	sum := newTally(way{})
	for _, c := range tallies {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", c.way, c.calls[0], c.calls[1], c.starts, c.killed[0], c.killed[1], c.unsent, c.recovered, c.repeated, c.lost, c.behind)
		for i := range 2 {
			sum.calls[i] += c.calls[i]
			sum.killed[i] += c.killed[i]
		}
		sum.starts += c.starts
		sum.unsent, sum.recovered, sum.repeated, sum.lost, sum.behind = sum.unsent+c.unsent, sum.recovered+c.recovered, sum.repeated+c.repeated, sum.lost+c.lost, sum.behind+c.behind
	}
	fmt.Fprintf(w, "all\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", sum.calls[0], sum.calls[1], sum.starts, sum.killed[0], sum.killed[1], sum.unsent, sum.recovered, sum.repeated, sum.lost, sum.behind)
	w.Flush()
	return b.String()
}
