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
	if posts := refreshes(b.since(mark), ""); len(posts) != 1 || posts[0].agent != "lamplighter" {
		b.Fatalf("the keeper's pass: %s; want one by lamplighter", story(posts))
	}
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

// story tells who refreshed, and what the request said, without the values.
func story(posts []request) string {
	told := fmt.Sprintf("%d refreshes", len(posts))
	for _, p := range posts {
		told += ", " + p.agent + " sent " + strings.Join(slices.Sorted(maps.Keys(p.form)), "+")
	}
	return told
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
// mark, and nobody else did. It tells what happened.
func (b *bench) refreshed(c client, mark, times int) string {
	b.Helper()
	posts := refreshes(b.since(mark), "")
	if len(posts) != times || len(refreshes(posts, c.name)) != times {
		b.Errorf("%s; want %d, by %s", story(posts), times, c.name)
	}
	return story(posts)
}

// unless is 1 without the keeper, 0 with it.
func unless(keeper bool) int {
	if keeper {
		return 0
	}
	return 1
}

func TestAClientThatStartsNearExpiryNeedNotRefresh(t *testing.T) {
	withAndWithout(t, clients, func(b *bench, c client, keeper bool) string {
		b.lifetime(c.itself + 30*time.Second)
		c.signIn(b)
		old := b.token(c)
		b.lifetime(time.Hour)
		if keeper {
			b.refresh(c)
		}
		b.sleepUntil(old.Expiry.Add(time.Second - c.itself))
		mark := b.mark()
		b.run(c.ask(b, true))
		b.used(c, mark, 1)
		return b.refreshed(c, mark, unless(keeper))
	})
}

func TestARunningClientAdoptsTheNewToken(t *testing.T) {
	withAndWithout(t, clients, func(b *bench, c client, keeper bool) string {
		b.lifetime(c.itself + 30*time.Second)
		c.signIn(b)
		old := b.token(c)
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
		return b.refreshed(c, mark, unless(keeper))
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
		b.run(all...)
		b.used(c, mark, 3)
		posts := refreshes(b.since(mark), "")
		if len(posts) != 1 {
			b.Errorf("%s of one expired token, want 1", story(posts))
		}
		return story(posts)
	})
}

// Neither client waits long for an MCP server when it runs only once: the run
// ends, the answer to its refresh is lost, and the next run sends the spent
// refresh token (Codex 0.169.0, Claude Code 2.1.329, observed).
func TestAShortRunLosesNoTokenThatWasRefreshedAhead(t *testing.T) {
	withAndWithout(t, clients, func(b *bench, c client, keeper bool) string {
		b.lifetime(c.itself + 30*time.Second)
		c.signIn(b)
		old := b.token(c)
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
			return b.refreshed(c, mark, 0)
		}
		if b.token(c).Refresh != "" {
			b.Error("the grant survived: this client has learnt to wait")
		}
		return b.refreshed(c, mark, 2) + ", and the grant is lost"
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
		}
		mark := b.mark()
		b.run(c.ask(b, true))
		if keeper {
			b.used(c, mark, 1)
			return b.refreshed(c, mark, 0) + ", and the tool was called"
		}
		seen := b.since(mark)
		if len(seen) != 0 {
			b.Errorf("%d requests while the mark holds, want none", len(seen))
		}
		return fmt.Sprintf("%d requests of any kind", len(seen))
	})
}

// marked reports whether Claude Code thinks that the server needs a sign-in.
func (b *bench) marked() bool {
	content, _ := os.ReadFile(filepath.Join(b.home, ".claude/mcp-needs-auth-cache.json"))
	return bytes.Contains(content, []byte(`"lab"`))
}
