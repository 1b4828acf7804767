package doctor

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Text is the report for a terminal of that width; the last line is the
// verdict. bold marks what decides, and may be nil.
func (r Report) Text(width int, bold func(string) string) string {
	if bold == nil {
		bold = func(s string) string { return s }
	}
	t := &sheet{width: max(width, 40)}
	if r.About != "" {
		t.line(bold(r.About))
		t.line("")
	}
	r.steps(t)
	for _, table := range r.Tables {
		t.line("")
		table.text(t)
	}
	if all := r.script(); len(all) > 0 {
		t.line("")
		t.line("The requests, to make them by hand:")
		for _, words := range all {
			t.command("  ", words)
		}
	}
	for i, f := range r.Ranked() {
		t.line("")
		t.wrap(fmt.Sprintf("%d. ", i+1), f.What())
		for _, part := range []struct{ name, text string }{
			{"on", f.About}, {"seen", f.Evidence}, {"so", f.Consequence()}, {"do", f.Do()},
		} {
			if part.text != "" && !(part.name == "on" && part.text == r.About) {
				t.wrap(fmt.Sprintf("   %-5s", part.name), f.whole(part.text))
			}
		}
	}
	t.line("")
	t.line(bold(r.Verdict()))
	return t.b.String()
}

// glue stands for a space at which no line is broken.
const glue = "\ue000"

// whole keeps the commands in a text from being broken.
func (f Finding) whole(text string) string {
	for _, a := range f.Args {
		if c, ok := a.(Command); ok && c != "" {
			text = strings.ReplaceAll(text, string(c), strings.ReplaceAll(string(c), " ", glue))
		}
	}
	return text
}

// steps are one line each, under the name of what they belong to.
func (r Report) steps(t *sheet) {
	widest := 0
	for _, s := range r.Steps {
		widest = max(widest, utf8.RuneCountInString(s.Name))
	}
	before := ""
	var last []string // an answer
	said := map[string]bool{}
	for _, s := range r.Steps {
		name := s.Name
		if name == before {
			name = ""
		}
		before = s.Name
		margin := fmt.Sprintf("%-*s  ", widest, name)
		t.wrap(margin, s.outcome(r.About))
		if s.Request == nil {
			continue
		}
		answer := s.Request.Answer
		if whole := strings.Join(answer, "\n"); len(answer) > 1 && said[whole] {
			answer = []string{"an answer as before"}
			if slices.Equal(s.Request.Answer, last) {
				answer = []string{"the same answer"}
			}
		} else {
			said[whole] = true
		}
		last = s.Request.Answer
		under := strings.Repeat(" ", utf8.RuneCountInString(margin)+2)
		for _, a := range answer {
			t.hang(under, under+"  ", a)
		}
	}
}

// text is the table with its columns side by side where they fit, else each
// row as a list.
func (table Table) text(t *sheet) {
	if table.Title != "" {
		t.line(table.Title)
	}
	widths := make([]int, len(table.Head))
	total := 0
	for i := range table.Head {
		for _, row := range append([][]string{table.Head}, table.Rows...) {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		total += widths[i] + 2
	}
	if total > t.width {
		for i, row := range table.Rows {
			if i > 0 {
				t.line("")
			}
			t.wrap("  ", row[0])
			for i := 1; i < len(row); i++ {
				if row[i] != "" {
					t.wrap("    "+table.Head[i]+": ", row[i])
				}
			}
		}
		return
	}
	for _, row := range append([][]string{table.Head}, table.Rows...) {
		var b strings.Builder
		b.WriteString("  ")
		for i, cell := range row {
			fmt.Fprintf(&b, "%s%s", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		t.line(strings.TrimRight(b.String(), " "))
	}
}

// A sheet is text of a certain width.
type sheet struct {
	b     strings.Builder
	width int
}

func (t *sheet) line(s string) { t.b.WriteString(strings.ReplaceAll(s, glue, " ") + "\n") }

// wrap writes a text behind a margin, which its further lines leave free.
func (t *sheet) wrap(margin, text string) {
	t.hang(margin, strings.Repeat(" ", utf8.RuneCountInString(margin)), text)
}

// hang writes a text behind a margin, and its further lines behind indent. A
// word that is longer than a line is left whole.
func (t *sheet) hang(margin, indent, text string) {
	line, empty := margin, true
	for _, word := range strings.Fields(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > t.width {
			t.line(line)
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	t.line(strings.TrimRight(line, " "))
}

// command writes a command line, which a shell reads as one.
func (t *sheet) command(margin string, words []string) {
	line := margin
	for i, w := range words {
		if i > 0 && utf8.RuneCountInString(line)+utf8.RuneCountInString(w)+3 > t.width {
			t.line(line + " \\")
			line = margin + "   "
		}
		if i > 0 {
			line += " "
		}
		line += w
	}
	t.line(line)
}
