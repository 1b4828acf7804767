package authtest

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Transport reaches the server without a network: through net.Pipe, which
// testing/synctest understands. It is net/http's own transport on such a
// connection, so hooks, errors and broken answers are the real ones; https
// URLs go without TLS. Whatever the URL says, the request comes here, and the
// oracle judges the host. Each request has a connection of its own.
func (s *Server) Transport() http.RoundTripper { return Network(s) }

// Network is [Server.Transport] for several servers: each is reached by its
// own host, the first by every other host too.
func Network(servers ...*Server) http.RoundTripper {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		i := max(0, slices.IndexFunc(servers, func(s *Server) bool { return s.isAt(address) }))
		return servers[i].Dial(ctx, network, address)
	}
	return &http.Transport{DialContext: dial, DialTLSContext: dial, DisableKeepAlives: true}
}

// isAt reports whether one of the server's origins has that address.
func (s *Server) isAt(address string) bool {
	for _, origin := range []string{s.origin, s.resource} {
		scheme, host, _ := strings.Cut(origin, "://")
		if host == address || host+":443" == address && scheme == "https" || host+":80" == address && scheme == "http" {
			return true
		}
	}
	return false
}

// Reach is what becomes of an attempt to connect.
type Reach string

// The kinds of reach.
const (
	Reachable Reach = ""
	Refused   Reach = "refused" // connection refused
	Silent    Reach = "silent"  // no answer until the caller gives up; memory only
	// Broken is connected, but the first write fails; memory only. The
	// WroteRequest hook of net/http says "written" all the same: for a small
	// request it comes before the flush.
	Broken Reach = "broken"
)

// SetReach sets what becomes of new connections from now on. On a network, a
// server that is Refused does not listen; the error is that of listening
// again.
func (s *Server) SetReach(r Reach) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reach = r
	switch {
	case s.addr == "" || s.closed:
	case r == Refused && s.listener != nil:
		s.listener.Close()
		s.listener = nil
	case r == Reachable && s.listener == nil:
		l, err := net.Listen("tcp", s.addr)
		if err != nil {
			return err
		}
		s.listener = l
		go s.http.Serve(l)
	}
	return nil
}

// Dial connects to the server as [Server.Transport] does, whatever the
// address.
func (s *Server) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	failed := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	s.mu.Lock()
	reach := s.reach
	s.mu.Unlock()
	near, far := net.Pipe()
	switch reach {
	case Refused:
		return failed(syscall.ECONNREFUSED)
	case Silent:
		select {
		case <-ctx.Done():
			return failed(ctx.Err())
		case <-s.done:
			return failed(syscall.ECONNREFUSED)
		}
	case Broken:
		return brokenConn{near}, nil
	}
	select {
	case s.pipes.conns <- far:
		return near, nil
	case <-s.done:
		return failed(syscall.ECONNREFUSED)
	case <-ctx.Done():
		return failed(ctx.Err())
	}
}

// A brokenConn dies of the first write.
type brokenConn struct{ net.Conn }

func (c brokenConn) Write([]byte) (int, error) {
	c.Close()
	return 0, &net.OpError{Op: "write", Net: "pipe", Err: syscall.ECONNRESET}
}

// A pipeListener hands out the far ends of the pipes that Dial makes.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
