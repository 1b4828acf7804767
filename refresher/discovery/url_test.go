package discovery

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckURL(t *testing.T) {
	const publicServer, localServer = "https://mcp.example/mcp", "http://localhost:8080/mcp"
	for _, test := range []struct {
		raw, server string
		ok          bool
	}{
		{"https://as.example/token", publicServer, true},
		{"https://as.example:8443/token?a=b", publicServer, true},
		{"HTTPS://as.example", publicServer, true},
		{"https://10.0.0.1/token", publicServer, true}, // what it leads to is checked when it is dialed
		{"http://as.example/token", publicServer, false},
		{"http://as.example/token", localServer, false},
		{"http://localhost/token", localServer, true},
		{"http://LOCALHOST/token", localServer, true},
		{"http://127.0.0.1:99/token", localServer, true},
		{"http://127.9.9.9/token", "https://127.0.0.1/", true},
		{"http://[::1]:99/token", localServer, true},
		{"http://[::ffff:127.0.0.1]/token", localServer, true},
		{"http://localhost/token", publicServer, false},
		{"http://127.0.0.1/token", publicServer, false},
		{"http://localhost/token", "", false},
		{"http://localhost.evil.example/token", localServer, false},
		{"http://127.0.0.1.evil.example/token", localServer, false},
		{"http://localhost@evil.example/token", localServer, false},
		{"http://0.0.0.0/token", localServer, false},
		{"http://2130706433/token", localServer, false},
		{"http://10.0.0.1/token", "http://10.0.0.1/mcp", false},
		{"https://user@as.example/token", publicServer, false},
		{"https://user:pass@as.example/token", publicServer, false},
		{"https://as.example/token#", publicServer, false},
		{"https://as.example/token#fragment", publicServer, false},
		{"https:as.example", publicServer, false},
		{"https:///token", publicServer, false},
		{"https://:443/token", publicServer, false},
		{"//as.example/token", publicServer, false},
		{"as.example/token", publicServer, false},
		{"ftp://as.example/token", publicServer, false},
		{"file:///etc/passwd", publicServer, false},
		{"javascript:alert(1)", publicServer, false},
		{"https://as.example/\n", publicServer, false},
		{"https://as .example/", publicServer, false},
		{"https://as.example:port/", publicServer, false},
		{"", publicServer, false},
	} {
		u, err := CheckURL(test.raw, test.server)
		if test.ok && (err != nil || u == nil) {
			t.Errorf("%s from %s: %v", test.raw, test.server, err)
		}
		if !test.ok {
			wantMisconfigured(t, err, "")
		}
	}
}

// What is shown is for a person and a log: a hostile server chooses it.
func TestShow(t *testing.T) {
	for raw, want := range map[string]string{
		"https://u:pass-EXAMPLE@h/p?token=EXAMPLE#EXAMPLE": "https://h/p",
		"https://h":                              "https://h",
		"https://h/\u202e\x1b[31m":               "a URL that cannot be read",
		"https://h/\u202e":                       "https://h/%E2%80%AE",
		"https://\u202eevil/":                    "https://?evil/",
		"https://[::1":                           "a URL that cannot be read",
		"no URL, EXAMPLE":                        "a URL that cannot be read",
		"https://h/" + strings.Repeat("a", 5000): "https://h/" + strings.Repeat("a", 290) + "...",
	} {
		if got := show(raw); got != want {
			t.Errorf("show(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestWhatAServerSaysDoesNotReachTheTerminal(t *testing.T) {
	err := &TemporaryError{URL: "https://h", Err: errors.New("certificate is valid for \x1b[31m\u202ea, " + strings.Repeat("b", 5000))}
	if got := err.Error(); strings.ContainsAny(got, "\x1b\u202e") || len(got) > 400 {
		t.Errorf("%q", got)
	}
}
