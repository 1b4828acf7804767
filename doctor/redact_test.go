package doctor

import (
	"encoding/base64"
	"fmt"
	"net/http"
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
			"clean": x.clean(text, 1000), "scrub": x.scrub(text), "form": x.form(text, ""), "address": x.address(text),
			"challenge": x.challenge(text), "fields": strings.Join(x.fields(200, []byte(text), ""), "\n"), "body": x.body([]byte(text)),
		} {
			if strings.Contains(shown, secret) && !strings.Contains(x.without(text), secret) {
				t.Errorf("%s of %q shows %q: %q", name, text, secret, shown)
			}
		}
	})
}

// A server can write what it was told in many ways, and a secret can look like
// words. What a reader could put together again is not shown.
func TestASecretThatIsWrittenOtherwiseIsNotShown(t *testing.T) {
	apart := func(by string) func(string) string {
		return func(s string) string { return strings.Join(strings.Split(s, ""), by) }
	}
	each := func(format string) func(string) string {
		return func(s string) (all string) {
			for _, b := range []byte(s) {
				all += fmt.Sprintf(format, b)
			}
			return all
		}
	}
	for _, secret := range []string{"tk-Qm8vZ3xR7bLw2NfY5cKd-EXAMPLE", "correcthorsebatterystapleEXAMPLE", "ghijkl-mnop"} {
		var x redactor
		x.keep(Secret{Name: "SECRET", Value: secret})
		for how, written := range map[string]func(string) string{
			"capitals": strings.ToUpper, "small letters": strings.ToLower, "spaces": apart(" "), "commas": apart(","), "dashes": apart("-"), "quotes": apart(`\"`),
			"colours": apart("\x1b[0m"), "lines": apart("\r\n"), "entities": each("&#%d;"), "hexadecimal entities": each("&#x%x;"),
			"percent": each("%%%02x"), "percent twice": each("%%25%02X"), "JSON": each(`\u%04x`), "C": each(`\\x%02x`), "hexadecimal": each("%02x"),
			"base64 of more":         func(s string) string { return base64.StdEncoding.EncodeToString([]byte("a" + s + "b")) },
			"base64 of more and two": func(s string) string { return base64.URLEncoding.EncodeToString([]byte("ab" + s)) },
			"its most":               func(s string) string { return s[:max(len(s)*3/4, min(len(s), 20))] },
		} {
			text := written(secret)
			for kind, shown := range map[string]string{
				"clean": x.clean("The key "+text+" is wrong", 5000), "scrub": x.scrub("seen: " + text), "address": x.address("https://a.example/" + text),
				"host": x.address("https://" + text + ".example/"), "form": x.form("a=b&"+text+"=c", ""), "challenge": x.challenge(`Bearer realm="` + text + `", ` + text + `="x"`),
				"scheme": x.challenge(text), "fields": strings.Join(x.fields(401, []byte("no "+text), ""), ""), "body": x.body([]byte(`{"` + text + `":1}`)),
			} {
				if rest := unescape(shown); strings.Contains(letters(rest), letters(secret[:len(secret)*3/4])) ||
					strings.Contains(shown, fmt.Sprintf("%x", secret)) || strings.HasPrefix(how, "base64") && strings.Contains(shown, text[4:len(text)-4]) {
					t.Errorf("%s, by %s: %q", kind, how, shown)
				}
			}
		}
	}
}

// A server chooses the URLs of its metadata, and a reader's shell runs the curl
// lines: they name no variable that the reader may have set for something else.
func TestNoURLReadsTheReadersVariables(t *testing.T) {
	x := NewRecorder("", nil)
	x.Keep(Secret{Name: "TOKEN", Value: "k-$123456789abcdef-EXAMPLE"})
	for url, want := range map[string]string{
		"https://a.example/$HOME/x?q=$PATH&$USER=1":                      "'https://a.example/%24HOME/x?q=%24PATH&%24USER=1'",
		"https://a.example/x?AWS_SECRET_ACCESS_KEY=k3k3k3k3k3k3k3k3k3k3": `"https://a.example/x?AWS_SECRET_ACCESS_KEY=$PARAM_AWS_SECRET_ACCESS_KEY"`,
		"https://a.example/x?q=k-%24123456789abcdef-EXAMPLE&r=$TOKEN":    `"https://a.example/x?q=$TOKEN&r=%24TOKEN"`,
		"https://a.example/k-$123456789abcdef-EXAMPLE":                   `"https://a.example/$TOKEN"`,
	} {
		r, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		x.RoundTrip(r)
		if got := x.Report.Steps[len(x.Report.Steps)-1].Request.Curl(); got != "curl -i "+want {
			t.Errorf("%s is asked by %s", url, got)
		}
	}
}

func TestWhatIsNoSecretIsShown(t *testing.T) {
	var x redactor
	for text, want := range map[string]string{
		"https://mcp.linear.app/mcp": "https://mcp.linear.app/mcp",
		"https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token": "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token",
		"https://mcp.example/s/11111111-2222-3333-4444-555555555555/mcp":                           "https://mcp.example/s/…/mcp",
		"https://user:pass@h.example/p?key=1#f":                                                    "https://h.example/p?key=$PARAM_KEY",
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
