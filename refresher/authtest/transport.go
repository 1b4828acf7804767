package authtest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"syscall"
)

// Transport reaches the server without a network: through net.Pipe, which
// testing/synctest understands. It is net/http's own transport on such a
// connection, so hooks, errors and broken answers are the real ones; https
// URLs go without TLS. Whatever the URL says, the request comes here, and the
// oracle judges the host. Each request has a connection of its own.
func (s *Server) Transport() http.RoundTripper {
	return &http.Transport{DialContext: s.Dial, DialTLSContext: s.Dial, DisableKeepAlives: true}
}

// Dial connects to the server as [Server.Transport] does, whatever the
// address.
func (s *Server) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	refused := &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	near, far := net.Pipe()
	select {
	case s.pipes.conns <- far:
		return near, nil
	case <-s.done:
		return nil, refused
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	}
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
