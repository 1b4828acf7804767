package year

import (
	"testing"
	"time"
)

// A client that has asked before a person signs in, and is answered after it,
// writes its answer over the new sign-in, as Claude Code and a Codex without
// locks do. Both sign-ins live; the one that is stored is the one that counts.
func TestTheSignInThatIsStoredIsTheOneThatCounts(t *testing.T) {
	for _, client := range []struct{ name, version string }{{"codex", "0.169.0"}, {"claude", "2.1.329"}, {"codex", oldCodex}} {
		for _, k := range []int{0, 1, 6} { // strict, previous until used, old access ends
			t.Run(client.name+" "+client.version+" "+kinds[k].name, func(t *testing.T) {
				var c *cred
				w := inWorld(t, 1, day, func(w *world) {
					var s *server
					for i := range k + 1 {
						s = w.newServer(i)
					}
					h := w.newHome(client.name, client.version, "it", "it", "IT")
					c = w.newCred(h, s, "mcp0", hour)
					c.signIn()
					c.signIn()
					w.actors.Go(func() {
						w.wait(hour - 10*time.Second)
						w.actors.Go(func() { h.use(c, h.look(c)) })
						w.wait(60 * time.Millisecond)
						c.signIn()
						w.wait(minute)
						w.keep()
					})
				})
				if c.grant.ID != c.grants[1] {
					t.Errorf("the books are on %s, stored is %s", c.grant, c.grants[1])
				}
				w.report()
			})
		}
	}
}
