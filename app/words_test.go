package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// Errors as the network really makes them come out in plain words.
func TestNetworkErrorsInPlainWords(t *testing.T) {
	const patience = time.Minute // but for the server that is silent
	ask := func(url string, patience time.Duration, change func(*http.Transport)) string {
		tr := &http.Transport{}
		if change != nil {
			change(tr)
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		r, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		_, err := tr.RoundTrip(r)
		if err == nil {
			t.Fatalf("%s answered", url)
		}
		return url + ": " + err.Error()
	}
	closed, _ := net.Listen("tcp", "127.0.0.1:0")
	refused := "http://" + closed.Addr().String() + "/x"
	closed.Close()
	drop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		c.Close()
	}))
	defer drop.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer silent.Close()
	for text, want := range map[string]string{
		ask(refused, patience, nil):                "the server cannot be reached (127.0.0.1:",
		ask(drop.URL, patience, nil):               "the connection broke off (127.0.0.1:",
		ask(secure.URL, patience, nil):             "the server's certificate is not trusted (127.0.0.1:",
		ask(silent.URL, 200*time.Millisecond, nil): "the server does not answer in time (127.0.0.1:",
		ask(strings.Replace(drop.URL, "http:", "https:", 1), patience, func(tr *http.Transport) { tr.TLSClientConfig = &tls.Config{} }): "no secure connection to the server (127.0.0.1:",
		"https://a.example/x: dial tcp: lookup a.example on 127.0.0.53:53: no such host":                                                "the server's name cannot be looked up (a.example)",
		"https://a.example/x: dial tcp 192.0.2.1:443: connect: network is unreachable":                                                  "the server cannot be reached (a.example)",
		"https://a.example: status 503 Service Unavailable":                                                                             "the server answered 503 Service Unavailable (a.example)",
		"https://a.example: a web page where metadata should be; a sign-in page of the network?":                                        "a web page where metadata should be; a sign-in page of the network? (a.example)",
		"https://a.example: no answer in time":                                                                                          "the server does not answer in time (a.example)",
		"https://a.example: proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused":                                      "the proxy does not let us through (a.example)",
	} {
		got := plainError(text)
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s\n is  %s\nwant %s", text, got, want)
		}
		if strings.Contains(got, "tcp") || strings.Contains(got, "x509") {
			t.Errorf("the network's own words: %s", got)
		}
	}
}

func TestEveryClassOfFailureHasWords(t *testing.T) {
	for _, class := range []string{
		exchange.FailureCancelled, exchange.FailureTimeout, exchange.FailureDNS, exchange.FailureConnect, exchange.FailureProxy, exchange.FailureTLS,
		exchange.FailureCertificate, exchange.FailureReset, exchange.FailureEOF, exchange.FailureReused, exchange.FailureRequest, exchange.FailureTooLong, exchange.FailureOther,
	} {
		if failures[class] == "" {
			t.Errorf("%s has no words", class)
		}
	}
}

// What the ledger remembers of a store's trouble is the error's text; it
// becomes the same words as the error itself.
func TestRememberedTroubleOfAStoreIsAsClearAsFreshOne(t *testing.T) {
	v := view{os: "linux", home: "/home/ada"}
	for _, p := range everything().Problems {
		if p.Line != 0 || p.Entry != "" {
			continue // not what a write meets
		}
		row := refresher.Row{}
		row.Path, row.Client = p.Store, p.Client
		row.Memory.Detail = fmt.Errorf("%w", &p).Error()
		why, do := v.storeTrouble(row)
		if wantWhy, wantDo := v.trouble(p); why != wantWhy || do != wantDo {
			t.Errorf("%s: %s, %s\nwant %s, %s", p.Kind, why, do, wantWhy, wantDo)
		}
	}
}

func TestLogAsJSON(t *testing.T) {
	at := time.Date(2026, 11, 21, 13, 0, 0, 0, time.FixedZone("CET", 3600))
	text, err := json.MarshalIndent(logOf([]ledger.Event{
		{At: at, ID: "codex/mcp/linear", What: "refreshed", Host: "a.example", Old: "01234567", New: "89abcdef", Expiry: at.Add(time.Hour), PID: 7},
		{At: at, What: "processes", Why: "no list", PID: 7},
		{At: at, ID: "codex/mcp/linear", What: "dead", Verdict: "dead", Code: "invalid_grant", Detail: "gone", PID: 7},
	}), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "log.json", append(text, '\n'))
	if text, _ := json.Marshal(logOf(nil)); string(text) != `{"version":1,"events":[]}` {
		t.Errorf("an empty log is %s", text)
	}
}

func TestTimesAsAPersonWouldSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 1400 * time.Millisecond: "1 s", 59 * time.Second: "59 s", 59600 * time.Millisecond: "1 min", 61 * time.Second: "1 min",
		59*time.Minute + 40*time.Second: "1 h", 90 * time.Minute: "1 h 30 min", 8*time.Hour - time.Second: "8 h", 11*time.Hour + 20*time.Minute: "11 h",
		47 * time.Hour: "47 h", 49 * time.Hour: "2 days", 400 * 24 * time.Hour: "400 days", 3 * 365 * 24 * time.Hour: "3 years", -5 * time.Minute: "5 min",
	} {
		if got := span(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	defer func(was *time.Location) { time.Local = was }(time.Local)
	time.Local = berlin
	now := time.Date(2026, 11, 21, 22, 30, 0, 0, time.UTC) // 23:30 in Berlin
	for in, want := range map[time.Duration]string{0: "23:30", time.Hour: "Sun 22 Nov 00:30", -time.Hour: "22:30"} {
		if got := clock(now.Add(in), now); got != want {
			t.Errorf("%v later: %s, want %s", in, got, want)
		}
	}
}

func TestConfigMistakesAreProblemsOfTheConfig(t *testing.T) {
	m := view{home: "/home/ada"}.model(refresher.Snapshot{At: noon}, errors.New("/home/ada/c.toml:1: a: no\n/home/ada/c.toml:2: b: no"))
	if len(m.Problems) != 2 || !strings.HasPrefix(m.Problems[1].Message, "~/c.toml:2: b: no; until that is mended") {
		t.Errorf("%q", m.Problems)
	}
	if codeOfModel(m) != exitFailed || m.Summary != wordNothingRead {
		t.Errorf("code %d, %q", codeOfModel(m), m.Summary)
	}
}

// Whatever credfiles can name as the matter with a store has a sentence of its
// own.
func TestEveryProblemAndReasonHasItsSentence(t *testing.T) {
	v := view{os: "linux", home: "/home/x"}
	said := map[string]string{}
	unique := func(word, text string) {
		if other, taken := said[text]; taken || text == word || text == "" {
			t.Errorf("%s is worded like %q: %q", word, other, text)
		}
		said[text] = word
	}
	for _, kind := range constants(t, "../credfiles/problem.go", "ProblemKind") {
		what, _ := v.trouble(credfiles.Problem{Store: "/home/x/.codex/.credentials.json", Client: "codex", Kind: credfiles.ProblemKind(kind)})
		unique(kind, what)
	}
	for _, reason := range constants(t, "../credfiles/credential.go", "Reason") {
		row := refresher.Row{Credential: credfiles.Credential{Client: "codex", WatchOnly: credfiles.Reason(reason)}}
		unique(reason, v.watchOnly(row, time.Now()))
	}
	if len(said) < 20 {
		t.Errorf("%d words were found", len(said))
	}
}

// constants are the values of a string type's constants in a file.
func constants(t *testing.T, name, of string) (values []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == of {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, text)
		}
		return true
	})
	return values
}

// Where the user's own setting is refused, a sign-in would not help: the next
// refresh token would go the same way (observed: oidc-provider uses one up
// before it looks at the resource).
func TestALoginThatIsOnlyWatchedSaysWhoRenewsIt(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	secret := credfiles.NewSecret("EXAMPLE")
	for _, test := range []struct {
		access, refresh credfiles.Secret
		left            time.Duration
		reason, do      string
	}{
		{secret, secret, time.Hour, "your AWS CLI login, which AWS CLI renews itself", ""},
		{secret, secret, -time.Hour, "your AWS CLI login, which AWS CLI renews itself", ""},
		{secret, credfiles.Secret{}, time.Hour, "your AWS CLI login, which nothing renews", ""},
		{secret, credfiles.Secret{}, -time.Hour, "your AWS CLI login, which nothing renews", "aws sso login"},
		{credfiles.Secret{}, credfiles.Secret{}, -time.Hour, "your AWS CLI login, which AWS CLI erased after the server refused it", "aws sso login"},
		{credfiles.Secret{}, secret, 0, "your AWS CLI login, without an access token whose end could be told", ""},
	} {
		row := refresher.Row{Decision: refresher.Decision{State: refresher.WatchOnly, Why: refresher.LiteralSays}}
		row.Client, row.ID, row.WatchOnly, row.SignIn = "aws", "aws/login", credfiles.VendorLogin, []string{"aws", "sso", "login"}
		row.Access, row.Refresh, row.Blanked = test.access, test.refresh, test.access.IsZero() && test.refresh.IsZero()
		if test.left != 0 {
			row.Expiry = now.Add(test.left)
		}
		if reason, do := (view{os: "linux"}).sentence(row, now); reason != test.reason || do != test.do {
			t.Errorf("%q, %q; want %q, %q", reason, do, test.reason, test.do)
		}
	}
}

func TestARefusedSettingIsWhatToChange(t *testing.T) {
	row := rowIn(refresher.Misconfigured, refresher.BadSetup, noon.Add(time.Hour))
	row.Memory = ledger.Memory{Wait: ledger.Misconfigured, Code: "invalid_target"}
	v := view{os: "linux", home: "/home/ada"}
	if _, do := v.sentence(row, noon); do != "codex mcp login linear" {
		t.Errorf("without a setting: %q", do)
	}
	row.Overridden = true
	if _, do := v.sentence(row, noon); do != "check its [[credential]] in config.toml" {
		t.Errorf("with a setting: %q", do)
	}
}

// A client with a secret may be refused for its secret, or for how it shows it
// (observed: workers-oauth-provider takes the one registered way only). Where a
// person registered it, a sign-in would run into the same.
func TestARefusedSecretIsNotAnUnknownClient(t *testing.T) {
	row := rowIn(refresher.SignInNeeded, refresher.PolicySays, noon.Add(time.Hour))
	row.Memory = ledger.Memory{Wait: ledger.User, Code: "invalid_client", Verdict: exchange.ClientGone.String()}
	v := view{os: "linux", home: "/home/ada"}
	for _, c := range []struct {
		secret     string
		preset     bool
		reason, do string
	}{
		{"", false, "the server does not know this client any more (invalid_client)", "codex mcp login linear"},
		{"secretEXAMPLE", false, "the server does not take this client or its secret (invalid_client)", "codex mcp login linear"},
		{"secretEXAMPLE", true, "the server does not take this client or its secret (invalid_client)", "check the secret in Codex, and auth_method in config.toml"},
	} {
		row.ClientSecret, row.Preset = credfiles.NewSecret(c.secret), c.preset
		if reason, do := v.sentence(row, noon); reason != c.reason || do != c.do {
			t.Errorf("secret %v, preset %v: %q, %q", c.secret != "", c.preset, reason, do)
		}
	}
}
