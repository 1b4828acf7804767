//go:build servers && linux

package servers

import (
	"fmt"
	"testing"
	"time"

	"lamplighter/lab"
)

const rotations = 20

// The keeper does the first two on its own, with tokens that live a minute and
// a half, the command the others; in between the server is killed and started
// again on what it knew.
func TestTwentyRotations(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := start(t, k, 90*time.Second)
		l := lab.New(t)
		g := s.grant(s.register(redirect), redirect)
		if !s.accepts(g.AccessToken) {
			t.Fatal("the server does not accept its own access token")
		}
		g.Expiry = time.Now().Add(10 * time.Second).Truncate(time.Millisecond) // so that the first is due
		line := l.CodexOf("linear", s, g)
		well := func(n int) {
			t.Helper()
			if wrong := l.Well(); wrong != "" {
				t.Fatal(wrong)
			}
			if sent, answered := s.refreshes(); sent != n || answered != n {
				t.Fatalf("%d refreshes were sent and %d answered, not %d", sent, answered, n)
			}
			if c, _ := l.Stored(line); !s.accepts(c.Access.Reveal()) {
				t.Fatalf("the server does not accept access token %d", n)
			}
			if _, resource := s.last(); resource != g.Resource {
				t.Fatalf("refresh %d was for the resource %q, not for %q", n, resource, g.Resource)
			}
		}
		keeper := l.Keep()
		kept := 2
		if testing.Short() {
			kept = 1 // a token rests for a minute at least
		}
		for n := 1; n <= kept; n++ {
			done := func() bool {
				_, answered := s.refreshes()
				return answered == n && l.Quiet() == "" && l.Landed(line) == ""
			}
			if !lab.Until(2*time.Minute, done) {
				t.Fatalf("the keeper's refresh %d did not come: %s", n, l.Landed(line))
			}
			well(n)
		}
		if code := l.Stop(keeper); code != 0 {
			t.Errorf("the keeper ended with %d", code)
		}
		for n := kept + 1; n <= rotations; n++ {
			if n == rotations/2 {
				s.shut()
				s.kill()
				s.start()
			}
			if got := l.Run("refresh", "linear"); got.Code != 0 {
				t.Fatalf("refresh %d: exit code %d: %s", n, got.Code, got.Output)
			}
			well(n)
		}
		if now := s.Serial(s.Current(g.ID).RefreshToken); now != fmt.Sprintf("%s rt%d", g.ID, rotations+1) {
			t.Errorf("after %d rotations the newest is %s", rotations, now)
		}
	})
}

// The same without a tap in between, so that the servers' own way of writing an
// answer is met as well.
func TestRotationsWithNothingInBetween(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s, l := startBare(t, k, time.Hour), lab.New(t)
		line := l.CodexOf("linear", s, s.grant(s.register(redirect), redirect))
		seen := map[string]bool{line.Grant.RefreshToken: true}
		for n := 1; n <= 6; n++ {
			if n == 4 {
				login(t, l, "linear")
			} else {
				refresh(t, l, 0, "linear")
			}
			c, _ := l.Stored(line)
			if seen[c.Refresh.Reveal()] {
				t.Fatalf("after %d the refresh token is one of before", n)
			}
			seen[c.Refresh.Reveal()] = true
			if !s.accepts(c.Access.Reveal()) {
				t.Fatalf("the server does not accept access token %d", n)
			}
		}
		if left := l.Quiet(); left != "" {
			t.Error(left)
		}
	})
}
