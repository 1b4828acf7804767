package notice

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// What names in stores may hold, and what a person gets to see of it.
var oddTexts = []struct{ in, line, plain, markup string }{
	{"Slack", "Slack", "Slack", "Slack"},
	{"<b>A & B</b>", "<b>A & B</b>", "<b>A & B</b>", "&lt;b&gt;A &amp; B&lt;/b&gt;"},
	{"&lt;", "&lt;", "&lt;", "&amp;lt;"},
	{`"O'Neill"`, `"O'Neill"`, `"O'Neill"`, `"O'Neill"`},
	{"$(rm -r) `id` %s %d \\n", "$(rm -r) `id` %s %d \\n", "$(rm -r) `id` %s %d \\n", "$(rm -r) `id` %s %d \\n"},
	{"]]><x/>", "]]><x/>", "]]><x/>", "]]&gt;&lt;x/&gt;"},
	{"a\x00b\x1b[31mc\x7f", "a�b�[31mc�", "a�b�[31mc�", "a�b�[31mc�"},
	{"one\ntwo\r\nthree\tfour", "one two three four", "one\ntwo\nthree four", "one\ntwo\nthree four"},
	{"abc\u202egnp.exe", "abc�gnp.exe", "abc�gnp.exe", "abc�gnp.exe"},
	{"\u200fx\u2066y\u061c", "�x�y�", "�x�y�", "�x�y�"},
	{"שלום עולם", "שלום עולם", "שלום עולם", "שלום עולם"},
	{"👩\u200d💻", "👩\u200d💻", "👩\u200d💻", "👩\u200d💻"},
	{"bad \xff\xfe utf-8", "bad �� utf-8", "bad �� utf-8", "bad �� utf-8"},
	{"  spaces  ", "spaces", "spaces", "spaces"},
}

func TestTextsAreMadeVisible(t *testing.T) {
	for _, row := range oddTexts {
		n := Notice{Tag: row.in, Title: row.in, Body: row.in, Button: row.in}.clean()
		if n.Tag != row.in || n.Title != row.line || n.Button != row.line || n.Body != row.plain || markup(n.Body) != row.markup {
			t.Errorf("%q came out as %q, markup %q", row.in, n, markup(n.Body))
		}
	}
}

func TestALongNameDoesNotFillTheScreen(t *testing.T) {
	long := strings.Repeat("ä", 10000)
	n := Notice{Title: long, Body: long, Button: long}.clean()
	for text, most := range map[string]int{n.Title: longestTitle, n.Body: longestBody, n.Button: longestButton} {
		if got := utf8.RuneCountInString(text); got != most || !strings.HasSuffix(text, "…") {
			t.Errorf("%d characters, not %d, ending in %q", got, most, text[len(text)-3:])
		}
	}
}

func TestNoAnswerIsLostWhileNobodyListens(t *testing.T) {
	o := newOutbox()
	for i := range 1000 {
		o.answer(Answer{Tag: strings.Repeat("x", i)})
	}
	for i := range 1000 {
		if a := <-o.answers; len(a.Tag) != i {
			t.Fatalf("answer %d has the tag of %d", i, len(a.Tag))
		}
	}
	o.answer(Answer{})
	o.shut()
	for range o.answers {
	}
}
