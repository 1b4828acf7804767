//go:build servers && linux

package servers

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"lamplighter/lab"
)

// visited is what the doctor says of the MCP server, with a secret or without.
func visited(t *testing.T, s *server, secret string, args ...string) (e examined) {
	t.Helper()
	l := lab.New(t)
	cmd := l.Command(append([]string{"doctor", s.origin + "/mcp", "--json"}, args...)...)
	cmd.Stdin = strings.NewReader(secret)
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if err := json.Unmarshal([]byte(out.String()), &e); err != nil {
		t.Fatalf("no report: %v\n%s%s", err, out.String(), said.String())
	}
	if code := cmd.ProcessState.ExitCode(); code != e.Exit {
		t.Errorf("it ended with %d (%v), the report says %d", code, err, e.Exit)
	}
	for _, value := range append(s.Secrets(), strings.TrimSpace(secret)) {
		if len(value) > 5 && strings.Contains(out.String()+said.String(), value) {
			t.Error("a secret was printed")
		}
	}
	if sent, _ := s.refreshes(); sent > 0 {
		t.Errorf("%d refresh tokens were sent", sent)
	}
	return e
}

// Nobody, and whoever has a token, learns what these servers are like.
func TestTheMCPServerOfAHealthyServerHasNoFinding(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := start(t, k, time.Hour)
		if e := visited(t, s, ""); e.Exit != 0 || len(e.Findings) > 0 {
			t.Errorf("as nobody: exit %d, %v: %s", e.Exit, e.Findings, e.Verdict)
		}
		token := s.grant(s.register(redirect), redirect).AccessToken
		e := visited(t, s, token, "--bearer")
		// Of a JWT it can tell when it ends, which nothing given here can renew.
		if e.Exit != 0 || len(e.Findings) > 1 || len(e.Findings) == 1 && e.cause() != "dies-soon" {
			t.Errorf("with a token: exit %d, %v: %s", e.Exit, e.Findings, e.Verdict)
		}
	})
}

// The same servers, and something wrong with the token or how it is shown.
func TestATokenThatAServerRefusesHasItsVerdict(t *testing.T) {
	type fault struct {
		want   string
		exit   int
		place  []string
		secret func(token string) string
	}
	eachOf(t, map[string]fault{
		"made up":    {"token-refused", 4, []string{"--bearer"}, func(string) string { return "at-made-up-EXAMPLE" }},
		"twice":      {"bearer-twice", 1, []string{"--bearer"}, func(s string) string { return "Bearer " + s }},
		"quoted":     {"secret-quoted", 1, []string{"--bearer"}, func(s string) string { return `"` + s + `"` }},
		"no Bearer":  {"bearer-missing", 1, []string{"--api-key-header", "Authorization"}, func(s string) string { return s }},
		"as a key":   {"scheme-differs", 1, []string{"--api-key-header", "X-Api-Key"}, func(s string) string { return s }},
		"with Basic": {"scheme-differs", 1, []string{"--basic"}, func(s string) string { return "user:" + s }},
	}, func(t *testing.T, k kind, f fault) {
		s := start(t, k, time.Hour)
		token := s.grant(s.register(redirect), redirect).AccessToken
		if e := visited(t, s, f.secret(token), f.place...); e.Exit != f.exit || e.cause() != f.want {
			t.Errorf("exit %d, %q: %s", e.Exit, e.cause(), e.Verdict)
		}
	})
}

func TestAnExpiredTokenIsToldApart(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		if k.name == "workers-oauth-provider" {
			t.Skip("its tokens live for a minute at least")
		}
		s := start(t, k, time.Second)
		token := s.grant(s.register(redirect), redirect).AccessToken
		for deadline := time.Now().Add(30 * time.Second); s.accepts(token); time.Sleep(200 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Skip("the server takes tokens for longer than it says")
			}
		}
		e := visited(t, s, token, "--bearer")
		if e.Exit != 4 || e.cause() != "token-expired" && e.cause() != "token-refused" {
			t.Errorf("exit %d, %q: %s", e.Exit, e.cause(), e.Verdict)
		}
	})
}
