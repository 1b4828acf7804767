//go:build bench && linux

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// benchstat is pinned: what it prints is read by people and by nobody else.
const benchstat = "golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da"

// The parts: splice, scan, decide. With -micro FILE the raw output stays there,
// and a later run can be compared with it by benchstat.
func TestMicro(t *testing.T) {
	before := load()
	var raw strings.Builder
	for _, of := range []struct{ dir, benchmarks string }{
		{"credfiles/jsonedit", "Refresh|Parse"},
		{"credfiles", "Scan|HoldReadyWriteClose"},
		{"refresher", "Scan$|ScanParts|Decide"},
	} {
		cmd := exec.Command("go", "test", "-run", "^$", "-bench", of.benchmarks, "-benchmem", "-count", fmt.Sprint(few(6, 1)), "-benchtime", "100ms", "./"+of.dir)
		cmd.Dir = ".."
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", of.dir, err, out)
		}
		raw.Write(out)
	}
	name := *micro
	if name == "" {
		name = filepath.Join(t.TempDir(), "micro.txt")
	}
	if err := os.WriteFile(name, []byte(raw.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", benchstat, "now="+name).Output()
	if err != nil {
		out = []byte(raw.String()) // without a network there is no benchstat
	}
	fmt.Printf("\n### Micro-benchmarks\n\n```\n%s```\n\nLoad average %s before, %s after.\n", out, before, load())
}
