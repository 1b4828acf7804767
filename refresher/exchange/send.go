package exchange

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"

	"lamplighter/credfiles"
)

// MaxBody is how much of an answer is read. RFC 6749 sets no limit; the
// largest token sets seen are some tens of kilobytes.
const MaxBody = 1 << 20

const (
	connecting = 5 * time.Second  // for DNS, TCP, proxy and TLS together
	answering  = 45 * time.Second // from the first byte of the body on
)

// UserAgent is what a request says of itself. The program sets it once, with
// its version, before the first Send.
var UserAgent = "lamplighter"

// Send makes the one POST that p describes and returns what came of it. It
// never sends a second one and follows no redirect.
//
// Until the request's body is written, which waits for the connection, the end
// of ctx or 5 seconds end it, and the refresh token is surely unspent. From
// the first byte of the body on neither ctx nor anything else cuts it short
// but its own deadline of 45 seconds.
//
// rt must make a fresh connection for each request: on a kept one a request
// can be lost in a way that nobody can tell from one that was served. A used
// connection is refused before anything is sent. A dial must end by itself
// within seconds, since net/http lets it go on when its request is given up.
//
// A Post of [ClientCredentials] sends no refresh token. clientSecret is the
// private key, in PEM, where the client authenticates by [Key].
func Send(ctx context.Context, rt http.RoundTripper, p Post, refresh, clientSecret credfiles.Secret) Answer {
	if p.Grant == ClientCredentials {
		return send(ctx, rt, p, grant{"grant_type": ClientCredentials}, clientSecret)
	}
	return send(ctx, rt, p, grant{"grant_type": "refresh_token", "refresh_token": refresh.Reveal()}, clientSecret)
}

// A grant is what a request asks with: its parameters but those of the Post.
// None of them may be empty.
type grant map[string]string

func send(ctx context.Context, rt http.RoundTripper, p Post, g grant, clientSecret credfiles.Secret) (a Answer) {
	var left time.Time // by the monotonic clock, which stands still in a sleep
	defer func() {
		a.At = now()
		if !left.IsZero() {
			a.Took = time.Since(left)
		}
	}()
	// The request must outlive ctx once the body has left.
	rctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)

	body := &onceBody{}
	giveUp := func(why error) {
		if body.withhold() {
			cancel(why)
		}
	}
	patience := time.AfterFunc(connecting, func() { giveUp(errTimeout) })
	defer patience.Stop()
	defer context.AfterFunc(ctx, func() { giveUp(errCancelled) })()
	var deadline *time.Timer
	body.leaving = func() {
		a.SentAt, left = now(), time.Now()
		deadline = time.AfterFunc(answering, func() { cancel(errTimeout) })
	}

	if ctx.Err() != nil {
		a.Failure = FailureCancelled
		return a
	}
	req, err := request(p, g, clientSecret, body)
	if err != nil {
		a.Failure = FailureRequest
		return a
	}
	var d dial
	req = req.WithContext(httptrace.WithClientTrace(rctx, d.trace(func() { giveUp(errReused) })))

	resp, err := rt.RoundTrip(req)
	// Whoever still holds the body cannot send it from here on.
	a.Written = !body.withhold()
	if deadline != nil {
		defer deadline.Stop()
	}
	if err != nil {
		a.Failure = failureOf(rctx, &d, err)
		return a
	}
	defer resp.Body.Close()
	a.Status, a.Header = resp.StatusCode, headerOf(resp.Header)
	a.Open = resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 && resp.ProtoMajor < 2
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	switch {
	case len(a.Body) > MaxBody:
		a.Body, a.Cut, a.Failure = a.Body[:MaxBody], true, FailureTooLong
	case err != nil:
		a.Cut, a.Failure = true, failureOf(rctx, &d, err)
	}
	return a
}

// now has no monotonic reading: a lifetime goes on while the computer sleeps.
func now() time.Time { return time.Now().UTC().Round(0) }

// request builds the request of p. It sets neither GetBody nor an
// Idempotency-Key: with one of them net/http would send it again by itself.
func request(p Post, g grant, secret credfiles.Secret, body *onceBody) (*http.Request, error) {
	u, err := url.Parse(p.TokenURL)
	if err != nil {
		return nil, errors.New("the token endpoint is not a URL")
	}
	params := maps.Clone(map[string]string(g))
	for _, value := range g {
		if value == "" {
			return nil, errors.New("a secret is missing")
		}
	}
	if p.Auth != None && secret.IsZero() {
		return nil, errors.New("a secret is missing")
	}
	header := http.Header{
		"Accept":          {p.Accept},
		"Accept-Encoding": {"identity"}, // else net/http unpacks gzip, and a cut shows elsewhere
		"User-Agent":      {UserAgent},
		"Content-Type":    {"application/x-www-form-urlencoded"},
	}
	switch p.Auth {
	case None:
		if p.ClientID != "" {
			params["client_id"] = p.ClientID
		}
	case Body:
		params["client_id"], params["client_secret"] = p.ClientID, secret.Reveal()
	case Basic:
		header.Set("Authorization", basic(p, secret))
	case Key:
		signed, err := assertion(p, secret)
		if err != nil {
			return nil, err
		}
		params["client_id"], params["client_assertion_type"], params["client_assertion"] = p.ClientID, assertionType, signed
	default:
		return nil, ErrUnsupported
	}
	if p.Audience != "" {
		params["audience"] = p.Audience
	}
	if more, err := url.ParseQuery(p.Parameters); err == nil {
		for name := range more {
			if _, ours := params[name]; !ours {
				params[name] = more.Get(name)
			}
		}
	}
	if p.Resource != "" {
		params["resource"] = p.Resource
	}
	if p.Scope != "" {
		params["scope"] = p.Scope
	}
	if p.Redirect != "" {
		params["redirect_uri"] = p.Redirect
	}
	var text []byte
	if p.JSON {
		header.Set("Content-Type", "application/json")
		if text, err = json.Marshal(params); err != nil {
			return nil, err
		}
	} else {
		form := url.Values{}
		for k, v := range params {
			form.Set(k, v)
		}
		text = []byte(form.Encode())
	}
	body.data = bytes.NewReader(text)
	return &http.Request{
		Method: http.MethodPost, URL: u, Header: header,
		Body: body, ContentLength: int64(len(text)), Close: true,
	}, nil
}

// basic form-encodes both halves as RFC 6749 section 2.3.1 wants, or neither
// as Claude Code does, which also takes a character for a byte up to U+00FF
// (2.1.329, as observed).
func basic(p Post, secret credfiles.Secret) string {
	pair := url.QueryEscape(p.ClientID) + ":" + url.QueryEscape(secret.Reveal())
	if p.RawBasic {
		pair = p.ClientID + ":" + secret.Reveal()
		latin1 := make([]byte, 0, len(pair))
		for _, r := range pair {
			if r > 0xff {
				latin1 = []byte(pair)
				break
			}
			latin1 = append(latin1, byte(r))
		}
		pair = string(latin1)
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
}

// Authorization is the header with which p authenticates; empty where it does
// not by HTTP Basic.
func Authorization(p Post, clientSecret credfiles.Secret) string {
	if p.Auth != Basic {
		return ""
	}
	return basic(p, clientSecret)
}

// A onceBody is the body of a request that can either leave or be withheld,
// whichever is decided first. net/http reads it only when there is a
// connection to write it to.
type onceBody struct {
	data    *bytes.Reader
	leaving func() // called before the first byte leaves

	mu             sync.Mutex
	left, withheld bool
}

func (b *onceBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.withheld {
		return 0, errWithheld
	}
	if !b.left {
		b.left = true
		b.leaving()
	}
	return b.data.Read(p)
}

func (b *onceBody) Close() error { return nil }

// withhold keeps the body from leaving, and reports false where some of it has.
func (b *onceBody) withhold() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.withheld = b.withheld || !b.left
	return b.withheld
}
