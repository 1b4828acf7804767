//go:build real && linux

package real

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/refresher/signin"
)

// login is our own sign-in, as on a computer that has not got the client.
func (b *bench) login() {
	b.Helper()
	cmd := b.command("lamplighter", "login", "lab")
	cmd.Env = append(slices.Clone(b.env), "PATH=/usr/bin:/bin") // the last one counts
	b.run(cmd)
}

// entry is the one entry of a client's store.
func (b *bench) entry(c client) map[string]any {
	b.Helper()
	var store map[string]json.RawMessage
	err := json.Unmarshal(b.file(c.store), &store)
	if inner, ok := store["mcpOAuth"]; ok && err == nil {
		store = nil
		err = json.Unmarshal(inner, &store)
	}
	var e map[string]any
	for _, text := range store {
		if err == nil {
			err = json.Unmarshal(text, &e)
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// The server ends the grant, or the registration with it; the client finds out
// and erases what it erases. Then we sign in, and the client uses the token, and
// after its end the refresh token, as if it had signed in itself.
func TestAClientUsesWhatWeSignedInFor(t *testing.T) {
	for _, c := range clients {
		for what, end := range map[string]func(b *bench, id string){
			"grant":        func(b *bench, id string) { b.server.KillGrant(id) },
			"registration": func(b *bench, id string) { b.server.ExpireClient(b.server.Current(id).ClientID) },
		} {
			t.Run(c.name+", the "+what+" is gone", func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				b.lifetime(3 * time.Second)
				c.signIn(b)
				before := b.server.Grants()[0]
				b.sleepUntil(b.token(c).Expiry.Add(time.Second))
				end(b, before.ID)
				b.run(c.ask(b, false))

				b.lifetime(time.Hour)
				b.login()
				grants := b.server.Grants()
				now := grants[len(grants)-1]
				if anew := now.ClientID != before.ClientID; anew != (what == "registration") {
					t.Errorf("signed in as another client: %v", anew)
				}
				mark := b.mark()
				b.run(c.ask(b, false))
				b.used(c, mark, 1)
				b.refreshed(c, mark, 0)

				b.lifetime(c.itself / 2)
				b.login()
				b.lifetime(time.Hour)
				mark = b.mark()
				if c.name == "codex" {
					b.sleepUntil(b.token(c).Expiry.Add(-c.itself / 4))
				}
				b.run(c.ask(b, true))
				b.used(c, mark, 1)
				b.refreshed(c, mark, 1)
				if e := b.entry(c); e["client_id"] != now.ClientID && e["clientId"] != now.ClientID {
					t.Errorf("its entry is of the client %v%v, want %s", e["client_id"], e["clientId"], now.ClientID)
				}
			})
		}
	}
}

// Codex's own command needs no terminal, so that it goes first.
func TestCodexSignsInForUs(t *testing.T) {
	b := newBench(t)
	b.lifetime(3 * time.Second)
	codex.signIn(b)
	before := b.server.Grants()[0]
	b.sleepUntil(b.token(codex).Expiry.Add(time.Second))
	b.server.KillGrant(before.ID)
	b.lifetime(time.Hour)
	said := b.run(b.command("lamplighter", "login", "lab"))
	if !strings.Contains(said, "codex mcp login lab") || !strings.Contains(said, "codex/mcp/lab: signed in, good for") {
		t.Errorf("login said: %s", said)
	}
	mark := b.mark()
	b.run(codex.ask(b, false))
	b.used(codex, mark, 1)
	b.refreshed(codex, mark, 0)
}

// From the tray nobody watches the client's own command: it gets a terminal
// that nobody reads, in the user's home instead of a project.
func TestAClientSignsInForUsWhereNobodyWatches(t *testing.T) {
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.lifetime(3 * time.Second)
			c.signIn(b)
			before := b.token(c)
			b.server.KillGrant(b.server.Grants()[0].ID)
			b.lifetime(time.Hour)
			words := b.command(c.name, "mcp", "login", "lab").Args
			if err := signin.Command(t.Context(), words, b.env, nil, nil); err != nil {
				t.Fatal(err)
			}
			if after := b.token(c); after.Refresh == before.Refresh || !after.Expiry.After(before.Expiry) {
				t.Error("the store is as it was")
			}
			mark := b.mark()
			b.run(c.ask(b, false))
			b.used(c, mark, 1)
			b.refreshed(c, mark, 0)
		})
	}
}
