package lab

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lamplighter/credfiles"
	"lamplighter/refresher/authtest"
)

// What stands around the entries of a store.
const (
	codexHead, codexTail   = "{\n", "\n}\n"
	claudeHead, claudeTail = `{"someday":[1, 2.50],"mcpOAuth":{`, `},"organizationUuid":"0-EXAMPLE"}`
)

// codexText is a grant as Codex 0.169.0 writes it.
func codexText(name string, g authtest.Grant) string {
	return quote(credfiles.EntryKey(name, g.ServerURL)) + ":" + marshal(struct {
		Name    string   `json:"server_name"`
		URL     string   `json:"server_url"`
		Issuer  string   `json:"issuer"`
		Client  string   `json:"client_id"`
		Access  string   `json:"access_token"`
		Expires int64    `json:"expires_at"`
		Refresh string   `json:"refresh_token"`
		Scopes  []string `json:"scopes"`
	}{name, g.ServerURL, g.Issuer, g.ClientID, g.AccessToken, g.Expiry.UnixMilli(), g.RefreshToken, strings.Fields(g.Scope)})
}

// claudeText is a grant as Claude Code 2.1.329 writes it.
func claudeText(name string, g authtest.Grant) string {
	type state struct {
		Server string `json:"authorizationServerUrl"`
		Found  bool   `json:"oauthMetadataFound"`
	}
	return quote(credfiles.EntryKey(name, g.ServerURL)) + ":" + marshal(struct {
		Name    string `json:"serverName"`
		URL     string `json:"serverUrl"`
		Access  string `json:"accessToken"`
		Client  string `json:"clientId"`
		Secret  string `json:"clientSecret,omitempty"`
		Issuer  string `json:"issuer"`
		State   state  `json:"discoveryState"`
		Refresh string `json:"refreshToken"`
		Expires int64  `json:"expiresAt"`
		Scope   string `json:"scope"`
		Back    string `json:"redirectUri,omitempty"`
	}{name, g.ServerURL, g.AccessToken, g.ClientID, g.ClientSecret, g.Issuer, state{g.Issuer, true}, g.RefreshToken, g.Expiry.UnixMilli(), g.Scope, g.Redirect})
}

func quote(s string) string { return marshal(s) }

// marshal writes <, > and & as they are, as the clients do.
func marshal(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Settings replaces config.toml.
func (l *Lab) Settings(text string) {
	l.T.Helper()
	name := l.Path(".config", "lamplighter", "config.toml")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		l.T.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		l.T.Fatal(err)
	}
}

// AddHome names a further home of a client in config.toml, and makes the
// folder. The IDs of its credentials end in @name.
func (l *Lab) AddHome(client, name string) (path string) {
	l.T.Helper()
	path = l.Path("homes", client+"-"+name)
	if err := os.MkdirAll(path, 0o755); err != nil {
		l.T.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.homes = append(l.homes, credfiles.Home{Client: client, Path: path, Name: name})
	var text strings.Builder
	for _, h := range l.homes {
		fmt.Fprintf(&text, "[[home]]\nclient = %q\npath = %q\nname = %q\n", h.Client, h.Path, h.Name)
	}
	l.Settings(text.String())
	return path
}
