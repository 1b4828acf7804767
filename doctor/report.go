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
	"slices"
	"time"
)

// A Report is what one examination came to. It is safe to show and to send
// around: whatever came from a server or a store was cleaned before it got
// in, and no secret is in it.
type Report struct {
	About    string // the ID or URL that was asked for; empty: everything
	At       time.Time
	Steps    []Step
	Findings []Finding // in the order in which they were met
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
	Header      []string // "Name: value", with a placeholder in the place of each secret
	Body        string   // likewise
	Status      int      // zero where no answer came
	Answer      []string // the lines of the answer that matter: a header, a field of the body
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

// A cause is what there is to say of one Cause. The texts are formats for the
// Args of a Finding, in the same order each; %[1]s is the first.
type cause struct {
	severity    severity
	what        string // one sentence: what is wrong
	consequence string // what comes of it
	do          string // the one thing to do
}

// words are those of every Cause. Each part of the package adds its own.
var words = map[Cause]cause{}

func declare(all map[Cause]cause) {
	for c, w := range all {
		if _, twice := words[c]; twice {
			panic("two causes are called " + c)
		}
		words[c] = w
	}
}

// What, Consequence and Do are the words for f.
func (f Finding) What() string        { return f.say(words[f.Cause].what) }
func (f Finding) Consequence() string { return f.say(words[f.Cause].consequence) }
func (f Finding) Do() string          { return f.say(words[f.Cause].do) }

func (f Finding) say(format string) string {
	if len(f.Args) == 0 {
		return format
	}
	return fmt.Sprintf(format, f.Args...)
}

// Ranked are the findings with the one that decides first.
func (r Report) Ranked() []Finding {
	all := slices.Clone(r.Findings)
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Compare(words[b.Cause].severity, words[a.Cause].severity)
	})
	return all
}
