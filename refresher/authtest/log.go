package authtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An Endpoint is a place of the server.
type Endpoint string

// The endpoints.
const (
	Token            Endpoint = "token"
	Authorize        Endpoint = "authorize"
	Register         Endpoint = "register"
	Revoke           Endpoint = "revoke"
	Metadata         Endpoint = "metadata"          // of the authorization server
	ResourceMetadata Endpoint = "resource metadata" // of the MCP server
	Resource         Endpoint = "resource"          // the MCP server itself
	Unknown          Endpoint = "unknown"
)

// Delivery is how much of an answer the server gave out.
type Delivery string

// The deliveries.
const (
	Pending    Delivery = ""            // not answered yet
	Whole      Delivery = "whole"       // to the last byte
	TokensOnly Delivery = "tokens only" // cut, but behind the token strings
	CutShort   Delivery = "cut"
	Garbled    Delivery = "garbled"
	Withheld   Delivery = "withheld" // no answer, or another in its place, or the client had left
)

// An Entry is one request as the server saw it. No token is in it.
type Entry struct {
	N         int       // 1, 2, ... in the order of arrival
	At        time.Time // of arrival
	Host      string
	Method    string
	Path      string
	Endpoint  Endpoint
	ClientID  string
	Auth      AuthStyle // at the token endpoint
	GrantType string
	Keys      []string // of the form and the query, sorted
	Resource  []string // RFC 8707
	Scope     string
	Grant     string // "g1"; empty if no grant is meant, or an unknown one
	Refresh   string // the refresh token presented: "rt3", "unknown", or empty
	Status    int
	Verdict   string // what the server made of it, in plain words
	Successor string // the refresh token that the answer carried in place of Refresh
	Condemned bool   // the answer said that the refresh token is dead
	Delivery  Delivery
	Overlaps  []int    // requests with this refresh token, or one of its grant, that were in flight when this one came
	Strays    []string // refresh tokens in places where none belongs

	fingerprint  [sha256.Size]byte // of Refresh
	unexpected   string            // why it should not have come here at all
	arrived      int
	ended        int
	notJournaled bool
}

// String is the entry in one line.
func (e Entry) String() string {
	line := fmt.Sprintf("#%d %s %s %s%s", e.N, e.At.Format("15:04:05.000"), e.Method, e.Host, e.Path)
	for _, word := range []string{e.GrantType, e.Grant, e.Refresh} {
		if word != "" {
			line += " " + word
		}
	}
	line += fmt.Sprintf(" -> %d %s", e.Status, e.Verdict)
	if e.Successor != "" {
		line += " " + e.Successor
	}
	return line + " (" + or(string(e.Delivery), "pending") + ")"
}

// Log is every request so far.
func (s *Server) Log() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Entry
	for _, e := range s.log {
		c := *e
		c.Keys, c.Resource = slices.Clone(e.Keys), slices.Clone(e.Resource)
		c.Overlaps, c.Strays = slices.Clone(e.Overlaps), slices.Clone(e.Strays)
		all = append(all, c)
	}
	return all
}

func (s *Server) lines() []string {
	var lines []string
	for _, e := range s.Log() {
		lines = append(lines, e.String())
	}
	return lines
}

// Requests counts the requests to an endpoint.
func (s *Server) Requests(e Endpoint) int {
	return s.count(func(entry *Entry) bool { return entry.Endpoint == e })
}

// TokenPosts counts how often a refresh token of a grant was presented at the
// token endpoint; of any grant or none if the grant is "".
func (s *Server) TokenPosts(grant string) int {
	return s.count(func(e *Entry) bool {
		return e.Endpoint == Token && e.Refresh != "" && (grant == "" || e.Grant == grant)
	})
}

func (s *Server) count(counts func(*Entry) bool) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.log {
		if counts(e) {
			n++
		}
	}
	return n
}

// Last is the newest request that presented a refresh token of the grant at
// the token endpoint; the zero Entry if there is none.
func (s *Server) Last(grant string) Entry {
	for _, e := range slices.Backward(s.Log()) {
		if e.Endpoint == Token && e.Grant == grant && e.Refresh != "" {
			return e
		}
	}
	return Entry{}
}

// NotJournaled says that the answer to request n was delivered to a program
// that was killed before it could write it down, so that it knows nothing of
// it. The oracle then takes it as never delivered.
func (s *Server) NotJournaled(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log[n-1].notJournaled = true
}

// arrive writes a request down and finds what is scripted for it.
func (s *Server) arrive(r *http.Request, body []byte) *exchange {
	s.tick++
	e := &Entry{
		N: len(s.log) + 1, At: time.Now(), arrived: s.tick,
		Host: r.Host, Method: r.Method, Path: r.URL.Path,
	}
	s.log = append(s.log, e)
	x := &exchange{Request: r, ctx: r.Context(), body: body, entry: e}
	x.form = r.URL.Query()
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		posted, _ := url.ParseQuery(string(body))
		for k, v := range posted {
			x.form[k] = append(x.form[k], v...)
		}
	}
	e.Keys = slices.Sorted(maps.Keys(x.form))
	e.Resource, e.Scope, e.GrantType = x.form["resource"], x.form.Get("scope"), x.form.Get("grant_type")
	e.Endpoint, e.unexpected = s.endpoint(r)
	if id, _, style := credentials(x); e.Endpoint == Token || e.Endpoint == Revoke {
		e.ClientID, e.Auth = id, style
	} else {
		e.ClientID = id
	}
	value := x.form.Get("refresh_token")
	if e.Endpoint == Revoke {
		value = x.form.Get("token")
		if s.refresh[value] == nil {
			value = "" // an access token
		}
	}
	if value != "" {
		e.Refresh, e.fingerprint = "unknown", sha256.Sum256([]byte(value))
		if x.token = s.refresh[value]; x.token != nil {
			e.Refresh, e.Grant = x.token.serial, x.token.line.id
		}
	}
	e.Strays = s.strays(x)
	x.behaviour = s.behaviour(e.Endpoint, x.line())
	return x
}

// line is the lineage of the refresh token presented.
func (x *exchange) line() *lineage {
	if x.token == nil {
		return nil
	}
	return x.token.line
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
		sameLine := x.line() != nil && o.line() == x.line()
		if sameLine || o.entry.fingerprint == x.entry.fingerprint {
			others = append(others, o)
		}
	}
	s.flights[x] = true
	s.mu.Unlock()
	if len(others) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), notice)
	defer cancel()
	for _, o := range others {
		select {
		case <-o.ctx.Done():
		case <-ctx.Done():
		}
		s.mu.Lock()
		if left := o.ctx.Err() != nil && (!o.finished || o.abandoned); !left {
			x.entry.Overlaps = append(x.entry.Overlaps, o.entry.N)
		}
		s.mu.Unlock()
	}
}

// finish writes down how a request ended.
func (s *Server) finish(x *exchange, a Answer, d Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.ctx.Err() != nil {
		x.abandoned = true
		d = Withheld
	}
	s.tick++
	e := x.entry
	e.ended, e.Delivery, e.Status = s.tick, d, a.Status
	e.Condemned = a.Condemns && e.Refresh != ""
	if a.successor != nil {
		e.Successor = a.successor.serial
	}
	x.finished = true
	delete(s.flights, x)
}

// undelivered corrects the log when the connection broke under an answer.
func (s *Server) undelivered(x *exchange, tokensOut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.entry.Delivery = CutShort
	if tokensOut {
		x.entry.Delivery = TokensOnly
	}
}
