package authtest

import (
	"net/http"
	"strings"
	"testing"
)

func call(s *Server, access, body string) reply {
	req, _ := http.NewRequest("POST", s.URL(Resource), strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	if access != "" {
		req.Header.Set("Authorization", "Bearer "+access)
	}
	return do(s, req)
}

func TestTheMCPServerAnswersAHandshakeAndATool(t *testing.T) {
	s := memory(t, Policy{})
	g := s.Grant(GrantOptions{})
	for _, test := range []struct {
		body   string
		status int
		part   string
	}{
		{`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`, 200, `"protocolVersion":"2025-11-25"`},
		{`{"jsonrpc":"2.0","method":"notifications/initialized"}`, 202, ``},
		{`{"jsonrpc":"2.0","id":"a","method":"ping"}`, 200, `"id":"a"`},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, 200, `"name":"ping"`},
		{`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"ping"}}`, 200, `"text":"pong"`},
		{`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"other"}}`, 200, `"code":-32601`},
		{`{"jsonrpc":"2.0","id":4,"method":"prompts/list"}`, 200, `"code":-32601`},
		{`nonsense`, 400, ``},
	} {
		r := call(s, g.AccessToken, test.body)
		if r.status != test.status || !strings.Contains(r.body, test.part) {
			t.Errorf("%s: status %d %s, want %d %s", test.body, r.status, r.body, test.status, test.part)
		}
	}
}

func TestTheMCPServerSaysWhatIsWrongWithAToken(t *testing.T) {
	const list = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	const where = `resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp"`
	s := memory(t, Policy{})
	g := s.Grant(GrantOptions{})
	expired, revoked := s.Grant(GrantOptions{AccessLeft: -1}), s.Grant(GrantOptions{})
	s.RevokeAccess(revoked.ID)
	foreign := s.Grant(GrantOptions{Policy: &Policy{WrongAudience: true}})
	wrong := refresh(s, foreign, foreign.RefreshToken).text("access_token")
	for _, test := range []struct {
		name, access, scope string
		status              int
		challenge           string
	}{
		{"none", "", "", 401, "Bearer " + where},
		{"unknown", "at-EXAMPLE", "", 401, "Bearer " + where + `, error="invalid_token"`},
		{"expired", expired.AccessToken, "", 401, "Bearer " + where + `, error="invalid_token"`},
		{"revoked", revoked.AccessToken, "", 401, "Bearer " + where + `, error="invalid_token"`},
		{"another audience", wrong, "", 401, "Bearer " + where + `, error="invalid_token"`},
		{"good", g.AccessToken, "", 200, ""},
		{"scope granted", g.AccessToken, "read write", 200, ""},
		{"scope missing", g.AccessToken, "admin", 403, "Bearer " + where + `, error="insufficient_scope", scope="admin"`},
	} {
		s.Set(func(o *Options) { o.RequiredScope = test.scope })
		r := call(s, test.access, list)
		if got := r.header.Get("WWW-Authenticate"); r.status != test.status || got != test.challenge {
			t.Errorf("%s: status %d %s, want %d %s", test.name, r.status, got, test.status, test.challenge)
		}
	}
	s.Set(func(o *Options) { o.NoChallenge = true })
	if got := call(s, "", list).header.Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("without a pointer to metadata: %s, want Bearer", got)
	}
}
