package authtest

import (
	"context"
	"crypto/sha256"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An exchange is one request and what is known of it.
type exchange struct {
	*http.Request
	ctx       context.Context
	left      context.CancelFunc // ends ctx where net/http cannot notice that the client has left
	body      []byte
	form      url.Values // query and form body
	token     *refreshToken
	entry     *Entry
	behaviour Behaviour
	landed    bool // no longer in flight
	abandoned bool // because the client had left
}

// line is the lineage of the refresh token presented.
func (x *exchange) line() *lineage {
	if x.token == nil {
		return nil
	}
	return x.token.line
}

// maxRequest bounds the body of a request.
const maxRequest = 1 << 20

// arrive writes a request down and finds what is scripted for it.
func (s *Server) arrive(r *http.Request, body []byte) *exchange {
	s.tick++
	e := &Entry{
		N: len(s.log) + 1, At: time.Now(), arrived: s.tick,
		Host: r.Host, Method: r.Method, Path: r.URL.Path, Agent: r.UserAgent(),
	}
	s.log = append(s.log, e)
	x := &exchange{Request: r, body: body, form: r.URL.Query(), entry: e}
	x.ctx, x.left = context.WithCancel(r.Context())
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		posted, _ := url.ParseQuery(string(body))
		for k, v := range posted {
			x.form[k] = append(x.form[k], v...)
		}
	}
	e.Endpoint, e.unexpected = s.endpoint(r)
	e.Keys = slices.Sorted(maps.Keys(x.form))
	e.Resource, e.Scope, e.GrantType = x.form["resource"], x.form.Get("scope"), x.form.Get("grant_type")
	value := ""
	switch e.Endpoint {
	case Token:
		value = x.form.Get("refresh_token")
	case Revoke:
		if value = x.form.Get("token"); s.refresh[value] == nil {
			value = "" // an access token
		}
	}
	if value != "" {
		e.Refresh, e.fingerprint = "unknown", sha256.Sum256([]byte(value))
	}
	if x.token = s.refresh[value]; x.token != nil {
		e.Refresh, e.Grant = x.token.serial, x.token.line.id
	}
	e.ClientID = x.form.Get("client_id")
	if e.Endpoint == Token || e.Endpoint == Revoke {
		e.ClientID, _, e.Auth = s.credentials(x)
	}
	e.Strays = s.strays(x)
	s.seen(x.form.Get("code_verifier"))
	x.behaviour = s.behaviour(e.Endpoint, x.line())
	return x
}

// notice is how long a request waits for the one before it, from a client that
// may just have left, to be seen as left: over a network the news of a closed
// connection may come after the next request.
const notice = 100 * time.Millisecond

// noticeOverlaps writes down which requests with the same refresh token, or
// one of the same grant, are in flight.
func (s *Server) noticeOverlaps(x *exchange) {
	if x.entry.Endpoint != Token || x.entry.Refresh == "" {
		return
	}
	s.mu.Lock()
	var others []*exchange
	for o := range s.flights {
		sameGrant := x.line() != nil && o.line() == x.line()
		if sameGrant || o.entry.fingerprint == x.entry.fingerprint {
			others = append(others, o)
		}
	}
	s.flights[x] = true
	s.mu.Unlock()
	if others == nil {
		return
	}
	soon, cancel := context.WithTimeout(context.Background(), notice)
	defer cancel()
	for _, o := range others {
		select {
		case <-o.ctx.Done():
		case <-soon.Done():
		}
		s.mu.Lock()
		if left := o.ctx.Err() != nil && (!o.landed || o.abandoned); !left {
			x.entry.Overlaps = append(x.entry.Overlaps, o.entry.N)
		}
		s.mu.Unlock()
	}
}

// pause waits, also for a client that has left: a server that is slow does not
// look. It reports false if the request will never be gone on with.
func (s *Server) pause(x *exchange, d time.Duration) bool {
	if d == 0 {
		return true
	}
	if d == Forever {
		s.hang(x)
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.done:
		return false
	}
}

// hang does nothing until the client has left or the server closes.
func (s *Server) hang(x *exchange) {
	select {
	case <-x.ctx.Done():
	case <-s.done:
	}
}

// record writes down how a request was answered. It comes before the answer's
// last byte, since the client's next request may come before anything after it.
func (s *Server) record(x *exchange, a Answer, d Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.ctx.Err() != nil {
		d = Withheld
	}
	s.tick++
	e := x.entry
	e.ended, e.Delivery, e.Status = s.tick, d, a.Status
	e.Condemned = a.Condemns && e.Refresh != ""
	if a.successor != nil {
		e.Successor = a.successor.serial
	}
	if !x.behaviour.Hang {
		s.land(x)
	}
}

// land ends the flight of a request.
func (s *Server) land(x *exchange) {
	x.landed, x.abandoned = true, x.ctx.Err() != nil
	delete(s.flights, x)
}

// drop ends the connection without an answer.
func (s *Server) drop(x *exchange, a Answer) {
	a.Status = 0
	s.record(x, a, Withheld)
	s.end(x)
}

// end closes the connection, or leaves it open and silent. It does not return.
func (s *Server) end(x *exchange) {
	if x.behaviour.Hang {
		s.hang(x)
		s.mu.Lock()
		s.land(x)
		s.mu.Unlock()
	}
	panic(http.ErrAbortHandler)
}
