//go:build servers && linux

package servers

import (
	"fmt"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

const rotations = 20

// The keeper does the first two on its own, with tokens that live a minute and
// a half, the command the others; in between the server is killed and started
// again on what it knew. One grant is in Codex's store, one in Claude Code's.
func TestTwentyRotations(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := start(t, k, 90*time.Second)
		l := lab.New(t)
		granted := func(back string) authtest.Grant {
			g := s.grant(s.register(back), back)
			if !s.accepts(g.AccessToken) {
				t.Fatal("the server does not accept its own access token")
			}
			g.Expiry = time.Now().Add(10 * time.Second).Truncate(time.Millisecond) // so that the first is due
			return g
		}
		lines := []*lab.Line{l.CodexOf("linear", s, granted(redirect)), l.ClaudeOf("notion", s, granted(claudesRedirect(t)))}
		well := func(n int) {
			t.Helper()
			if wrong := l.Well(); wrong != "" {
				t.Fatal(wrong)
			}
			if sent, answered := s.refreshes(); sent != 2*n || answered != 2*n {
				t.Fatalf("%d refreshes were sent and %d answered, not %d", sent, answered, 2*n)
			}
			for _, line := range lines {
				if c, _ := l.Stored(line); !s.accepts(c.Access.Reveal()) {
					t.Fatalf("the server does not accept access token %d of %s", n, line.ID)
				}
			}
			if _, resource := s.last(); resource != s.origin+"/mcp" {
				t.Fatalf("refresh %d was for the resource %q", n, resource)
			}
		}
		keeper := l.Keep()
		kept := 2
		if testing.Short() {
			kept = 1 // a token rests for a minute at least
		}
		for n := 1; n <= kept; n++ {
			done := func() bool { _, answered := s.refreshes(); return answered >= 2*n && l.Well() == "" }
			if !lab.Until(2*time.Minute, done) {
				t.Fatalf("the keeper's refresh %d did not come: %s", n, l.Well())
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
			refresh(t, l, 0, "linear", "notion")
			well(n)
		}
		for _, line := range lines {
			if now, want := s.Serial(s.Current(line.Grant.ID).RefreshToken), fmt.Sprintf("%s rt%d", line.Grant.ID, rotations+1); now != want {
				t.Errorf("after %d rotations the newest is %s, not %s", rotations, now, want)
			}
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
