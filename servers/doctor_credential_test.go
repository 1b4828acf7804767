//go:build servers && linux

package servers

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"lamplighter/lab"
)

// doctored is what the doctor says of a credential.
func doctored(t *testing.T, l *lab.Lab, args ...string) (e examined) {
	t.Helper()
	got := l.Run(append([]string{"doctor", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(got.Output[max(0, strings.Index(got.Output, "{")):]), &e); err != nil {
		t.Fatalf("no report: %v\n%s", err, got.Output)
	}
	if got.Code != e.Exit {
		t.Errorf("it ended with %d, the report says %d", got.Code, e.Exit)
	}
	return e
}

// A credential of a server in good health has no finding, and its refresh token
// is as good afterwards as before: another was made up in its place.
func TestACredentialOfAHealthyServerHasNoFinding(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := start(t, k, time.Hour)
		l := lab.New(t)
		l.CodexOf("linear", s, s.grant(s.register(redirect), redirect))
		for range 2 {
			if e := doctored(t, l, "linear"); e.Exit != 0 || len(e.Findings) > 0 {
				t.Errorf("exit %d, %v: %s", e.Exit, e.Findings, e.Verdict)
			}
		}
		if sent, _ := s.refreshes(); sent != 1 {
			t.Errorf("%d made-up refresh tokens were sent", sent)
		}
		if e := doctored(t, l, "--refresh", "--yes", "linear"); e.Exit != 0 || !e.says("done: a new access token") {
			t.Errorf("exit %d: %s", e.Exit, e.Verdict)
		}
		if wrong := s.Check(); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
}

// A registration that is gone is told before a sign-in is lost to it.
func TestARegistrationThatIsGoneIsToldWithoutASpentToken(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := start(t, k, time.Hour)
		l := lab.New(t)
		client := s.register(redirect)
		l.CodexOf("linear", s, s.grant(client, redirect))
		s.forget(client)
		if e := doctored(t, l, "linear"); e.Exit != 4 || e.cause() != "registration-gone" {
			t.Errorf("exit %d, %q: %s", e.Exit, e.cause(), e.Verdict)
		}
		if wrong := s.Check(); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
}
