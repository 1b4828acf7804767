//go:build real && linux

package real

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/refresher/authtest"
)

// remotes are mcp-remote as it is, and as it was before it noted an expiry,
// took a lease and kept one folder for all versions.
var remotes = []struct{ program, id string }{
	{"mcp-remote", "mcp-remote/mcp/lab"},
	{"mcp-remote-before", "mcp-remote/mcp/lab@0.1.37"},
}

// remote starts mcp-remote as a client of an MCP server on stdio would, and
// waits until it is connected.
func (b *bench) remote(program string) *session {
	b.Helper()
	s, connected := b.startRemote(program)
	connected()
	return s
}

func (b *bench) startRemote(program string) (s *session, connected func()) {
	b.Helper()
	if _, err := os.Stat(filepath.Join(b.home, ".cursor")); err != nil {
		config, err := json.Marshal(object{"mcpServers": object{"lab": object{"command": "npx", "args": []string{"mcp-remote", b.mcp}}}})
		if err == nil {
			err = os.Mkdir(filepath.Join(b.home, ".cursor"), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(b.home, ".cursor/mcp.json"), config, 0o600)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	cmd := b.command(program, b.mcp)
	node, err := exec.LookPath("node")
	if err != nil {
		b.Fatal(err)
	}
	cmd.Path, cmd.Args = node, append([]string{"node"}, cmd.Args...)
	s = b.session(cmd)
	send := func(method string, params object) {
		s.id++
		s.send(object{"jsonrpc": "2.0", "id": s.id, "method": method, "params": params})
	}
	answered := func() {
		s.await(func(m object) bool { return m["id"] == float64(s.id) && m["result"] != nil })
	}
	s.ask = func() {
		send("tools/call", object{"name": "ping", "arguments": object{}})
		answered()
	}
	send("initialize", object{"protocolVersion": "2025-06-18", "capabilities": object{}, "clientInfo": object{"name": "real", "version": "1"}})
	return s, func() {
		answered()
		s.send(object{"jsonrpc": "2.0", "method": "notifications/initialized"})
	}
}

// remoteToken reads the only store of mcp-remote.
func (b *bench) remoteToken() (t token, name string) {
	b.Helper()
	names, err := filepath.Glob(filepath.Join(b.home, ".mcp-auth/mcp-remote-*/*_tokens.json"))
	if err != nil || len(names) != 1 {
		b.Fatalf("stores of mcp-remote: %q, %v", names, err)
	}
	if t.raw, err = os.ReadFile(names[0]); err != nil {
		b.Fatal(err)
	}
	var e struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Expiry  int64  `json:"expires_at"`
	}
	if err := json.Unmarshal(t.raw, &e); err != nil {
		b.Fatal(err)
	}
	t.Access, t.Refresh = e.Access, e.Refresh
	if e.Expiry != 0 {
		t.Expiry = time.UnixMilli(e.Expiry)
	}
	return t, names[0]
}

// usedRemote fails the test unless the tool was called so often since mark,
// with the token that is in the store now, and nobody refreshed.
func (b *bench) usedRemote(mark, times int) {
	b.Helper()
	now, _ := b.remoteToken()
	found := 0
	for _, r := range b.since(mark) {
		switch {
		case r.form.Get("grant_type") != "":
			b.Errorf("%s asked for a token (%s)", r.agent, r.form.Get("grant_type"))
		case r.method == "tools/call":
			found++
			if r.bearer != now.fingerprint() {
				b.Error("the tool was called with another access token than the store's")
			}
		}
	}
	if found != times {
		b.Errorf("the tool was called %d times, want %d", found, times)
	}
}

// What we write is what mcp-remote uses, at once where it runs.
func TestMcpRemoteUsesWhatWeWrite(t *testing.T) {
	for _, r := range remotes {
		t.Run(r.program, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.remote(r.program) // signs in
			s.ask()
			for _, running := range []bool{true, false} {
				before, name := b.remoteToken()
				mark := b.mark()
				b.run(b.command("lamplighter", "refresh", r.id))
				posts := refreshes(b.since(mark), "")
				if len(posts) != 1 || posts[0].agent != "lamplighter" {
					t.Fatalf("%s; want one refresh, by lamplighter", b.story(mark))
				}
				want := "client_id grant_type refresh_token resource"
				if r.program == "mcp-remote" {
					want += " scope"
				}
				if got := posts[0].shape(); got != want {
					t.Errorf("sent %s, want %s", got, want)
				}
				after, _ := b.remoteToken()
				undone := bytes.ReplaceAll(after.raw, []byte(after.Access), []byte(before.Access))
				undone = bytes.ReplaceAll(undone, []byte(after.Refresh), []byte(before.Refresh))
				if !after.Expiry.IsZero() {
					undone = bytes.ReplaceAll(undone, fmt.Append(nil, after.Expiry.UnixMilli()), fmt.Append(nil, before.Expiry.UnixMilli()))
				}
				if after.Access == before.Access || after.Refresh == before.Refresh || !bytes.Equal(undone, before.raw) {
					t.Error("the store does not have the new tokens, or more changed than those")
				}
				if info, err := os.Stat(name); err != nil || info.Mode() != 0o600 {
					t.Errorf("mode %v, %v", info.Mode(), err)
				}
				mark = b.mark()
				if !running {
					s = b.remote(r.program)
				}
				s.ask()
				b.usedRemote(mark, 1)
			}
		})
	}
}

// Four processes start at once on a token that had ended before we refreshed
// it, at a server that takes its time. On one that has ended each of the old
// ones sends the refresh token: reuse, and a browser for each.
func TestFourOfMcpRemoteStartOnAFreshToken(t *testing.T) {
	for _, r := range remotes {
		t.Run(r.program, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.lifetime(5 * time.Second)
			b.remote(r.program)
			time.Sleep(6 * time.Second)
			b.lifetime(time.Hour)
			b.run(b.command("lamplighter", "refresh", r.id))
			b.server.Behave(authtest.Token, authtest.Behaviour{Delay: 1500 * time.Millisecond})
			mark := b.mark()
			var sessions []*session
			var waits []func()
			for range 4 {
				s, connected := b.startRemote(r.program)
				sessions, waits = append(sessions, s), append(waits, connected)
			}
			for i, connected := range waits {
				connected()
				sessions[i].ask()
			}
			b.usedRemote(mark, 4)
			for _, seen := range b.since(mark) {
				if strings.Contains(seen.path, "authorize") {
					t.Error("a browser was opened")
				}
			}
		})
	}
}
