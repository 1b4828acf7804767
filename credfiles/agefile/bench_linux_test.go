package agefile

import (
	"bytes"
	"fmt"
	"os/exec"
	"syscall"
	"testing"
)

// What one opening costs, in time and in memory: both are the other process's,
// and the memory is the system's again when it has ended.
func BenchmarkOpenInAProcess(b *testing.B) {
	for _, n := range []int{18, 19, 20} {
		b.Run(fmt.Sprintf("log2N=%d", n), func(b *testing.B) {
			file := sealed(b, `{"version":1,"secrets":{}}`, n)
			text := question(0, passphrase, file)
			var peak int64
			for b.Loop() {
				cmd := exec.Command("/proc/self/exe", Argument)
				cmd.Stdin = bytes.NewReader(text)
				if err := cmd.Run(); err != nil {
					b.Fatal(err)
				}
				peak = max(peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) // KiB
			}
			b.ReportMetric(float64(peak)/1024, "peak-MiB")
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/op")
		})
	}
}
