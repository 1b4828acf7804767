package credfiles_test

import (
	"context"
	"errors"
	"testing"

	"lamplighter/credfiles"
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
