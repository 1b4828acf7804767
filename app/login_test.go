package app

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
)

// browse is the browser of a person who agrees at once: it goes where it is
// sent, and shows the page on which it ends.
func browse() {
	r, err := http.Get(os.Args[len(os.Args)-1])
	if err != nil {
		os.Exit(1)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	os.WriteFile("page.html", text, 0o600)
	if r.StatusCode != http.StatusOK {
		os.Exit(1)
	}
}

// entry CLIENT/NAME FILE PATH WANT: a value of that entry, - for none.
func scriptEntry(ts *testscript.TestScript, neg bool, args []string) {
	_, name, _ := strings.Cut(args[0], "/")
	var doc map[string]json.RawMessage
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &doc))
	if inner := doc["mcpOAuth"]; inner != nil {
		doc = nil
		ts.Check(json.Unmarshal(inner, &doc))
	}
	var e map[string]any
	ts.Check(json.Unmarshal(doc[credfiles.EntryKey(name, of(ts).grants[args[0]].grant.ServerURL)], &e))
	got := "-"
	if text, ok := e[args[2]].(string); ok {
		got = text
	}
	want := args[3]
	switch want {
	case "first": // as it was when the script began
		want = of(ts).grants[args[0]].grant.ClientID
	}
	if (got == want) == neg {
		ts.Fatalf("%s: %s is %q, want %q", args[0], args[2], got, want)
	}
}

// expire CLIENT/NAME ends the registration of the client of that grant.
func scriptExpire(ts *testscript.TestScript, neg bool, args []string) {
	g := of(ts).grants[args[0]]
	g.server.ExpireClient(g.grant.ClientID)
}

// type NAME: goes to the address that NAME shows, in a browser that cannot
// come back, and types the address on which it ends into NAME.
func scriptType(ts *testscript.TestScript, neg bool, args []string) {
	address := ""
	for deadline := time.Now().Add(20 * time.Second); address == "" && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		address = regexp.MustCompile("(?m)^http.*$").FindString(ts.ReadFile(args[0] + ".txt"))
	}
	stop := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := stop.Get(address)
	ts.Check(err)
	r.Body.Close()
	_, err = io.WriteString(of(ts).typed[args[0]], r.Header.Get("Location")+"\n")
	ts.Check(err)
}

// set SERVER OPTION... changes how a server signs in.
func scriptSet(ts *testscript.TestScript, neg bool, args []string) {
	of(ts).servers[args[0]].Set(func(o *authtest.Options) {
		for _, option := range args[1:] {
			name, value, _ := strings.Cut(option, "=")
			switch name {
			case "deny":
				o.Deny = value
			case "iss":
				o.Iss = authtest.Iss(value)
			case "no-pkce":
				o.NoPKCE = true
			case "no-registration":
				o.NoRegistration = true
			case "secrets":
				o.RegistrationSecret = true
			case "ends-older":
				o.EndsOlder = true
			case "issuer":
				o.IssuerPath = value
			case "usual":
				o.Deny, o.Iss, o.NoPKCE, o.NoRegistration, o.RegistrationSecret, o.IssuerPath = "", "", false, false, false, ""
			default:
				ts.Fatalf("set: no option %s", option)
			}
		}
	})
}

// signed NAME SERVER N waits until that many codes were exchanged there while
// NAME runs, and their answers are in the journal.
func scriptSigned(ts *testscript.TestScript, neg bool, args []string) {
	sc := of(ts)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		n := 0
		for _, e := range sc.servers[args[1]].Log() {
			if e.GrantType == "authorization_code" && e.Delivery == authtest.Whole {
				n++
			}
		}
		if strconv.Itoa(n) == args[2] {
			if found, _ := filepath.Glob(filepath.Join(sc.home, ".local/state/lamplighter/journal/*")); len(found) > 0 {
				if text, _ := os.ReadFile(found[0]); strings.Contains(string(text), `{"answer"`) {
					return
				}
			}
		}
	}
	ts.Fatalf("waited in vain for %s codes", args[2])
}

func TestTheClientsCommandComesFirstWhereItNeedsNothingThatWeHaveNot(t *testing.T) {
	type given struct{ installed, terminal, noBrowser bool }
	ours := refresher.Row{Credential: credfiles.Credential{Kind: "mcp", Grant: credfiles.Grant{ServerURL: "https://mcp.example/mcp"}}}
	codex, claude, remote, odd, login := ours, ours, ours, ours, ours
	codex.SignInNoBrowser = "--no-browser"
	claude.SignInTerminal, claude.SignInNoBrowser = true, "--no-browser"
	odd.WatchOnly, odd.SignInTerminal = credfiles.OddFormat, true
	login.Kind = "login"
	for _, test := range []struct {
		row  refresher.Row
		has  given
		want way
	}{
		{codex, given{installed: true}, byClient},
		{codex, given{installed: true, noBrowser: true}, byClient},
		{codex, given{}, byUs},
		{claude, given{installed: true, terminal: true}, byUs},
		{remote, given{installed: true}, byClient},
		{remote, given{installed: true, noBrowser: true}, byUs},
		{odd, given{installed: true, terminal: true}, byClient},
		{odd, given{installed: true}, byNobody},
		{login, given{installed: true, noBrowser: true}, byClient},
		{login, given{terminal: true}, byNobody},
	} {
		got, why := wayOf(test.row, test.has.installed, test.has.terminal, test.has.noBrowser)
		if got != test.want || got == byNobody && why == "" {
			t.Errorf("%+v: %v, %q, want %v", test.has, got, why, test.want)
		}
	}
}

func TestOneRegistrationIsToldByItsClientAndItsIssuer(t *testing.T) {
	const document = "https://client.example/metadata.json"
	for _, test := range []struct {
		a, b credfiles.Grant
		want bool
	}{
		{credfiles.Grant{ClientID: "c", Issuer: "https://a.example"}, credfiles.Grant{ClientID: "c", Issuer: "https://a.example/"}, true},
		{credfiles.Grant{ClientID: "c", Issuer: "https://a.example"}, credfiles.Grant{ClientID: "c", Issuer: "https://b.example"}, false},
		{credfiles.Grant{ClientID: "c", Issuer: "https://a.example"}, credfiles.Grant{ClientID: "d", Issuer: "https://a.example"}, false},
		{credfiles.Grant{ClientID: "c"}, credfiles.Grant{ClientID: "c", Issuer: "https://b.example"}, true},
		{credfiles.Grant{ClientID: document}, credfiles.Grant{ClientID: document, Issuer: "https://b.example"}, false},
		{credfiles.Grant{ClientID: document, Issuer: "https://b.example"}, credfiles.Grant{ClientID: document, Issuer: "https://b.example"}, true},
		{credfiles.Grant{}, credfiles.Grant{}, false},
	} {
		if got := sameRegistration(test.a, test.b); got != test.want {
			t.Errorf("%q of %q and %q of %q: %v", test.a.ClientID, test.a.Issuer, test.b.ClientID, test.b.Issuer, got)
		}
	}
}

func TestABrowserIsNotOpenedWhereNobodySeesIt(t *testing.T) {
	for _, test := range []struct {
		os, env string
		want    bool
	}{
		{"linux", "DISPLAY=:0", false},
		{"linux", "WAYLAND_DISPLAY=wayland-0", false},
		{"linux", "", true},
		{"linux", "DISPLAY=:0 SSH_CONNECTION=1", true}, // another computer's display, as with ssh -X
		{"linux", "DISPLAY=:0 SSH_CONNECTION=1 BROWSER=b", false},
		{"linux", "BROWSER=b", false},
		{"darwin", "", false},
		{"darwin", "SSH_TTY=/dev/ttys001", true},
		{"windows", "", false},
	} {
		set := map[string]string{}
		for _, v := range strings.Fields(test.env) {
			name, value, _ := strings.Cut(v, "=")
			set[name] = value
		}
		l := login{program: &program{host: credfiles.Host{OS: test.os, Getenv: func(name string) string { return set[name] }}}}
		if got := l.remote(); got != test.want {
			t.Errorf("%s with %q: %v", test.os, test.env, got)
		}
	}
}

// What the client left of an entry is enough for our own sign-in; what it
// erased is not.
func TestOurOwnSignInNeedsAnEntryToWriteInto(t *testing.T) {
	for erased, want := range map[bool]string{false: "", true: wordMissingSignIn} {
		row := refresher.Row{Credential: credfiles.Credential{
			Kind: "mcp", Missing: true, Erased: erased, Grant: credfiles.Grant{ServerURL: "https://mcp.example"},
		}}
		if got := ownSignIn(row); got != want {
			t.Errorf("erased: %v: %q, want %q", erased, got, want)
		}
	}
}
