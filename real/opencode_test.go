//go:build real && linux

package real

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
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

const opencodeStore = ".local/share/opencode/mcp-auth.json"

// One test at a time: each sign-in waits for the browser at the same port.

// opencode is the program in a home whose configuration names the server.
func (b *bench) opencode(args ...string) *exec.Cmd {
	b.Helper()
	config := filepath.Join(b.home, ".config/opencode/opencode.json")
	if _, err := os.Stat(config); err != nil {
		text, err := json.Marshal(object{
			"autoupdate": false, "share": "disabled", "permission": "allow",
			"mcp": object{"lab": object{"type": "remote", "url": b.mcp}},
			"provider": object{"openai": object{
				"options": object{"baseURL": b.model + "/v1", "apiKey": "sk-EXAMPLE"},
				"models":  object{"stand-in": object{"name": "stand-in", "tool_call": true}},
			}},
		})
		if err == nil {
			err = os.MkdirAll(filepath.Dir(config), 0o755)
		}
		if err == nil {
			err = os.WriteFile(config, text, 0o600)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	cmd := b.command("opencode", args...)
	if _, err := os.Stat(cmd.Path); err != nil {
		b.Skip("there is no opencode for this computer's processor in the lock file")
	}
	cmd.Env = append(slices.Clone(b.env), "OPENCODE_DISABLE_AUTOUPDATE=1", "OPENCODE_DISABLE_MODELS_FETCH=1")
	return cmd
}

// connects has opencode list its servers, for which it connects to each, and
// wants that to succeed with the token that is in the store, which nobody else
// than us refreshed.
func (b *bench) connects() {
	b.Helper()
	mark := b.mark()
	said := b.run(b.opencode("mcp", "list"))
	if !strings.Contains(said, "lab") || !strings.Contains(said, "connected") {
		b.Errorf("opencode said: %s", said)
	}
	now, found := b.opencodeToken(), false
	for _, r := range b.since(mark) {
		switch {
		case r.form.Get("grant_type") != "" && r.agent != "lamplighter":
			b.Errorf("%s asked for a token (%s)", r.agent, r.form.Get("grant_type"))
		case r.method == "tools/list":
			found = true
			if r.bearer != now.fingerprint() {
				b.Error("it asked with another access token than the store's")
			}
		}
	}
	if !found {
		b.Error("it never asked for the tools")
	}
}

func (b *bench) opencodeToken() token {
	b.Helper()
	raw := b.file(opencodeStore)
	var store map[string]struct {
		Tokens struct {
			Access  string  `json:"accessToken"`
			Refresh string  `json:"refreshToken"`
			Expiry  float64 `json:"expiresAt"`
		}
	}
	if err := json.Unmarshal(raw, &store); err != nil {
		b.Fatal(err)
	}
	t := store["lab"].Tokens
	return token{Access: t.Access, Refresh: t.Refresh, Expiry: time.UnixMilli(int64(t.Expiry * 1000)), raw: raw}
}

// It signs in, we refresh, it connects with what we wrote.
func TestOpencodeUsesWhatWeWrite(t *testing.T) {
	b := newBench(t)
	b.lifetime(5 * time.Second)
	b.run(b.opencode("mcp", "auth", "lab"))
	for range 2 {
		before := b.opencodeToken()
		if time.Until(before.Expiry) < time.Minute {
			b.sleepUntil(before.Expiry.Add(time.Second))
		}
		b.lifetime(time.Hour)
		mark := b.mark()
		b.run(b.command("lamplighter", "refresh", "opencode/mcp/lab"))
		posts := refreshes(b.since(mark), "")
		if len(posts) != 1 || posts[0].agent != "lamplighter" {
			t.Fatalf("%s; want one refresh, by lamplighter", b.story(mark))
		}
		// As it sends it itself, but for the order.
		if got, want := posts[0].shape(), "client_id grant_type refresh_token resource"; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
		after := b.opencodeToken()
		undone := bytes.ReplaceAll(after.raw, []byte(after.Access), []byte(before.Access))
		undone = bytes.ReplaceAll(undone, []byte(after.Refresh), []byte(before.Refresh))
		expiry := regexp.MustCompile(`"expiresAt": \d+(\.\d+)?`)
		undone = expiry.ReplaceAll(undone, expiry.Find(before.raw))
		if after.Access == before.Access || after.Refresh == before.Refresh || !after.Expiry.After(before.Expiry) || !bytes.Equal(undone, before.raw) {
			t.Error("the store does not have the new tokens, or more changed than those")
		}
		if info, err := os.Stat(filepath.Join(b.home, opencodeStore)); err != nil || info.Mode() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		b.connects()
	}
}

// What runs reads its store at each request, so that it goes on with what we
// wrote meanwhile.
func TestARunningOpencodeUsesWhatWeWrite(t *testing.T) {
	b := newBench(t)
	b.run(b.opencode("mcp", "auth", "lab"))
	ask := b.opencodeServer()
	for range 2 {
		mark := b.mark()
		ask()
		b.bearers(mark, "tools/call", 1, b.opencodeToken())
		b.run(b.command("lamplighter", "refresh", "opencode/mcp/lab"))
		if got := refreshes(b.since(mark), ""); len(got) != 1 {
			t.Errorf("%s; want one refresh, by lamplighter", b.story(mark))
		}
	}
}

// opencodeServer starts one that runs on, and returns what has its model call
// the tool.
func (b *bench) opencodeServer() (ask func()) {
	b.Helper()
	cmd := b.opencode("serve", "--port", "0")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	var at string
	for lines := bufio.NewScanner(out); at == "" && lines.Scan(); {
		_, at, _ = strings.Cut(lines.Text(), "listening on ")
	}
	post := func(path string, what object) (answer object) {
		b.Helper()
		body, err := json.Marshal(what)
		if err != nil {
			b.Fatal(err)
		}
		r, err := http.Post(at+path, "application/json", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		defer r.Body.Close()
		if err := json.NewDecoder(r.Body).Decode(&answer); err != nil || r.StatusCode != http.StatusOK {
			b.Fatalf("%s: %s, %v", path, r.Status, err)
		}
		return answer
	}
	session := post("/session", object{})["id"].(string)
	return func() {
		b.Helper()
		post("/session/"+session+"/message", object{
			"model": object{"providerID": "openai", "modelID": "stand-in"},
			"parts": []object{{"type": "text", "text": "Call the tool."}},
		})
	}
}

// While we refresh, one that starts waits for its own lock, and then uses what
// we brought.
func TestOpencodeWaitsWhileWeRefresh(t *testing.T) {
	b := newBench(t)
	b.lifetime(5 * time.Second)
	b.run(b.opencode("mcp", "auth", "lab"))
	b.sleepUntil(b.opencodeToken().Expiry.Add(time.Second))
	b.lifetime(time.Hour)
	b.server.Behave(authtest.Token, authtest.Behaviour{Delay: 6 * time.Second})
	mark := b.mark()
	wait := b.start(b.command("lamplighter", "refresh", "opencode/mcp/lab"))
	for len(refreshes(b.since(mark), "")) == 0 {
		time.Sleep(20 * time.Millisecond)
	}
	b.connects()
	wait()
	if got := b.story(mark); len(refreshes(b.since(mark), "")) != 1 {
		t.Errorf("%s; want one refresh, by lamplighter", got)
	}
}

// Refused, it drops the tokens; its own command, or our browser flow where it
// is not installed, brings others.
func TestOpencodeIsSignedInAgain(t *testing.T) {
	for _, own := range []bool{true, false} {
		t.Run(map[bool]string{true: "by its own command", false: "by us"}[own], func(t *testing.T) {
			b := newBench(t)
			b.run(b.opencode("mcp", "auth", "lab"))
			b.run(b.command("lamplighter", "refresh", "opencode/mcp/lab")) // or nobody knew of a token there
			b.server.KillGrant(b.server.Grants()[0].ID)
			b.run(b.opencode("mcp", "list"))
			if b.opencodeToken().Access != "" {
				t.Fatal("it kept its tokens")
			}
			if own {
				said := b.run(b.command("lamplighter", "login", "lab"))
				if !strings.Contains(said, "opencode mcp auth lab") || !strings.Contains(said, "opencode/mcp/lab: signed in, good for") {
					t.Errorf("login said: %s", said)
				}
			} else {
				b.login()
			}
			b.connects()
			b.run(b.command("lamplighter", "refresh", "opencode/mcp/lab"))
			b.connects()
		})
	}
}
