// Package authtest is an OAuth authorization server with a small MCP server
// behind it, in one process, for tests and for the demo.
//
// It does what the servers of this world do to a refresh token: rotates it,
// takes a second use for theft, drops the connection after it has rotated,
// answers an error with 200. [Policy] says how it treats tokens, [Behaviour]
// what happens to an answer. Every request is in [Server.Log], and
// [Server.Check] holds a client to the promise that matters: no refresh token
// is sent after the answer that replaced or condemned it, never two at once,
// none to a place that is not expected.
//
// In a test, [New] starts a server that checks itself at the end. With
// [Options.Memory] it has no network, only [Server.Transport], and lives
// inside a testing/synctest bubble.
package authtest

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
)

// Options are the switches of a [Server]. The zero value is a strict server on
// a free port of 127.0.0.1: every refresh rotates and a reuse revokes the
// grant. All but the first group may be changed while it runs, see
// [Server.Set].
type Options struct {
	Addr           string // where to listen; empty is 127.0.0.1:0
	Memory         bool   // no network: only [Server.Transport] reaches it
	Origin         string // of the authorization server; memory only, default https://auth.example
	ResourceOrigin string // of the MCP server; memory only, default https://mcp.example
	IssuerPath     string // path of the issuer, "/tenant"; default none
	ResourcePath   string // path of the MCP server; default "/mcp"

	Discovery
	Registration
	Authorization
	DeviceFlow
	Policy
	// RequiredScope is what the MCP server wants of an access token; one
	// without it is answered 403 insufficient_scope (RFC 6750 section 3.1).
	RequiredScope string
	Guard         Guard // looks at every request to the MCP server; nil does not
	Open          bool  // the MCP server asks for no access token: a Guard may
	API           bool  // it is no MCP server: a GET is answered in JSON, and nothing else is taken
}

// A Server is an authorization server and the MCP server that trusts it. Its
// methods may be called at any time from any goroutine.
type Server struct {
	http     http.Server
	listener net.Listener // nil in memory and while unreachable
	pipes    *pipeListener
	addr     string // where it listens; empty in memory
	origin   string
	resource string // origin of the MCP server
	done     chan struct{}
	handlers sync.WaitGroup

	mu         sync.Mutex
	closed     bool
	reach      Reach
	options    Options
	clients    map[string]*client
	codes      map[string]*code
	refresh    map[string]*refreshToken
	access     map[string]*accessToken
	assertions map[string]bool // seen
	devices    map[string]*device
	lineages   []*lineage
	behaviours map[Endpoint]*script
	secrets    []string
	log        []*Entry
	flights    map[*exchange]bool
	tick       int // counts arrivals and ends, so that order needs no clock
	expected   []expectation
}

// Start starts a server. The caller must Close it.
func Start(o Options) (*Server, error) {
	if o.Memory {
		return serve(o, nil), nil
	}
	addr := o.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("authorization server: %w", err)
	}
	return serve(o, l), nil
}

// StartOn is [Start] on a listener of the caller's. The server owns it from
// then on.
func StartOn(l net.Listener, o Options) *Server { return serve(o, l) }

// A TB is what [New] needs of a testing.TB.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// New starts a server for a test. When the test ends it is closed, and every
// violation that [Server.Check] finds fails the test.
func New(t TB, o Options) *Server {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		s.Close()
		if violations := s.Check(); len(violations) > 0 {
			t.Errorf("the authorization server saw:\n\t%s\nits log:\n\t%s",
				strings.Join(violations, "\n\t"), strings.Join(s.lines(), "\n\t"))
		}
	})
	return s
}

func serve(o Options, l net.Listener) *Server {
	if o.ResourcePath == "" {
		o.ResourcePath = "/mcp"
	}
	s := &Server{
		listener:   l,
		pipes:      newPipeListener(),
		done:       make(chan struct{}),
		options:    o,
		clients:    map[string]*client{},
		codes:      map[string]*code{},
		refresh:    map[string]*refreshToken{},
		access:     map[string]*accessToken{},
		assertions: map[string]bool{},
		devices:    map[string]*device{},
		behaviours: map[Endpoint]*script{},
		flights:    map[*exchange]bool{},
	}
	if l != nil {
		s.addr = l.Addr().String()
		s.origin = "http://" + s.addr
		s.resource = s.origin
	} else {
		s.resource = or(o.ResourceOrigin, "https://mcp.example")
		s.origin = or(o.Origin, "https://auth.example")
		if o.ResourceMetadata == NoResourceMetadata {
			s.origin = or(o.Origin, s.resource) // nothing would lead elsewhere
		}
	}
	s.http.Handler = s
	s.http.ErrorLog = log.New(io.Discard, "", 0) // a dropped connection is what was asked for
	go s.http.Serve(s.pipes)
	if l != nil {
		go s.http.Serve(l)
	}
	return s
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Close ends every connection and returns when no request is being handled
// any more. The log and the oracle can still be read.
func (s *Server) Close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if first {
		close(s.done)
		s.http.Close()
	}
	s.handlers.Wait()
}

// Set changes switches while the server runs.
func (s *Server) Set(change func(*Options)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.options)
}

// ServeHTTP handles one request: it is written down, delayed, answered and
// delivered as its behaviour says.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	s.handlers.Add(1)
	defer s.handlers.Done()
	x := s.arrive(r, body)
	defer x.left()
	s.mu.Unlock()
	s.noticeOverlaps(x)

	b := x.behaviour
	if b.OnArrival != nil {
		b.OnArrival()
	}
	if !s.pause(x, b.Delay) || b.Fault == DropBefore {
		s.drop(x, Answer{})
	}
	a := s.answer(x)
	if b.BeforeAnswer != nil {
		b.BeforeAnswer()
	}
	if !s.pause(x, b.DelayAfter) || b.Fault == DropAfter {
		s.drop(x, a)
	}
	s.deliver(w, x, a)
}

// answer does what the request asks for, or what is scripted in its place.
func (s *Server) answer(x *exchange) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := x.behaviour
	if b.Answer != nil && !b.Consume {
		x.entry.Verdict = "scripted answer"
		return *b.Answer
	}
	a := s.own(x)
	if b.Answer != nil {
		x.entry.Verdict += ", answer withheld for a scripted one"
		return *b.Answer
	}
	return a
}

func (s *Server) own(x *exchange) Answer {
	switch x.entry.Endpoint {
	case Token:
		return s.token(x)
	case Authorize:
		return s.authorize(x)
	case Device:
		return s.authorizeDevice(x)
	case Register:
		return s.register(x)
	case Revoke:
		return s.revoke(x)
	case Metadata:
		return s.metadata()
	case ResourceMetadata:
		return s.resourceMetadata()
	case Resource:
		return s.mcp(x)
	}
	return *Status(http.StatusNotFound)
}
