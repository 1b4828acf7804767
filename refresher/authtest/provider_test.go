package authtest

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

func TestEntraNamesTheNumberOfWhatItMisses(t *testing.T) {
	for _, test := range []struct {
		policy Policy
		more   []string
		code   string
		words  string
	}{
		{Policy{Dialect: Entra, RequireScope: true}, nil, "invalid_request", "AADSTS90009: "},
		{Policy{Dialect: Entra, Resource: RefusedResource}, []string{"resource", "https://mcp.example/mcp"}, "invalid_target", "AADSTS9010010: "},
	} {
		s := memory(t, test.policy)
		g := s.Grant(GrantOptions{})
		r := refresh(s, g, g.RefreshToken, test.more...)
		if r.status != http.StatusBadRequest || r.text("error") != test.code || !strings.HasPrefix(r.text("error_description"), test.words) {
			t.Errorf("%s: status %d %s", test.words, r.status, r.body)
		}
	}
}

func TestARefreshWithoutAScopeGetsWhatThePolicySays(t *testing.T) {
	s := memory(t, Policy{JWT: true, ScopeUnasked: "read", AudienceUnasked: "https://graph.example"})
	g := s.Grant(GrantOptions{})
	asked := refresh(s, g, g.RefreshToken, "scope", "read write")
	if asked.text("scope") != "read write" || !tries(s, asked.text("access_token")) {
		t.Errorf("with a scope: %q, and it is of use: %v", asked.text("scope"), tries(s, asked.text("access_token")))
	}
	unasked := refresh(s, g, asked.text("refresh_token"))
	access := unasked.text("access_token")
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(access, ".")[1])
	if unasked.text("scope") != "read" || !strings.Contains(string(payload), `"aud":"https://graph.example"`) || tries(s, access) {
		t.Errorf("without: %q, %s, and it is of use: %v", unasked.text("scope"), payload, tries(s, access))
	}
}

func TestAnAnswerToEveryRefreshLeavesTheTokenAsItIs(t *testing.T) {
	s := memory(t, Policy{RefreshAnswer: Status(http.StatusNotFound)})
	g := s.Grant(GrantOptions{})
	if r := refresh(s, g, g.RefreshToken); r.status != http.StatusNotFound {
		t.Errorf("status %d", r.status)
	}
	s.Set(func(o *Options) { o.RefreshAnswer = nil })
	if r := refresh(s, g, g.RefreshToken); r.status != http.StatusOK {
		t.Errorf("afterwards: status %d", r.status)
	}
}

func TestAScopeIsWithheldThoughAskedFor(t *testing.T) {
	s := New(t, Options{Memory: true, Authorization: Authorization{Withholds: "offline_access", OfflineOnly: true}})
	s.AddClient("c", "")
	_, q := authorizes(s, "c", callback)
	r := exchanges(s, "c", q.Get("code"))
	if r.text("scope") != "read" || r.text("refresh_token") != "" || r.text("access_token") == "" {
		t.Errorf("scope %q, a refresh token: %v", r.text("scope"), r.text("refresh_token") != "")
	}
}
