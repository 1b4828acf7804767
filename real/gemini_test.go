//go:build real && linux

package real

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/refresher/authtest"
)

// A gem is Gemini CLI, or Qwen Code, which came of it. Both sign in within a
// session only, so a test begins with an entry made by hand and has them
// rewrite it by a refresh of their own.
type gem struct{ program, dir, id string }

var gems = []gem{
	{"gemini", ".gemini", "gemini/mcp/lab"},
	{"qwen", ".qwen", "qwen/mcp/lab"},
}

func (g gem) store() string { return filepath.Join(g.dir, "mcp-oauth-tokens.json") }

// list has it list its servers, for which it connects to each.
func (b *bench) list(g gem) string {
	b.Helper()
	cmd := b.command(g.program, "mcp", "list")
	node, err := exec.LookPath("node")
	if err != nil {
		b.Fatal(err)
	}
	cmd.Path, cmd.Args = node, append([]string{"node"}, cmd.Args...)
	cmd.Env = append(slices.Clone(b.env), "NO_BROWSER=1", "GEMINI_CLI_TRUST_WORKSPACE=true")
	return b.run(cmd)
}

// seed makes it have a login: its own rewriting of an entry.
func (b *bench) seed(g gem) authtest.Grant {
	b.Helper()
	grant := b.server.Grant(authtest.GrantOptions{AccessLeft: time.Second})
	put := func(name string, doc any) {
		text, err := json.MarshalIndent(doc, "", "  ")
		if err == nil {
			err = os.MkdirAll(filepath.Join(b.home, g.dir), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(b.home, g.dir, name), text, 0o600)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	put("settings.json", object{"mcpServers": object{"lab": object{"httpUrl": b.mcp}}})
	put("mcp-oauth-tokens.json", []object{{
		"serverName": "lab",
		"token": object{
			"accessToken": grant.AccessToken, "tokenType": "Bearer", "refreshToken": grant.RefreshToken, "scope": grant.Scope,
			"expiresAt": grant.Expiry.UnixMilli(),
		},
		"clientId": grant.ClientID, "tokenUrl": grant.TokenURL, "mcpServerUrl": b.mcp, "updatedAt": time.Now().UnixMilli(),
	}})
	mark := b.mark()
	if said := b.list(g); !strings.Contains(said, "Connected") || len(refreshes(b.since(mark), "")) != 1 {
		b.Fatalf("%s did not refresh by itself: %s", g.program, said)
	}
	return grant
}

func (b *bench) gemToken(g gem) token {
	b.Helper()
	raw := b.file(g.store())
	var store []struct {
		Token struct {
			Access  string `json:"accessToken"`
			Refresh string `json:"refreshToken"`
			Expiry  int64  `json:"expiresAt"`
		}
	}
	if err := json.Unmarshal(raw, &store); err != nil || len(store) != 1 {
		b.Fatal(len(store), err)
	}
	t := store[0].Token
	return token{Access: t.Access, Refresh: t.Refresh, Expiry: time.UnixMilli(t.Expiry), raw: raw}
}

// uses has it connect with the token that is in the store, which nobody else
// than us refreshed.
func (b *bench) uses(g gem) {
	b.Helper()
	mark := b.mark()
	if said := b.list(g); !strings.Contains(said, "Connected") {
		b.Errorf("%s said: %s", g.program, said)
	}
	now, found := b.gemToken(g), false
	for _, r := range b.since(mark) {
		if r.form.Get("grant_type") != "" {
			b.Errorf("%s asked for a token", r.agent)
		}
		if r.method == "initialize" {
			found = true
			if r.bearer != now.fingerprint() {
				b.Error("it asked with another access token than the store's")
			}
		}
	}
	if !found {
		b.Error("it did not connect")
	}
}

// Its own entry, refreshed by us, is what it connects with.
func TestGeminiUsesWhatWeWrite(t *testing.T) {
	for _, g := range gems {
		t.Run(g.program, func(t *testing.T) {
			b := newBench(t)
			b.seed(g)
			before := b.gemToken(g)
			mark := b.mark()
			b.run(b.command("lamplighter", "refresh", g.id))
			posts := refreshes(b.since(mark), "")
			if len(posts) != 1 || posts[0].agent != "lamplighter" || len(b.since(mark)) != 1 {
				t.Fatalf("%s; want one request, by lamplighter", b.story(mark))
			}
			// As they send it themselves, but for the order.
			if got, want := posts[0].shape(), "client_id grant_type refresh_token resource"; got != want {
				t.Errorf("sent %s, want %s", got, want)
			}
			after := b.gemToken(g)
			undone := after.raw
			for _, member := range []string{"accessToken", "refreshToken", "expiresAt", "updatedAt"} {
				undone = bytes.ReplaceAll(undone, value(after.raw, member), value(before.raw, member))
			}
			if after.Access == before.Access || after.Refresh == before.Refresh || !bytes.Equal(undone, before.raw) {
				t.Errorf("the store does not have the new tokens, or more changed than those")
			}
			b.uses(g)
		})
	}
}

// value is what stands in a text for a member.
func value(text []byte, member string) []byte {
	_, rest, _ := bytes.Cut(text, []byte(`"`+member+`": `))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return bytes.TrimSuffix(line, []byte(","))
}

// With the token endpoint out of reach it deletes nothing as long as we kept
// the token fresh.
func TestGeminiOfflineDeletesNothingThatWeKeepFresh(t *testing.T) {
	for _, g := range gems {
		t.Run(g.program, func(t *testing.T) {
			b := newBench(t)
			b.seed(g)
			b.run(b.command("lamplighter", "refresh", g.id))
			b.server.Behave(authtest.Token, authtest.Behaviour{Fault: authtest.DropBefore})
			before := b.gemToken(g)
			b.uses(g)
			if after := b.gemToken(g); !bytes.Equal(after.raw, before.raw) {
				t.Error("it wrote its store")
			}
		})
	}
}

// It deletes its entry, and with that the file, when the token endpoint breaks
// off; restore brings it back, and it is what it connects with. What a person
// removes is not offered.
func TestWhatGeminiDeletedIsRestored(t *testing.T) {
	for _, g := range gems {
		t.Run(g.program, func(t *testing.T) {
			b := newBench(t)
			b.seed(g)
			// Its end is near. A token that lives for less than five minutes it would
			// refresh before each request, and twice at once (Gemini CLI 0.61.0).
			aged := regexp.MustCompile(`"expiresAt": \d+`).ReplaceAll(b.file(g.store()), fmt.Appendf(nil, `"expiresAt": %d`, time.Now().Add(time.Minute).UnixMilli()))
			if err := os.WriteFile(filepath.Join(b.home, g.store()), aged, 0o600); err != nil {
				t.Fatal(err)
			}
			b.run(b.command("lamplighter", "mode", g.id, "watch-only"))
			b.run(b.command("lamplighter", "refresh")) // looks, and leaves it alone
			b.run(b.command("lamplighter", "mode", g.id, "keep"))
			before := b.gemToken(g)
			b.server.Behave(authtest.Token, authtest.Behaviour{Fault: authtest.DropBefore})
			b.list(g)
			if _, err := os.Stat(filepath.Join(b.home, g.store())); err == nil {
				t.Fatal("it did not delete its entry")
			}
			b.server.Behave(authtest.Token, authtest.Behaviour{})
			if said := b.run(b.command("lamplighter", "status")); !strings.Contains(said, "lamplighter restore "+g.id) {
				t.Errorf("status said: %s", said)
			}
			mark := b.mark()
			said := b.run(b.command("lamplighter", "restore", "lab"))
			if !strings.Contains(said, "put back") || !strings.Contains(said, "refreshed, good for 1 h") {
				t.Errorf("restore said: %s", said)
			}
			if posts := refreshes(b.since(mark), ""); len(posts) != 1 || posts[0].form.Get("refresh_token") != before.Refresh {
				t.Errorf("%s; want one refresh, with what was put back", b.story(mark))
			}
			b.uses(g)

			if err := os.Remove(filepath.Join(b.home, g.store())); err != nil {
				t.Fatal(err)
			}
			if said := b.run(b.command("lamplighter", "status")); strings.Contains(said, "restore") {
				t.Errorf("after a logout status said: %s", said)
			}
		})
	}
}
