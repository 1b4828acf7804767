package authtest

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheLogTellsEverythingButTheTokens(t *testing.T) {
	s := memory(t, Policy{})
	g := s.Grant(GrantOptions{Confidential: true})
	second := refresh(s, g, g.RefreshToken, "client_secret", g.ClientSecret, "resource", "https://mcp.example/mcp", "scope", "read")
	get(s, s.URL(Resource), second.text("access_token"))
	s.KillGrant(g.ID)
	refresh(s, g, second.text("refresh_token"), "client_secret", g.ClientSecret)
	refresh(s, g, "rt-EXAMPLE", "client_secret", g.ClientSecret)

	log := s.Log()
	for i, want := range []Entry{
		{N: 1, Method: "POST", Host: "auth.example", Path: "/oauth/token", Endpoint: Token, Auth: AuthPost, Grant: "g1", Refresh: "rt1",
			Status: 200, Verdict: "refreshed", Successor: "rt2", Delivery: Whole, Scope: "read"},
		{N: 2, Method: "GET", Host: "mcp.example", Path: "/mcp", Endpoint: Resource, Grant: "g1",
			Status: 405, Verdict: "no stream to listen to", Delivery: Whole},
		{N: 3, Method: "POST", Host: "auth.example", Path: "/oauth/token", Endpoint: Token, Auth: AuthPost, Grant: "g1", Refresh: "rt2",
			Status: 400, Verdict: "grant is dead: killed", Condemned: true, Delivery: Whole},
		{N: 4, Method: "POST", Host: "auth.example", Path: "/oauth/token", Endpoint: Token, Auth: AuthPost, Refresh: "unknown",
			Status: 400, Verdict: "unknown refresh token", Condemned: true, Delivery: Whole},
	} {
		got := log[i]
		if got.At.IsZero() {
			t.Errorf("#%d has no time", got.N)
		}
		want.At = got.At
		if got.String() != want.withWords(got) || got.Auth != want.Auth || got.Endpoint != want.Endpoint || got.Condemned != want.Condemned || got.Scope != want.Scope {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	if got := strings.Join(log[0].Keys, " "); got != "client_id client_secret grant_type refresh_token resource scope" {
		t.Errorf("keys %s", got)
	}
	if r := log[0].Resource; len(r) != 1 || r[0] != "https://mcp.example/mcp" {
		t.Errorf("resource %v", r)
	}
	if all, one := s.TokenPosts(""), s.TokenPosts(g.ID); all != 3 || one != 2 || s.Requests(Token) != 3 || s.Last(g.ID).N != 3 {
		t.Errorf("%d token posts, %d of the grant, the last is #%d", all, one, s.Last(g.ID).N)
	}
	if got := s.Serial(second.text("refresh_token")) + ", " + s.Serial("rt-EXAMPLE"); got != "g1 rt2, unknown" {
		t.Errorf("serials %s", got)
	}

	written := fmt.Sprintf("%v %+v %#v %v %+v %#v", log, log, log, s.Current(g.ID), s.Current(g.ID), s.Current(g.ID))
	for _, secret := range s.Secrets() {
		if strings.Contains(written, secret) {
			t.Error("a secret is in the log or in a printed grant")
		}
	}
	if len(s.Secrets()) != 5 {
		t.Errorf("%d secrets, want a client secret, two access and two refresh tokens", len(s.Secrets()))
	}
}

// withWords is the line of e with the grant type of another entry.
func (e Entry) withWords(o Entry) string {
	e.GrantType = o.GrantType
	return e.String()
}

func TestTheLogIsACopy(t *testing.T) {
	s := memory(t, Policy{})
	g := s.Grant(GrantOptions{})
	refresh(s, g, g.RefreshToken)
	log := s.Log()
	log[0].Keys[0], log[0].Verdict = "changed", "changed"
	if again := s.Log()[0]; again.Keys[0] == "changed" || again.Verdict == "changed" {
		t.Error("a caller's change reaches the server's log")
	}
}
