package settings

import (
	"fmt"
	"strings"
)

// An Error says everything that is wrong with a config.
type Error struct {
	File   string
	Faults []Fault // by line
}

// A Fault is one mistake.
type Fault struct {
	Line int    // from 1; 0 where it is about the whole file
	Key  string // such as home.path; empty where it is about no key
	What string // what is wrong, and what would be right
}

// Error is one line for each mistake: file:line: key: what.
func (e *Error) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = e.File
		if f.Line > 0 {
			lines[i] += fmt.Sprintf(":%d", f.Line)
		}
		if f.Key != "" {
			lines[i] += ": " + f.Key
		}
		lines[i] += ": " + f.What
	}
	return strings.Join(lines, "\n")
}

// nearest returns the name that was probably meant, "" where none is near.
func nearest(name string, names []string) string {
	best, least := "", 3
	for _, n := range names {
		if d := distance(name, n); d < least && d < len(n) {
			best, least = n, d
		}
	}
	return best
}

// distance is how many letters must be put in, taken out, replaced or swapped
// with their neighbour to make b of a.
func distance(a, b string) int {
	var last, before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
