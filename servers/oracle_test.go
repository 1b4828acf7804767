//go:build servers && linux

package servers

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// What no test here should ever see is seen.
func TestTheTapSeesWhatBreaksARule(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := start(t, k, time.Hour)
		client := s.register(redirect)
		sees := func(rule string) {
			t.Helper()
			if broken := s.Check(); len(broken) != 1 || !strings.HasPrefix(broken[0], rule+":") {
				t.Errorf("the tap saw %q, not one that is %s", broken, rule)
			}
			s.mu.Lock()
			s.posts, s.strays = nil, nil
			s.mu.Unlock()
		}
		g := s.grant(client, redirect)
		s.present(s.origin, client, g.RefreshToken)
		s.present(s.origin, client, g.RefreshToken)
		sees("spent")

		g = s.grant(client, redirect)
		s.next(func(pass func()) bool {
			s.present(s.origin, client, g.RefreshToken)
			pass()
			return true
		})
		s.present(s.origin, client, g.RefreshToken)
		sees("overlap")

		g = s.grant(client, redirect)
		r, err := http.Get(s.origin + "/mcp?token=" + g.RefreshToken)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		sees("stray")
	})
}
