package torture_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// A lie is a way in which a server does not do what the specifications say,
// and what the program has to make of it.
type lie struct {
	name   string
	policy authtest.Policy
	tells  []authtest.Behaviour // the answers to the program's token requests, in order
	world  func(w *deceived)    // what else is not as it should be; may be nil
	slow   bool                 // waits for a deadline of the program's own
	truth
	why string // the expectation's reason, by the table of verdicts
}

// A truth is what has to be so after one "lamplighter refresh ID".
type truth struct {
	code   int
	state  string
	posts  int
	ended  string // the last event of the log: what it was, the verdict and its code
	stored string // the store holds: the newest tokens, the same bytes as before, ...
	grant  string // at the server: alive, lost (nobody was told its successor), or dead
	says   string // a part of what the command prints
}

// What a store may hold afterwards.
const (
	newest   = "newest"             // what the server issued last, to the letter
	same     = "same"               // not a byte is different
	rotated  = "newest but access"  // the newest refresh token with the access token of before
	kept     = "new access, no new" // the newest access token, and the refresh token that was sent
	theTales = "what was told"      // tokens that the server never issued
)

// What a grant may be at its server.
const (
	alive = "alive"
	lost  = "lost" // the store's refresh token was rotated away, and its successor was told to nobody
	dead  = "dead"
)

// deceived is the lab of one lie.
type deceived struct {
	*lab.Lab
	s     *authtest.Server
	line  *lab.Line
	other *authtest.Server // a host that must never see a refresh token
	text  string           // the store before
}

// outcome is what the program made of a lie.
type outcome struct {
	lie lie
	got truth
	bad []string // what is wrong whatever the lie was
}

func (l lie) run(t *testing.T) outcome {
	s, err := authtest.Start(authtest.Options{Policy: l.policy})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	other, err := authtest.Start(authtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	w := &deceived{Lab: lab.New(t), s: s, other: other}
	w.line = w.Codex("linear", s, authtest.GrantOptions{AccessLeft: time.Minute})
	if l.world != nil {
		l.world(w)
	}
	text, err := os.ReadFile(w.line.Store)
	if err != nil {
		t.Fatal(err)
	}
	w.text = string(text)
	s.Next(authtest.Token, l.tells...)

	ran := w.Run("refresh", w.line.ID)
	o := outcome{lie: l, got: truth{code: ran.Code, posts: s.TokenPosts(""), ended: w.ended(), stored: w.stored(), grant: w.grant(), says: ran.Output}}
	if st, ok := w.Status(w.line.ID); ok {
		o.got.state = st.State
	}
	for _, args := range [][]string{{"status"}, {"log"}, {"-v", "refresh", "--dry-run", w.line.ID}} {
		w.Run(args...)
	}
	for _, wrong := range []string{strings.Join(s.Check(), "; "), strings.Join(other.Check(), "; "), w.Quiet(), w.Leaks()} {
		if wrong != "" {
			o.bad = append(o.bad, wrong)
		}
	}
	if n := len(other.Log()); n > 0 {
		o.bad = append(o.bad, fmt.Sprintf("%d requests to a host that has no business with it", n))
	}
	return o
}

// ended is the last thing that the log tells.
func (w *deceived) ended() string {
	events := w.Events(w.line.ID)
	if len(events) == 0 {
		return ""
	}
	e := events[len(events)-1]
	return strings.Join(strings.Fields(e.Event+" "+e.Verdict+" "+e.Code), " ")
}

func (w *deceived) stored() string {
	text, err := os.ReadFile(w.line.Store)
	if err != nil {
		return err.Error()
	}
	now, ok := w.Stored(w.line)
	current := w.s.Current(w.line.Grant.ID)
	has := func(access, refresh string) bool {
		return now.Access.Reveal() == access && now.Refresh.Reveal() == refresh
	}
	whole := w.Whole(w.line)
	switch {
	case string(text) == w.text:
		return same
	case !ok:
		return "no entry"
	case whole != "":
		return whole
	case has(current.AccessToken, current.RefreshToken) && current.RefreshToken != w.line.Grant.RefreshToken:
		return newest
	case has(w.line.Grant.AccessToken, current.RefreshToken):
		return rotated
	case has(current.AccessToken, w.line.Grant.RefreshToken):
		return kept
	}
	return theTales
}

func (w *deceived) grant() string {
	now, _ := w.Stored(w.line)
	switch {
	case w.s.Dead(w.line.Grant.ID) != "":
		return dead
	case now.Refresh.Reveal() != w.s.Current(w.line.Grant.ID).RefreshToken:
		return lost
	}
	return alive
}

// What every lie of a server comes to: for each, what is stored, how often the
// refresh token was sent, what the command answers and says, and whether the
// grant survives, which it has to wherever anything could have survived.
func TestALyingServerCostsNothingThatCouldBeKept(t *testing.T) {
	var wanted []lie
	for _, l := range lies {
		if everything || !l.slow {
			wanted = append(wanted, l)
		}
	}
	outcomes := make([]outcome, len(wanted))
	atOnce(16, len(wanted), func(i int) { outcomes[i] = wanted[i].run(t) })
	table := &strings.Builder{}
	for _, o := range outcomes {
		t.Run(o.lie.name, func(t *testing.T) {
			want, got := o.lie.truth, o.got
			printed := got.says
			got.says = want.says
			if got != want {
				t.Errorf("%s:\n got %+v\nwant %+v\n%s", o.lie.why, got, want, printed)
			}
			if !strings.Contains(printed, want.says) {
				t.Errorf("it says %q, and nothing of %q", printed, want.says)
			}
			for _, wrong := range o.bad {
				t.Error(wrong)
			}
		})
		fmt.Fprintf(table, "%-50s exit %d  %-14s %d POSTs  %-45s %-20s %s\n", o.lie.name, o.got.code, o.got.state, o.got.posts, o.got.ended, o.got.stored, o.got.grant)
	}
	t.Logf("%d lies\n%s", len(outcomes), table)
}

// atOnce does n things, a few at a time.
func atOnce(few, n int, do func(i int)) {
	var group sync.WaitGroup
	slots := make(chan struct{}, few)
	for i := range n {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	group.Wait()
}
