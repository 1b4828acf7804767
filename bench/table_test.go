//go:build bench && linux

package bench

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
)

// A table is printed when it is complete, as Markdown.
type table struct {
	title  string
	head   []string
	rows   [][]string
	notes  []string
	before string // load average at the start
}

func newTable(title string, head ...string) *table {
	return &table{title: title, head: head, before: load()}
}

func (tb *table) add(cells ...string) { tb.rows = append(tb.rows, cells) }

func (tb *table) note(format string, args ...any) {
	tb.notes = append(tb.notes, fmt.Sprintf(format, args...))
}

func (tb *table) print(t testing.TB) {
	t.Helper()
	width := make([]int, len(tb.head))
	all := append([][]string{tb.head}, tb.rows...)
	for _, row := range all {
		if len(row) != len(tb.head) {
			t.Fatalf("%s: a row of %d cells, want %d", tb.title, len(row), len(tb.head))
		}
		for i, cell := range row {
			width[i] = max(width[i], runewidth.StringWidth(cell))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s\n\n", tb.title)
	for n, row := range all {
		for i, cell := range row {
			b.WriteString("| " + cell + strings.Repeat(" ", width[i]-runewidth.StringWidth(cell)+1))
		}
		b.WriteString("|\n")
		if n == 0 {
			for _, w := range width {
				b.WriteString("| " + strings.Repeat("-", w) + " ")
			}
			b.WriteString("|\n")
		}
	}
	b.WriteString("\n")
	for _, note := range tb.notes {
		b.WriteString(note + "\n")
	}
	fmt.Fprintf(&b, "Load average %s before, %s after; %d cores; %s.\n", tb.before, load(), runtime.NumCPU(), time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	fmt.Print(b.String())
}

// load is how many programs wanted to run, over the last minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

// judged is a figure against its target.
func judged(got, most float64) string {
	if got <= most {
		return "within"
	}
	return fmt.Sprintf("over, %.1f times", got/most)
}

// ratio is how many times ours a peer's figure is.
func ratio(peer, ours float64) string {
	switch {
	case peer == ours:
		return "the same"
	case ours == 0:
		return "ours is 0"
	}
	return fmt.Sprintf("%.2g times", peer/ours)
}

// A sample is many measurements of one thing.
type sample []time.Duration

func (s sample) at(share float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

func (s sample) p50() time.Duration { return s.at(0.50) }
func (s sample) p99() time.Duration { return s.at(0.99) }

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1e3) }

func mb(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }
