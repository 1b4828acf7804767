//go:build bench && linux

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"lamplighter/refresher/authtest"
)

// From the start of the process to the line that says what was decided.
func TestStart(t *testing.T) {
	rounds, coldRounds := few(50, 20), few(10, 3)
	tb := newTable("Program start to first decision, keep with 10 credentials", "start", "runs", "p50", "p99")
	l := ten(t, authtest.New(t, eightHours))
	start := func() time.Duration {
		keeper := l.Command("keep")
		took := decided(t, keeper)
		stopped(t, keeper)
		return took
	}
	first := start()
	tb.add("very first: makes the state folder, remembers all", "1", ms(first), "")
	var warm, cold sample
	for range rounds {
		warm = append(warm, start())
	}
	tb.add("warm", fmt.Sprint(rounds), ms(warm.p50()), ms(warm.p99()))
	for range coldRounds {
		if err := forget(); err != nil {
			tb.add("cold", err.Error(), "", "")
			break
		}
		cold = append(cold, start())
	}
	if len(cold) > 0 {
		tb.add("cold: program, stores and state read from the disk", fmt.Sprint(coldRounds), ms(cold.p50()), ms(cold.p99()))
	}
	tb.print(t)
}

// forget makes the system drop the pages of all files that it keeps in memory.
func forget() error {
	if err := exec.Command("sync").Run(); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0); err != nil {
		return fmt.Errorf("needs root")
	}
	return nil
}
