package doctor

import (
	"fmt"
	"strings"
)

// Markdown is the report for a ticket; the last line is the verdict.
func (r Report) Markdown() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	about := r.About
	if about == "" {
		about = "this computer"
	}
	p("## Lamplighter doctor: %s\n\n%s\n", code(about), r.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	for i, f := range r.Ranked() {
		if i == 0 {
			p("### Findings\n")
		}
		p("%d. **%s**", i+1, escaped(f.What()))
		for _, part := range []struct{ name, text string }{
			{"On", code(f.About)}, {"Seen", code(f.Evidence)}, {"So", escaped(f.Consequence())}, {"Do", escaped(f.Do())},
		} {
			if part.text != "" {
				p("   - %s: %s", part.name, part.text)
			}
		}
		p("")
	}
	for _, t := range r.Tables {
		if t.Title != "" {
			p("### %s\n", escaped(t.Title))
		}
		rule := make([]string, len(t.Head))
		for i := range rule {
			rule[i] = "---"
		}
		for _, row := range append([][]string{t.Head, rule}, t.Rows...) {
			cells := make([]string, len(row))
			for i, c := range row {
				cells[i] = strings.ReplaceAll(escaped(c), "|", `\|`)
			}
			p("| %s |", strings.Join(cells, " | "))
		}
		p("")
	}
	p("### Steps\n")
	for _, s := range r.Steps {
		p("- %s: %s", s.Name, code(s.outcome("")))
		if s.Request != nil {
			for _, a := range s.Request.Answer {
				p("  - %s", code(a))
			}
		}
	}
	if all := r.script(); len(all) > 0 {
		p("\n### The requests, to make them by hand\n\n```sh")
		for _, words := range all {
			p("%s", strings.Join(words, " "))
		}
		p("```")
	}
	p("\n**%s**", escaped(r.Verdict()))
	return b.String()
}

// code is a text that Markdown leaves as it is.
func code(s string) string {
	if !strings.Contains(s, "`") {
		if s == "" {
			return ""
		}
		return "`" + s + "`"
	}
	mark := "``" // longer than any in it
	for strings.Contains(s, mark) {
		mark += "`"
	}
	return mark + " " + s + " " + mark
}

// escaped keeps Markdown from reading a sentence as anything else.
func escaped(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "~", `\~`, "`", "\\`", "<", "&lt;", "[", `\[`).Replace(s)
}
