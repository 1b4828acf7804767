package discovery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"lamplighter/credfiles"
)

// A web is a network in memory: what is at a URL, and a log of who asked.
// What is not there is a 404.
type web struct {
	t    *testing.T
	at   map[string]answer // by URL, or by method and URL
	mu   sync.Mutex
	log  []string // URLs, with the method where it is not GET
	down error    // every request fails with it
}

type answer struct {
	status int // 0: 200
	header http.Header
	body   string
	reader io.Reader // instead of body
	err    error
}

func (w *web) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, name := range []string{"Authorization", "Cookie", "Referer", "Proxy-Authorization"} {
		if r.Header.Get(name) != "" {
			w.t.Errorf("%s carries %s", r.URL, name)
		}
	}
	asked := r.URL.String()
	if r.Method != http.MethodGet {
		asked = r.Method + " " + asked
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, asked)
	if w.down != nil {
		return nil, w.down
	}
	a, ok := w.at[asked]
	if !ok {
		a.status = http.StatusNotFound
	}
	if a.err != nil {
		return nil, a.err
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	if a.reader == nil {
		a.reader = strings.NewReader(a.body)
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(a.reader), Request: r}, nil
}

func (w *web) asked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	log := w.log
	w.log = nil
	return log
}

func newWeb(t *testing.T, at map[string]answer) *web { return &web{t: t, at: at} }

// find asks without a cache.
func (w *web) find(g credfiles.Grant) (Endpoints, error) {
	f := &Finder{Transport: w}
	return f.Find(w.t.Context(), g)
}

func (w *web) mustFind(g credfiles.Grant) Endpoints {
	w.t.Helper()
	e, err := w.find(g)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *web) wantAsked(want ...string) {
	w.t.Helper()
	if got := w.asked(); !slices.Equal(got, want) {
		w.t.Errorf("asked\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func metadata(issuer, tokenURL string) answer {
	return answer{body: fmt.Sprintf(`{"issuer":%q,"token_endpoint":%q}`, issuer, tokenURL)}
}

func resource(name string, servers ...string) answer {
	list := ""
	if len(servers) > 0 {
		list = fmt.Sprintf(`,"authorization_servers":["%s"]`, strings.Join(servers, `","`))
	}
	return answer{body: fmt.Sprintf(`{"resource":%q%s}`, name, list)}
}

func unauthorized(challenges ...string) answer {
	return answer{status: http.StatusUnauthorized, header: http.Header{"Www-Authenticate": challenges}}
}

func redirect(to string) answer {
	return answer{status: http.StatusFound, header: http.Header{"Location": {to}}}
}

func htmlPage() answer {
	return answer{header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, body: "<!doctype html><title>Welcome</title>"}
}

var errNoHost = errors.New("lookup as.example: no such host")

func wantTemporary(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*TemporaryError](err); !ok {
		t.Errorf("got %v (%T), want a TemporaryError", err, err)
	}
}

func wantMisconfigured(t *testing.T, err error, says string) {
	t.Helper()
	if _, ok := errors.AsType[*MisconfiguredError](err); !ok || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v (%T), want a MisconfiguredError that says %q", err, err, says)
	}
}

func wantIssuer(t *testing.T, err error, stored, found string) {
	t.Helper()
	if e, ok := errors.AsType[*IssuerError](err); !ok || e.Stored != stored || e.Found != found {
		t.Errorf("got %v (%T), want an IssuerError of %q and %q", err, err, stored, found)
	}
}

// The three kinds exclude each other.
func TestErrorsAreOfOneKind(t *testing.T) {
	for _, err := range []error{&TemporaryError{URL: "https://h", Err: context.DeadlineExceeded}, &MisconfiguredError{}, &IssuerError{}} {
		kinds := 0
		if _, ok := errors.AsType[*TemporaryError](err); ok {
			kinds++
		}
		if _, ok := errors.AsType[*MisconfiguredError](err); ok {
			kinds++
		}
		if _, ok := errors.AsType[*IssuerError](err); ok {
			kinds++
		}
		if kinds != 1 {
			t.Errorf("%T is of %d kinds", err, kinds)
		}
	}
}
