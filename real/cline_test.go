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
	"strings"
	"testing"
	"time"
)

const clineStore = ".cline/data/settings/cline_mcp_settings.json"

// cline does something with a server as Cline does it.
func (b *bench) cline(act, server string) *exec.Cmd {
	b.Helper()
	store := filepath.Join(b.home, clineStore)
	if _, err := os.Stat(store); err != nil {
		text, err := json.MarshalIndent(object{"mcpServers": object{
			"lab":   object{"transport": object{"type": "streamableHttp", "url": b.mcp}},
			"files": object{"transport": object{"type": "stdio", "command": "true"}, "disabled": true},
		}}, "", "  ")
		if err == nil {
			err = os.MkdirAll(filepath.Dir(store), 0o755)
		}
		if err == nil {
			err = os.WriteFile(store, text, 0o644)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	script, err := filepath.Abs("testdata/cline.mjs")
	if err != nil {
		b.Fatal(err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		b.Fatal(err)
	}
	core, err := filepath.EvalSymlinks(filepath.Join(os.Getenv(place), "cline"))
	if err != nil {
		b.Fatal(err)
	}
	cmd := b.command("cline", script, core, store, act, server)
	cmd.Path, cmd.Args[0] = node, "node"
	return cmd
}

func (b *bench) clineToken() token {
	b.Helper()
	raw := b.file(clineStore)
	var store struct {
		Servers map[string]struct {
			OAuth struct {
				Tokens struct {
					Access  string `json:"access_token"`
					Refresh string `json:"refresh_token"`
					Life    int64  `json:"expires_in"`
				}
				Since int64 `json:"lastAuthenticatedAt"`
			}
		} `json:"mcpServers"`
	}
	if err := json.Unmarshal(raw, &store); err != nil {
		b.Fatal(err)
	}
	o := store.Servers["lab"].OAuth
	return token{Access: o.Tokens.Access, Refresh: o.Tokens.Refresh, Expiry: time.UnixMilli(o.Since + 1000*o.Tokens.Life), raw: raw}
}

// It signs in, we refresh, it connects with what we wrote.
func TestClineUsesWhatWeWrite(t *testing.T) {
	b := newBench(t)
	b.lifetime(5 * time.Second)
	b.run(b.cline("sign-in", "lab"))
	before := b.clineToken()
	b.sleepUntil(before.Expiry.Add(time.Second))
	b.lifetime(time.Hour)
	mark := b.mark()
	b.run(b.command("lamplighter", "refresh", "cline/mcp/lab"))
	posts := refreshes(b.since(mark), "")
	if len(posts) != 1 || posts[0].agent != "lamplighter" {
		t.Fatalf("%s; want one refresh, by lamplighter", b.story(mark))
	}
	if got, want := posts[0].shape(), "client_id grant_type refresh_token resource"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	after := b.clineToken()
	undone := bytes.ReplaceAll(after.raw, []byte(after.Access), []byte(before.Access))
	undone = bytes.ReplaceAll(undone, []byte(after.Refresh), []byte(before.Refresh))
	for _, name := range []string{"expires_in", "lastAuthenticatedAt"} {
		number := regexp.MustCompile(`"` + name + `": \d+`)
		undone = number.ReplaceAll(undone, number.Find(before.raw))
	}
	if after.Access == before.Access || after.Refresh == before.Refresh || after.Expiry.Before(time.Now().Add(59*time.Minute)) || !bytes.Equal(undone, before.raw) {
		t.Error("the store does not have the new tokens, or more changed than those")
	}
	if info, err := os.Stat(filepath.Join(b.home, clineStore)); err != nil || info.Mode() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	mark = b.mark()
	b.run(b.cline("connect", "lab"))
	b.bearers(mark, "tools/list", 0, after)
	b.bearers(mark, "initialize", 1, after)
	if n := len(refreshes(b.since(mark), "")); n > 0 {
		t.Errorf("it refreshed %d times", n)
	}
}

// bearers wants so many calls of a method since mark, all with that token.
func (b *bench) bearers(mark int, method string, want int, t token) {
	b.Helper()
	found := 0
	for _, r := range b.since(mark) {
		if r.method == method {
			found++
			if r.bearer != t.fingerprint() {
				b.Errorf("%s with another token", method)
			}
		}
	}
	if found != want {
		b.Errorf("%s was called %d times, want %d", method, found, want)
	}
}

// Why we wait for the end of Cline's program: its connection goes on with what
// it read first. Once this fails, it reads its store again.
func TestAConnectionOfClinesKeepsWhatItReadFirst(t *testing.T) {
	b := newBench(t)
	b.run(b.cline("sign-in", "lab"))
	first := b.clineToken()
	s := b.session(b.cline("session", "lab"))
	call := func() {
		fmt.Fprintln(s.in)
		s.await(func(object) bool { return true })
	}
	call()
	b.run(b.command("lamplighter", "refresh", "cline/mcp/lab"))
	if b.clineToken().Access == first.Access {
		t.Fatal("nothing was refreshed")
	}
	mark := b.mark()
	call()
	b.bearers(mark, "tools/call", 1, first)
}

// Its lock and ours are one: two hundred writes of its own and forty refreshes
// lose nothing.
func TestClinesWritesAndOursLoseNothing(t *testing.T) {
	b := newBench(t)
	b.run(b.cline("sign-in", "lab"))
	writers := []*exec.Cmd{b.cline("write", "lab"), b.cline("write", "files"), b.cline("write", "lab"), b.cline("write", "files")}
	done := make(chan bool)
	var waits []func() string
	for _, cmd := range writers {
		waits = append(waits, b.start(cmd))
	}
	go func() {
		defer close(done)
		for _, wait := range waits {
			wait()
		}
	}()
	ours := 0
	for running := true; running && ours < 40; ours++ {
		b.run(b.command("lamplighter", "refresh", "cline/mcp/lab"))
		select {
		case <-done:
			running = false
		default:
		}
	}
	<-done
	text := string(b.file(clineStore))
	if strings.Count(text, `"count": 100`) != 2 {
		t.Errorf("writes of its own were lost: %s", regexp.MustCompile(`"count": \d+`).FindAllString(text, -1))
	}
	if now := b.server.Current(b.server.Grants()[0].ID); b.clineToken().Refresh != now.RefreshToken {
		t.Error("the store does not hold the newest refresh token")
	}
	t.Logf("%d refreshes beside 200 writes", ours)
	if left, err := filepath.Glob(filepath.Join(b.home, clineStore+".lock*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	b.run(b.cline("connect", "lab"))
}
