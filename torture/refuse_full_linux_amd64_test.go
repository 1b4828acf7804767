//go:build torture

package torture_test

import (
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
)

// Every call by which the program gets at a file is refused, once, from there
// on, and with all others of its folder, for every reason that a system has.
// Where the journal refuses, nothing is sent. When the obstacle is gone, the
// next run makes everything well.
func TestEveryWriteIsRefused(t *testing.T) {
	skipUnlessTraceable(t)
	for _, client := range []string{"codex", "claude"} {
		all := denials(t, client)
		var some []denial
		for i := 0; i < len(all); i += *stride {
			if strings.Contains(all[i].call, *only) {
				some = append(some, all[i])
			}
		}
		before, after, said := refuseAll(t, *workers, client, some)
		fmt.Printf("%s: %d refusals, of which %d met a call: %d before the POST, %d after it or without harm\n", client, len(some), before+after, before, after)
		fmt.Print(said)
	}
}

// The store, its folder, the journal and the state folder vanish, turn into
// something else or lose their permissions, at every thirteenth stop of a
// refresh.
func TestEveryObstacleOnTheWay(t *testing.T) {
	skipUnlessRoot(t)
	skipUnlessTraceable(t)
	for _, client := range []string{"codex", "claude"} {
		var all []*obstructed
		for _, o := range obstacles {
			for _, late := range []bool{false, true} {
				for n := 1; n < 800; n += 13 * *stride {
					all = append(all, &obstructed{obstacle: o, client: client, late: late, n: n})
				}
			}
		}
		obstruct(t, *workers, all)
		fmt.Print(obstacleTable(client, all))
	}
}

// obstacleTable says what came of each obstacle, and what people were told.
func obstacleTable(client string, all []*obstructed) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\truns\tnothing sent\tsent\tlost\t\n", client)
	said := messages{}
	for _, kind := range obstacles {
		var runs, unsent, sent, lost int
		for _, o := range all {
			if o.name != kind.name || o.at == nil {
				continue
			}
			runs++
			if o.posts == 0 {
				unsent++
			} else {
				sent++
			}
			if o.said != "" {
				lost++
			}
			said.add(o.code, o.output, o.name+" "+o.at.String())
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t\n", kind.name, runs, unsent, sent, lost)
	}
	w.Flush()
	return b.String() + said.String()
}
