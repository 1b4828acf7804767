//go:build real && linux

package real

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// loginAlone is our own sign-in where nothing else is installed.
func (b *bench) loginAlone(id string) {
	b.Helper()
	cmd := b.command("lamplighter", "login", id)
	cmd.Env = append(slices.Clone(b.env), "PATH=/var/empty") // the last one counts
	if said := b.run(cmd); !strings.Contains(said, id+": signed in, good for") {
		b.Errorf("login said: %s", said)
	}
}

// The server ends the grant, it deletes its entry, with the registration in it,
// and no command of its own signs in: we do, and it uses what we made, and refreshes it by itself.
func TestGeminiUsesAnEntryThatWeMadeAnew(t *testing.T) {
	for _, g := range gems {
		t.Run(g.program, func(t *testing.T) {
			b := newBench(t)
			b.seed(g)
			b.lifetime(time.Minute)
			b.run(b.command("lamplighter", "refresh", g.id)) // or nobody knew of it
			before := b.gemToken(g)
			b.server.KillGrant(b.server.Grants()[0].ID)
			b.list(g)
			if _, err := os.Stat(filepath.Join(b.home, g.store())); err == nil {
				t.Fatal("it did not delete its entry")
			}
			b.lifetime(time.Hour)
			b.loginAlone(g.id)
			made := b.gemToken(g)
			if made.Access == before.Access || made.Refresh == "" {
				t.Fatalf("the store holds %s", g.store())
			}
			b.uses(g)
			mark := b.mark()
			b.run(b.command("lamplighter", "refresh", g.id))
			if posts := refreshes(b.since(mark), ""); len(posts) != 1 || posts[0].form.Get("refresh_token") != made.Refresh {
				t.Errorf("%s; want one refresh, by lamplighter", b.story(mark))
			}
			b.uses(g)

			// And by itself, near its end.
			b.lifetime(time.Minute)
			b.run(b.command("lamplighter", "refresh", g.id))
			near := b.gemToken(g)
			b.lifetime(time.Hour)
			mark = b.mark()
			if said := b.list(g); !strings.Contains(said, "Connected") {
				t.Errorf("%s said: %s", g.program, said)
			}
			posts := refreshes(b.since(mark), "")
			if len(posts) != 1 || posts[0].form.Get("refresh_token") != near.Refresh || b.gemToken(g).Refresh == near.Refresh {
				t.Errorf("%s; want one refresh, by %s", b.story(mark), g.program)
			}
		})
	}
}

// Its tokens' file is gone, and its registration is still there: it starts on
// the file that we made, and goes on with it.
func TestMcpRemoteUsesAFileThatWeMadeAnew(t *testing.T) {
	for _, r := range remotes {
		t.Run(r.program, func(t *testing.T) {
			b := newBench(t)
			s := b.remote(r.program) // signs in
			s.ask()
			b.run(b.command("lamplighter", "refresh", r.id)) // or nobody knew of it
			before, name := b.remoteToken()
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
			b.lifetime(time.Hour)
			b.loginAlone(r.id)
			made, again := b.remoteToken()
			if again != name || made.Access == before.Access || made.Refresh == "" {
				t.Fatalf("%s was %s", again, name)
			}
			mark := b.mark()
			s = b.remote(r.program)
			s.ask()
			b.usedRemote(mark, 1)
			mark = b.mark()
			b.run(b.command("lamplighter", "refresh", r.id))
			if posts := refreshes(b.since(mark), ""); len(posts) != 1 || posts[0].form.Get("refresh_token") != made.Refresh {
				t.Errorf("%s; want one refresh, by lamplighter", b.story(mark))
			}
			mark = b.mark()
			s.ask()
			b.usedRemote(mark, 1)
		})
	}
}
