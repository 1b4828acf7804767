package doctor

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/ledger"
)

// What ails one credential, with its server asked. A made-up refresh token
// stands for the real one, which never leaves.
var ailments = []fault{
	{cause: "registration-gone", make: after(func(c *computer) { c.s.ExpireClient(c.s.Grants()[0].ClientID) })},
	{cause: "secret-refused", make: func(c *computer) { confidential(c); c.s.ExpireClient(c.s.Grants()[0].ClientID) }},
	{cause: "secret-missing", server: authtest.Options{Policy: authtest.Policy{ClientAuth: authtest.BasicOnly}}, make: func(c *computer) {
		c.Codex("linear", c.s, authtest.GrantOptions{Confidential: true})
	}},
	{cause: "secret-expired", make: func(c *computer) {
		confidential(c)
		c.s.Behave(authtest.Token, authtest.Behaviour{Answer: entra("invalid_client", "AADSTS7000222: The provided client secret keys for app are expired.")})
	}},
	{cause: "grant-not-allowed", make: asked(authtest.Refusal{Code: "unauthorized_client"}.Answer())},
	{cause: "no-endpoint", make: asked(authtest.Status(404))},
	{cause: "refresh-not-served", make: asked(authtest.Refusal{Code: "unsupported_grant_type"}.Answer())},
	{cause: "request-refused", make: asked(authtest.Refusal{Code: "invalid_scope"}.Answer())},
	{cause: "no-clear-answer", make: asked(authtest.Status(502))},
	{cause: "takes-anything", make: asked(tokens())},
	{cause: "access-refused", make: after(func(c *computer) { c.s.RevokeAccess("g1") })},
	{cause: "due", make: func(c *computer) { c.Codex("linear", c.s, authtest.GrantOptions{AccessLeft: -time.Minute}) }},
	{cause: "grant-dead", make: after(func(c *computer) { c.s.KillGrant("g1"); c.refresh() })},
	{cause: "will-end", make: func(c *computer) { c.Claude("linear", c.s, authtest.GrantOptions{NoRefreshToken: true}) }},
	{cause: "unbound", make: after(func(c *computer) { c.edit(codexFile, `"issuer"`, `"former"`) })},
	{cause: "issuer-changed", make: after(func(c *computer) { // a move to another server: nothing of the old one's is wrong
		c.edit(codexFile, `"issuer":"`+c.s.Issuer()+`"`, `"issuer":"`+c.s.Issuer()+`/former"`)
	})},
	{cause: "endpoint-changed", make: func(c *computer) {
		g := c.s.Grant(hourly)
		c.gemini(g, "")
		c.remember(func(*ledger.Locked, *ledger.Memory, refresher.Row) {})
		c.gemini(g, g.TokenURL+"/elsewhere")
	}},
	{cause: "unused", make: after(func(c *computer) {
		c.put(".codex/config.toml", "[mcp_servers.linear]\nurl = 'https://elsewhere.example/mcp'\n")
	})},
	{cause: "by-you", make: after(func(c *computer) { c.mode = "watch-only" })},
	{cause: "old-copy", id: "claude/mcp/linear", make: func(c *computer) {
		g := c.s.Grant(hourly)
		c.CodexIn(c.Path(".codex"), "codex/mcp/linear", "linear", c.s, g)
		c.remember(func(lk *ledger.Locked, m *ledger.Memory, _ refresher.Row) { _ = lk.MarkSpent(m.Refresh, m.Lineage) })
		c.edit(codexFile, g.RefreshToken, "successor-EXAMPLE")
		c.ClaudeIn(c.Path(".claude"), "claude/mcp/linear", "linear", c.s, g)
	}},
	{cause: "other-owner", id: "claude/mcp/linear", make: func(c *computer) {
		g := c.s.Grant(hourly)
		c.CodexIn(c.Path(".codex"), "codex/mcp/linear", "linear", c.s, g)
		c.ClaudeIn(c.Path(".claude"), "claude/mcp/linear", "linear", c.s, g)
		c.must(c.Ledger().SetMode(c.row("codex/mcp/linear").Key, ledger.Mode{Mode: "keep"}))
	}},
	{cause: "watched", make: func(c *computer) {
		c.put(".codex/auth.json", `{"tokens":{"access_token":"`+jwtUntil(time.Now().Add(time.Hour))+`","refresh_token":"renews-EXAMPLE"}}`)
	}},
	{cause: "lock-left", make: func(c *computer) {
		c.Claude("linear", c.s, hourly)
		old := time.Now().Add(-14 * time.Minute)
		c.must(os.Mkdir(c.Path(".claude/.storage-write.lock"), 0o755))
		c.must(os.Chtimes(c.Path(".claude/.storage-write.lock"), old, old))
	}},
	{cause: clockOff, make: after(func(c *computer) {
		late := func(a *authtest.Answer) {
			a.Header.Set("Date", time.Now().Add(-10*time.Minute).UTC().Format(http.TimeFormat))
		}
		for _, e := range []authtest.Endpoint{authtest.Resource, authtest.Token, authtest.Metadata} {
			c.s.Behave(e, authtest.Behaviour{Edit: late})
		}
	})},
	{cause: "clock", make: after(func(c *computer) {
		c.s.Behave(authtest.Token, authtest.Behaviour{Edit: func(a *authtest.Answer) {
			a.Header.Set("Date", time.Now().Add(10*time.Minute).UTC().Format(http.TimeFormat))
		}})
	})},
	{cause: refusedConnection, make: after(func(c *computer) { c.must(c.s.SetReach(authtest.Refused)) })},
	{cause: badURL, make: func(c *computer) {
		g := c.s.Grant(hourly)
		g.ServerURL = strings.Replace(g.ServerURL, "http://", "http://user@", 1)
		c.gemini(g, "")
	}},
	{cause: scopeMissing, make: after(func(c *computer) { c.s.Set(func(o *authtest.Options) { o.RequiredScope = "admin" }) })},
}

// asked is one whose token endpoint answers a made-up refresh token in that
// form.
func asked(a *authtest.Answer) func(c *computer) {
	return after(func(c *computer) { c.s.Behave(authtest.Token, authtest.Behaviour{Answer: a}) })
}

func tokens() *authtest.Answer {
	return &authtest.Answer{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"access_token":"anybody-EXAMPLE","token_type":"Bearer","expires_in":3600}`)}
}

func TestAHealthyCredentialHasNoFinding(t *testing.T) {
	for _, client := range []string{"codex", "claude"} {
		c := newComputer(t, authtest.Options{})
		c.Codex("linear", c.s, hourly)
		c.Claude("linear", c.s, hourly)
		r := c.examineID(client + "/mcp/linear")
		if len(r.Findings) != 0 || r.Exit() != 0 || !strings.Contains(r.Verdict(), "works") {
			t.Errorf("exit %d, found:\n%s", r.Exit(), r.Text(80, nil))
		}
		t.Log("\n" + r.Text(80, nil))
	}
}

// A refresh token leaves only when somebody asks for a refresh. What leaves in
// its place is made up, goes to the token endpoint alone, and once a day.
func TestOnlyAMadeUpRefreshTokenIsSentAndOnceADay(t *testing.T) {
	c := newComputer(t, authtest.Options{})
	c.Codex("linear", c.s, hourly)
	c.Claude("notion", c.s, hourly)
	before := len(c.s.Log())
	var told []string
	announced := func(_ *Recorder, o *Options) { o.Announce = func(host string) { told = append(told, host) } }
	for range 3 {
		for _, id := range []string{"codex/mcp/linear", "claude/mcp/notion"} {
			if r := c.examineID(id, announced); len(r.Findings) != 0 {
				t.Errorf("%s:\n%s", id, r.Text(80, nil))
			}
		}
		c.examine()
	}
	posts := 0
	for _, e := range c.s.Log()[before:] {
		if e.Endpoint != authtest.Token {
			continue
		}
		posts++
		if e.Refresh != "" && e.Grant != "" {
			t.Errorf("a refresh token of the user's was sent: %s", e)
		}
	}
	if posts != 1 || len(told) != 1 {
		t.Errorf("%d POSTs to the token endpoint, announced to %v", posts, told)
	}
	r := c.keeper()
	for _, row := range r.Scan(t.Context()).Rows {
		if out := r.Refresh(t.Context(), row, refresher.Options{Force: true, Word: true}); out.Did != refresher.Refreshed {
			t.Errorf("%s cannot be refreshed afterwards: %s %v", row.ID, out.Did, out.Err)
		}
	}
}

func TestOfflineACredentialsServerIsNotAsked(t *testing.T) {
	c := newComputer(t, authtest.Options{})
	one(c)
	before := len(c.s.Log())
	r := c.examineID("", offline)
	if n := len(c.s.Log()) - before; n != 0 || len(r.Findings) != 0 || r.Exit() != 0 {
		t.Errorf("%d requests\n%s", n, r.Text(80, nil))
	}
	if asked, err := c.keeper().Ledger.Asked(c.s.URL(authtest.Token)); err != nil || !asked.At.IsZero() {
		t.Errorf("it counts as asked: %v, %v", asked, err)
	}
}

// hosts notes who is asked.
type hosts struct {
	via  http.RoundTripper
	seen map[string]bool
}

func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.seen[r.URL.Host] = true
	return h.via.RoundTrip(r)
}

// A vendor's own login, and the servers of other credentials, are nobody's
// business here.
func TestOnlyTheCredentialsOwnHostsAreAsked(t *testing.T) {
	c := newComputer(t, authtest.Options{})
	one(c)
	other := authtest.New(t, authtest.Options{})
	c.Claude("notion", other, hourly)
	c.put(".codex/auth.json", `{"tokens":{"access_token":"`+jwtUntil(time.Now().Add(time.Hour))+`","refresh_token":"renews-EXAMPLE"}}`)
	seen := hosts{via: http.DefaultTransport, seen: map[string]bool{}}
	c.examineID("codex/mcp/linear", via(seen))
	if want := strings.TrimPrefix(c.s.Issuer(), "http://"); len(seen.seen) != 1 || !seen.seen[want] {
		t.Errorf("asked %v, want %s", seen.seen, want)
	}
	if n := len(other.Log()); n != 0 {
		t.Errorf("another's server got %d requests", n)
	}
	clear(seen.seen)
	c.examineID("codex/login", via(seen))
	if len(seen.seen) != 0 {
		t.Errorf("for a login %v was asked", seen.seen)
	}
}

// The access token goes to its server alone, whatever that points to.
func TestTheAccessTokenGoesToItsServerAlone(t *testing.T) {
	elsewhere := authtest.New(t, authtest.Options{})
	c := newComputer(t, authtest.Options{Discovery: authtest.Discovery{AuthorizationServers: []string{elsewhere.Issuer()}}})
	line := c.Codex("linear", c.s, hourly)
	c.examineID("")
	for _, e := range elsewhere.Log() {
		if strings.Contains(fmt.Sprint(e), line.Grant.AccessToken) || e.Endpoint == authtest.Token {
			t.Errorf("%s", e)
		}
	}
}

// jwtUntil is an access token that says when it ends.
func jwtUntil(end time.Time) string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"none"}`) + "." + part(fmt.Sprintf(`{"iss":"https://login.example","aud":"app","exp":%d,"sub":"EXAMPLE"}`, end.Unix())) + "." + part("signature EXAMPLE")
}

func TestWhatAnAccessTokenSaysIsShown(t *testing.T) {
	c := newComputer(t, authtest.Options{})
	c.put(".codex/auth.json", `{"tokens":{"access_token":"`+jwtUntil(time.Now().Add(time.Hour))+`","refresh_token":"renews-EXAMPLE"}}`)
	r := c.examineID("codex/login")
	if text := r.Text(80, nil); !strings.Contains(text, "https://login.example") || strings.Contains(text, "renews-EXAMPLE") {
		t.Errorf("\n%s", text)
	}
}

// A made-up refresh token would say nothing of a client that has none: only its
// secret brings a token.
func TestAnOwnClientsEndpointIsNotAsked(t *testing.T) {
	c := newComputer(t, authtest.Options{})
	c.s.AddApplication("app", "app-secret-EXAMPLE", "")
	c.put("secret", "app-secret-EXAMPLE")
	owning(credfiles.Own{Grant: credfiles.ByClientCredentials, SecretFile: c.Path("secret")})(c)
	c.refresh()
	before := len(c.s.Log())
	r := c.examineID("own/graph")
	if n := len(c.s.Log()) - before; n != 0 || len(r.Findings) != 0 {
		t.Errorf("%d requests\n%s", n, r.Text(80, nil))
	}
}

// Where no answer came, what is wrong with the way there is told as well.
func TestWhereNoAnswerCameTheWayIsLookedAt(t *testing.T) {
	c := newComputer(t, authtest.Options{})
	one(c)
	c.env["HTTPS_PROXY"] = "htp://proxy.example"
	if r := c.examineID(""); len(r.Findings) != 0 {
		t.Errorf("although it works:\n%s", r.Text(80, nil))
	}
	c.must(c.s.SetReach(authtest.Refused))
	if r := c.examineID(""); r.Ranked()[0].Cause != "proxy-malformed" {
		t.Error(r.Text(80, nil))
	}
}
