package authtest

import (
	"crypto/sha256"
	"fmt"
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
	Device           Endpoint = "device" // the device authorization endpoint
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
	Withheld   Delivery = "withheld" // no answer at all, or none to a client that had left
)

// An Entry is one request as the server saw it. No token is in it.
type Entry struct {
	N         int       // 1, 2, ... in the order of arrival
	At        time.Time // of arrival
	Host      string
	Method    string
	Path      string
	Agent     string // User-Agent
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
	words := []string{
		fmt.Sprintf("#%d", e.N), e.At.Format("15:04:05.000"), e.Method, e.Host + e.Path, e.GrantType, e.Grant, e.Refresh,
		"->", fmt.Sprint(e.Status), e.Verdict, e.Successor, "(" + or(string(e.Delivery), "pending") + ")",
	}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
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

// LogOf is every presentation of a refresh token of one grant at the token
// endpoint.
func (s *Server) LogOf(grant string) []Entry {
	return slices.DeleteFunc(s.Log(), func(e Entry) bool {
		return e.Endpoint != Token || e.Grant != grant || e.Refresh == ""
	})
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
