//go:build wine

package wine

import (
	"bytes"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

func TestTheCommandsDoOnWindowsWhatTheyDoElsewhere(t *testing.T) {
	p := newPC(t)
	s := authtest.New(t, authtest.Options{})
	linear := p.Codex("linear", s, authtest.GrantOptions{AccessLeft: time.Minute})
	slack := p.Claude("slack", s, authtest.GrantOptions{AccessLeft: 50 * time.Minute})
	if out := p.runs(0, "status"); !strings.Contains(out, "codex/mcp/linear") || !strings.Contains(out, "claude/mcp/slack") {
		t.Errorf("status: %s", out)
	}
	p.runs(0, "refresh", "--dry-run")
	if n := s.Requests(authtest.Token); n != 0 {
		t.Errorf("a dry run sent %d requests", n)
	}
	p.runs(0, "refresh")
	if n := s.TokenPosts(linear.Grant.ID); n != 1 || s.TokenPosts(slack.Grant.ID) != 0 {
		t.Errorf("a refresh of those that are due sent %d and %d", n, s.TokenPosts(slack.Grant.ID))
	}
	p.runs(0, "refresh", "slack", "linear", "--anyway")
	p.runs(2, "refresh", "nobody")
	var token bytes.Buffer // what Leaks does not look into
	cmd := p.lamplighter("token", "slack")
	cmd.Stdout = &token
	if err := ended(cmd.Run()); err != nil || strings.TrimSpace(token.String()) != s.Current(slack.Grant.ID).AccessToken {
		t.Errorf("token prints another one than the newest, %v", err)
	}
	p.runs(0, "mode", "linear", "watch-only")
	if out := p.runs(0, "status", "linear"); !strings.Contains(out, "watch-only") {
		t.Errorf("after mode: %s", out)
	}
	p.runs(0, "mode", "linear", "keep")
	if out := p.runs(0, "log"); !strings.Contains(out, "refreshed") {
		t.Errorf("log: %s", out)
	}
	s.KillGrant(linear.Grant.ID)
	p.runs(4, "refresh", "linear", "--anyway")
	if wrong := p.Whole(linear) + p.Whole(slack) + p.Landed(slack) + p.Quiet() + p.Leaks() + strings.Join(s.Check(), "; "); wrong != "" {
		t.Error(wrong)
	}
}

func TestWhatAScriptCallsBeforeItsWork(t *testing.T) {
	p := newPC(t)
	s := authtest.New(t, authtest.Options{})
	linear := p.Codex("linear", s, authtest.GrantOptions{AccessLeft: time.Minute})
	p.runs(0, "ensure", "linear")
	p.runs(0, "ensure", "--all-of", "codex", "--min-ttl", "50m")
	if n := s.TokenPosts(linear.Grant.ID); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	for code, args := range map[int][]string{
		0:   {"cmd", "/c", "if not defined LINEAR_TOKEN exit 1"},
		1:   {"cmd", "/c", "if not defined SLACK_TOKEN exit 1"},
		7:   {"cmd", "/c", "exit 7"},
		125: {"no-such-program-EXAMPLE"},
	} {
		p.runs(code, append([]string{"exec", "--env", "LINEAR_TOKEN=linear", "--"}, args...)...)
	}
	p.runs(125, "exec", "--env", "A=nobody", "--", "cmd", "/c", "exit 7")
	p.runs(125, "exec", "--env", "a=linear", "--env", "A=linear", "--", "cmd", "/c", "exit 7") // one variable there
	s.KillGrant(linear.Grant.ID)
	p.runs(1, "ensure", "linear", "--min-ttl", "2h")
	if wrong := p.Whole(linear) + p.Landed(linear) + p.Quiet() + p.Leaks() + strings.Join(s.Check(), "; "); wrong != "" {
		t.Error(wrong)
	}
}

func TestASignInByAnAddressThatIsOpenedElsewhere(t *testing.T) {
	p := newPC(t)
	s := authtest.New(t, authtest.Options{})
	slack := p.Claude("slack", s, authtest.GrantOptions{})
	s.KillGrant(slack.Grant.ID)
	p.runs(4, "refresh", "slack", "--anyway")
	cmd := p.lamplighter("login", "slack", "--no-browser")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := ""
	p.until("an address", func() bool {
		address = regexp.MustCompile(`http://\S+`).FindString(said(cmd))
		return address != ""
	})
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if err := ended(cmd.Wait()); err != nil {
		t.Errorf("%v: %s", err, said(cmd))
	}
	if out := p.runs(0, "status", "slack"); !strings.Contains(out, "fresh") {
		t.Error(out)
	}
	p.runs(0, "refresh", "slack", "--anyway")
	if wrong := p.Quiet() + strings.Join(s.Check(), "; "); wrong != "" {
		t.Error(wrong)
	}
}

// Many at once: LockFileEx keeps two from sending, and what each writes is whole.
func TestManyProcessesRefreshEachOnce(t *testing.T) {
	p := newPC(t)
	s := authtest.New(t, authtest.Options{})
	var lines []*lab.Line
	for i, name := range []string{"one", "two", "three"} {
		soon := authtest.GrantOptions{AccessLeft: time.Duration(60+i) * time.Second} // each another expiry, for Whole
		lines = append(lines, p.Codex(name, s, soon), p.Claude(name, s, soon))
	}
	var group sync.WaitGroup
	for range 4 {
		cmd := p.start("refresh")
		group.Go(func() { cmd.Wait() })
	}
	group.Wait()
	for _, line := range lines {
		if n := s.TokenPosts(line.Grant.ID); n != 1 {
			t.Errorf("%s: %d requests", line.ID, n)
		}
	}
	if wrong := p.Well(); wrong != "" {
		t.Error(wrong)
	}
}

func TestAKeeperSeesASignInAndEndsWhenItIsTold(t *testing.T) {
	p := newPC(t)
	p.begun()
	s := authtest.New(t, authtest.Options{})
	first := p.Codex("first", s, authtest.GrantOptions{AccessLeft: time.Minute})
	keeper := p.start("keep")
	p.until("the first refresh", func() bool { return s.TokenPosts(first.Grant.ID) == 1 && p.Landed(first) == "" })
	late := p.Codex("late", s, authtest.GrantOptions{AccessLeft: time.Minute})
	p.until("a refresh of what came later", func() bool { return s.TokenPosts(late.Grant.ID) == 1 })
	p.until("it is in its store", func() bool { return p.Landed(late) == "" })
	keeper.Process.Signal(os.Interrupt) // Ctrl-C
	if err := ended(keeper.Wait()); err != nil {
		t.Errorf("it ended with %v: %s", err, said(keeper))
	}
	if wrong := p.Quiet() + p.Leaks() + strings.Join(s.Check(), "; "); wrong != "" {
		t.Error(wrong)
	}
}
