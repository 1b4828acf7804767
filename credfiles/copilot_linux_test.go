package credfiles_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"lamplighter/credfiles"
	"lamplighter/credfiles/secretservice"
)

// copilotItem makes one as keytar does (its source).
func (l *ringLab) copilotItem(account string) {
	l.Helper()
	l.ring.Put("copilot-mcp-oauth/"+account, `{"accessToken":"at_ring_EXAMPLE","refreshToken":"rt_ring_EXAMPLE"}`,
		"service", "copilot-mcp-oauth", "account", account, "xdg:schema", "org.gnome.keyring.NodeKeyTar")
}

// Copilot CLI reads its items first: a file counts only where there surely is
// none.
func TestAFileOfCopilotCountsWhereTheKeyringHasNone(t *testing.T) {
	l := newRingLab(t)
	for _, hash := range []string{"aa", "bb"} {
		l.put(".copilot/mcp-oauth-config/"+hash+".tokens.json", `{"accessToken":"at_file_EXAMPLE","refreshToken":"rt_file_EXAMPLE","expiresAt":1900000000}`)
		l.put(".copilot/mcp-oauth-config/"+hash+".json", `{"serverUrl":"https://`+hash+`.example/mcp","authorizationServerUrl":"https://`+hash+`.example","clientId":"cli_EXAMPLE"}`)
	}
	want := func(want string) {
		t.Helper()
		if got := l.ids(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	want("copilot/mcp/bb; copilot/mcp/aa ")
	_, h := l.hold("aa")
	before := l.host.Stamps(context.Background())
	l.copilotItem("aa")
	if l.host.Stamps(context.Background()) == before {
		t.Error("a poll does not see the item")
	}
	want("copilot/mcp/bb; stale-copy(aa)false")
	if _, err := h.Read(context.Background()); !errors.Is(err, credfiles.ErrGone) {
		t.Errorf("what was planned for the file: %v", err)
	}
	l.copilotItem("static-secret:bb") // which the file does not have
	want("copilot/mcp/bb no-client; stale-copy(aa)false")
	l.ring.Lock()
	want("copilot/mcp/bb no-client; stale-copy(aa)false")
}

// Where none runs now there may still be one, with a newer entry in it.
func TestAFileOfCopilotIsOnlyWatchedWhereAKeyringDoesNotRun(t *testing.T) {
	l := newRingLab(t)
	l.put(".copilot/mcp-oauth-config/aa.tokens.json", `{"accessToken":"at_file_EXAMPLE","refreshToken":"rt_file_EXAMPLE","expiresAt":1900000000}`)
	l.put(".copilot/mcp-oauth-config/aa.json", `{"serverUrl":"https://aa.example/mcp","authorizationServerUrl":"https://aa.example","clientId":"cli_EXAMPLE"}`)
	l.host.Keyring = secretservice.New(func() (string, error) { return "", errors.New("no session") })
	if c, _ := l.one("aa"); c.WatchOnly != "" {
		t.Errorf("on a computer without any: %s", c.WatchOnly)
	}
	for _, folder := range []string{".local/share/keyrings/login.keyring", ".local/share/kwalletd/kdewallet.kwl", ".config/keepassxc/keepassxc.ini"} {
		l.put(folder, "")
		if c, _ := l.one("aa"); c.WatchOnly != credfiles.KeyringUnread {
			t.Errorf("beside %s: %q", folder, c.WatchOnly)
		}
		if err := os.RemoveAll(filepath.Join(l.host.Home, filepath.Dir(folder))); err != nil {
			t.Fatal(err)
		}
	}
}
