//go:build unix

package torture_test

import (
	"strings"
	"testing"
	"time"

	"lamplighter/refresher/authtest"
)

// A server that is known to answer more slowly than a running client waits is
// not asked beside it, but when the token has ended: then nobody can use the
// old one anyway.
func TestASlowServerIsNotAskedBesideAClientThatRuns(t *testing.T) {
	if !everything {
		t.Skip("waits for longer than Claude Code does: 8 s")
	}
	m := scene(t, "claude")
	defer m.process("claude", "@anthropic-ai/claude-code", "2.1.329")()
	m.s.NextGrant(m.g.ID, authtest.Behaviour{Delay: 8 * time.Second})
	m.again(0, "refresh", m.id)
	m.posts(m.g, 1)

	// The client brings one that is near its end.
	near := m.s.Current(m.g.ID)
	m.c.put(linear, "at-EXAMPLE", near.RefreshToken, time.Now().Add(2*time.Minute))
	if said := m.again(3, "refresh"); !strings.Contains(said, "deferred") {
		t.Errorf("it says %q", said)
	}
	keeper := m.Keep()
	time.Sleep(2 * time.Second)
	m.posts(m.g, 1)
	if st, _ := m.Status(m.id); st.State != "deferred" || !strings.Contains(st.Reason, "itself") {
		t.Errorf("it is %s, %s", st.State, st.Reason)
	}

	m.c.put(linear, "at-EXAMPLE", near.RefreshToken, time.Now().Add(-time.Minute))
	time.Sleep(3 * time.Second)
	m.posts(m.g, 2)
	m.holds(m.g)
	m.Stop(keeper)
	m.well()
}
