package year

import (
	"slices"
	"time"
)

// A cause is why an access token in a store was not good for a while.
type cause string

// The causes. A gap that has none of them is a failure.
const (
	asleep   cause = "the computer slept"
	offline  cause = "no network"
	noKeeper cause = "no keeper ran"
	refused  cause = "the server was not reached"
	errors5  cause = "the server answered errors"
	asked    cause = "the server asked to wait"
	lost     cause = "an answer was lost"
	held     cause = "an old client held it"
	wentBack cause = "its store went back"
	slow     cause = "its server was slower than its client waits"
	dead     cause = "it was dead, until a person signed in"
	revoked  cause = "it was revoked, and nobody knew"
	noEntry  cause = "it was signed out"
)

// A span is a time that something lasted.
type span struct {
	from, to time.Time
	why      cause
}

// A trouble is something that comes and goes. Its owner guards it.
type trouble struct {
	spans []span
	open  bool
}

func (t *trouble) begin(why cause) {
	t.end()
	t.spans = append(t.spans, span{from: time.Now(), why: why})
	t.open = true
}

func (t *trouble) end() {
	if t.open {
		t.spans[len(t.spans)-1].to = time.Now()
		t.open = false
	}
}

// all are its spans until now, the open one too.
func (t *trouble) all(now time.Time) []span {
	all := slices.Clone(t.spans)
	if t.open {
		all[len(all)-1].to = now
	}
	return slices.DeleteFunc(all, func(s span) bool { return !s.from.Before(now) })
}

// union merges spans that touch.
func union(sets ...[]span) []span {
	all := slices.Concat(sets...)
	slices.SortFunc(all, func(a, b span) int { return a.from.Compare(b.from) })
	var out []span
	for _, s := range all {
		if n := len(out); n > 0 && !s.from.After(out[n-1].to) {
			if s.to.After(out[n-1].to) {
				out[n-1].to = s.to
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// without is what of s is in none of the holes, which are a union.
func without(s span, holes []span) (left []span) {
	at, _ := slices.BinarySearchFunc(holes, s.from, func(h span, t time.Time) int {
		if h.to.After(t) {
			return 1
		}
		return -1
	})
	for _, h := range holes[at:] {
		if !h.from.Before(s.to) {
			break
		}
		if h.from.After(s.from) {
			left = append(left, span{s.from, h.from, s.why})
		}
		s.from = h.to
	}
	if s.from.Before(s.to) {
		left = append(left, s)
	}
	return left
}

func length(spans []span) (d time.Duration) {
	for _, s := range spans {
		d += s.to.Sub(s.from)
	}
	return d
}
