package doctor

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lamplighter/refresher/discovery"
)

// A Place is how a secret is shown to a server.
type Place string

// The places.
const (
	Nowhere   Place = ""
	Bearer    Place = "bearer" // Authorization: Bearer SECRET
	BasicPair Place = "basic"  // Authorization: Basic, of user:password
	KeyHeader Place = "header" // NAME: SECRET
	KeyQuery  Place = "query"  // ?NAME=SECRET
)

// An Ask is a server to examine, and the secret that does not work there.
type Ask struct {
	URL    string
	Place  Place
	Name   string // of the header or parameter
	Secret string // as it was given, but for one line break at its end
	// Gateway is the header of a key that a gateway before the server wants
	// beside the secret; empty: none does.
	Gateway, GatewayKey string
	// Renews means that somebody can renew the secret, so that its end is
	// nothing to speak of.
	Renews bool
	// Part means that the report is about more than the server, so that
	// somebody else has the last word.
	Part bool
}

// A visit is the examination of one server.
type visit struct {
	*Recorder
	ask    Ask
	at     *url.URL
	secret string // what is sent of it
	flaw   flaw   // what is wrong with it as it was given
	claims claims
	isJWT  bool

	nobody answer // to a request without the secret
	shown  answer // to one with it
	asked  bool   // shown is one
	// lets means that an MCP server lets everybody in, and asks who it is for its
	// tools: nobody and shown speak of those.
	lets    bool
	session map[string]string // headers of a request that is not the first
	now     time.Time
	skew    time.Duration
	meta    found
	walked  bool
	problem bool // a finding says why it does not work
}

// URL examines a server, first as nobody, then with the secret. x gets all
// that was seen. No refresh token is sent, and the secret only to the server
// itself.
func URL(ctx context.Context, x *Recorder, ask Ask) {
	v := &visit{Recorder: x, ask: ask}
	var err error
	if v.at, err = parse(ask.URL); err != nil {
		v.Find(badURL, "", err.Error())
		return
	}
	v.readSecret()
	if x.Via == nil {
		v.offline()
		return
	}
	if !v.anonymous(ctx) {
		return
	}
	if v.secret != "" {
		v.withSecret(ctx)
	}
	if v.speaksOAuth() {
		v.metadata(ctx)
	}
	v.conclude(ctx)
	if !ask.Part {
		v.lastWord()
	}
}

// CheckURL refuses what is no URL that a server can be asked at. The error says
// what is wrong with it, and nothing of what it holds but the scheme.
func CheckURL(raw string) error {
	_, err := parse(raw)
	return err
}

func parse(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "":
		return nil, errors.New("it has no host")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("its scheme is " + u.Scheme)
	case u.User != nil:
		return nil, errors.New("it holds a user name")
	}
	u.Fragment = ""
	return u, nil
}

// inTheClear reports a URL on which a secret could be read on the way.
func (v *visit) inTheClear() bool {
	if v.at.Scheme != "http" {
		return false
	}
	_, err := discovery.CheckURL(v.at.String(), v.at.String())
	return err != nil
}

// request is one to the server, as every MCP client begins: initialize by
// POST, else a GET.
func (v *visit) request(ctx context.Context, method string) *http.Request {
	body := ""
	if method == http.MethodPost {
		body = initialize
	}
	if v.session != nil {
		body = listTools
	}
	r, err := http.NewRequestWithContext(ctx, method, v.at.String(), strings.NewReader(body))
	if err != nil { // parse saw to that
		panic(err)
	}
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("User-Agent", "lamplighter")
	for name, value := range v.session {
		r.Header.Set(name, value)
	}
	if body == "" {
		r.Body, r.ContentLength = nil, 0
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",` +
	`"capabilities":{},"clientInfo":{"name":"lamplighter","version":"1"}}}`

const listTools = `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`

// show puts a secret into a request.
func show(r *http.Request, place Place, name, secret string) {
	switch place {
	case Bearer:
		r.Header.Set("Authorization", "Bearer "+secret)
	case BasicPair:
		user, password, _ := strings.Cut(secret, ":")
		r.SetBasicAuth(user, password)
	case KeyHeader:
		r.Header.Set(name, secret)
	case KeyQuery:
		q := r.URL.Query()
		q.Set(name, secret)
		r.URL.RawQuery = q.Encode()
	}
}

// offline says what would be sent.
func (v *visit) offline() {
	v.Step("request")
	for _, place := range []Place{Nowhere, v.ask.Place} {
		r := v.request(context.Background(), http.MethodPost)
		if place != Nowhere {
			show(r, place, v.ask.Name, v.secret)
		}
		_, _ = v.RoundTrip(r)
		if v.ask.Place == Nowhere {
			break
		}
	}
	v.shape("")
	if v.isJWT && len(v.Report.Findings) == 0 {
		v.byClock(time.Now())
	}
	v.Report.Fine = "Nothing was sent (--offline), so that nobody knows what the server would say."
}
