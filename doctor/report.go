// Package doctor answers one question: why does this token not work?
//
// It looks at what is stored, asks servers what they say, and reports what it
// saw with the evidence. Nothing that it does by itself spends anything: no
// refresh token leaves the computer in a step that does not say so, and no
// secret is ever in a [Report].
package doctor

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Report is what one examination came to. It is safe to show and to send
// around: whatever came from a server or a store was cleaned before it got
// in, and no secret is in it. A [Recorder] writes it.
type Report struct {
	About    string // the ID or URL that was asked for; empty: everything
	At       time.Time
	Steps    []Step
	Tables   []Table
	Findings []Finding // in the order in which they were met
	// Fine is the verdict where no finding is one: what was seen to work, in
	// one sentence with the status or field that shows it.
	Fine string
	// Conclusion, where it is set, is the verdict whatever was found.
	Conclusion string
}

// A Step is one look or one request, and what was seen.
type Step struct {
	Name    string // "store", "token", "resource", "metadata", "client", ...
	Seen    string // one line
	Request *Request
}

// A Request is one that was made, without its secrets.
type Request struct {
	Method, URL string
	Header      []string // "Name: value", with a placeholder such as $TOKEN in the place of each secret
	Body        string   // likewise
	Status      int      // zero where no answer came
	Answer      []string // the lines of the answer that matter: a header, a field of the body
}

// A Table is a result with more than one side, such as a matrix of dialects.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string // each as long as Head
}

// A Finding is one thing that is wrong, or will be. The words for it are those
// of its Cause.
type Finding struct {
	Cause    Cause
	About    string // the ID, URL, file or program that it is about
	Evidence string // the status, header, field or line that decided it, quoted
	// Args are what the words of the Cause name besides.
	Args []any
}

// A Cause is one kind of trouble. No two share a verdict.
type Cause string

// A severity says what a Cause means to whoever waits for an exit code.
type severity int

const (
	note      severity = iota // worth knowing; nothing is wrong
	temporary                 // try later
	wrong                     // somebody has to change something
	needsUser                 // only a sign-in helps
)

// The words of a severity in JSON.
var severities = [...]string{note: "note", temporary: "temporary", wrong: "wrong", needsUser: "sign-in"}

// A cause is what there is to say of one Cause. The texts are formats for the
// Args of a Finding, in the same order each; %[1]s is the first.
type cause struct {
	severity    severity
	what        string // one sentence: what is wrong
	consequence string // what comes of it
	do          string // the one thing to do
}

// words are those of every Cause. They are made when they are first asked for:
// most commands of the program examine nothing.
var words = sync.OnceValue(func() map[Cause]cause {
	words := map[Cause]cause{}
	for _, part := range []map[Cause]cause{urlCauses(), endpointCauses(), localCauses(), storeCauses(), systemCauses()} {
		for c, w := range part {
			if _, twice := words[c]; twice {
				panic("two causes are called " + c)
			}
			words[c] = w
		}
	}
	return words
})

// expr is a regular expression that is compiled when it is first used.
func expr(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// What, Consequence and Do are the words for f.
func (f Finding) What() string        { return f.say(words()[f.Cause].what) }
func (f Finding) Consequence() string { return f.say(words()[f.Cause].consequence) }
func (f Finding) Do() string          { return f.say(words()[f.Cause].do) }

// say fills in the Args, as many as the text names.
func (f Finding) say(format string) string {
	if !strings.Contains(format, "%") {
		return format
	}
	return fmt.Sprintf(format, f.Args...)
}

// Ranked are the findings with the one that decides first.
func (r Report) Ranked() []Finding {
	all := slices.Clone(r.Findings)
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Compare(words()[b.Cause].severity, words()[a.Cause].severity)
	})
	return all
}

// Verdict is the one sentence that answers the question, with what decided it.
// Where there are only notes it says what works, and the first of them.
func (r Report) Verdict() string {
	all := r.Ranked()
	switch {
	case r.Conclusion != "":
		return r.Conclusion
	case len(all) > 0 && (words()[all[0].Cause].severity > note || r.Fine == ""):
		return sentence(all[0].What(), all[0].Evidence)
	case r.Fine != "":
		return r.Fine
	}
	return "Nothing is wrong."
}

// sentence puts the evidence into what is wrong.
func sentence(what, evidence string) string {
	if evidence == "" {
		return what
	}
	return strings.TrimSuffix(what, ".") + " (" + strings.TrimSuffix(evidence, ".") + ")."
}

// Exit is the exit code: 0 nothing is wrong, 1 something has to be changed, 3
// try later, 4 only a sign-in helps.
func (r Report) Exit() int {
	code := [...]int{note: 0, temporary: 3, wrong: 1, needsUser: 4}
	if all := r.Ranked(); len(all) > 0 {
		return code[words()[all[0].Cause].severity]
	}
	return code[note]
}
