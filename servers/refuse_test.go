//go:build servers && linux

package servers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lamplighter/lab"
)

// The user sets a wrong resource. Some servers do not look at it; of the others
// some use the refresh token up before they do.
func TestAWrongResource(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := signedIn(t, k)
		l.Settings(fmt.Sprintf("[[credential]]\nid = %q\nresource = %q\n", line.ID, s.origin+"/other"))
		if !k.refusesResource {
			refresh(t, l, 0, "linear")
			holds(t, s, l, line, "fresh", 1, 1)
			return
		}
		// A sign-in would not help: its refresh token would go the same way.
		if said := refresh(t, l, 1, "linear"); !strings.Contains(said, "config.toml") || strings.Contains(said, "login") {
			t.Errorf("refresh said: %s", said)
		}
		if code, resource := s.last(); code != "invalid_target" || resource != s.origin+"/other" {
			t.Errorf("the server answered %q to the resource %q", code, resource)
		}
		st := holds(t, s, l, line, "misconfigured", 1, 1)
		if !strings.Contains(st.Reason, "invalid_target") {
			t.Errorf("the reason is %q", st.Reason)
		}
		refresh(t, l, 1, "linear") // nothing has changed, so nothing is sent
		holds(t, s, l, line, "misconfigured", 1, 1)
		l.Settings("")
		if k.burns {
			refresh(t, l, 4, "linear")
			holds(t, s, l, line, "sign-in-needed", 2, 2)
			return
		}
		refresh(t, l, 0, "linear")
		holds(t, s, l, line, "fresh", 2, 2)
	})
}

// The user wants no resource to be sent. All of them give an access token for
// the one that was granted.
func TestNoResource(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := signedIn(t, k)
		l.Settings(fmt.Sprintf("[[credential]]\nid = %q\nresource = \"\"\n", line.ID))
		refresh(t, l, 0, "linear")
		if _, resource := s.last(); resource != "" {
			t.Errorf("the resource %q was sent", resource)
		}
		holds(t, s, l, line, "fresh", 1, 1)
	})
}

// An entry as Codex wrote it before 0.149 names no issuer: the MCP server says
// whose its tokens are.
func TestAnEntryWithoutAnIssuer(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l := start(t, k, time.Hour), lab.New(t)
		g := s.grant(s.register(redirect), redirect)
		g.Issuer = ""
		line := l.CodexOf("linear", s, g)
		refresh(t, l, 0, "linear")
		refresh(t, l, 0, "linear")
		holds(t, s, l, line, "fresh", 2, 2)
	})
}

// A registration that has ended is no word on the refresh token, which is kept;
// but only a sign-in helps, and nothing is sent until then.
func TestADeadClient(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l, line := signedIn(t, k)
		refresh(t, l, 0, "linear")
		s.forget(line.Grant.ClientID)
		refresh(t, l, 4, "linear")
		if code, _ := s.last(); code != "invalid_client" {
			t.Errorf("the server answered %q", code)
		}
		st := holds(t, s, l, line, "sign-in-needed", 2, 2)
		if !strings.Contains(st.Reason, "does not know this client") {
			t.Errorf("the reason is %q", st.Reason)
		}
		refresh(t, l, 4, "linear")
		holds(t, s, l, line, "sign-in-needed", 2, 2)
		if wrong := l.Landed(line); wrong != "" {
			t.Error(wrong)
		}
		toldOnce(t, l, line)
		holds(t, s, l, line, "sign-in-needed", 2, 2)
	})
}

// A client with a secret shows it as the client's program would. Where the
// server wants it in the other way, the user says so, and that counts at once.
func TestAClientWithASecret(t *testing.T) {
	methods := map[string]string{"basic": "client_secret_basic", "post": "client_secret_post"}
	eachOf(t, methods, func(t *testing.T, k kind, method string) {
		s, l := start(t, k, time.Hour), lab.New(t)
		back := claudesRedirect(t)
		client, secret := s.registerFor(back, method)
		line := l.ClaudeOf("slack", s, s.grantFor(client, secret, method, back))
		if method == "client_secret_basic" || !k.oneMethod {
			refresh(t, l, 0, "slack")
			refresh(t, l, 0, "slack")
			holds(t, s, l, line, "fresh", 2, 2)
			c, _ := l.Stored(line)
			if same := c.Refresh.Reveal() == line.Grant.RefreshToken; same != k.rotatesLate {
				t.Errorf("the refresh token is the same: %v", same)
			}
			return
		}
		if said := refresh(t, l, 4, "slack"); !strings.Contains(said, "client or its secret") {
			t.Errorf("refresh said: %s", said)
		}
		refresh(t, l, 4, "slack")
		holds(t, s, l, line, "sign-in-needed", 1, 1)
		l.Settings(fmt.Sprintf("[[credential]]\nid = %q\nauth_method = %q\n", line.ID, method))
		refresh(t, l, 0, "slack")
		holds(t, s, l, line, "fresh", 2, 2)
	})
}
