package lab_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

func TestMain(m *testing.M) { lab.Main(m) }

var due = authtest.GrantOptions{AccessLeft: time.Minute}

// All is well after a refresh, and the lab sees it when something is not.
func TestALabSeesWhatIsWrong(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := lab.New(t)
	one, two := l.Codex("linear", s, due), l.Codex("sentry", s, authtest.GrantOptions{})
	three := l.ClaudeIn(l.AddHome("claude", "work"), "claude/mcp/slack@work", "slack", s, s.Grant(due))
	if got := l.Run("refresh", "--within", "15m"); got.Code != 0 {
		t.Fatalf("exit code %d: %s", got.Code, got.Output)
	}
	if wrong := l.Well(); wrong != "" {
		t.Fatal(wrong)
	}
	for _, line := range []*lab.Line{one, three} {
		if n := s.TokenPosts(line.Grant.ID); n != 1 {
			t.Errorf("%s: %d POSTs", line.ID, n)
		}
	}
	if st, ok := l.Status(two.ID); !ok || st.State != "fresh" {
		t.Errorf("%s is %q", two.ID, st.State)
	}
	if e := l.Events(one.ID); len(e) != 2 || e[0].Event != "sent" || e[1].Event != "refreshed" || e[0].PID == 0 {
		t.Errorf("the log tells %v", e)
	}
	text, err := os.ReadFile(three.Store)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(three.Store, []byte(strings.Replace(string(text), "2.50", "2.5", 1)), 0o600)
	if l.Whole(three) == "" {
		t.Error("a changed number is not seen")
	}
	os.WriteFile(one.Store, []byte("{}"), 0o600)
	if l.Landed(one) == "" {
		t.Error("a missing entry is not seen")
	}
}
