//go:build real && linux

package real

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// signedIn is a client that signed in to the MCP server a while ago: what it got
// has four minutes left, and what it gets from now on lives for an hour.
func (b *bench) signedIn(c client) token {
	b.Helper()
	b.lifetime(4 * time.Minute)
	c.signIn(b)
	b.lifetime(time.Hour)
	return b.token(c)
}

// brought fails the test unless lamplighter refreshed the owner's token once, and
// the user called the tool with it and asked the authorization server nothing.
func (b *bench) brought(owner, user client, before token, mark int) {
	b.Helper()
	seen := b.since(mark)
	if posts := refreshes(seen, ""); len(posts) != 1 || posts[0].agent != "lamplighter" {
		b.Errorf("%s; want one refresh, by lamplighter", b.story(mark))
	}
	now := b.token(owner)
	if now.Access == before.Access {
		b.Errorf("the token of %s is as it was", owner.name)
	}
	found := calls(seen, user.name)
	if len(found) != 1 || found[0].bearer != now.fingerprint() {
		b.Errorf("%s called the tool %d times, or with another token than the store's", user.name, len(found))
	}
	for _, r := range seen {
		if r.agent == user.name && (r.form != nil || strings.HasPrefix(r.path, "/register")) {
			b.Errorf("%s asked for %s", user.name, r.path)
		}
	}
}

// Claude Code runs a headersHelper by a shell and takes its JSON object for the
// headers of each connection.
func TestClaudeCodeTakesItsHeadersFromUs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.signedIn(codex)
	b.run(b.command("claude", "mcp", "add-json", "--scope", "user", "lab",
		fmt.Sprintf(`{"type":"http","url":%q,"headersHelper":"lamplighter headers codex/mcp/lab --wait 8s"}`, b.mcp)))
	mark := b.mark()
	b.run(claude.ask(b, true))
	b.brought(codex, claude, before, mark)

	// It is fresh now: the next session asks nobody.
	mark = b.mark()
	b.run(claude.ask(b, true))
	if n := len(refreshes(b.since(mark), "")); n != 0 {
		t.Errorf("%d refreshes of a fresh token", n)
	}
	if found := calls(b.since(mark), "claude"); len(found) != 1 || found[0].bearer != b.token(codex).fingerprint() {
		t.Errorf("the tool was called %d times, or with another token than the store's", len(found))
	}
}

// Codex takes the token of an MCP server from the environment that it was
// started with.
func TestCodexTakesItsTokenFromTheEnvironmentThatWeMake(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.signedIn(claude)
	b.run(b.command("codex", "mcp", "add", "lab", "--url", b.mcp, "--bearer-token-env-var", "LAB_TOKEN"))
	mark := b.mark()
	ask := codex.ask(b, true)
	b.run(b.command("lamplighter", append([]string{"exec", "--env", "LAB_TOKEN=claude/mcp/lab", "--"}, ask.Args...)...))
	b.brought(claude, codex, before, mark)

	// Its exit code is ours.
	if code, err := exitCode(b.command("lamplighter", "exec", "--env", "LAB_TOKEN=lab", "--", "codex", "no-such-command-EXAMPLE", "--nonsense").Run()); err != nil || code == 0 || code == 125 {
		t.Errorf("code %d, %v", code, err)
	}
}

// A nightly job, as the README has it.
func TestANightlyCodexFindsItsTokenFreshOrDoesNotBegin(t *testing.T) {
	t.Parallel()
	job := func(b *bench) *exec.Cmd {
		job := exec.Command("sh", "-c", `lamplighter ensure --all-of codex --min-ttl 30m && exec "$@"`, "job")
		job.Args = append(job.Args, codex.ask(b, true).Args...)
		job.Dir, job.Env = filepath.Join(b.home, "project"), b.env
		return job
	}
	b := newBench(t)
	before, mark := b.signedIn(codex), b.mark()
	b.run(job(b))
	b.brought(codex, codex, before, mark)

	b = newBench(t)
	b.signedIn(codex)
	for _, g := range b.server.Grants() {
		b.server.KillGrant(g.ID)
	}
	mark = b.mark()
	if code, err := exitCode(job(b).Run()); err != nil || code != 4 {
		t.Errorf("code %d, %v; want 4, for a sign-in", code, err)
	}
	if found := calls(b.since(mark), "codex"); len(found) != 0 {
		t.Error("it began all the same")
	}
}
