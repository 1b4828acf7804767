package app

import (
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"lamplighter/refresher"
)

// printStatus shows a Model to a person: one block per client, a line per
// credential, what to do under it.
func (p *program) printStatus(m Model) {
	width := terminal(p.out)
	if width == 0 {
		width = 1 << 10 // a pipe: nothing is cut
	}
	pen := pen{on: p.colour(p.out)}
	p.printf("%s\n", m.Summary)
	idWidth, stateWidth := 0, 0
	for _, r := range m.Rows {
		idWidth = max(idWidth, runewidth.StringWidth(r.ID))
		stateWidth = max(stateWidth, len(r.State))
	}
	idWidth = min(idWidth, max(20, width/3))
	client := ""
	for _, r := range m.Rows {
		if r.Client != client {
			client = r.Client
			p.printf("\n%s\n", pen.bold(r.Title))
		}
		mark := marks[r.State]
		left := remaining(r.Expires, m.At)
		head := "  " + mark + " " + pad(cut(r.ID, idWidth), idWidth) + "  " + pad(string(r.State), stateWidth) + "  " + pad(left, 10)
		reason := r.Reason
		if r.Unused {
			reason = wordUnused + "; " + reason
		}
		room := width - runewidth.StringWidth(head) - 2
		if room >= 24 {
			lines := wrap(reason, room)
			p.printf("%s  %s\n", pen.state(r.State, head), lines[0])
			for _, l := range lines[1:] {
				p.printf("%s  %s\n", strings.Repeat(" ", runewidth.StringWidth(head)), l)
			}
		} else {
			p.printf("%s\n", strings.TrimRight(pen.state(r.State, head), " "))
			for _, l := range wrap(reason, max(20, width-6)) {
				p.printf("      %s\n", l)
			}
		}
		if r.Do != "" && !r.Unused {
			p.printf("      %s %s\n", wordDo, pen.bold(r.Do))
		}
		for _, s := range r.Reconnect {
			p.printf("      %s %s\n", wordDo, s)
		}
	}
	if len(m.Problems) > 0 {
		p.printf("\n%s\n", pen.bold(wordProblems))
		for _, problem := range m.Problems {
			for i, l := range wrap(problem.Message, max(20, width-4)) {
				if i == 0 {
					p.printf("  ! %s\n", l)
				} else {
					p.printf("    %s\n", l)
				}
			}
		}
	}
}

// marks tell states apart by shape, for those who see no colours.
var marks = map[refresher.State]string{
	refresher.Fresh: "*", refresher.Refreshing: "~", refresher.Retrying: "~", refresher.Deferred: "-",
	refresher.Unsaved: "!", refresher.Misconfigured: "!", refresher.SignInNeeded: "!",
	refresher.CannotRefresh: ".", refresher.WatchOnly: ".", refresher.Paused: "=", refresher.Unknown: "?",
}

// remaining is what is left of a token, short enough for a column.
func remaining(t, now time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case !t.After(now):
		return "expired"
	}
	return span(t.Sub(now))
}

// pen colours, or not.
type pen struct{ on bool }

func (p pen) bold(s string) string { return p.with("1", s) }

func (p pen) state(state refresher.State, s string) string {
	switch state {
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
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-runewidth.StringWidth(s)))
}

// cut shortens in the middle: both the client and the end of a name tell.
func cut(s string, width int) string {
	if runewidth.StringWidth(s) <= width {
		return s
	}
	half := (width - 1) / 2
	return runewidth.Truncate(s, half, "") + "…" + runewidth.TruncateLeft(s, runewidth.StringWidth(s)-(width-1-half), "")
}

// wrap breaks a sentence at spaces; a word that is longer stays whole.
func wrap(s string, width int) []string {
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
	return append(lines, line)
}
