package authtest

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheOracleCatchesEachViolation(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy Policy
		do     func(*Server, Grant)
		want   []Rule
	}{
		{"a refresh and its successor", Policy{}, func(s *Server, g Grant) {
			refresh(s, g, refresh(s, g, g.RefreshToken).text("refresh_token"))
		}, nil},
		{"a spent one again", Policy{}, func(s *Server, g Grant) {
			refresh(s, g, g.RefreshToken)
			refresh(s, g, g.RefreshToken)
		}, []Rule{Spent}},
		{"a spent one that the server would forgive", Policy{Reuse: PreviousUntilUsed}, func(s *Server, g Grant) {
			refresh(s, g, g.RefreshToken)
			refresh(s, g, g.RefreshToken)
		}, []Rule{Spent}},
		{"a dead one again", Policy{}, func(s *Server, g Grant) {
			s.KillGrant(g.ID)
			refresh(s, g, g.RefreshToken)
			refresh(s, g, g.RefreshToken)
		}, []Rule{Spent}},
		{"one that was never issued, again", Policy{}, func(s *Server, g Grant) {
			refresh(s, g, "rt-EXAMPLE")
			refresh(s, g, "rt-EXAMPLE")
		}, []Rule{Spent}},
		{"one that a scripted answer condemned", Policy{}, func(s *Server, g Grant) {
			s.Next(Token, Behaviour{Answer: Refusal{Dialect: Slack}.Answer()})
			refresh(s, g, g.RefreshToken)
			refresh(s, g, g.RefreshToken)
		}, []Rule{Spent}},
		{"one that was consumed and condemned", Policy{}, func(s *Server, g Grant) {
			s.Next(Token, Behaviour{Answer: Refusal{}.Answer(), Consume: true})
			refresh(s, g, g.RefreshToken)
			refresh(s, g, g.RefreshToken)
		}, []Rule{Spent}},
		{"one whose user is asked for", Policy{}, func(s *Server, g Grant) {
			s.Next(Token, Behaviour{Answer: Refusal{Code: "invalid_grant", Extra: map[string]any{"suberror": "basic_action"}}.Answer()})
			refresh(s, g, g.RefreshToken)
			refresh(s, g, g.RefreshToken)
		}, nil},
		{"a revoked one", Policy{}, func(s *Server, g Grant) {
			post(s, s.URL(Revoke), map[string][]string{"token": {g.RefreshToken}, "client_id": {g.ClientID}})
			refresh(s, g, g.RefreshToken)
		}, []Rule{Spent}},
		{"again without rotation", Policy{NoRotation: true}, func(s *Server, g Grant) {
			refresh(s, g, g.RefreshToken)
			refresh(s, g, g.RefreshToken)
		}, nil},
		{"again after an answer that was dropped", Policy{Reuse: Grace, Grace: time.Minute}, func(s *Server, g Grant) {
			s.Next(Token, Behaviour{Fault: DropAfter}, Behaviour{Fault: Cut}, Behaviour{Fault: Garble}, Behaviour{Answer: HTML(), Consume: true})
			for range 5 {
				refresh(s, g, g.RefreshToken)
			}
		}, nil},
		{"again after an answer whose tokens were whole", Policy{Reuse: Grace, Grace: time.Minute}, func(s *Server, g Grant) {
			s.Next(Token, Behaviour{Fault: CutAfterTokens})
			refresh(s, g, g.RefreshToken)
			refresh(s, g, g.RefreshToken)
		}, []Rule{Spent}},
		{"again after an answer that condemned, cut", Policy{}, func(s *Server, g Grant) {
			s.Next(Token, Behaviour{Answer: Refusal{}.Answer(), Fault: Cut})
			refresh(s, g, g.RefreshToken)
			refresh(s, g, g.RefreshToken)
		}, nil},
		{"again after an answer that condemned, cut to nothing", Policy{}, func(s *Server, g Grant) {
			s.Next(Token, Behaviour{Answer: Refusal{}.Answer(), Fault: CutAfterTokens})
			refresh(s, g, g.RefreshToken)
			refresh(s, g, g.RefreshToken)
		}, nil},
		{"again after an answer that a killed program did not journal", Policy{}, func(s *Server, g Grant) {
			refresh(s, g, g.RefreshToken)
			s.NotJournaled(s.Last(g.ID).N)
			refresh(s, g, g.RefreshToken)
		}, nil},
		{"again after an answer that kept the successor to itself", Policy{Reuse: Grace, Grace: time.Minute}, func(s *Server, g Grant) {
			s.Next(Token, Behaviour{Fault: DropAfter}, Behaviour{Shape: Shape{Refresh: NullRefresh}})
			for range 3 {
				refresh(s, g, g.RefreshToken)
			}
		}, nil},
		{"again after trouble", Policy{}, func(s *Server, g Grant) {
			s.Next(Token, Behaviour{Answer: Status(503)}, Behaviour{Fault: DropBefore})
			for range 3 {
				refresh(s, g, g.RefreshToken)
			}
		}, nil},
		{"a token request to a guessed path", Policy{}, func(s *Server, g Grant) {
			post(s, s.Issuer()+"/token", nil)
		}, []Rule{Misdirected}},
		{"the token endpoint's path on the MCP server's host", Policy{}, func(s *Server, g Grant) {
			post(s, "https://mcp.example/oauth/token", nil)
		}, []Rule{Misdirected}},
		{"a look for metadata", Policy{}, func(s *Server, g Grant) {
			get(s, s.Issuer()+"/.well-known/openid-configuration", "")
		}, nil},
		{"a request to another host", Policy{}, func(s *Server, g Grant) {
			get(s, "https://elsewhere.example/.well-known/openid-configuration", "")
		}, []Rule{Misdirected}},
		{"a redirect followed", Policy{}, func(s *Server, g Grant) {
			s.Next(Token, Behaviour{Answer: Redirect(307, "https://elsewhere.example/login")})
			client := http.Client{Transport: s.Transport()}
			res, err := client.PostForm(g.TokenURL, map[string][]string{"refresh_token": {g.RefreshToken}})
			if err == nil {
				res.Body.Close()
			}
		}, []Rule{Misdirected, Stray}},
		{"a refresh token at the MCP server", Policy{}, func(s *Server, g Grant) {
			get(s, s.URL(Resource), g.RefreshToken)
		}, []Rule{Stray}},
		{"a refresh token in a registration", Policy{}, func(s *Server, g Grant) {
			post(s, s.URL(Register), map[string][]string{"x": {g.RefreshToken}})
		}, []Rule{Stray}},
		{"a refresh token in a query, encoded", Policy{Reuse: PreviousUntilUsed}, func(s *Server, g Grant) {
			get(s, g.TokenURL+"?refresh_token="+strings.ReplaceAll(g.RefreshToken, ":", "%3A"), "")
		}, []Rule{Stray}},
		{"a refresh token as password", Policy{}, func(s *Server, g Grant) {
			req, _ := http.NewRequest("POST", g.TokenURL, nil)
			req.SetBasicAuth(g.ClientID, g.RefreshToken)
			do(s, req)
		}, []Rule{Stray}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := Start(Options{Memory: true, Policy: test.policy})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			g := s.Grant(GrantOptions{})
			test.do(s, g)
			wantRules(t, s, test.want)
		})
	}
}

// wantRules compares the violations of a server with rules.
func wantRules(t *testing.T, s *Server, want []Rule) {
	t.Helper()
	var got, words []string
	for _, v := range s.Check() {
		rule, _, _ := strings.Cut(v, ":")
		got = append(got, rule)
	}
	for _, r := range want {
		words = append(words, string(r))
	}
	if strings.Join(got, " ") != strings.Join(words, " ") {
		t.Errorf("violations %q, want %v", s.Check(), want)
	}
}

func TestTwoRefreshesOfOneGrantInFlightAreCaught(t *testing.T) {
	for _, test := range []struct {
		name      string
		behaviour Behaviour
		first     func(Grant) string
	}{
		{"same value", Behaviour{Delay: time.Second}, func(g Grant) string { return g.RefreshToken }},
		{"the first ends soon after", Behaviour{Delay: 510 * time.Millisecond}, func(g Grant) string { return g.RefreshToken }},
		{"the first is half answered", Behaviour{Fault: Cut, Hang: true}, func(g Grant) string { return g.RefreshToken }},
		{"a value that was never issued", Behaviour{Delay: time.Second}, func(Grant) string { return "rt-EXAMPLE" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := Start(Options{Memory: true})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				g, other := s.Grant(GrantOptions{}), s.Grant(GrantOptions{})
				s.Next(Token, test.behaviour, test.behaviour)
				go refresh(s, g, test.first(g))
				go refresh(s, other, other.RefreshToken)
				time.Sleep(500 * time.Millisecond)
				if v := s.Check(); v != nil {
					t.Errorf("two grants at once: %q", v)
				}
				refresh(s, g, test.first(g))
				wantRules(t, s, []Rule{Overlap})
			})
		})
	}
}

func TestTwoRefreshTokensOfOneGrantInFlightAreCaught(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t, Policy{})
		g := s.Grant(GrantOptions{})
		next := refresh(s, g, g.RefreshToken).text("refresh_token")
		s.NotJournaled(1)
		s.Next(Token, Behaviour{Delay: time.Second})
		go refresh(s, g, next)
		time.Sleep(500 * time.Millisecond)
		refresh(s, g, g.RefreshToken)
		wantRules(t, s, []Rule{Overlap})
		s.Expect(Overlap, g.ID)
	})
}

func TestARepeatAfterTheClientGaveUpIsNoOverlap(t *testing.T) {
	for _, memory := range []bool{true, false} {
		for _, b := range []Behaviour{{Delay: Forever}, {DelayAfter: Forever}, {Fault: Cut, Hang: true}} {
			s := New(t, Options{Memory: memory, Policy: Policy{Reuse: Grace, Grace: time.Hour}})
			transport := s.Transport()
			if !memory {
				transport = &http.Transport{DisableKeepAlives: true}
			}
			g := s.Grant(GrantOptions{})
			ctx, giveUp := context.WithCancel(t.Context())
			b.OnArrival = giveUp
			s.Next(Token, b)
			form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {g.RefreshToken}, "client_id": {g.ClientID}}.Encode()
			for _, ctx := range []context.Context{ctx, t.Context()} {
				res, err := transport.RoundTrip(newPost(g.TokenURL, form).WithContext(ctx))
				if err == nil {
					res.Body.Close()
				}
			}
			if v := s.Check(); v != nil {
				t.Errorf("network: %v, %+v: violations %q, want none", !memory, b, v)
			}
		}
	}
}

func TestATestFailsForWhatItDidNotExpect(t *testing.T) {
	for _, test := range []struct {
		name   string
		expect func(*Server)
		reuse  bool
		fails  bool
	}{
		{"nothing happens", func(*Server) {}, false, false},
		{"unexpected", func(*Server) {}, true, true},
		{"expected", func(s *Server) { s.Expect(Spent, "g1") }, true, false},
		{"expected of any grant", func(s *Server) { s.Expect(Spent, "") }, true, false},
		{"expected of another grant", func(s *Server) { s.Expect(Spent, "g2") }, true, true},
		{"another rule expected", func(s *Server) { s.Expect(Overlap, "g1") }, true, true},
		{"expected in vain", func(s *Server) { s.Expect(Spent, "g1") }, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &recorder{TB: t}
			s := New(r, Options{Memory: true})
			g := s.Grant(GrantOptions{})
			test.expect(s)
			refresh(s, g, g.RefreshToken)
			if test.reuse {
				refresh(s, g, g.RefreshToken)
			}
			r.end()
			if fails := len(r.errors) > 0; fails != test.fails {
				t.Errorf("failed: %v, want %v: %q", fails, test.fails, r.errors)
			}
			if said := strings.Join(r.errors, ""); strings.Contains(said, g.RefreshToken) || strings.Contains(said, g.AccessToken) {
				t.Error("the failure tells a token")
			}
		})
	}
}
