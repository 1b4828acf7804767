package doctor

import (
	"net/url"
	"strings"
	"testing"
)

// Whatever a server makes of a secret that it was told, no text shows it.
func FuzzASecretIsNotShown(f *testing.F) {
	f.Add("k-0123456789abcdef-EXAMPLE", "The key ", " is wrong", uint8(0))
	f.Add("short1", "https://x.example/?a=", "&b=c", uint8(1))
	f.Add("with space and /", `{"access_token":"`, `"}`, uint8(2))
	f.Add("ümlaut€", "Bearer realm=\"", "\", error=x", uint8(3))
	f.Add("a+b&c=d%20", "x=", "", uint8(4))
	f.Fuzz(func(t *testing.T, secret, before, after string, how uint8) {
		if len(strings.TrimSpace(secret)) < shortest || oneLine(secret) != secret || strings.Contains("$SECRET", secret) || strings.Contains(before+after, secret) {
			return
		}
		var x redactor
		x.keep(Secret{Name: "SECRET", Value: secret})
		form := secret
		switch how % 3 {
		case 1:
			form = url.QueryEscape(secret)
		case 2:
			form = url.PathEscape(secret)
		}
		text := before + form + after
		for name, shown := range map[string]string{
			"clean": x.clean(text, 1000), "scrub": x.scrub(text), "form": x.form(text), "address": x.address(text),
			"challenge": x.challenge(text), "fields": strings.Join(x.fields(200, []byte(text), ""), "\n"), "body": x.body([]byte(text)),
		} {
			if strings.Contains(shown, secret) && !strings.Contains(x.without(text), secret) {
				t.Errorf("%s of %q shows %q: %q", name, text, secret, shown)
			}
		}
	})
}

func TestWhatIsNoSecretIsShown(t *testing.T) {
	var x redactor
	for text, want := range map[string]string{
		"https://mcp.linear.app/mcp": "https://mcp.linear.app/mcp",
		"https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token": "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token",
		"https://mcp.example/s/11111111-2222-3333-4444-555555555555/mcp":                           "https://mcp.example/s/…/mcp",
		"https://user:pass@h.example/p?key=1#f":                                                    "https://h.example/p?key=$KEY",
		"https://h.example/?state=abc&scope=a+b&api-version=2025-01-01":                            "https://h.example/?state=abc&scope=a+b&api-version=2025-01-01",
		"https://h.example/.well-known/oauth-protected-resource/mcp":                               "https://h.example/.well-known/oauth-protected-resource/mcp",
	} {
		if got := x.address(text); got != want {
			t.Errorf("%s is shown as %s", text, got)
		}
	}
	for text, want := range map[string]string{
		"AADSTS700082: The refresh token has expired due to inactivity.": "AADSTS700082: The refresh token has expired due to inactivity.",
		"issued on 2026-11-21T10:00:00.0000000Z":                         "issued on 2026-11-21T10:00:00.0000000Z",
		"trace 11111111-2222-3333-4444-555555555555":                     "trace 11111111-2222-3333-4444-555555555555",
		"Access denied due to missing subscription key":                  "Access denied due to missing subscription key",
		"token=abc and client_secret: x":                                 "token=… and client_secret: x",
	} {
		if got := x.clean(text, 200); got != want {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}
