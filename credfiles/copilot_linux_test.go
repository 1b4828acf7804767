package credfiles_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"lamplighter/credfiles"
	"lamplighter/credfiles/secretservice"
)

// copilotItem makes one as the keytar of Copilot CLI 1.0.48 does (observed).
func (l *ringLab) copilotItem(account, text string) {
	l.Helper()
	l.ring.Put("copilot-mcp-oauth/"+account, text, copilotAttributes(account)...)
}

func copilotAttributes(account string) []string {
	return []string{"service", "copilot-mcp-oauth", "account", account, "xdg:schema", "org.freedesktop.Secret.Generic"}
}

const copilotText = `{"accessToken":"at_ring_EXAMPLE","refreshToken":"rt_ring_EXAMPLE","expiresAt":1900000000,"scope":"read"}`

// registration is what Copilot CLI keeps of a server beside its item.
func (l *ringLab) registration(hash, more string) {
	l.Helper()
	l.put(".copilot/mcp-oauth-config/"+hash+".json", `{"serverUrl":"https://`+hash+`.example/mcp","authorizationServerUrl":"https://`+hash+`.example","clientId":"cli_EXAMPLE"`+more+`}`)
}

// Copilot CLI reads its items first: a file counts only where there surely is
// none.
func TestAFileOfCopilotCountsWhereTheKeyringHasNone(t *testing.T) {
	l := newRingLab(t)
	for _, hash := range []string{"aa", "bb"} {
		l.put(".copilot/mcp-oauth-config/"+hash+".tokens.json", `{"accessToken":"at_file_EXAMPLE","refreshToken":"rt_file_EXAMPLE","expiresAt":1900000000}`)
		l.registration(hash, "")
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
	l.copilotItem("aa", copilotText)
	if l.host.Stamps(context.Background()) == before {
		t.Error("a poll does not see the item")
	}
	want("copilot/mcp/bb; copilot/mcp/aa; stale-copy(aa)false")
	if c, _ := l.one("aa"); c.Access.Reveal() != "at_ring_EXAMPLE" {
		t.Errorf("it is %s", c.Path)
	}
	if _, err := h.Read(context.Background()); !errors.Is(err, credfiles.ErrGone) {
		t.Errorf("what was planned for the file: %v", err)
	}
	l.copilotItem("static-secret:bb", "cs_EXAMPLE") // nobody says whether it is used
	want("copilot/mcp/bb no-client; copilot/mcp/aa; stale-copy(aa)false")
	l.ring.Lock()
	want("copilot/mcp/bb no-client; stale-copy(aa)false; locked()false")
}

// What Copilot CLI reads afterwards is what it would have written, and all that
// makes it find the item is as it was.
func TestAnItemOfCopilotIsRefreshedInPlace(t *testing.T) {
	l := newRingLab(t)
	l.registration("aa", `,"resourceUrl":"https://aa.example/"`)
	l.copilotItem("aa", copilotText)
	l.copilotItem("bb", copilotText)
	dress := map[string]string{"service": "copilot-mcp-oauth"}
	before := l.ring.Dress(dress)
	c, h := l.hold("aa")
	if c.ID != "copilot/mcp/aa" || c.ServerURL != "https://aa.example/mcp" || c.Issuer != "https://aa.example" || c.ClientID != "cli_EXAMPLE" || c.Resource != "https://aa.example/" ||
		c.Expiry.Unix() != 1_900_000_000 || !c.Protected || c.WatchOnly != "" {
		t.Errorf("%+v", c)
	}
	if got, err := h.Write(context.Background(), c, newToken, nil); err != nil || got != credfiles.Written {
		t.Fatalf("%v, %v", got, err)
	}
	want := `{"accessToken":"at_new_EXAMPLE","refreshToken":"rt_new_EXAMPLE","expiresAt":1950000000,"scope":"read write offline_access"}`
	if text, _ := l.ring.Get(copilotAttributes("aa")...); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if text, _ := l.ring.Get(copilotAttributes("bb")...); text != copilotText {
		t.Errorf("the other: %s", text)
	}
	if now := l.ring.Dress(dress); !reflect.DeepEqual(now, before) {
		t.Errorf("not only secrets changed:\n got %v\nwant %v", now, before)
	}
}

// Without its registration nobody knows whose it is; of a session's item the
// refresh token is in another.
func TestAnItemOfCopilotThatSaysTooLittleIsOnlyWatched(t *testing.T) {
	l := newRingLab(t)
	l.put(".copilot/mcp-config.json", "{}")
	l.copilotItem("aa", copilotText)
	l.registration("bb", "")
	l.copilotItem("bb", `{"accessToken":"","refreshToken":"rt_ring_EXAMPLE"}`)
	l.copilotItem("static-secret:cc", "cs_EXAMPLE")
	if got := l.ids(); got != "copilot/mcp/aa no-server; copilot/mcp/bb client-renews" {
		t.Error(got)
	}
	l.registration("aa", "")
	if got := l.ids(); got != "copilot/mcp/aa; copilot/mcp/bb client-renews" {
		t.Errorf("with its registration: %s", got)
	}
}

// The secret of a client that a person registered is used where the
// configuration says so, and where it can be read.
func TestASecretInTheKeyringIsSentForAClientThatIsNotPublic(t *testing.T) {
	l := newRingLab(t)
	l.registration("aa", `,"isStatic":true`)
	l.copilotItem("aa", copilotText)
	l.copilotItem("static-secret:aa", "cs_ring_EXAMPLE")
	config := func(public string) string {
		return `{"mcpServers":{"acme":{"url":"https://aa.example/mcp","oauthClientId":"cli_EXAMPLE"` + public + `}}}`
	}
	for text, want := range map[string]string{
		config(`,"oauthPublicClient":false`): "cs_ring_EXAMPLE", config(`,"oauthPublicClient":true`): "", config(""): "",
	} {
		l.put(".copilot/mcp-config.json", text)
		if c, _ := l.one("acme"); c.ClientSecret.Reveal() != want || c.WatchOnly != "" || !c.Preset {
			t.Errorf("%s: %+v", text, c)
		}
	}
	l.ring.Delete(copilotAttributes("static-secret:aa")...)
	l.put(".copilot/mcp-config.json", config(`,"oauthPublicClient":false`))
	l.put(".copilot/mcp-oauth-config/aa.secret", "cs_file_EXAMPLE")
	if c, _ := l.one("acme"); c.ClientSecret.Reveal() != "cs_file_EXAMPLE" {
		t.Errorf("from the file: %q", c.WatchOnly)
	}
}

// Where none runs now there may still be one, with a newer entry in it.
func TestAFileOfCopilotIsOnlyWatchedWhereAKeyringDoesNotRun(t *testing.T) {
	l := newRingLab(t)
	l.put(".copilot/mcp-oauth-config/aa.tokens.json", `{"accessToken":"at_file_EXAMPLE","refreshToken":"rt_file_EXAMPLE","expiresAt":1900000000}`)
	l.registration("aa", "")
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
