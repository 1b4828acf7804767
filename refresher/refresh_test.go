package refresher_test

import (
	"strings"
	"testing"
	"time"

	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
)

func TestADueTokenIsRefreshedInPlace(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	for _, client := range []string{"codex", "claude"} {
		t.Run(client, func(t *testing.T) {
			l := newLab(t)
			g := s.Grant(authtest.GrantOptions{AccessLeft: time.Minute})
			put := map[string]authtest.Grant{"linear": g}
			if client == "codex" {
				l.codex(put)
			} else {
				l.claude(put)
			}
			before := l.read("."+client, ".credentials.json")
			out := l.refresh(client + "/mcp/linear")
			if out.Did != refresher.Refreshed {
				t.Fatalf("did %s (%s, %s), answer %s %s, err %v", out.Did, out.State, out.Why, out.Answer.Kind, out.Answer.Code, out.Err)
			}
			now := s.Current(g.ID)
			after := l.read("."+client, ".credentials.json")
			if !strings.Contains(after, now.RefreshToken) || !strings.Contains(after, now.AccessToken) {
				t.Error("the new tokens are not in the store")
			}
			if strings.Contains(after, g.RefreshToken) {
				t.Error("the used refresh token is still in the store")
			}
			if len(after) != len(before) {
				t.Errorf("the store has %d bytes, had %d", len(after), len(before))
			}
			if n := s.TokenPosts(g.ID); n != 1 {
				t.Errorf("%d POSTs, want 1", n)
			}
			if row := l.row(client + "/mcp/linear"); row.State != refresher.Fresh || row.Due {
				t.Errorf("afterwards it is %s, %s", row.State, row.Why)
			}
		})
	}
}
