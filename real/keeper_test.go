//go:build real && linux

package real

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/refresher/authtest"
)

// withAndWithout runs a scenario for each client, once without the keeper and
// once with it, and shows the difference: what the scenario says that the
// server saw.
func withAndWithout(t *testing.T, clients []client, scenario func(b *bench, c client, keeper bool) string) {
	saw := make([]string, 0, 2*len(clients))
	for _, c := range clients {
		for _, keeper := range []bool{false, true} {
			name := c.name + " without the keeper"
			if keeper {
				name = c.name + " with the keeper"
			}
			i := len(saw)
			saw = append(saw, name+": failed")
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				saw[i] = name + ": " + scenario(newBench(t), c, keeper)
			})
		}
	}
	t.Cleanup(func() { t.Logf("the server saw\n%s", strings.Join(saw, "\n")) })
}

// refresh is the keeper's one pass, and a look at what it did to the store:
// the token strings and the expiry are new, every other byte is as it was.
func (b *bench) refresh(c client) {
	b.Helper()
	before, mark := b.token(c), b.mark()
	b.run(b.command("lamplighter", "refresh", "--within", "15m"))
	posts := refreshes(b.since(mark), "")
	if len(posts) != 1 || posts[0].agent != "lamplighter" {
		b.Fatalf("%s; want one refresh, by lamplighter", b.story(mark))
	}
	b.shaped(c, posts)
	after := b.token(c)
	if after.Access == before.Access || after.Refresh == before.Refresh || !after.Expiry.After(before.Expiry) {
		b.Fatal("the store does not have the new tokens")
	}
	undone := bytes.ReplaceAll(after.raw, []byte(after.Access), []byte(before.Access))
	undone = bytes.ReplaceAll(undone, []byte(after.Refresh), []byte(before.Refresh))
	undone = bytes.ReplaceAll(undone, fmt.Append(nil, after.Expiry.UnixMilli()), fmt.Append(nil, before.Expiry.UnixMilli()))
	if !bytes.Equal(undone, before.raw) {
		b.Errorf("%s changed in more than the tokens and the expiry", c.store)
	}
	if info, err := os.Stat(filepath.Join(b.home, c.store)); err != nil || info.Mode() != 0o600 {
		b.Errorf("%s: mode %v (%v), want 0600", c.store, info.Mode(), err)
	}
}

// story tells who has refreshed since mark, and what the requests said, without
// the values.
func (b *bench) story(mark int) string {
	told := "no refresh"
	for i, p := range refreshes(b.since(mark), "") {
		if i == 0 {
			told = ""
		} else {
			told += ", then "
		}
		told += p.agent + " sent " + p.shape()
	}
	return told
}

// shape is what a token request says: its keys, and whether it has a client's
// secret beside it.
func (r request) shape() string {
	keys := strings.Join(slices.Sorted(maps.Keys(r.form)), " ")
	if r.basic {
		keys += " (Basic)"
	}
	return keys
}

// shaped fails the test unless the requests are what the client would send.
func (b *bench) shaped(c client, posts []request) {
	b.Helper()
	want := c.sends
	if b.secret != "" {
		want = c.sendsWithSecret
	}
	for _, p := range posts {
		if p.shape() != want {
			b.Errorf("%s sent %s, not %s as %s does", p.agent, p.shape(), want, c.name)
		}
		if resource := p.form.Get("resource"); resource != b.mcp {
			b.Errorf("%s sent resource %q, want %q", p.agent, resource, b.mcp)
		}
	}
}

// used fails the test unless the tool was called so often since mark, each
// time with the token that is in the store now.
func (b *bench) used(c client, mark, times int) {
	b.Helper()
	found := calls(b.since(mark), c.name)
	if len(found) != times {
		b.Errorf("%s called the tool %d times, want %d", c.name, len(found), times)
	}
	for _, call := range found {
		if call.bearer != b.token(c).fingerprint() {
			b.Errorf("%s called the tool with another access token than the store's", c.name)
		}
	}
}

// refreshed fails the test unless the client itself refreshed so often since
// mark, and nobody else did.
func (b *bench) refreshed(c client, mark, times int) {
	b.Helper()
	posts := refreshes(b.since(mark), "")
	if len(posts) != times || len(refreshes(posts, c.name)) != times {
		b.Errorf("%s; want %d times %s", b.story(mark), times, c.name)
	}
	b.shaped(c, posts)
}

// once fails the test unless there was one refresh since mark, whoever sent
// it.
func (b *bench) once(c client, mark int) {
	b.Helper()
	posts := refreshes(b.since(mark), "")
	if len(posts) != 1 {
		b.Errorf("%s; want one refresh", b.story(mark))
	}
	b.shaped(c, posts)
}

// unless is 1 without the keeper, 0 with it.
func unless(keeper bool) int {
	if keeper {
		return 0
	}
	return 1
}

func TestAClientThatStartsNearExpiryNeedNotRefresh(t *testing.T) {
	withAndWithout(t, clients, startNearExpiry)
}

func TestAClientWithASecretThatStartsNearExpiryNeedNotRefresh(t *testing.T) {
	withAndWithout(t, clients, func(b *bench, c client, keeper bool) string {
		g := b.server.Grant(authtest.GrantOptions{Confidential: true}) // for its client
		b.clientID, b.secret = g.ClientID, g.ClientSecret
		return startNearExpiry(b, c, keeper)
	})
}

func startNearExpiry(b *bench, c client, keeper bool) string {
	b.lifetime(c.itself + 30*time.Second)
	c.signIn(b)
	old, signedIn := b.token(c), b.mark()
	b.lifetime(time.Hour)
	if keeper {
		b.refresh(c)
	}
	b.sleepUntil(old.Expiry.Add(time.Second - c.itself))
	mark := b.mark()
	b.run(c.ask(b, true))
	b.used(c, mark, 1)
	b.refreshed(c, mark, unless(keeper))
	return b.story(signedIn)
}

func TestARunningClientAdoptsTheNewToken(t *testing.T) {
	withAndWithout(t, clients, func(b *bench, c client, keeper bool) string {
		b.lifetime(c.itself + 30*time.Second)
		c.signIn(b)
		old, signedIn := b.token(c), b.mark()
		b.lifetime(time.Hour)
		s := c.session(b)
		mark := b.mark()
		s.ask()
		b.used(c, mark, 1)
		b.refreshed(c, mark, 0)
		if keeper {
			b.refresh(c)
		}
		b.sleepUntil(old.Expiry.Add(time.Second - c.itself))
		mark = b.mark()
		s.ask()
		b.used(c, mark, 1)
		b.refreshed(c, mark, unless(keeper))
		return b.story(signedIn)
	})
}

func TestThreeClientsAndTwoKeepersSendOneRefresh(t *testing.T) {
	withAndWithout(t, clients, func(b *bench, c client, keeper bool) string {
		b.lifetime(5 * time.Second)
		c.signIn(b)
		b.sleepUntil(b.token(c).Expiry.Add(time.Second))
		b.lifetime(time.Hour)
		// Slow enough for all to meet.
		b.server.Behave(authtest.Token, authtest.Behaviour{DelayAfter: time.Second})
		all := []*exec.Cmd{c.ask(b, true), c.ask(b, true), c.ask(b, true)}
		if keeper {
			all = append(all, b.command("lamplighter", "refresh"), b.command("lamplighter", "refresh"))
		}
		mark := b.mark()
		b.together(all...)
		b.used(c, mark, 3)
		b.once(c, mark)
		return b.story(mark)
	})
}

func TestWhoeverComesSecondToAnExpiredTokenWaits(t *testing.T) {
	for _, c := range clients {
		for _, keeperFirst := range []bool{false, true} {
			name := c.name + " before the keeper"
			if keeperFirst {
				name = c.name + " after the keeper"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				b.lifetime(5 * time.Second)
				c.signIn(b)
				b.sleepUntil(b.token(c).Expiry.Add(time.Second))
				b.lifetime(time.Hour)
				b.server.Behave(authtest.Token, authtest.Behaviour{DelayAfter: 3 * time.Second})
				first, second := c.ask(b, true), b.command("lamplighter", "refresh")
				if keeperFirst {
					first, second = second, first
				}
				mark := b.mark()
				wait := b.start(first)
				for len(refreshes(b.since(mark), "")) == 0 {
					b.sleepUntil(time.Now().Add(50 * time.Millisecond))
				}
				b.run(second)
				wait()
				b.once(c, mark)
				b.used(c, mark, 1)
			})
		}
	}
}

// Neither client waits long for an MCP server when it runs only once: the run
// ends, the answer to its refresh is lost, and the next run sends the spent
// refresh token (Codex 0.169.0, Claude Code 2.1.329, observed).
func TestAShortRunLosesNoTokenThatWasRefreshedAhead(t *testing.T) {
	withAndWithout(t, clients, func(b *bench, c client, keeper bool) string {
		b.lifetime(c.itself + 30*time.Second)
		c.signIn(b)
		old, signedIn := b.token(c), b.mark()
		b.lifetime(time.Hour)
		if keeper {
			b.refresh(c)
		}
		b.server.Behave(authtest.Token, authtest.Behaviour{DelayAfter: 4 * time.Second})
		b.sleepUntil(old.Expiry.Add(time.Second - c.itself))
		mark := b.mark()
		b.run(c.ask(b, false))
		b.sleepUntil(time.Now().Add(5 * time.Second))
		b.server.Behave(authtest.Token, authtest.Behaviour{})
		b.run(c.ask(b, false))
		if keeper {
			b.used(c, mark, 2)
			b.refreshed(c, mark, 0)
			return b.story(signedIn)
		}
		if b.token(c).Refresh != "" {
			b.Error("the grant survived: this client has learnt to wait")
		}
		b.refreshed(c, mark, 2)
		return b.story(signedIn) + ", and the grant is lost"
	})
}

// Claude Code skips a server that it has marked, without one request, even
// when its store holds a good token (2.1.329, observed: for 90 s after a token
// endpoint was down, for 15 min after a refusal).
func TestAfterARepairClaudeConnectsAtOnce(t *testing.T) {
	withAndWithout(t, []client{claude}, func(b *bench, c client, keeper bool) string {
		b.lifetime(5 * time.Second)
		c.signIn(b)
		b.sleepUntil(b.token(c).Expiry.Add(time.Second))
		b.server.Behave(authtest.Token, authtest.Behaviour{Answer: authtest.Status(503)})
		s := c.session(b)
		s.ask()
		for !b.marked() {
			b.sleepUntil(time.Now().Add(100 * time.Millisecond))
		}
		b.server.Behave(authtest.Token, authtest.Behaviour{})
		b.lifetime(time.Hour)
		if keeper {
			b.refresh(c)
			if b.marked() {
				b.Error("the mark is still there after the repair")
			}
			if hint := fmt.Sprintf("%d: /mcp > Reconnect", s.pid); !strings.Contains(b.run(b.command("lamplighter", "status")), hint) {
				b.Errorf("status does not say %q of the session that cannot notice", hint)
			}
		}
		mark := b.mark()
		s.ask()
		if seen := b.since(mark); len(seen) != 0 {
			b.Errorf("%d requests by the running session: it has learnt to notice", len(seen))
		}
		b.run(c.ask(b, true))
		if keeper {
			b.used(c, mark, 1)
			b.refreshed(c, mark, 0)
			return "the next run calls the tool"
		}
		seen := b.since(mark)
		if len(seen) != 0 {
			b.Errorf("%d requests while the mark holds, want none", len(seen))
		}
		return "not one request by the next run"
	})
}

// marked reports whether Claude Code thinks that the server needs a sign-in.
func (b *bench) marked() bool {
	content, _ := os.ReadFile(filepath.Join(b.home, ".claude/mcp-needs-auth-cache.json"))
	return bytes.Contains(content, []byte(`"lab"`))
}
