package lab

import (
	"errors"
	"regexp"

	"lamplighter/credfiles"
	"lamplighter/credfiles/secretservice"
	"lamplighter/refresher/authtest"
)

// A Ring is a keyring as a client uses it: attributes are names and values by
// turns. A desktop.Keyring is one.
type Ring interface {
	Put(label, secret string, attributes ...string)
	Get(attributes ...string) (secret string, ok bool)
}

// Session gives the lab a session bus, with whatever keyring is on it.
func (l *Lab) Session(address string) {
	l.T.Helper()
	l.bus = address
	service := secretservice.New(func() (string, error) { return address, nil })
	l.keyring = service
	l.T.Cleanup(func() { service.Close() })
}

// CodexItem makes a grant and an item of Codex in a keyring for it.
func (l *Lab) CodexItem(r Ring, name string, s *authtest.Server, o authtest.GrantOptions) *Line {
	l.T.Helper()
	line := &Line{ID: "codex/mcp/" + name, Server: s, Grant: s.Grant(o), seen: s, protected: true}
	attributes := ItemAttributes(name, line.Grant.ServerURL)
	line.Store = "keyring: Codex MCP Credentials/" + name
	line.before = codexItem(name, line.Grant)
	line.read = func() (string, error) {
		text, ok := r.Get(attributes...)
		if !ok {
			return "", errors.New("the item is gone")
		}
		return text, nil
	}
	r.Put(credfiles.EntryKey(name, line.Grant.ServerURL)+"@Codex MCP Credentials:default (keyring v3.6.3)", line.before, attributes...)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return line
}

// ItemAttributes are those that Rust's keyring crate 3.6.3 gives an item of
// Codex, names and values by turns.
func ItemAttributes(name, serverURL string) []string {
	return []string{
		"application", "rust-keyring", "service", "Codex MCP Credentials", "target", "default",
		"username", credfiles.EntryKey(name, serverURL), "xdg:schema", "org.freedesktop.Secret.Generic",
	}
}

// codexItem is a grant as Codex 0.169.0 writes it into the keyring.
func codexItem(name string, g authtest.Grant) string {
	type answer struct {
		Access  string `json:"access_token"`
		Type    string `json:"token_type"`
		Life    int64  `json:"expires_in"`
		Refresh string `json:"refresh_token"`
		Scope   string `json:"scope"`
	}
	return marshal(struct {
		Name    string `json:"server_name"`
		URL     string `json:"url"`
		Issuer  string `json:"issuer"`
		Client  string `json:"client_id"`
		Answer  answer `json:"token_response"`
		Expires int64  `json:"expires_at"`
	}{name, g.ServerURL, g.Issuer, g.ClientID, answer{g.AccessToken, "bearer", 3600, g.RefreshToken, g.Scope}, g.Expiry.UnixMilli()})
}

// life is a number that an item holds besides the expiry.
var life = regexp.MustCompile(`"expires_in":\d+`)
