package discovery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const connectTimeout = 5 * time.Second // for the name and TCP together, and again for TLS

// Options are for [NewTransport].
type Options struct {
	// Server is the URL by which all others are judged, see [Anchor]. Empty:
	// every address that is not public is refused.
	Server string
	// AllowPrivate are hosts that may have any address, and networks in which
	// any host may be, by the user's word.
	AllowPrivate []string

	resolver *net.Resolver                         // nil: the system's
	proxy    func(*http.Request) (*url.URL, error) // nil: the environment's
}

// NewTransport returns a transport for the requests of one credential:
// metadata and, from the exchange, the token request. It follows no redirects
// and keeps no cookies, as no transport does, and
//
//   - checks each address when it is dialed, so that a name that changes its
//     address between two looks is caught (DNS rebinding). A private, loopback
//     or link-local address is refused with a [*MisconfiguredError] unless
//     Server is in the same zone and was not seen in public, or the user allows
//     the host. Server itself may be anywhere: TLS proves who it is.
//   - uses the proxies of the environment (HTTPS_PROXY, NO_PROXY), which may be
//     anywhere: they are the user's choice. A proxy resolves the names itself,
//     so that only hosts written as an address are checked then.
//   - uses each connection once: a request on a kept connection can fail after
//     it was written, when nobody can tell whether the server has seen it.
//   - speaks HTTP/1.1 only: net/http repeats an HTTP/2 request, also a POST, when
//     the server says GOAWAY or refuses the stream, and no refresh token is sent
//     twice.
//   - asks for no compression, speaks TLS 1.2 or newer with the system's roots,
//     and connects within 5 seconds. The total time is the caller's context.
func NewTransport(o Options) *http.Transport {
	g := &guard{allowed: o.AllowPrivate, resolver: o.resolver, proxy: o.proxy, met: map[zone]bool{}, proxies: map[string]bool{}}
	if g.resolver == nil {
		g.resolver = net.DefaultResolver
	}
	if g.proxy == nil {
		g.proxy = http.ProxyFromEnvironment
	}
	if u, err := url.Parse(o.Server); err == nil {
		g.server = strings.ToLower(u.Hostname())
	}
	http1 := new(http.Protocols)
	http1.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  g.proxyFor,
		DialContext:            g.dial,
		Protocols:              http1,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connectTimeout,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// A guard decides which addresses may be dialed for one server.
type guard struct {
	server   string // host
	allowed  []string
	resolver *net.Resolver
	proxy    func(*http.Request) (*url.URL, error)

	mu      sync.Mutex
	met     map[zone]bool   // zones in which the server was met
	proxies map[string]bool // host:port of the user's proxies
}

func (g *guard) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: connectTimeout, Resolver: g.resolver}
	g.mu.Lock()
	proxy := g.proxies[strings.ToLower(addr)]
	g.mu.Unlock()
	if !proxy {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		d.ControlContext = func(ctx context.Context, _, address string, _ syscall.RawConn) error {
			ip, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			return g.check(ctx, host, ip.Addr())
		}
	}
	return d.DialContext(ctx, network, addr)
}

func (g *guard) proxyFor(r *http.Request) (*url.URL, error) {
	proxy, err := g.proxy(r)
	if err != nil {
		return nil, errors.New("the proxy that is set is not a URL") // the error would show its password
	}
	if proxy == nil {
		return nil, nil
	}
	host := r.URL.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		if err := g.check(r.Context(), host, ip); err != nil {
			return nil, err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.proxies[hostPort(proxy)] = true
	return proxy, nil
}

// check reports why host may not be talked to at ip.
func (g *guard) check(ctx context.Context, host string, ip netip.Addr) error {
	host = strings.ToLower(host)
	z := zoneOf(ip)
	refused := &MisconfiguredError{URL: host, Problem: fmt.Sprintf("leads to %s, a %s address, which is refused for a server elsewhere", ip, z)}
	switch {
	case g.allows(host, ip):
		return nil
	case isLoopback(host) && z != loopback:
		return refused // plain http goes to these names
	case host == g.server:
		g.meet(z)
		return nil
	case z == public:
		return nil
	case z == nowhere:
		return refused
	}
	same, err := g.serverIn(ctx, z)
	if err == nil && !same {
		return refused
	}
	return err
}

// allows reports that the user named the host, or a network that the address
// is in.
func (g *guard) allows(host string, ip netip.Addr) bool {
	return slices.ContainsFunc(g.allowed, func(a string) bool {
		network, err := netip.ParsePrefix(a)
		return strings.EqualFold(a, host) || err == nil && network.Contains(ip.Unmap())
	})
}

func (g *guard) meet(z zone) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.met[z] = true
}

// serverIn reports whether the server is in z and only outside the public
// network: its owner can give its name any address at any time.
func (g *guard) serverIn(ctx context.Context, z zone) (bool, error) {
	g.mu.Lock()
	known := len(g.met) > 0
	g.mu.Unlock()
	if !known {
		ips, err := g.resolver.LookupNetIP(ctx, "ip", g.server)
		if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
			return false, nil // behind a proxy, public names need not be known here
		}
		if err != nil {
			return false, err
		}
		for _, ip := range ips {
			g.meet(zoneOf(ip))
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.met[z] && !g.met[public], nil
}
