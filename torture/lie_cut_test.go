package torture_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// A cut is an answer that ends before its byte n, in one way of telling its
// length.
type cut struct {
	line   *lab.Line
	n      int
	within bool // a token string
}

// unlengthed is an answer whose end only the end of the connection tells.
func unlengthed(n int) func(authtest.Wired) ([]byte, authtest.Delivery) {
	return func(w authtest.Wired) ([]byte, authtest.Delivery) {
		at := bytes.Index(w.Whole, []byte("Content-Length:"))
		end := at + bytes.IndexByte(w.Whole[at:], '\n') + 1
		w.Whole = append(bytes.Clone(w.Whole[:at]), w.Whole[end:]...)
		w.Body -= end - at
		w.TokensEnd -= end - at
		return authtest.CutAt(n)(w)
	}
}

// cuts are what a whole answer is made of.
func cuts(t *testing.T, wire func(n int) func(authtest.Wired) ([]byte, authtest.Delivery)) (size, end int) {
	t.Helper()
	s := authtest.New(t, authtest.Options{})
	l := lab.New(t)
	line := l.Codex("linear", s, authtest.GrantOptions{AccessLeft: time.Minute})
	s.Next(authtest.Token, authtest.Behaviour{Wire: func(w authtest.Wired) ([]byte, authtest.Delivery) {
		whole, known := wire(len(w.Whole))(w)
		size, end = len(whole), len(whole)-(len(w.Whole)-w.TokensEnd)
		return whole, known
	}})
	if got := l.Run("refresh", line.ID); got.Code != 0 {
		t.Fatalf("exit code %d: %s", got.Code, got.Output)
	}
	return size, end
}

// An answer may end at any byte. Once both token strings are whole, it is a
// success; before, the refresh token is sent once more, at once, and a server
// that forgives that has lost nothing. A strict one has, and no other program
// could have kept what never came.
func TestAnAnswerMayEndAtAnyByte(t *testing.T) {
	for _, way := range []struct {
		name string
		wire func(n int) func(authtest.Wired) ([]byte, authtest.Delivery)
	}{{"with its length", authtest.CutAt}, {"without", unlengthed}} {
		size, end := cuts(t, way.wire)
		for _, forgives := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, the server forgives %v", way.name, forgives), func(t *testing.T) {
				t.Parallel()
				o, step := authtest.Options{}, 1
				switch {
				case !everything && forgives:
					step = 11
				case !everything:
					step = 61
				}
				if forgives {
					o.Policy = forgiving
				}
				s := authtest.New(t, o)
				l := lab.New(t)
				var all []cut
				for n := 0; n <= size; n++ {
					if n%step != 0 && (n < end-2 || n > end+2) {
						continue
					}
					line := l.Codex(fmt.Sprintf("s%04d", n), s, authtest.GrantOptions{AccessLeft: time.Minute})
					s.NextGrant(line.Grant.ID, authtest.Behaviour{Wire: way.wire(n)})
					all = append(all, cut{line, n, n < end})
				}
				ran := l.Run("refresh", "--all")
				want := 0
				for _, c := range all {
					posts, fate := 1, "" // of the grant
					switch {
					case c.within && forgives:
						posts = 2
					case c.within:
						posts, fate, want = 2, "reuse", 4
					}
					if got := s.TokenPosts(c.line.Grant.ID); got != posts || s.Dead(c.line.Grant.ID) != fate {
						t.Errorf("ended before byte %d of %d, tokens whole at %d: %d POSTs, grant dead %q; want %d, %q", c.n, size, end, got, s.Dead(c.line.Grant.ID), posts, fate)
					}
					if wrong := l.Landed(c.line); wrong != "" && fate == "" {
						t.Errorf("ended before byte %d of %d: %s", c.n, size, wrong)
					}
				}
				if ran.Code != want {
					t.Errorf("exit code %d, want %d", ran.Code, want)
				}
				for _, wrong := range []string{l.Quiet(), l.Leaks()} {
					if wrong != "" {
						t.Error(wrong)
					}
				}
				t.Logf("%d answers, cut between byte 0 and %d; the tokens are whole at %d", len(all), size, end)
			})
		}
	}
}

// A refusal counts only when it came whole: what softens it may come last.
func TestARefusalThatEndsEarlyCondemnsNothing(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := lab.New(t)
	refusal := authtest.Refusal{Code: "invalid_grant", Extra: map[string]any{"suberror": "consent_required"}}.Answer()
	var whole []byte
	measured := l.Codex("whole", s, authtest.GrantOptions{AccessLeft: time.Minute})
	s.NextGrant(measured.Grant.ID, authtest.Behaviour{Answer: refusal, Wire: func(w authtest.Wired) ([]byte, authtest.Delivery) {
		whole = bytes.Clone(w.Whole)
		return whole, authtest.Whole
	}})
	if ran := l.Run("refresh", measured.ID); ran.Code != 4 {
		t.Fatalf("whole: exit code %d: %s", ran.Code, ran.Output)
	}
	step := 1
	if !everything {
		step = 13
	}
	var all []cut
	for n := 0; n < len(whole); n += step {
		left := time.Minute + time.Duration(n)*time.Second
		line := l.Codex(fmt.Sprintf("s%04d", n), s, authtest.GrantOptions{AccessLeft: left})
		s.NextGrant(line.Grant.ID, authtest.Behaviour{Answer: refusal, Wire: authtest.CutAt(n)})
		all = append(all, cut{line: line, n: n})
	}
	l.Run("refresh", "--all")
	for _, c := range all {
		if got := s.TokenPosts(c.line.Grant.ID); got != 2 {
			t.Errorf("ended before byte %d of %d: %d POSTs, want a repeat at once", c.n, len(whole), got)
		}
	}
	if wrong := l.Well(); wrong != "" {
		t.Error(wrong)
	}
	t.Logf("%d refusals, cut between byte 0 and %d", len(all), len(whole))
}
