//go:build bench && linux

package bench

import (
	"fmt"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// eightHours is how long the tokens live that nothing happens to.
var eightHours = authtest.Options{Policy: authtest.Policy{AccessLifetime: 8 * time.Hour, JWT: true}}

// ten is a computer with ten fresh credentials, as two clients write them.
func ten(t testing.TB, s *authtest.Server) *lab.Lab {
	t.Helper()
	l := lab.New(t)
	for i := range 5 {
		l.Codex(fmt.Sprintf("server-%d", i), s, authtest.GrantOptions{})
		l.Claude(fmt.Sprintf("server-%d", i), s, authtest.GrantOptions{})
	}
	return l
}

// A program is one that idles beside others.
type program struct {
	name        string
	pid         int
	err         error // why it does not run
	first, last usage
}

// watch looks at programs before and after the idle time, and returns how long
// that was.
func watch(t testing.TB, programs ...*program) time.Duration {
	t.Helper()
	time.Sleep(10 * time.Second) // until nobody starts any more
	watched := idleTime()
	for _, p := range programs {
		if p.err == nil {
			p.first = use(t, p.pid)
		}
	}
	began := time.Now()
	time.Sleep(watched)
	for _, p := range programs {
		if p.err == nil {
			p.last = use(t, p.pid)
		}
	}
	return time.Since(began)
}

// wakeups is how many there were in a second.
func (p *program) wakeups(took time.Duration) float64 {
	return float64(p.last.wakeups(p.first)) / took.Seconds()
}

// ticks is how much CPU time it would have taken in 10 minutes.
func (p *program) ticks(took time.Duration) float64 {
	return float64(p.last.ticks-p.first.ticks) * 600 / took.Seconds()
}

// What nobody should find in a process list sorted by anything. The slow poll and
// the comparison of the clock come 8 minutes after the start, so both are in it.
func TestIdle(t *testing.T) {
	const mostWakeups, mostTicks, mostRSS = 0.05, 5, 15e6
	tb := newTable("Idle, with 10 credentials", "program", "wakeups/s", "CPU ticks in 10 min", "RSS", "PSS", "threads", "processes", "RSS beside ours")

	l := ten(t, authtest.New(t, eightHours))
	keeper := l.Keep()
	programs := []*program{{name: "lamplighter keep", pid: keeper.Process.Pid}, {name: "oidc-agent"}, {name: "mcp-remote, 1 server"}}
	agent, err := startOIDCAgent(t, 10)
	if programs[1].err = err; err == nil {
		programs[1].pid = agent.pid
		programs[1].name = fmt.Sprintf("oidc-agent, %d accounts", len(agent.accounts))
	}
	programs[2].pid, programs[2].err = startMCPRemote(t)

	took := watch(t, programs...)
	if code := l.Stop(keeper); code != 0 {
		t.Errorf("the keeper ended with %d", code)
	}

	ours := programs[0].last
	for _, p := range programs {
		if p.err != nil {
			tb.add(p.name, p.err.Error(), "", "", "", "", "", "")
			continue
		}
		wakeups, used := p.wakeups(took), p.ticks(took)
		row := []string{
			p.name, fmt.Sprintf("%.3f", wakeups), fmt.Sprintf("%.1f", used), mb(p.last.rss), mb(p.last.pss),
			fmt.Sprint(p.last.threads()), fmt.Sprint(p.last.processes), ratio(float64(p.last.rss), float64(ours.rss)),
		}
		tb.add(row...)
		if p == programs[0] {
			tb.add("- target", "0.050, "+judged(wakeups, mostWakeups), "5, "+judged(used, mostTicks), "15.0 MB, "+judged(float64(ours.rss), mostRSS), "", "", "", "")
		}
	}
	tb.note("Watched for %v: voluntary context switches and CPU ticks of all threads. The keeper polls its stores and compares the clock every 8 minutes; 0.033 wakeups/s are the Go runtime's own.", took.Round(time.Second))
	tb.note("mcp-remote runs once for each server and client: ten credentials are ten of it.")
	tb.print(t)
}
