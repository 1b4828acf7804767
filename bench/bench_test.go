//go:build bench && linux

// Package bench measures what Lamplighter costs, as a whole program on this
// machine, side by side in one run with what a user would have instead:
// oidc-agent and oidc-token (Debian), mcp-remote (npm), and a tray app that Fyne
// draws.
//
//	make bench
//
// It prints tables, each figure beside its target with "within" or "over"; no
// test here fails because of a time. Each table says how loaded the machine
// was meanwhile. What is not installed has a row that says so.
//
//	go test -tags bench -count=1 -timeout 60m ./bench -short      # three minutes
//	go test -tags bench -count=1 -timeout 60m ./bench -run Sizes  # one table
package bench

import (
	"flag"
	"testing"
	"time"

	"lamplighter/lab"
)

var (
	idleFor = flag.Duration("idle", 10*time.Minute, "how long the idle programs are watched; 40s with -short")
	micro   = flag.String("micro", "", "where to leave the output of the micro-benchmarks, for benchstat to compare")
)

func TestMain(m *testing.M) {
	flag.Parse()
	lab.Main(m)
}

// few is n, or less of it with -short.
func few(n, short int) int {
	if testing.Short() {
		return short
	}
	return n
}

func idleTime() time.Duration {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "idle" })
	if testing.Short() && !given {
		return 40 * time.Second
	}
	return *idleFor
}
