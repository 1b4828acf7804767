package credfiles

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"lamplighter/credfiles/keychain"
	"lamplighter/credfiles/processes"
	"lamplighter/lab/security"
)

func TestNoResourceGoesToMicrosoft(t *testing.T) {
	for issuer, want := range map[string]bool{
		"https://login.microsoftonline.com/common/v2.0": true,
		"https://LOGIN.microsoftonline.com":             true,
		"https://sts.windows.net/0000/":                 true,
		"https://login.microsoftonline.us/x":            true,
		"https://login.microsoftonline.com.example":     false,
		"https://notwindows.net/":                       false,
		"https://example.com/login.microsoftonline.com": false,
		"":   false,
		"%%": false,
	} {
		if microsoft(issuer) != want {
			t.Errorf("%q: %v", issuer, !want)
		}
	}
	l := newLab(t, &copilot)
	l.put("mcp-oauth-config/aa.tokens.json", `{"accessToken":"at_EXAMPLE","refreshToken":"rt_EXAMPLE"}`)
	l.put("mcp-oauth-config/aa.json", `{"serverUrl":"https://x.example.com/mcp","resourceUrl":"https://x.example.com/mcp","authorizationServerUrl":"https://sts.windows.net/0000/","clientId":"c"}`)
	if c := l.one("aa"); !c.NoResource || c.Resource != "" || c.WatchOnly != "" {
		t.Errorf("%+v", c)
	}
}

func TestWhichProgramsAreCopilot(t *testing.T) {
	for line, want := range map[string]bool{
		"copilot":                              true,
		"node /usr/local/bin/copilot --resume": true,
		"node --no-warnings /usr/lib/node_modules/@github/copilot/index.js":  true,
		`node C:\npm\node_modules\@github\copilot\npm-loader.js`:             true,
		"node /usr/lib/node_modules/@github/copilot-language-server/dist.js": false,
		"node server.js /usr/local/bin/copilot":                              false,
		"node":                                                               false,
	} {
		args := strings.Fields(line)
		if got := copilot.is(processes.Process{Name: args[0], Args: args}); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}

// An old copy is not taken for the real one where nobody can tell.
func TestWhereTheKeyringCannotBeAskedCopilotsFilesAreOnlyWatched(t *testing.T) {
	for os, want := range map[string]Reason{"linux": "", "freebsd": "", "darwin": KeyringUnread, "windows": KeyringUnread} {
		l := realLab(t, &copilot)
		l.host.OS = os
		if c := l.one("lab"); c.WatchOnly != want {
			t.Errorf("%s: %q, want %q", os, c.WatchOnly, want)
		}
	}
}

func TestAFileOfCopilotCountsWhereTheKeychainHasNone(t *testing.T) {
	l, chain := realLab(t, &copilot), security.New(t)
	l.host.OS = "darwin"
	l.host.Keychain = &Keychain{Keychain: keychain.Keychain{Program: chain.Program}}
	lab := path.Base(l.one("lab").Key.Entry)
	equal(t, "without an item", mcp(l.scan()), []string{"lab", "notes"})
	chain.Set(security.Item{Service: copilotItems, Account: lab, Secret: []byte("{}")})
	l.host.Keychain.forget() // as once a minute
	all, problems := l.look()
	if len(problems) != 1 || problems[0].Kind != StaleCopy || problems[0].Entry != "lab" {
		t.Errorf("problems: %v", problems)
	}
	equal(t, "with lab's", mcp(all), []string{"notes", "lab keychain-own"})
	l.host.Keychain.forget()
	l.host.Keychain.Program = filepath.Join(t.TempDir(), "none")
	all, problems = l.look()
	equal(t, "without an answer", mcp(all), []string{"lab keyring-unread", "notes keyring-unread"})
	equal(t, "without an answer", problemKinds(problems), []string{"failed"})
}

// Which are there is seen without a prompt, and what is in one where a person
// lets us.
func TestAnItemOfCopilotsOnMacOSIsOnlyWatched(t *testing.T) {
	l, chain := realLab(t, &copilot), security.New(t)
	l.host.OS = "darwin"
	l.host.Keychain = &Keychain{Keychain: keychain.Keychain{Program: chain.Program}}
	one := l.one("lab")
	hash := path.Base(one.Key.Entry)
	l.must(os.Remove(one.Path))
	l.host.Keychain.forget()
	chain.Set(security.Item{Service: copilotItems, Account: hash, Mood: security.Asking, Modified: written, Secret: []byte(`{"accessToken":"at_chain_EXAMPLE","refreshToken":"rt_chain_EXAMPLE","expiresAt":1900000000}`)})
	c := l.one("lab")
	if c.WatchOnly != KeychainOwn || c.ServerURL != one.ServerURL || !c.Access.IsZero() || c.ToFile != "" || len(chain.Prompts()) > 0 {
		t.Errorf("%+v, prompts: %q", c, chain.Prompts())
	}
	done := make(chan error, 1)
	go func() { done <- l.host.Ask(context.Background(), c) }()
	(&macLab{l, chain}).answer(security.Willing)
	l.must(<-done)
	if c := l.one("lab"); c.WatchOnly != KeychainSeen || c.Expiry.Unix() != 1_900_000_000 || c.Refresh.Reveal() != "rt_chain_EXAMPLE" {
		t.Errorf("%+v", c)
	}
}
