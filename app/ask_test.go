package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/app/model"
	"lamplighter/credfiles"
	"lamplighter/credfiles/keychain"
	"lamplighter/lab/security"
)

// newAskLab is a program on a Mac on which Codex keeps linear in the keychain.
func newAskLab(t *testing.T, mood security.Mood) (p *program, chain *security.Security, printed func() string) {
	t.Helper()
	home := t.TempDir()
	chain = security.New(t)
	const server = "https://mcp.example/mcp"
	for name, text := range map[string]string{".codex/config.toml": "[mcp_servers.linear]\nurl = \"" + server + "\"\n"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(home, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	chain.Set(security.Item{
		Service: "Codex MCP Credentials", Account: credfiles.EntryKey("linear", server), Mood: mood, Modified: time.Now().Add(-time.Hour),
		Secret: []byte(`{"server_name":"linear","url":"` + server + `","client_id":"cli_EXAMPLE","token_response":{"access_token":"at_EXAMPLE","token_type":"bearer","refresh_token":"rt_EXAMPLE"},"expires_at":4102444800000}`),
	})
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	p = &program{
		host: credfiles.Host{
			OS: "darwin", Home: home, Getenv: func(name string) string { return map[string]string{"HOME": home}[name] },
			Keychain: &credfiles.Keychain{Keychain: keychain.Keychain{Program: chain.Program}},
		},
		out: newStream(out), err: newStream(out), began: time.Now(),
	}
	return p, chain, func() string {
		text, err := os.ReadFile(out.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// wantText checks what was printed.
func wantText(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("it does not say %q:\n%s", w, text)
		}
	}
	if strings.Contains(text, "_EXAMPLE") {
		t.Errorf("it shows a token:\n%s", text)
	}
}

func TestStatusAsksTheKeychainOnlyOnAPersonsWord(t *testing.T) {
	p, chain, printed := newAskLab(t, security.Asking)
	if code := p.run(context.Background(), []string{"status"}); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	wantText(t, printed(), "codex/mcp/linear", "lets only Codex read it", `mcp_oauth_credentials_store = "file"`)
	if code := p.run(context.Background(), []string{"status", "--ask"}); code != exitUsage {
		t.Errorf("without an ID: exit code %d", code)
	}
	if prompts := chain.Prompts(); len(prompts) > 0 {
		t.Errorf("prompts: %q", prompts)
	}
	done := make(chan int, 1)
	go func() { done <- p.run(context.Background(), []string{"status", "--ask", "linear"}) }()
	for len(chain.Prompts()) == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	items := chain.Items()
	items[0].Mood = security.Willing
	chain.Set(items...)
	if code := <-done; code != exitDone {
		t.Errorf("exit code %d", code)
	}
	wantText(t, printed(), `macOS asks for the password of your login keychain`, "only Codex may write it, and renews it itself")
}

func TestWhoDoesNotAllowItIsToldThatNothingChanged(t *testing.T) {
	for mood, want := range map[security.Mood]string{
		security.Cancelled: "it was not allowed; nothing has changed",
		security.Wrong:     "it was not allowed; nothing has changed",
		security.Locked:    "ask at the Mac itself",
	} {
		p, _, printed := newAskLab(t, mood)
		if code := p.run(context.Background(), []string{"status", "--ask", "linear"}); code != exitFailed {
			t.Errorf("%s: exit code %d", mood, code)
		}
		wantText(t, printed(), "codex/mcp/linear was not read: ", want, "lets only Codex read it")
	}
}

func TestAClickReadsWhatTheKeychainKeepsForItsClient(t *testing.T) {
	p, chain, _ := newAskLab(t, security.Willing)
	var said []string
	p.say = func(text string) { said = append(said, text) }
	x, err := p.openFace()
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(p, x, func() {})
	look := func() model.Row {
		t.Helper()
		d.snap = x.refresher.Scan(context.Background())
		rows := d.model().Rows
		if len(rows) != 1 {
			t.Fatalf("%d rows", len(rows))
		}
		return rows[0]
	}
	row := look()
	wantText(t, strings.Join(row.Can, " "), model.Ask, model.Login)
	d.act(context.Background(), model.Action{Do: model.Ask, Key: row.Key}, "")
	d.group.Wait()
	wantText(t, strings.Join(said, "\n"), "macOS asks", "only Codex may write it, and renews it itself")
	if row = look(); row.Expires.IsZero() || strings.Contains(strings.Join(row.Can, " "), model.Ask) {
		t.Errorf("%+v", row)
	}
	calls, _ := chain.Calls()
	reads := 0
	for _, call := range calls {
		if strings.Contains(call, " -w") {
			reads++
		}
	}
	if reads != 1 {
		t.Errorf("it ran %q", calls)
	}
}
