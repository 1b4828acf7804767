package authtest

import (
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAReuseIsTreatedAsThePolicySays(t *testing.T) {
	const first, second, third = 0, 1, 2 // refresh tokens in the order in which the client got them
	type step struct {
		after   time.Duration
		present int
		taken   bool
	}
	for _, test := range []struct {
		name   string
		policy Policy
		steps  []step
	}{
		{"strict", Policy{}, []step{{0, first, true}, {0, second, true}, {0, first, false}, {0, third, false}}},
		{"refuse only", Policy{Reuse: RefuseOnly}, []step{{0, first, true}, {0, first, false}, {0, second, true}}},
		{"within grace", Policy{Reuse: Grace, Grace: 30 * time.Second},
			[]step{{0, first, true}, {29 * time.Second, first, true}, {0, third, true}}},
		{"after grace", Policy{Reuse: Grace, Grace: 30 * time.Second},
			[]step{{0, first, true}, {31 * time.Second, first, false}, {0, second, false}}},
		{"previous, successor unused", Policy{Reuse: PreviousUntilUsed},
			[]step{{0, first, true}, {time.Hour, first, true}, {0, second, false}, {0, third, true}}},
		{"previous, successor used", Policy{Reuse: PreviousUntilUsed},
			[]step{{0, first, true}, {0, second, true}, {0, first, false}, {0, third, true}}},
		{"same successor", Policy{Reuse: SameSuccessor},
			[]step{{0, first, true}, {time.Hour, first, true}, {0, second, true}}},
		{"same successor, grandparent", Policy{Reuse: SameSuccessor},
			[]step{{0, first, true}, {time.Hour, second, true}, {time.Hour, first, false}, {0, third, false}}},
		{"same successor, grandparent in time", Policy{Reuse: SameSuccessor, Grace: 10 * time.Second},
			[]step{{0, first, true}, {0, second, true}, {9 * time.Second, first, true}, {0, third, true}}},
		{"no rotation", Policy{NoRotation: true}, []step{{0, first, true}, {time.Hour, first, true}}},
		{"idle", Policy{IdleLifetime: 24 * time.Hour}, []step{{23 * time.Hour, first, true}, {23 * time.Hour, second, true}, {25 * time.Hour, third, false}}},
		{"idle without rotation", Policy{IdleLifetime: 24 * time.Hour, NoRotation: true},
			[]step{{23 * time.Hour, first, true}, {23 * time.Hour, first, true}, {25 * time.Hour, first, false}}},
		{"absolute", Policy{AbsoluteLifetime: 24 * time.Hour}, []step{{23 * time.Hour, first, true}, {time.Hour, second, false}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := Start(Options{Memory: true, Policy: test.policy})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				g := s.Grant(GrantOptions{})
				got := []string{g.RefreshToken}
				for i, step := range test.steps {
					time.Sleep(step.after)
					r := refresh(s, g, got[step.present])
					if taken := r.status == 200; taken != step.taken {
						t.Fatalf("step %d: status %d %s, want taken: %v", i+1, r.status, r.text("error"), step.taken)
					}
					if next := r.text("refresh_token"); next != "" {
						got = append(got, next)
					}
					if r.status == 200 && !tries(s, r.text("access_token")) {
						t.Fatalf("step %d: the access token does not work", i+1)
					}
				}
			})
		})
	}
}

func TestAGrantSaysWhyItIsDead(t *testing.T) {
	s := memory(t, Policy{})
	killed, reused := s.Grant(GrantOptions{}), s.Grant(GrantOptions{})
	s.Expect(Spent, reused.ID)
	refresh(s, reused, reused.RefreshToken)
	if why := s.Dead(reused.ID); why != "" {
		t.Errorf("dead before anything happened: %s", why)
	}
	refresh(s, reused, reused.RefreshToken)
	s.KillGrant(killed.ID)
	if k, r := s.Dead(killed.ID), s.Dead(reused.ID); k != "killed" || r != "reuse" {
		t.Errorf("%q and %q", k, r)
	}
}

func TestSameSuccessorIsTheSame(t *testing.T) {
	s := memory(t, Policy{Reuse: SameSuccessor})
	g := s.Grant(GrantOptions{})
	s.Expect(Spent, g.ID)
	one, two := refresh(s, g, g.RefreshToken), refresh(s, g, g.RefreshToken)
	if one.text("refresh_token") != two.text("refresh_token") || one.text("access_token") == two.text("access_token") {
		t.Error("want the same refresh token with another access token")
	}
}

func TestANarrowedRefreshNarrowsOneAccessToken(t *testing.T) {
	s := New(t, Options{Memory: true, RequiredScope: "write"})
	g := s.Grant(GrantOptions{Scope: "read write"})
	narrow := refresh(s, g, g.RefreshToken, "scope", "read")
	full := refresh(s, g, narrow.text("refresh_token"))
	if narrow.text("scope") != "read" || full.text("scope") != "read write" {
		t.Errorf("scopes %q, then %q", narrow.text("scope"), full.text("scope"))
	}
	if tries(s, narrow.text("access_token")) || !tries(s, full.text("access_token")) {
		t.Error("want only the second access token to have the scope that the MCP server wants")
	}
}

func TestWhatTheTokenEndpointRefuses(t *testing.T) {
	s := memory(t, Policy{})
	g, other := s.Grant(GrantOptions{}), s.Grant(GrantOptions{})
	if r := get(s, g.TokenURL, ""); r.status != 405 {
		t.Errorf("GET: status %d, want 405", r.status)
	}
	for _, test := range []struct{ name, form, code, verdict string }{
		{"no client", "grant_type=refresh_token", "invalid_request", "client authentication: none"},
		{"unknown client", "client_id=client-x", "invalid_client", "unknown client"},
		{"no grant type", "client_id=" + g.ClientID, "unsupported_grant_type", "grant type not served"},
		{"another grant type", "grant_type=password&client_id=" + g.ClientID, "unsupported_grant_type", "grant type not served"},
		{"no refresh token", "grant_type=refresh_token&client_id=" + g.ClientID, "invalid_grant", "unknown refresh token"},
		{"no code", "grant_type=authorization_code&client_id=" + g.ClientID, "invalid_grant", "unknown or old code"},
		{"another client's", "grant_type=refresh_token&refresh_token=" + g.RefreshToken + "&client_id=" + other.ClientID, "invalid_grant", "another client's refresh token"},
	} {
		form, _ := url.ParseQuery(test.form)
		r := post(s, g.TokenURL, form)
		log := s.Log()
		if verdict := log[len(log)-1].Verdict; r.text("error") != test.code || verdict != test.verdict {
			t.Errorf("%s: %s, %s; want %s, %s", test.name, r.text("error"), verdict, test.code, test.verdict)
		}
	}
	s.Expect(Spent, g.ID) // an invalid_grant is final, whoever asked
	if r := refresh(s, g, g.RefreshToken); r.status != 200 {
		t.Errorf("its own client: status %d", r.status)
	}
	r := post(s, s.URL(Revoke), url.Values{"token": {g.AccessToken}})
	if r.text("error") != "invalid_request" || !tries(s, g.AccessToken) {
		t.Errorf("a revocation by nobody: status %d", r.status)
	}
	for _, body := range []string{"", "{}", `{"redirect_uris":[]}`} {
		if r := do(s, newPost(s.URL(Register), body)); r.status != 400 {
			t.Errorf("registration %q: status %d, want 400", body, r.status)
		}
	}
}

func TestABasicChallengeAnswersBasic(t *testing.T) {
	s := memory(t, Policy{})
	g := s.Grant(GrantOptions{Confidential: true})
	req := newPost(g.TokenURL, "grant_type=refresh_token")
	req.SetBasicAuth(g.ClientID, "EXAMPLE")
	r := do(s, req)
	if got := r.header.Get("WWW-Authenticate"); r.status != 401 || !strings.HasPrefix(got, "Basic ") {
		t.Errorf("status %d, WWW-Authenticate %q", r.status, got)
	}
}
