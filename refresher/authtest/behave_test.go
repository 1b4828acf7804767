package authtest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestASuccessHasTheShapeAskedFor(t *testing.T) {
	const absent = "absent"
	raw := func(body, name string) string {
		_, after, ok := strings.Cut(body, `"`+name+`":`)
		if !ok {
			return absent
		}
		end := strings.IndexAny(after, ",}")
		return after[:end]
	}
	for _, test := range []struct {
		name, field, want string
		shape             Shape
	}{
		{"number", "expires_in", "3600", Shape{}},
		{"string", "expires_in", `"3600"`, Shape{ExpiresIn: `"%d"`}},
		{"float", "expires_in", "3600.5", Shape{ExpiresIn: "%d.5"}},
		{"null", "expires_in", "null", Shape{ExpiresIn: "null"}},
		{"zero", "expires_in", "0", Shape{ExpiresIn: "0"}},
		{"negative", "expires_in", "-3600", Shape{ExpiresIn: "-%d"}},
		{"huge", "expires_in", "1e300", Shape{ExpiresIn: "1e300"}},
		{"no expiry", "expires_in", absent, Shape{ExpiresIn: Absent}},
		{"same refresh token", "refresh_token", "same", Shape{Refresh: SameRefresh}},
		{"no refresh token", "refresh_token", absent, Shape{Refresh: AbsentRefresh}},
		{"null refresh token", "refresh_token", "null", Shape{Refresh: NullRefresh}},
		{"empty refresh token", "refresh_token", `""`, Shape{Refresh: EmptyRefresh}},
		{"refresh token's end", "refresh_token_expires_in", "86400", Shape{RefreshExpiresIn: "refresh_token_expires_in"}},
		{"scope", "scope", `"read write offline_access"`, Shape{}},
		{"narrower scope", "scope", `"read"`, Shape{Scope: "read"}},
		{"no scope", "scope", absent, Shape{Scope: Absent}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := memory(t, Policy{IdleLifetime: 24 * time.Hour})
			g := s.Grant(GrantOptions{})
			s.Next(Token, Behaviour{Shape: test.shape})
			r := refresh(s, g, g.RefreshToken)
			got := strings.ReplaceAll(raw(r.body, test.field), `"`+g.RefreshToken+`"`, "same")
			if got != test.want || r.status != 200 {
				t.Errorf("status %d, %s: %s, want %s", r.status, test.field, got, test.want)
			}
			if !tries(s, r.text("access_token")) {
				t.Error("the access token does not work")
			}
			if next := s.Current(g.ID).RefreshToken; (next == g.RefreshToken) != (test.shape.Refresh != AsIs) {
				t.Errorf("rotated: %v", next != g.RefreshToken)
			}
			again := refresh(s, g, s.Current(g.ID).RefreshToken)
			if again.status != 200 {
				t.Errorf("the next refresh: status %d", again.status)
			}
		})
	}
}

func TestASuccessComesInEveryWrapping(t *testing.T) {
	s := memory(t, Policy{})
	g := s.Grant(GrantOptions{})
	s.Next(Token, Behaviour{Shape: Shape{Nested: true}}, Behaviour{Shape: Shape{Form: true}},
		Behaviour{Shape: Shape{Status: 201}}, Behaviour{Shape: Shape{Pad: 10 << 20}})
	use := func() reply { return refresh(s, g, s.Current(g.ID).RefreshToken) }

	user, _ := use().fields["authed_user"].(map[string]any)
	if at, _ := user["access_token"].(string); !tries(s, at) {
		t.Error("nested: no working access token in authed_user")
	}
	form := use()
	values, err := url.ParseQuery(form.body)
	if err != nil || !tries(s, values.Get("access_token")) || values.Get("expires_in") != "3600" {
		t.Errorf("form: %v, expires_in %q", err, values.Get("expires_in"))
	}
	if ct := form.header.Get("Content-Type"); !strings.HasPrefix(ct, "application/x-www-form-urlencoded") {
		t.Errorf("form: Content-Type %s", ct)
	}
	if r := use(); r.status != 201 || !tries(s, r.text("access_token")) {
		t.Errorf("created: status %d", r.status)
	}
	if r := use(); len(r.body) < 10<<20 || !tries(s, r.text("access_token")) {
		t.Errorf("padded: %d bytes", len(r.body))
	}
}

func TestAScriptedAnswerLeavesTheRefreshTokenAsItIs(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer *Answer
		status int
		header string
		value  string
	}{
		{"HTML", HTML(), 200, "Content-Type", "text/html; charset=utf-8"},
		{"302", Redirect(302, "https://elsewhere.example/login"), 302, "Location", "https://elsewhere.example/login"},
		{"307", Redirect(307, "https://elsewhere.example/login"), 307, "Location", "https://elsewhere.example/login"},
		{"429", Status(429), 429, "Retry-After", ""},
		{"429 in seconds", RetryAfter(429, "30"), 429, "Retry-After", "30"},
		{"503 at a time", RetryAfter(503, "Fri, 20 Nov 2026 12:00:00 GMT"), 503, "Retry-After", "Fri, 20 Nov 2026 12:00:00 GMT"},
		{"500", Status(500), 500, "Retry-After", ""},
		{"407", Status(407), 407, "Retry-After", ""},
		{"204", Status(204), 204, "Retry-After", ""},
		{"big", Big(10 << 20), 200, "Content-Length", fmt.Sprint(10 << 20)},
		{"busy", Refusal{Code: "temporarily_unavailable", Status: 503}.Answer(), 503, "Content-Type", "application/json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := memory(t, Policy{})
			g := s.Grant(GrantOptions{})
			s.Next(Token, Behaviour{Answer: test.answer})
			r := refresh(s, g, g.RefreshToken)
			if r.status != test.status || r.header.Get(test.header) != test.value {
				t.Errorf("status %d, %s: %s", r.status, test.header, r.header.Get(test.header))
			}
			if r := refresh(s, g, g.RefreshToken); r.status != 200 {
				t.Errorf("afterwards: status %d, want 200", r.status)
			}
		})
	}
}

func TestAConsumedRefreshTokenIsGoneWhateverTheAnswer(t *testing.T) {
	s := memory(t, Policy{})
	g := s.Grant(GrantOptions{})
	s.Next(Token, Behaviour{Answer: Status(500), Consume: true})
	if r := refresh(s, g, g.RefreshToken); r.status != 500 {
		t.Errorf("status %d, want 500", r.status)
	}
	if r := refresh(s, g, g.RefreshToken); r.text("error") != "invalid_grant" {
		t.Errorf("afterwards: status %d, want invalid_grant", r.status)
	}
}

func TestQueuesComeBeforeWhatStandsAndTheGrantsBeforeTheServers(t *testing.T) {
	s := memory(t, Policy{})
	g, other := s.Grant(GrantOptions{}), s.Grant(GrantOptions{})
	say := func(code int) Behaviour { return Behaviour{Answer: Status(code)} }
	s.Behave(Token, say(501))
	s.Next(Token, say(502))
	s.BehaveGrant(g.ID, say(503))
	s.NextGrant(g.ID, say(504), say(505))
	var got []int
	for range 4 {
		got = append(got, refresh(s, g, g.RefreshToken).status)
	}
	got = append(got, refresh(s, other, other.RefreshToken).status)
	if want := "[504 505 502 503 501]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	s.BehaveGrant(g.ID, Behaviour{})
	if status := refresh(s, g, g.RefreshToken).status; status != 200 {
		t.Errorf("a healthy grant of an ailing server: status %d", status)
	}
}

func TestDelaysLieBeforeAndAfterTheDeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t, Policy{})
		g := s.Grant(GrantOptions{})
		start := time.Now()
		var told []string
		tell := func(what string) func() {
			return func() {
				rotated := s.Current(g.ID).RefreshToken != g.RefreshToken
				told = append(told, fmt.Sprintf("%s after %v, rotated: %v", what, time.Since(start), rotated))
			}
		}
		s.Next(Token, Behaviour{
			Delay: time.Second, DelayAfter: 2 * time.Second,
			OnArrival: tell("arrived"), BeforeAnswer: tell("done"),
		})
		refresh(s, g, g.RefreshToken)
		tell("answered")()
		want := "arrived after 0s, rotated: false; done after 1s, rotated: true; answered after 3s, rotated: true"
		if got := strings.Join(told, "; "); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	})
}

func TestEveryEndpointCanMisbehave(t *testing.T) {
	s := New(t, Options{Memory: true})
	for _, e := range []Endpoint{Metadata, ResourceMetadata, Authorize, Register, Revoke, Token, Resource} {
		s.Next(e, Behaviour{Answer: Status(http.StatusTeapot)})
		if r := get(s, s.URL(e), ""); r.status != http.StatusTeapot {
			t.Errorf("%s: status %d", e, r.status)
		}
		if n := s.Requests(e); n != 1 {
			t.Errorf("%s: %d requests in the log, want 1", e, n)
		}
	}
}
