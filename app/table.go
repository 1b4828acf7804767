package app

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"lamplighter/app/model"
	"lamplighter/credfiles"
	"lamplighter/refresher"
)

// printStatus shows a Model to a person.
func (p *program) printStatus(m model.Model, summed bool) {
	width, _ := p.out.size()
	t := table{w: p.out, width: width, pen: pen{p.out.canColour()}, now: m}
	t.all(summed)
}

// A table has a line for each credential. What does not fit goes below it,
// and nothing is cut: an ID is there to be copied.
type table struct {
	w               io.Writer
	width           int // zero: as wide as it takes
	pen             pen
	now             model.Model
	id, state, ends int // widths of the columns
}

const indent = "    "

// all is the Model with its summary, if wanted: what asks something of a
// person comes first.
func (t *table) all(summed bool) {
	var first, then, last []model.Row
	for _, r := range t.now.Rows {
		switch {
		case r.Unused:
			last = append(last, r)
		case r.Do != "":
			first = append(first, r)
		default:
			then = append(then, r)
		}
	}
	slices.SortStableFunc(first, func(a, b model.Row) int {
		return cmp.Compare(codeOfState(b), codeOfState(a))
	})
	then = append(then, last...)
	t.measure(t.now.Rows)
	if summed {
		t.text("", t.now.Summary)
		if !t.now.Keeper && len(t.now.Rows) > 0 {
			t.text("", wordNoKeeper)
		}
	}
	asks := len(first)+len(t.now.Problems)+len(t.now.Restarts) > 0
	if summed && (asks || len(then) > 0) {
		fmt.Fprintln(t.w)
	}
	for _, r := range first {
		t.row(r)
	}
	for _, problem := range t.now.Problems {
		t.text("! ", problem.Message)
	}
	for _, s := range t.now.Restarts {
		t.text("> ", s)
	}
	if asks && len(then) > 0 {
		fmt.Fprintln(t.w)
	}
	for _, r := range then {
		t.row(r)
	}
}

// measure chooses the widths that give the fewest lines. Where not even the
// shortest ID leaves room for columns there are none.
func (t *table) measure(rows []model.Row) {
	widths := []int{0}
	for _, r := range rows {
		t.state = max(t.state, len(r.State))
		t.ends = max(t.ends, len(ends(r.Expires, t.now.At)))
		widths = append(widths, runewidth.StringWidth(r.ID))
	}
	rest := len("* ") + 2 + t.state + 2 + t.ends
	best, fewest := 0, 0
	for _, w := range slices.Sorted(slices.Values(widths)) {
		if w > 0 && t.width > 0 && w+rest > t.width {
			break
		}
		var lines bytes.Buffer
		try := *t
		try.w, try.id = &lines, w
		for _, r := range rows {
			try.row(r)
		}
		if n := bytes.Count(lines.Bytes(), []byte("\n")); fewest == 0 || n <= fewest {
			best, fewest = w, n
		}
	}
	t.id = best
}

func (t *table) row(r model.Row) {
	reason, end := r.Reason, ends(r.Expires, t.now.At)
	if r.Unused {
		reason = fmt.Sprintf(wordUnused, credfiles.Title(r.Client)) + "; " + reason
	}
	id, mark := r.ID, t.pen.mark(r.State)
	if runewidth.StringWidth(id) > t.id {
		fmt.Fprintln(t.w, mark, id)
		id, mark = "", " "
	}
	if t.id == 0 {
		if end != "" {
			end = ", " + end
		}
		t.text(indent, r.State+end+"; "+reason)
	} else {
		head := mark + " " + pad(id, t.id) + "  " + t.pen.state(r.State, r.State)
		tail := pad("", t.state-len(r.State))
		used := len("* ") + t.id + len("  ") + t.state
		if t.ends > 0 {
			tail += "  " + pad(end, t.ends)
			used += len("  ") + t.ends
		}
		if t.width == 0 || used+2+runewidth.StringWidth(reason) <= t.width {
			tail += "  " + reason
			reason = ""
		}
		fmt.Fprintln(t.w, head+strings.TrimRight(tail, " "))
		t.text(indent, reason)
	}
	if r.Do != "" && !r.Unused {
		fmt.Fprintln(t.w, indent+"-> "+t.pen.bold(r.Do))
	}
}

// text writes a sentence, wrapped, behind a mark or an indent.
func (t *table) text(begin, s string) {
	for _, line := range wrap(s, t.width-len(begin)) {
		fmt.Fprintln(t.w, begin+line)
		begin = strings.Repeat(" ", len(begin))
	}
}

// marks tell states apart by shape, for those who see no colours.
var marks = map[refresher.State]string{
	refresher.Fresh: "*", refresher.Refreshing: "~", refresher.Retrying: "~", refresher.Deferred: "-",
	refresher.Unsaved: "!", refresher.Misconfigured: "!", refresher.SignInNeeded: "!",
	refresher.CannotRefresh: ".", refresher.WatchOnly: ".", refresher.Paused: "=", refresher.Unknown: "?",
}

// pen colours, or not.
type pen struct{ on bool }

func (p pen) bold(s string) string { return p.with("1", s) }

// mark is the one of a state.
func (p pen) mark(state string) string { return p.state(state, marks[refresher.State(state)]) }

// state colours s as it suits a state.
func (p pen) state(state, s string) string {
	switch refresher.State(state) {
	case refresher.Fresh:
		return p.with("32", s)
	case refresher.SignInNeeded, refresher.Unsaved, refresher.Misconfigured:
		return p.with("31", s)
	case refresher.Retrying, refresher.Deferred, refresher.Refreshing, refresher.Unknown:
		return p.with("33", s)
	}
	return p.with("2", s)
}

func (p pen) with(code, s string) string {
	if !p.on {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-runewidth.StringWidth(s)))
}

// wrap breaks a text at spaces into lines of at most width, where that is
// positive; a word that is longer stays whole.
func wrap(s string, width int) []string {
	if width <= 0 && s != "" {
		return []string{s}
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && runewidth.StringWidth(line)+1+runewidth.StringWidth(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
