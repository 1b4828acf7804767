//go:build servers && linux

package servers

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"lamplighter/lab"
)

// An examined endpoint is what the doctor said of it.
type examined struct {
	Verdict  string `json:"verdict"`
	Exit     int    `json:"exit"`
	Findings []struct {
		Cause string `json:"cause"`
	} `json:"findings"`
	Steps []struct {
		Name string `json:"name"`
		Seen string `json:"seen"`
	} `json:"steps"`
}

// says reports whether a step says that.
func (e examined) says(text string) bool {
	for _, s := range e.Steps {
		if strings.Contains(s.Seen, text) {
			return true
		}
	}
	return false
}

func (e examined) cause() string {
	if len(e.Findings) == 0 {
		return ""
	}
	return e.Findings[0].Cause
}

// examine asks the doctor about a server's token endpoint. What comes by stdin
// is a line each.
func examine(t *testing.T, s *server, client string, stdin []string, args ...string) (e examined) {
	t.Helper()
	l := lab.New(t)
	cmd := withBrowser(t, l, append([]string{"doctor", "token-endpoint", s.origin + "/token", "--client-id", client, "--json"}, args...)...)
	cmd.Stdin = strings.NewReader(strings.Join(stdin, "\n") + "\n")
	// The result apart from the words.
	var out strings.Builder
	all := cmd.Stdout
	cmd.Stdout = io.MultiWriter(all, &out)
	err := cmd.Run()
	if err := json.Unmarshal([]byte(out.String()), &e); err != nil {
		t.Fatalf("no report: %v\n%s", err, all)
	}
	if code := cmd.ProcessState.ExitCode(); code != e.Exit {
		t.Errorf("it ended with %d (%v), the report says %d", code, err, e.Exit)
	}
	said := all.(interface{ String() string }).String()
	for _, secret := range append(s.Secrets(), stdin...) {
		if len(secret) > 5 && strings.Contains(said, secret) {
			t.Error("a secret was printed")
		}
	}
	if wrong := l.Leaks(); wrong != "" {
		t.Error(wrong)
	}
	return e
}

// Each dialect of a client that is registered for it is taken, whether the
// server keeps the refresh token or not, and nothing is sent twice.
func TestAHealthyTokenEndpointHasNoFinding(t *testing.T) {
	type registration struct{ method, as string }
	eachOf(t, map[string]registration{
		"public": {"none", "public,codex,claude-code"},
		"body":   {"client_secret_post", "power-platform,with-scope,with-resource,copilot-studio"},
		"basic":  {"client_secret_basic", "basic,codex"},
	}, func(t *testing.T, k kind, how registration) {
		s := start(t, k, time.Hour)
		back := claudesRedirect(t)
		client, secret := s.registerFor(back, how.method)
		args := []string{"--issuer", s.origin, "--server", s.origin + "/mcp", "--redirect", back, "--as", how.as}
		var stdin []string
		if secret != "" {
			args, stdin = append(args, "--secret", "--auth", strings.TrimPrefix(strings.Replace(how.method, "_post", "_body", 1), "client_secret_")), []string{secret}
		}
		e := examine(t, s, client, stdin, args...)
		if e.Exit != 0 || len(e.Findings) > 0 {
			t.Fatalf("exit %d, %v: %s", e.Exit, e.Findings, e.Verdict)
		}
		if wrong := s.Check(); len(wrong) > 0 {
			t.Error(wrong)
		}
		if sent, answered := s.refreshes(); sent != len(strings.Split(how.as, ",")) || answered != sent {
			t.Errorf("%d refreshes were sent, %d answered", sent, answered)
		}
		want := "Your endpoint refreshes in every way that was tried: " + strings.Join(strings.Split(how.as, ",")[:1], "")
		if how.method == "client_secret_post" {
			want = "Your endpoint refreshes in the form that Power Platform documents; if its log shows no call at expiry"
		}
		if !strings.HasPrefix(e.Verdict, want) {
			t.Errorf("the verdict is %q", e.Verdict)
		}
		if !e.says("signed out") {
			t.Error("the sign-ins were not ended")
		}
	})
}

// The same servers, broken on purpose.
func TestABrokenTokenEndpointHasItsCause(t *testing.T) {
	type broken struct {
		method string
		args   []string
		breaks func(s *server, client string)
		stdin  func(secret string) []string
		want   func(k kind) string
	}
	always := func(cause string) func(kind) string { return func(kind) string { return cause } }
	given := func(secret string) []string { return []string{secret} }
	template := []string{"--as", "power-platform", "--secret"}
	eachOf(t, map[string]broken{
		"the registration is forgotten": {
			method: "client_secret_post", args: template, stdin: given, want: always("endpoint-client-forgotten"),
			breaks: func(s *server, client string) {
				s.next(func(pass func()) bool { s.forget(client); pass(); return true })
			}},
		"the secret is another": {
			method: "client_secret_post", args: template, want: always("endpoint-code-client-refused"),
			stdin: func(string) []string { return []string{"another-secret-EXAMPLE"} }},
		"the resource is another": {
			method: "client_secret_post", args: []string{"--as", "power-platform,with-resource,codex", "--secret", "--resource", "https://elsewhere.example/mcp"}, stdin: given,
			want: func(k kind) string {
				switch {
				case k.oneMethod: // Codex sends HTTP Basic
					return "endpoint-wants-secret-in-body"
				case k.refusesResource:
					return "endpoint-refuses-resource"
				}
				return ""
			}},
		"the endpoint takes one method": {
			method: "client_secret_post", args: []string{"--as", "power-platform,claude-code", "--secret"}, stdin: given,
			want: func(k kind) string {
				if k.oneMethod {
					return "endpoint-wants-secret-in-body"
				}
				return ""
			}},
		"the client is not known": {
			method: "none", args: []string{"--as", "public"}, want: always("endpoint-client-unknown"),
			breaks: func(s *server, client string) { s.forget(client) }},
		"the endpoint breaks off": {
			method: "none", args: []string{"--as", "public"}, want: always("endpoint-unreachable"),
			breaks: func(s *server, _ string) { s.next(func(func()) bool { return false }) }},
	}, func(t *testing.T, k kind, b broken) {
		s := start(t, k, time.Hour)
		back := claudesRedirect(t)
		client, secret := s.registerFor(back, b.method)
		if b.breaks != nil {
			b.breaks(s, client)
		}
		var stdin []string
		if b.stdin != nil {
			stdin = b.stdin(secret)
		}
		args := append([]string{"--issuer", s.origin, "--redirect", back, "--auth", strings.Replace(strings.TrimPrefix(b.method, "client_secret_"), "post", "body", 1)}, b.args...)
		e := examine(t, s, client, stdin, args...)
		if want := b.want(k); e.cause() != want {
			t.Errorf("the cause is %q, not %q: %s", e.cause(), want, e.Verdict)
		}
		if wrong := s.Check(); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
}

// What a sign-in asks for decides whether there is a refresh token at all.
func TestATokenEndpointWithoutOfflineAccess(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := start(t, k, time.Hour)
		back := claudesRedirect(t)
		e := examine(t, s, s.register(back), nil, "--authorize-url", s.origin+"/authorize", "--redirect", back, "--scope", k.scope+"mcp:read", "--as", "public")
		want := "endpoint-offline-access-not-asked"
		if !k.strict { // it gives one to whoever registered for it
			want = ""
		}
		if e.cause() != want {
			t.Errorf("the cause is %q, not %q: %s", e.cause(), want, e.Verdict)
		}
	})
}

// A handed token is spent once; a dead one says nothing about the endpoint.
func TestAHandedTokenIsSpentOnce(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := start(t, k, time.Hour)
		g := s.grant(s.register(redirect), redirect)
		e := examine(t, s, g.ClientID, []string{g.RefreshToken}, "--spend-token", "--as", "public,claude-code")
		if sent, _ := s.refreshes(); e.Exit != 0 || sent != 1 {
			t.Errorf("exit %d after %d refreshes: %s", e.Exit, sent, e.Verdict)
		}
		if e = examine(t, s, g.ClientID, []string{"a-refresh-token-of-nobody-EXAMPLE"}, "--spend-token", "--as", "public"); e.Exit != 4 || e.cause() != "endpoint-handed-token-dead" {
			t.Errorf("exit %d: %s", e.Exit, e.Verdict)
		}
		if wrong := s.Check(); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
}

// By consent a spent refresh token is sent again, and each server's way with it
// is told.
func TestReuseIsToldApart(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := start(t, k, time.Hour)
		back := claudesRedirect(t)
		e := examine(t, s, s.register(back), nil, "--issuer", s.origin, "--redirect", back, "--as", "public", "--try-reuse", "--yes")
		want := "a spent refresh token is taken again a moment later"
		if k.strict {
			want = "a spent refresh token is refused, and the sign-in ended"
		}
		if !e.says(want) || e.Exit != 0 {
			t.Errorf("exit %d, and it does not say %q: %+v", e.Exit, want, e.Steps)
		}
		if wrong := s.Check(); len(wrong) != 1 || !strings.HasPrefix(wrong[0], "spent:") {
			t.Errorf("the tap saw %q", wrong)
		}
	})
}
