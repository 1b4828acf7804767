package credfiles

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A signed is one entry in one client's store, as a sign-in finds it.
type signed struct {
	t     *testing.T
	store *Store
	old   Credential
	text  string
}

var (
	codexText = `{"lab|cd725037a89da004":{"server_name":"lab","server_url":"http://127.0.0.1:18700/mcp","issuer":"http://127.0.0.1:18700",` +
		`"client_id":"client-old","access_token":"at_old_EXAMPLE","expires_at":1795240055279,"refresh_token":"rt_old_EXAMPLE","scopes":["read"]},` +
		`"x|1":{"server_name":"x","server_url":"http://127.0.0.1:1/","client_id":"client-old","access_token":"at_x_EXAMPLE","expires_at":null,"refresh_token":null,"scopes":[]}}`
	claudeText = `{"mcpOAuthClientConfig":{},"mcpOAuth":{"lab|cd725037a89da004":{"serverName":"lab","serverUrl":"http://127.0.0.1:18700/mcp",` +
		`"accessToken":"at_old_EXAMPLE","clientId":"client-old","issuer":"http://127.0.0.1:18700","redirectUri":"http://localhost:62011/callback",` +
		`"discoveryState":{"authorizationServerUrl":"http://127.0.0.1:18700","oauthMetadataFound":true,"authServerMetadataUrl":null},` +
		`"refreshToken":"rt_old_EXAMPLE","expiresAt":1795240055279,"scope":"read"}}}`
	// As Claude Code leaves it after invalid_client (2.1.329, observed).
	claudeWiped = `{"mcpOAuth":{"lab|cd725037a89da004":{"serverName":"lab","serverUrl":"http://127.0.0.1:18700/mcp",` +
		`"accessToken":"","discoveryState":{"authorizationServerUrl":"http://127.0.0.1:18700","oauthMetadataFound":true},"expiresAt":0}}}`
)

func signedIn(t *testing.T, client, text string) *signed {
	t.Helper()
	home := t.TempDir()
	name := filepath.Join(home, "."+client, ".credentials.json")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h := Host{OS: "linux", Home: home, Getenv: func(string) string { return "" }}
	for _, s := range Stores(h, nil) {
		all, _ := s.Scan(t.Context())
		for _, c := range all {
			if c.Name == "lab" {
				return &signed{t, s, c, text}
			}
		}
	}
	t.Fatalf("no entry in %s", text)
	return nil
}

// write signs in over what the store holds now.
func (e *signed) write(l Login) (Result, error) {
	e.t.Helper()
	h, err := e.store.Hold(e.t.Context(), e.old)
	if err != nil {
		e.t.Fatal(err)
	}
	defer h.Close()
	return h.WriteLogin(e.t.Context(), e.old, l, nil)
}

// wantWritten checks that the store is what it was, but for some values.
func (e *signed) wantWritten(l Login, changes ...string) {
	e.t.Helper()
	if result, err := e.write(l); err != nil || result != Written {
		e.t.Fatalf("%v, %v", result, err)
	}
	got, err := os.ReadFile(e.store.Path())
	if err != nil {
		e.t.Fatal(err)
	}
	if want := strings.NewReplacer(changes...).Replace(e.text); string(got) != want {
		e.t.Errorf("the store holds\n%s\nwant\n%s", got, want)
	}
	h, err := e.store.Hold(e.t.Context(), e.old)
	if err != nil {
		e.t.Fatal(err)
	}
	defer h.Close()
	if now, err := h.Read(e.t.Context()); err != nil || !l.in(now) || now.WatchOnly != "" {
		e.t.Errorf("it reads back as %+v, %v", now.Grant, err)
	}
}

func sameClient() Login {
	return Login{
		Token:  Token{Access: NewSecret("at_new_EXAMPLE"), Refresh: NewSecret("rt_new_EXAMPLE"), Expiry: time.UnixMilli(1795250000000), Scope: "read"},
		Issuer: "http://127.0.0.1:18700", ClientID: "client-old", RedirectURI: "http://localhost:1/other",
	}
}

func newClient() Login {
	l := sameClient()
	l.ClientID, l.RedirectURI = "client-new", "http://localhost:5000/callback"
	return l
}

var token = []string{"at_old_EXAMPLE", "at_new_EXAMPLE", "rt_old_EXAMPLE", "rt_new_EXAMPLE", "1795240055279", "1795250000000"}

func TestASignInWithTheSameClientChangesTheTokenAlone(t *testing.T) {
	signedIn(t, "codex", codexText).wantWritten(sameClient(), token...)
	signedIn(t, "claude", claudeText).wantWritten(sameClient(), token...)
}

func TestASignInWithAnotherClientWritesItWhereItsClientKeepsIt(t *testing.T) {
	first := `mcp","issuer":"http://127.0.0.1:18700","client_id":"client-old"` // not the other entry's
	signedIn(t, "codex", codexText).wantWritten(newClient(), append(token, first, strings.Replace(first, "old", "new", 1))...)
	signedIn(t, "claude", claudeText).wantWritten(newClient(), append(token, "client-old", "client-new", "http://localhost:62011/callback", "http://localhost:5000/callback")...)

	l := newClient()
	l.ClientSecret = NewSecret("cs_new_EXAMPLE")
	signedIn(t, "claude", claudeText).wantWritten(l, append(token, "client-old", "client-new", "http://localhost:62011/callback", "http://localhost:5000/callback",
		`"scope":"read"}`, `"scope":"read","clientSecret":"cs_new_EXAMPLE"}`)...)
	withSecret := strings.Replace(claudeText, `"clientId"`, `"clientSecret":"cs_old_EXAMPLE","clientId"`, 1)
	signedIn(t, "claude", withSecret).wantWritten(newClient(), append(token, "client-old", "client-new", "http://localhost:62011/callback", "http://localhost:5000/callback",
		`"clientSecret":"cs_old_EXAMPLE",`, "")...)
}

func TestASecretThatHasNoPlaceIsNotDroppedInSilence(t *testing.T) {
	e := signedIn(t, "codex", codexText)
	l := newClient()
	l.ClientSecret = NewSecret("cs_new_EXAMPLE")
	if result, err := e.write(l); err == nil {
		t.Errorf("%v", result)
	}
	if got, _ := os.ReadFile(e.store.Path()); string(got) != e.text {
		t.Error("the store changed")
	}
}

func TestASignInAtAnotherIssuerSaysSo(t *testing.T) {
	l := newClient()
	l.Issuer = "https://sso.example"
	signedIn(t, "codex", codexText).wantWritten(l, append(token, `"issuer":"http://127.0.0.1:18700","client_id":"client-old"`, `"issuer":"https://sso.example","client_id":"client-new"`)...)
	chosen := strings.Replace(claudeText, `"authServerMetadataUrl":null`, `"authServerMetadataUrl":"http://127.0.0.1:18700/meta"`, 1)
	signedIn(t, "claude", chosen).wantWritten(l, append(token, "client-old", "client-new", "http://localhost:62011/callback", "http://localhost:5000/callback",
		`"issuer":"http://127.0.0.1:18700"`, `"issuer":"https://sso.example"`, `"authorizationServerUrl":"http://127.0.0.1:18700"`, `"authorizationServerUrl":"https://sso.example"`,
		`"authServerMetadataUrl":"http://127.0.0.1:18700/meta"`, `"authServerMetadataUrl":null`)...)
}

// Codex before 0.149 knows no issuer, and drops what it does not know.
func TestAnEntryWithoutAnIssuerGetsOneOnlyWithAnotherClient(t *testing.T) {
	without := strings.Replace(codexText, `"issuer":"http://127.0.0.1:18700",`, "", 1)
	signedIn(t, "codex", without).wantWritten(sameClient(), token...)
	signedIn(t, "codex", without).wantWritten(newClient(), append(token,
		`mcp","client_id":"client-old"`, `mcp","client_id":"client-new"`, `"scopes":["read"]}`, `"scopes":["read"],"issuer":"http://127.0.0.1:18700"}`)...)
}

func TestASignInWithoutARefreshTokenLeavesNoneBehind(t *testing.T) {
	l := sameClient()
	l.Refresh = Secret{}
	times := []string{"at_old_EXAMPLE", "at_new_EXAMPLE", "1795240055279", "1795250000000"}
	signedIn(t, "codex", codexText).wantWritten(l, append(times, `"rt_old_EXAMPLE"`, "null")...)
	signedIn(t, "claude", claudeText).wantWritten(l, append(times, `"refreshToken":"rt_old_EXAMPLE",`, "")...)
}

func TestAWipedEntryIsSignedInToAgain(t *testing.T) {
	e := signedIn(t, "claude", claudeWiped)
	if !e.old.Blanked || e.old.ClientID != "" {
		t.Fatalf("it is %+v", e.old.Grant)
	}
	e.wantWritten(newClient(), `"accessToken":""`, `"accessToken":"at_new_EXAMPLE"`, `"expiresAt":0}`,
		`"expiresAt":1795250000000,"refreshToken":"rt_new_EXAMPLE","clientId":"client-new","redirectUri":"http://localhost:5000/callback","issuer":"http://127.0.0.1:18700","scope":"read"}`)
}

// What others did to the entry between our answer and our write.
func TestASignInAndSomebodyElseMeanwhile(t *testing.T) {
	for what, test := range map[string]struct {
		changes []string
		want    Result
	}{
		"nothing":                    {nil, Written},
		"wiped by Codex":             {[]string{`"rt_old_EXAMPLE"`, "null"}, Written},
		"refreshed without rotation": {[]string{"at_old_EXAMPLE", "at_theirs_EXAMPLE"}, Written},
		"refreshed":                  {[]string{"at_old_EXAMPLE", "at_theirs_EXAMPLE", "rt_old_EXAMPLE", "rt_theirs_EXAMPLE"}, Theirs},
		"another login":              {[]string{"client-old", "client-theirs", "rt_old_EXAMPLE", "rt_theirs_EXAMPLE"}, Gone},
		"another issuer":             {[]string{"18700\",\"client", "18701\",\"client"}, Gone},
		"another server":             {[]string{"18700/mcp", "18700/other"}, Gone},
		"logged out":                 {[]string{`"lab|cd725037a89da004"`, `"lab|another"`}, Gone},
		"ours already":               {append(token[:4:4], "client-old", "client-new"), Written},
	} {
		e := signedIn(t, "codex", codexText)
		there := strings.NewReplacer(test.changes...).Replace(codexText)
		if err := os.WriteFile(e.store.Path(), []byte(there), 0o600); err != nil {
			t.Fatal(err)
		}
		result, err := e.write(newClient())
		got, _ := os.ReadFile(e.store.Path())
		if result != test.want || err != nil {
			t.Errorf("%s: %v, %v, want %v", what, result, err, test.want)
		}
		if test.want != Written && string(got) != there {
			t.Errorf("%s: the store was written", what)
		}
		if !json.Valid(got) {
			t.Errorf("%s: %s", what, got)
		}
	}
	e := signedIn(t, "codex", codexText)
	os.Remove(e.store.Path())
	if result, err := e.write(newClient()); result != Gone || err != nil {
		t.Errorf("without a store: %v, %v", result, err)
	}
}

func TestWhoRegisteredAClientIsKnown(t *testing.T) {
	e := signedIn(t, "codex", codexText)
	config := filepath.Join(filepath.Dir(e.store.Path()), "config.toml")
	for text, want := range map[string]Registration{
		"": {Callback: "http://127.0.0.1/callback"},
		"oauth = {client_id = 'client-old', callback_port = 4711}":                    {Preset: true, RedirectURI: "http://127.0.0.1:4711/callback"},
		"oauth = {client_id = 'client-old', callback_url = 'https://app.example/cb'}": {Preset: true, RedirectURI: "https://app.example/cb"},
		"oauth = {client_id = 'client-other'}":                                        {},
		"oauth = {callback_port = 4711}":                                              {RedirectURI: "http://127.0.0.1:4711/callback"},
	} {
		if err := os.WriteFile(config, []byte("[mcp_servers.lab]\nurl = 'http://127.0.0.1:18700/mcp'\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		all, problems := e.store.Scan(t.Context())
		if got := all[0].Registration; len(problems) > 0 || got.Preset != want.Preset || got.RedirectURI != want.RedirectURI || !got.TakesClient || got.TakesSecret {
			t.Errorf("%s: %+v, %v", text, got, problems)
		}
	}

	if got := signedIn(t, "codex", strings.ReplaceAll(codexText, "18700/mcp", "35305/mcp")).old.Registration; got.Callback != "http://127.0.0.1/callback" ||
		got.CallbackUnnamed != "http://127.0.0.1/callback/A59zAZvfJQ0y" { // 0.169.0, observed
		t.Errorf("comes back to %s or %s", got.Callback, got.CallbackUnnamed)
	}

	e = signedIn(t, "claude", claudeText)
	if got := e.old.Registration; got.Preset || got.RedirectURI != "http://localhost:62011/callback" || !got.TakesClient || !got.TakesSecret {
		t.Errorf("%+v", got)
	}
	beside := filepath.Join(filepath.Dir(filepath.Dir(e.store.Path())), ".claude.json")
	if err := os.WriteFile(beside, []byte(`{"mcpServers":{"lab":{"type":"http","url":"http://127.0.0.1:18700/mcp","oauth":{"clientId":"client-old"}}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if all, _ := e.store.Scan(t.Context()); !all[0].Preset {
		t.Error("a client that .claude.json names is taken for one that registered itself")
	}
	byHand := strings.Replace(claudeText, `"mcpOAuthClientConfig":{}`, `"mcpOAuthClientConfig":{"lab|cd725037a89da004":{"clientSecret":"cs_EXAMPLE"}}`, 1)
	if e := signedIn(t, "claude", byHand); !e.old.Preset {
		t.Error("a client that has a secret of its own is taken for one that registered itself")
	}
}
