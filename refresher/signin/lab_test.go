package signin

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"lamplighter/credfiles"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/discovery"
)

// A lab is a server, and a credential that its client once got there.
type lab struct {
	*authtest.Server
	t testing.TB
	c credfiles.Credential
	o Options

	mu       sync.Mutex
	notices  []string
	requests []*http.Request // that went out, with their bodies read
	bodies   []string
}

func newLab(t testing.TB, o authtest.Options) *lab {
	t.Helper()
	l := &lab{Server: authtest.New(t, o), t: t}
	g := l.Grant(authtest.GrantOptions{})
	l.c = credfiles.Credential{
		Client: "claude", Kind: "mcp", Name: "slack",
		Grant: credfiles.Grant{ServerURL: g.ServerURL, ClientID: g.ClientID, Issuer: g.Issuer, Scopes: strings.Fields(g.Scope)},
		Registration: credfiles.Registration{
			RedirectURI: "http://localhost/callback", Callback: "http://localhost/callback", TakesClient: true, TakesSecret: true,
		},
	}
	l.o.Notice = func(text string) { l.notices = append(l.notices, text) }
	return l
}

// RoundTrip watches what goes out.
func (l *lab) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		text, _ := io.ReadAll(r.Body)
		body = string(text)
		r.Body = io.NopCloser(strings.NewReader(body))
	}
	l.mu.Lock()
	l.requests, l.bodies = append(l.requests, r), append(l.bodies, body)
	l.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

func (l *lab) finder() *discovery.Finder { return &discovery.Finder{Transport: l} }

func (l *lab) begins() (*Flow, error) {
	f, err := Begin(l.t.Context(), l.finder(), l.c, l.o)
	if err == nil {
		l.t.Cleanup(f.Close)
	}
	return f, err
}

func (l *lab) begin() *Flow {
	l.t.Helper()
	f, err := l.begins()
	if err != nil {
		l.t.Fatal(err)
	}
	return f
}

// refuses checks that there is no flow, and that the error says all of these.
func (l *lab) refuses(words ...string) {
	l.t.Helper()
	_, err := l.begins()
	if err == nil {
		l.t.Errorf("it begins; wanted %q", words)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			l.t.Errorf("%q does not say %q", err, w)
		}
	}
}

// browse goes there and where it is sent from there, as a browser does.
func browse(t testing.TB, address string) (status int, page string) {
	t.Helper()
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

// back is the address to which the server sends the browser.
func back(t testing.TB, f *Flow) *url.URL {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, f.URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	u, err := resp.Location()
	if err != nil {
		t.Fatalf("status %d: %v", resp.StatusCode, err)
	}
	return u
}

func query(t testing.TB, f *Flow) url.Values {
	t.Helper()
	u, err := url.Parse(f.URL())
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func has6(t testing.TB) bool {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}
