package authtest

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestClientAuthenticationComesBeforeTheRefreshToken(t *testing.T) {
	const none, basic, post, both, wrong = "none", "basic", "post", "both", "wrong"
	for _, test := range []struct {
		auth         ClientAuth
		confidential bool
		taken        map[string]bool
	}{
		{AnyAuth, false, map[string]bool{none: true, basic: true, post: true, both: false, wrong: false}},
		{AnyAuth, true, map[string]bool{none: false, basic: true, post: true, both: false, wrong: false}},
		{BasicOnly, true, map[string]bool{none: false, basic: true, post: false}},
		{PostOnly, true, map[string]bool{none: false, basic: false, post: true}},
		{NoneOnly, false, map[string]bool{none: true, basic: false, post: false}},
	} {
		for how, taken := range test.taken {
			s := memory(t, Policy{ClientAuth: test.auth})
			g := s.Grant(GrantOptions{Confidential: test.confidential})
			form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {g.RefreshToken}}
			if how != basic {
				form.Set("client_id", g.ClientID)
			}
			if how == post || how == both {
				form.Set("client_secret", g.ClientSecret)
			}
			if how == wrong {
				form.Set("client_secret", "EXAMPLE")
			}
			req := newPost(g.TokenURL, form.Encode())
			if how == basic || how == both {
				req.SetBasicAuth(url.QueryEscape(g.ClientID), url.QueryEscape(g.ClientSecret))
			}
			r := do(s, req)
			if (r.status == 200) != taken {
				t.Errorf("%q, secret: %v, %s: status %d %s, want taken: %v", test.auth, test.confidential, how, r.status, r.text("error"), taken)
			}
			if !taken && s.Current(g.ID).RefreshToken != g.RefreshToken {
				t.Errorf("%q, %s: a refused client has used up the refresh token", test.auth, how)
			}
		}
	}
}

func TestBasicIsFormEncodedUnlessTheServerIsOdd(t *testing.T) {
	const id, secret = "my client", "a+b:c%20EXAMPLE"
	for _, raw := range []bool{false, true} {
		s := memory(t, Policy{RawBasic: raw})
		s.AddClient(id, secret)
		g := s.Grant(GrantOptions{ClientID: id})
		for _, encoded := range []bool{raw, !raw} {
			req := newPost(g.TokenURL, "grant_type=refresh_token&refresh_token="+g.RefreshToken)
			req.SetBasicAuth(id, secret)
			if encoded {
				req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
			}
			if taken := do(s, req).status == 200; taken != (encoded != raw) {
				t.Errorf("raw server: %v, encoded: %v: taken: %v", raw, encoded, taken)
			}
		}
	}
}

func TestAnExpiredClientIsRefusedAndItsRefreshTokenSpared(t *testing.T) {
	for _, test := range []struct {
		dialect Dialect
		status  int
		code    string
	}{{OAuth, 401, "invalid_client"}, {Slack, 200, "invalid_client_id"}, {GitHub, 200, "incorrect_client_credentials"}} {
		s := memory(t, Policy{Dialect: test.dialect})
		g := s.Grant(GrantOptions{})
		s.ExpireClient(g.ClientID)
		for range 2 {
			if r := refresh(s, g, g.RefreshToken); r.status != test.status || !strings.Contains(r.body, test.code) {
				t.Errorf("status %d, want %d %s", r.status, test.status, test.code)
			}
		}
	}
}

func TestARegistrationEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t, Options{Memory: true, Registration: Registration{ClientLifetime: 90 * 24 * time.Hour}})
		g := s.Grant(GrantOptions{})
		time.Sleep(90*24*time.Hour - time.Second)
		g.RefreshToken = refresh(s, g, g.RefreshToken).text("refresh_token")
		time.Sleep(time.Second)
		if r := refresh(s, g, g.RefreshToken); r.text("error") != "invalid_client" {
			t.Errorf("status %d %s, want invalid_client", r.status, r.text("error"))
		}
	})
}

func TestARefreshMustSayWhatThePolicyWants(t *testing.T) {
	const mcp = "https://mcp.example/mcp"
	for _, test := range []struct {
		name   string
		policy Policy
		more   []string
		code   string // empty is taken
		burnt  bool
	}{
		{"no rules", Policy{}, []string{"resource", "https://any.example"}, "", false},
		{"exact", Policy{Resource: ExactResource}, []string{"resource", mcp}, "", false},
		{"exact, none", Policy{Resource: ExactResource}, nil, "", false},
		{"exact, wrong", Policy{Resource: ExactResource}, []string{"resource", mcp + "/"}, "invalid_target", false},
		{"required", Policy{Resource: RequiredResource}, []string{"resource", mcp}, "", false},
		{"required, none", Policy{Resource: RequiredResource}, nil, "invalid_target", false},
		{"burning", Policy{Resource: ExactResource, BurnsOnRefusal: true}, []string{"resource", mcp + "/"}, "invalid_target", true},
		{"refused", Policy{Resource: RefusedResource}, []string{"resource", mcp}, "invalid_target", false},
		{"refused, none", Policy{Resource: RefusedResource}, nil, "", false},
		{"scope", Policy{RequireScope: true}, []string{"scope", "read write"}, "", false},
		{"scope, none", Policy{RequireScope: true}, nil, "invalid_request", false},
		{"scope, too much", Policy{}, []string{"scope", "read admin"}, "invalid_scope", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := memory(t, test.policy)
			g := s.Grant(GrantOptions{})
			r := refresh(s, g, g.RefreshToken, test.more...)
			if r.text("error") != test.code || (r.status == 200) != (test.code == "") {
				t.Errorf("status %d %s, want %q", r.status, r.text("error"), test.code)
			}
			if test.code == "" {
				return
			}
			s.Set(func(o *Options) { o.Policy = Policy{} })
			if again := refresh(s, g, g.RefreshToken); (again.text("error") == "invalid_grant") != test.burnt {
				t.Errorf("afterwards: status %d, want burnt: %v", again.status, test.burnt)
			}
		})
	}
}

func TestARefreshOrASignInEndsWhatThePolicySays(t *testing.T) {
	for _, test := range []struct {
		policy                 Policy
		oldAccess, olderSignIn bool
	}{{Policy{}, true, true}, {Policy{RevokesAccess: true}, false, true}, {Policy{RevokesSiblings: true}, true, false}} {
		s := memory(t, test.policy)
		older := s.Grant(GrantOptions{})
		g := s.Grant(GrantOptions{ClientID: older.ClientID})
		refresh(s, g, g.RefreshToken)
		if got := tries(s, g.AccessToken); got != test.oldAccess {
			t.Errorf("%+v: the old access token works: %v", test.policy, got)
		}
		if got := refresh(s, older, older.RefreshToken).status == 200; got != test.olderSignIn {
			t.Errorf("%+v: the older sign-in lives: %v", test.policy, got)
		}
	}
}

func TestAGrantMayHaveAPolicyOfItsOwn(t *testing.T) {
	s := memory(t, Policy{})
	own := s.Grant(GrantOptions{Policy: &Policy{NoRotation: true}})
	follows := s.Grant(GrantOptions{})
	rotates := func(g Grant) bool {
		before := s.Current(g.ID).RefreshToken
		refresh(s, g, before)
		return s.Current(g.ID).RefreshToken != before
	}
	if rotates(own) || !rotates(follows) {
		t.Error("the policies are mixed up")
	}
	s.Set(func(o *Options) { o.NoRotation = true })
	s.SetGrant(own.ID, func(p *Policy) { p.NoRotation = false })
	if !rotates(own) || rotates(follows) {
		t.Error("the changes are mixed up")
	}
}

func TestAJWTTellsItsTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t, Policy{JWT: true, AccessLifetime: 12 * time.Hour})
		g := s.Grant(GrantOptions{})
		parts := strings.Split(g.AccessToken, ".")
		if len(parts) != 3 {
			t.Fatalf("%d parts, want 3", len(parts))
		}
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		var claims struct {
			Issued int64  `json:"iat"`
			Expiry int64  `json:"exp"`
			Issuer string `json:"iss"`
		}
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Fatal(err)
		}
		if claims.Expiry-claims.Issued != 12*60*60 || claims.Expiry != g.Expiry.Unix() || claims.Issuer != s.Issuer() {
			t.Errorf("claims %+v", claims)
		}
		if !tries(s, g.AccessToken) {
			t.Error("it does not work")
		}
	})
}

func TestATestCanEndTokens(t *testing.T) {
	for _, test := range []struct {
		name            string
		end             func(*Server, Grant)
		access, refresh bool
	}{
		{"nothing", func(*Server, Grant) {}, true, true},
		{"the grant", func(s *Server, g Grant) { s.KillGrant(g.ID) }, false, false},
		{"access, by revoking", func(s *Server, g Grant) { s.RevokeAccess(g.ID) }, false, true},
		{"access, by expiring", func(s *Server, g Grant) { s.ExpireAccess(g.ID) }, false, true},
		{"refresh", func(s *Server, g Grant) { s.ExpireRefresh(g.ID) }, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := memory(t, Policy{})
			g, other := s.Grant(GrantOptions{}), s.Grant(GrantOptions{})
			test.end(s, g)
			if got := tries(s, g.AccessToken); got != test.access {
				t.Errorf("access token works: %v, want %v", got, test.access)
			}
			if got := refresh(s, g, g.RefreshToken).status == 200; got != test.refresh {
				t.Errorf("refresh token works: %v, want %v", got, test.refresh)
			}
			if !tries(s, other.AccessToken) || refresh(s, other, other.RefreshToken).status != 200 {
				t.Error("another grant has ended too")
			}
		})
	}
}

func TestTokensEndWithTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t, Policy{AccessLifetime: 30 * time.Second, AbsoluteLifetime: time.Hour})
		g := s.Grant(GrantOptions{})
		half := s.Grant(GrantOptions{AccessLeft: 15 * time.Second})
		expired := s.Grant(GrantOptions{AccessLeft: -time.Minute})
		if !g.Expiry.Equal(time.Now().Add(30*time.Second)) || !g.RefreshExpiry.Equal(time.Now().Add(time.Hour)) || g.Lifetime != 30*time.Second {
			t.Errorf("expiry %v, refresh expiry %v, lifetime %v", g.Expiry, g.RefreshExpiry, g.Lifetime)
		}
		for _, want := range []bool{true, false} {
			if !tries(s, g.AccessToken) || tries(s, half.AccessToken) != want || tries(s, expired.AccessToken) {
				t.Errorf("after %v", time.Since(g.Expiry.Add(-g.Lifetime)))
			}
			time.Sleep(15 * time.Second)
		}
		if tries(s, g.AccessToken) {
			t.Error("an access token outlives its lifetime")
		}
	})
}
