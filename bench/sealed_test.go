//go:build bench && linux

package bench

import (
	"fmt"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/lab/desktop"
	"lamplighter/refresher/authtest"
)

// Codex' encrypted store costs its opening once, in a process that ends, and
// nothing while nothing changes.
func TestIdleWithAnEncryptedStore(t *testing.T) {
	tb := newTable("With Codex' encrypted store of 5 credentials, scrypt at 2^20", "", "wakeups/s", "CPU ticks in 10 min", "RSS", "processes")
	l, bus := lab.New(t), desktop.NewBus(t)
	ring := bus.NewKeyring()
	l.Session(bus.Address())
	l.CodexSealed(ring, 20, authtest.New(t, eightHours), authtest.GrantOptions{}, "a", "b", "c", "d", "e")

	cpu, peak := spent(t, quiet(l, "status"))
	keeper := quiet(l, "keep")
	took := decided(t, keeper)
	p := &program{name: "lamplighter keep, idle", pid: keeper.Process.Pid}
	watched := watch(t, p)
	stopped(t, keeper)
	tb.add(p.name, fmt.Sprintf("%.3f", p.wakeups(watched)), fmt.Sprintf("%.1f", p.ticks(watched)), mb(p.last.rss), fmt.Sprint(p.last.processes))
	tb.note("Watched for %v. Until its first look at the store the keeper takes %v; \"status\" takes %v of CPU time and %s, both mostly in the process that opens it.",
		watched.Round(time.Second), took.Round(10*time.Millisecond), cpu.Round(10*time.Millisecond), mb(peak))
	tb.print(t)
}
