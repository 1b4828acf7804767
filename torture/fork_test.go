package torture_test

import (
	"crypto/rand"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// A fork is one grant in the stores of two homes.
type fork struct {
	*lab.Lab
	t    *testing.T
	s    *authtest.Server
	g    authtest.Grant
	a, b *lab.Line
}

// forks are the pairs of homes in which one refresh token may stand.
var forks = []struct {
	name string
	pair func(l *lab.Lab, s *authtest.Server, g authtest.Grant) (a, b *lab.Line)
}{
	{"two homes of Codex", func(l *lab.Lab, s *authtest.Server, g authtest.Grant) (a, b *lab.Line) {
		return l.CodexIn(l.Path(".codex"), "codex/mcp/linear", "linear", s, g),
			l.CodexIn(l.AddHome("codex", "work"), "codex/mcp/linear@work", "linear", s, g)
	}},
	{"two homes of Claude Code", func(l *lab.Lab, s *authtest.Server, g authtest.Grant) (a, b *lab.Line) {
		return l.ClaudeIn(l.Path(".claude"), "claude/mcp/linear", "linear", s, g),
			l.ClaudeIn(l.AddHome("claude", "work"), "claude/mcp/linear@work", "linear", s, g)
	}},
	{"Codex and Claude Code", func(l *lab.Lab, s *authtest.Server, g authtest.Grant) (a, b *lab.Line) {
		return l.CodexIn(l.Path(".codex"), "codex/mcp/linear", "linear", s, g),
			l.ClaudeIn(l.Path(".claude"), "claude/mcp/linear", "linear", s, g)
	}},
}

// eachFork runs a test on each pair. left is how long the token still lives.
func eachFork(t *testing.T, left time.Duration, test func(f *fork)) {
	for _, kind := range forks {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			s := authtest.New(t, authtest.Options{})
			f := &fork{Lab: lab.New(t), t: t, s: s, g: s.Grant(authtest.GrantOptions{AccessLeft: left})}
			f.a, f.b = kind.pair(f.Lab, s, f.g)
			test(f)
			for _, wrong := range []string{f.Quiet(), f.Leaks()} {
				if wrong != "" {
					t.Error(wrong)
				}
			}
		})
	}
}

// is checks the state of a credential, and a part of its reason.
func (f *fork) is(line *lab.Line, state, reason string) {
	f.t.Helper()
	var got lab.Status
	if !lab.Until(5*time.Second, func() bool {
		got, _ = f.Status(line.ID)
		return got.State == state && strings.Contains(strings.ToLower(got.Reason), reason)
	}) {
		f.t.Errorf("%s is %s, %q; want %s, %q", line.ID, got.State, got.Reason, state, reason)
	}
}

// answers runs a command and checks its exit code, and a part of what it says.
func (f *fork) answers(code int, says string, args ...string) {
	f.t.Helper()
	got := f.Run(args...)
	if got.Code != code || !strings.Contains(got.Output, says) {
		f.t.Errorf("%v: exit code %d, %q; want %d, %q", args, got.Code, got.Output, code, says)
	}
}

// prints is the stdout of a command that may print a token.
func (f *fork) prints(args ...string) string {
	f.t.Helper()
	cmd := f.Command(args...)
	cmd.Stdout = nil
	out, err := cmd.Output()
	if err != nil {
		f.t.Errorf("%v: %v", args, err)
	}
	return string(out)
}

// sent checks how often the grant's refresh tokens were sent so far.
func (f *fork) sent(want int) {
	f.t.Helper()
	if n := f.s.TokenPosts(f.g.ID); n != want {
		f.t.Errorf("%d token requests, want %d", n, want)
	}
}

// soon waits for a number of token requests, and a moment longer for one more.
func (f *fork) soon(want int) {
	f.t.Helper()
	lab.Until(5*time.Second, func() bool { return f.s.TokenPosts(f.g.ID) >= want && f.Quiet() == "" })
	time.Sleep(700 * time.Millisecond) // a scan comes 200 ms after a change
	f.sent(want)
}

func (f *fork) landed(line *lab.Line) {
	f.t.Helper()
	if wrong := f.Landed(line); wrong != "" {
		f.t.Error(wrong)
	}
}

// text is a store's.
func (f *fork) text(line *lab.Line) string {
	f.t.Helper()
	text, err := os.ReadFile(line.Store)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

func (f *fork) write(line *lab.Line, text string) {
	f.t.Helper()
	if err := os.WriteFile(line.Store, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// put gives an entry the tokens of a grant.
func (f *fork) put(line *lab.Line, g authtest.Grant) {
	f.t.Helper()
	now, ok := f.Stored(line)
	if !ok {
		f.t.Fatalf("%s is not in its store", line.ID)
	}
	f.write(line, strings.NewReplacer(
		now.Access.Reveal(), g.AccessToken, now.Refresh.Reveal(), g.RefreshToken, now.ClientID, g.ClientID,
		strconv.FormatInt(now.Expiry.UnixMilli(), 10), strconv.FormatInt(g.Expiry.UnixMilli(), 10),
	).Replace(f.text(line)))
}

// ending is a grant with another access token, which has a minute left: one
// that we fetched ourselves is left alone for a while whatever it says.
func ending(g authtest.Grant) authtest.Grant {
	g.AccessToken, g.Expiry = "at-"+rand.Text()+"-EXAMPLE", time.Now().Add(time.Minute)
	return g
}

func TestNeitherOfTwoCopiesIsRefreshedUntilOneIsNamed(t *testing.T) {
	eachFork(t, time.Minute, func(f *fork) {
		before := f.text(f.a)
		copied := f.text(f.b)
		keeper := f.Keep()
		f.is(f.a, "watch-only", "the same refresh token is in "+f.b.ID)
		f.is(f.b, "watch-only", "the same refresh token is in "+f.a.ID)
		f.answers(0, "", "refresh")
		f.answers(0, "", "refresh", "--all")
		f.answers(0, "", "refresh", "--within", "2h")
		f.answers(1, "the same refresh token is in "+f.b.ID, "refresh", f.a.ID)
		f.answers(1, "the same refresh token is in "+f.a.ID, "refresh", "--anyway", f.b.ID)
		f.answers(1, "lamplighter mode", "refresh", f.a.ID)
		f.answers(0, f.a.ID+": would be left alone: watch-only", "refresh", "--dry-run", f.a.ID)
		if token := f.prints("token", "--min-ttl", "10s", f.a.ID); token != f.g.AccessToken+"\n" {
			f.t.Errorf("a token that lives long enough is not given out")
		}
		f.soon(0)
		if f.text(f.a) != before || f.text(f.b) != copied {
			f.t.Error("a store has changed")
		}

		f.answers(0, f.a.ID+": keep", "mode", f.a.ID, "keep")
		f.soon(1)
		f.landed(f.a)
		f.is(f.a, "fresh", "next refresh")
		f.is(f.b, "watch-only", "an old copy of "+f.a.ID)
		f.answers(1, "an old copy of "+f.a.ID, "refresh", f.b.ID)
		f.answers(1, "an old copy of "+f.a.ID, "refresh", "--anyway", f.b.ID)

		// A restart keeps the decision.
		f.Stop(keeper)
		f.put(f.a, ending(f.s.Current(f.g.ID)))
		second := f.Keep()
		f.soon(2)
		f.landed(f.a)
		f.is(f.b, "watch-only", "an old copy of "+f.a.ID)
		// To name an old copy brings nothing: what it holds is used up.
		f.answers(0, "", "mode", f.b.ID, "keep")
		f.is(f.b, "watch-only", "an old copy of "+f.a.ID)
		f.answers(1, "an old copy of "+f.a.ID, "refresh", f.b.ID)
		f.answers(0, "refreshed, good for", "refresh", f.a.ID)
		f.soon(3)
		if f.text(f.b) != copied {
			f.t.Error("the copy has changed")
		}
		f.Stop(second)
		if f.told(f.b.ID) {
			f.t.Error("somebody was told of an old copy")
		}
	})
}

// told reports whether anybody was asked for a sign-in.
func (f *fork) told(id string) bool {
	m, err := f.Ledger().Memory(f.key(id))
	if err != nil {
		f.t.Fatal(err)
	}
	return m.Told != ""
}

func (f *fork) key(id string) credfiles.Key {
	for _, line := range []*lab.Line{f.a, f.b} {
		if line.ID == id {
			c, _ := f.Stored(line)
			return c.Key
		}
	}
	f.t.Fatalf("no line %s", id)
	return credfiles.Key{}
}
