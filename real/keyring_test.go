//go:build real && linux

package real

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/secretservice"
	"lamplighter/lab"
	"lamplighter/lab/desktop"
)

// An item is what Codex wrote into the keyring.
type item struct {
	Token struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Life    int64  `json:"expires_in"`
	} `json:"token_response"`
	Expiry int64 `json:"expires_at"`

	raw string
}

// With a keyring Codex keeps its tokens there (0.169.0, "auto"): it reads what
// we wrote, refreshes with the refresh token that we stored, and we go on from
// what it wrote.
func TestCodexReadsWhatWeWriteIntoTheKeyring(t *testing.T) {
	b := newBench(t)
	bus := desktop.NewBus(t)
	ring := bus.NewKeyring()
	b.env = append(b.env, "DBUS_SESSION_BUS_ADDRESS="+bus.Address())
	b.lifetime(time.Hour)
	codex.signIn(b)
	if _, err := os.Stat(filepath.Join(b.home, codex.store)); err == nil {
		t.Fatal("Codex kept the token in a file")
	}
	// GNOME Keyring makes up a schema for an item without one, when it likes.
	attributes := lab.ItemAttributes("lab", b.mcp)
	attributes = attributes[:len(attributes)-2]
	read := func() (i item) {
		t.Helper()
		text, ok := ring.Get(attributes...)
		if !ok || json.Unmarshal([]byte(text), &i) != nil || i.Token.Refresh == "" {
			t.Fatal("the item is not as Codex is known to write it")
		}
		i.raw = text
		return i
	}
	service := map[string]string{"service": "Codex MCP Credentials"}
	dress := func() any {
		all := ring.Dress(service)
		for _, i := range all {
			delete(i, "Type")
			if of, ok := i["Attributes"].Value().(map[string]string); ok {
				delete(of, "xdg:schema")
			}
		}
		return all
	}
	dressed, before := dress(), read()

	mark := b.mark()
	b.run(b.command("lamplighter", "refresh", "codex/mcp/lab"))
	posts := refreshes(b.since(mark), "")
	if len(posts) != 1 || posts[0].agent != "lamplighter" {
		t.Fatalf("%s; want one refresh, by lamplighter", b.story(mark))
	}
	b.shaped(codex, posts)
	after := read()
	undone := strings.NewReplacer(
		after.Token.Access, before.Token.Access, after.Token.Refresh, before.Token.Refresh,
		fmt.Sprint(after.Expiry), fmt.Sprint(before.Expiry), fmt.Sprintf(`"expires_in":%d`, after.Token.Life), fmt.Sprintf(`"expires_in":%d`, before.Token.Life),
	).Replace(after.raw)
	if undone != before.raw || after.Token.Access == before.Token.Access || after.Token.Refresh == before.Token.Refresh {
		t.Error("the item changed in more than the tokens and the expiry")
	}
	if now := dress(); !reflect.DeepEqual(now, dressed) {
		t.Errorf("not only the secret changed:\n got %v\nwant %v", now, dressed)
	}

	mark = b.mark()
	b.run(codex.ask(b, true))
	found := calls(b.since(mark), "codex")
	if len(found) != 1 || found[0].bearer != (token{Access: after.Token.Access}).fingerprint() || len(refreshes(b.since(mark), "")) != 0 {
		t.Errorf("Codex called the tool %d times; %s", len(found), b.story(mark))
	}

	// Expired, as Codex sees it.
	old := strings.Replace(after.raw, fmt.Sprint(after.Expiry), fmt.Sprint(time.Now().Add(-time.Minute).UnixMilli()), 1)
	s := secretservice.New(func() (string, error) { return bus.Address(), nil })
	defer s.Close()
	if err := s.Write(t.Context(), "Codex MCP Credentials", credfiles.EntryKey("lab", b.mcp), []byte(old)); err != nil {
		t.Fatal(err)
	}
	mark = b.mark()
	b.run(codex.ask(b, true))
	b.refreshed(codex, mark, 1)
	if posts := refreshes(b.since(mark), "codex"); len(posts) == 1 && posts[0].form.Get("refresh_token") != after.Token.Refresh {
		t.Error("Codex sent another refresh token than the one that we stored")
	}
	theirs := read()
	if theirs.Token.Refresh == after.Token.Refresh {
		t.Error("Codex stored no new refresh token")
	}
	mark = b.mark()
	b.run(b.command("lamplighter", "refresh", "codex/mcp/lab"))
	if posts := refreshes(b.since(mark), "lamplighter"); len(posts) != 1 || posts[0].form.Get("refresh_token") != theirs.Token.Refresh {
		t.Error("we do not go on from what Codex wrote")
	}
	if n := len(ring.Dress(service)); n != 1 {
		t.Errorf("%d items", n)
	}
}

// Signed in while no keyring ran, its entry is in the file. With one its own
// command moves it there, and that is no failure.
func TestCodexMovesItsEntryIntoTheKeyringWhileItSignsInForUs(t *testing.T) {
	b := newBench(t)
	b.lifetime(time.Hour)
	codex.signIn(b)
	before := b.token(codex)
	bus := desktop.NewBus(t)
	ring := bus.NewKeyring()
	b.env = append(b.env, "DBUS_SESSION_BUS_ADDRESS="+bus.Address())
	said := b.run(b.command("lamplighter", "login", "lab"))
	if !strings.Contains(said, "codex mcp login lab") || !strings.Contains(said, "codex/mcp/lab: signed in, good for") {
		t.Errorf("login said: %s", said)
	}
	if text, err := os.ReadFile(filepath.Join(b.home, codex.store)); err == nil && strings.Contains(string(text), before.Access) {
		t.Error("its file still has the entry")
	}
	if n := len(ring.Dress(map[string]string{"service": "Codex MCP Credentials"})); n != 1 {
		t.Errorf("%d items", n)
	}
	mark := b.mark()
	b.run(codex.ask(b, false))
	if found := calls(b.since(mark), "codex"); len(found) != 1 || len(refreshes(b.since(mark), "")) != 0 {
		t.Errorf("%s", b.story(mark))
	}
}
