package discovery

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"lamplighter/credfiles"
)

// names is a DNS server: the addresses of each name, one answer after the
// other; the last one stays.
type names struct {
	mu  sync.Mutex
	ips map[string][]string
}

func (n *names) set(name string, ips ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ips[name] = ips
}

func (n *names) next(name string) netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	ips := n.ips[name]
	if len(ips) == 0 {
		return netip.Addr{}
	}
	if len(ips) > 1 {
		n.ips[name] = ips[1:]
	}
	return netip.MustParseAddr(ips[0])
}

const failing = "SERVFAIL" // in place of an address

func (n *names) fails(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Equal(n.ips[name], []string{failing})
}

// answer is RFC 1035 section 4.1 for one question about one IPv4 address.
func (n *names) answer(query []byte) []byte {
	var labels []string
	at := 12
	for query[at] != 0 {
		labels = append(labels, string(query[at+1:at+1+int(query[at])]))
		at += 1 + int(query[at])
	}
	question := query[12 : at+5]
	reply := append([]byte{}, query[:2]...)
	reply = append(reply, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0)
	reply = append(reply, question...)
	name := strings.ToLower(strings.Join(labels, "."))
	if n.fails(name) {
		reply[3] = 0x82 // server failure
		return reply
	}
	if binary.BigEndian.Uint16(query[at+1:]) != 1 { // not A
		return reply
	}
	ip := n.next(name)
	if !ip.IsValid() {
		reply[3] = 0x83 // no such name
		return reply
	}
	reply[7] = 1
	reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
	return append(reply, ip.AsSlice()...)
}

func newNames(t *testing.T) (*names, *net.Resolver) {
	n := &names{ips: map[string][]string{}}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		query := make([]byte, 1500)
		for {
			size, from, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			conn.WriteTo(n.answer(query[:size]), from)
		}
	}()
	return n, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// A tlsServer is on 127.0.0.1 under any name of example.com; connected counts
// connections, whatever came of them.
type tlsServer struct {
	*httptest.Server
	connected atomic.Int32
	port      string
}

func newTLSServer(t *testing.T) *tlsServer {
	s := &tlsServer{Server: httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto)
	}))}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connected.Add(1)
		}
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	_, s.port, _ = net.SplitHostPort(s.Listener.Addr().String())
	return s
}

// transport trusts the server's certificate.
func (s *tlsServer) transport(o Options) *http.Transport {
	if o.proxy == nil {
		o.proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	}
	tr := NewTransport(o)
	tr.TLSClientConfig.RootCAs = x509.NewCertPool()
	tr.TLSClientConfig.RootCAs.AddCert(s.Certificate())
	return tr
}

func get(t *testing.T, via http.RoundTripper, raw string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := via.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

const publicIP = "203.0.113.7" // RFC 5737: nobody is there

func TestAPublicServerDoesNotLeadIntoPrivateNetworks(t *testing.T) {
	dns, resolver := newNames(t)
	for name, ip := range map[string]string{"mcp.example.com": publicIP, "10.example.com": "10.0.0.1", "169.example.com": "169.254.169.254",
		"100.example.com": "100.64.0.1", "multicast.example.com": "224.0.0.1", "nothing.example.com": "0.0.0.0", "loopback.example.com": "127.0.0.1"} {
		dns.set(name, ip)
	}
	s := newTLSServer(t)
	for _, host := range []string{"10.example.com", "169.example.com", "100.example.com", "multicast.example.com", "nothing.example.com",
		"loopback.example.com", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "localhost"} {
		for _, server := range []string{"https://mcp.example.com/mcp", ""} {
			via := s.transport(Options{Server: server, resolver: resolver})
			_, err := get(t, via, "https://"+host+":"+s.port+"/")
			wantRefused(t, err)
		}
	}
	if n := s.connected.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func wantRefused(t *testing.T, err error) {
	t.Helper()
	wantTold := &walk{server: &url.URL{Scheme: "https", Host: "mcp.example.com"}, via: roundTripper(func(*http.Request) (*http.Response, error) { return nil, err })}
	_, err = wantTold.get(context.Background(), "https://as.example.com", false)
	wantMisconfigured(t, err, "refused for a server elsewhere")
}

// The name is public when it is looked at and private when it is dialed.
func TestANameThatChangesItsAddressIsCaught(t *testing.T) {
	dns, resolver := newNames(t)
	dns.set("mcp.example.com", publicIP)
	dns.set("as.example.com", publicIP, "127.0.0.1")
	s := newTLSServer(t)
	via := s.transport(Options{Server: "https://mcp.example.com", resolver: resolver})
	ips, err := resolver.LookupNetIP(t.Context(), "ip4", "as.example.com")
	if err != nil || ips[0].String() != publicIP {
		t.Fatal(ips, err)
	}
	_, err = get(t, via, "https://as.example.com:"+s.port)
	wantRefused(t, err)
	if n := s.connected.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestAPrivateServerMayLeadToItsNeighbours(t *testing.T) {
	dns, resolver := newNames(t)
	dns.set("mcp.example.com", "127.0.0.2")
	dns.set("as.example.com", "127.0.0.1")
	s := newTLSServer(t)
	via := s.transport(Options{Server: "https://mcp.example.com", resolver: resolver})
	proto, err := get(t, via, "https://as.example.com:"+s.port)
	if err != nil {
		t.Fatal(err)
	}
	if proto != "HTTP/1.1" {
		t.Errorf("spoke %s", proto)
	}
	dns.set("as.example.com", "10.0.0.1")
	_, err = get(t, via, "https://as.example.com:"+s.port)
	wantRefused(t, err)
}

// A server cannot be public to be heard and private to be allowed to lead on.
func TestAServerSeenInPublicIsPublic(t *testing.T) {
	dns, resolver := newNames(t)
	dns.set("mcp.example.com", "10.0.0.1")
	g := &guard{server: "mcp.example.com", resolver: resolver, met: map[zone]bool{}}
	neighbour := netip.MustParseAddr("10.0.0.2")
	if err := g.check(t.Context(), "as.example.com", neighbour); err != nil {
		t.Errorf("a neighbour: %v", err)
	}
	if err := g.check(t.Context(), "mcp.example.com", netip.MustParseAddr(publicIP)); err != nil {
		t.Errorf("the server itself: %v", err)
	}
	wantMisconfigured(t, g.check(t.Context(), "as.example.com", neighbour), "10.0.0.2, a private address")

}

func TestAServerWithoutAnAddressIsNoNeighbour(t *testing.T) {
	dns, resolver := newNames(t)
	neighbour := netip.MustParseAddr("10.0.0.2")
	g := &guard{server: "mcp.example.com", resolver: resolver, met: map[zone]bool{}}
	wantMisconfigured(t, g.check(t.Context(), "as.example.com", neighbour), "refused")

	dns.set("mcp.example.com", failing)
	g = &guard{server: "mcp.example.com", resolver: resolver, met: map[zone]bool{}}
	if err := g.check(t.Context(), "as.example.com", neighbour); err == nil || strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v, want the resolver's error", err)
	}
}

func TestTheUserMayAllowAHost(t *testing.T) {
	dns, resolver := newNames(t)
	dns.set("mcp.example.com", publicIP)
	dns.set("as.example.com", "127.0.0.1")
	dns.set("other.example.com", "127.0.0.1")
	s := newTLSServer(t)
	via := s.transport(Options{Server: "https://mcp.example.com", AllowPrivate: []string{"AS.example.com"}, resolver: resolver})
	if _, err := get(t, via, "https://as.example.com:"+s.port); err != nil {
		t.Error(err)
	}
	_, err := get(t, via, "https://other.example.com:"+s.port)
	wantRefused(t, err)
}

func TestTheUserMayAllowANetwork(t *testing.T) {
	dns, resolver := newNames(t)
	dns.set("mcp.example.com", publicIP)
	g := &guard{server: "mcp.example.com", allowed: []string{"10.0.0.0/8"}, resolver: resolver, met: map[zone]bool{}}
	if err := g.check(t.Context(), "as.example.com", netip.MustParseAddr("10.1.2.3")); err != nil {
		t.Error(err)
	}
	wantMisconfigured(t, g.check(t.Context(), "as.example.com", netip.MustParseAddr("192.168.1.2")), "refused")
}

func TestNobodyLeadsNowhere(t *testing.T) {
	g := &guard{server: "0.0.0.0", resolver: new(net.Resolver), met: map[zone]bool{}}
	wantMisconfigured(t, g.check(t.Context(), "as.example.com", netip.MustParseAddr("224.0.0.1")), "refused")
}

func TestLocalhostIsThisComputer(t *testing.T) {
	g := &guard{server: "localhost", met: map[zone]bool{}}
	wantMisconfigured(t, g.check(t.Context(), "localhost", netip.MustParseAddr("10.0.0.1")), "refused")
	if err := g.check(t.Context(), "localhost", netip.MustParseAddr("127.0.0.1")); err != nil {
		t.Error(err)
	}
}

func TestEveryConnectionIsUsedOnce(t *testing.T) {
	s := newTLSServer(t)
	via := s.transport(Options{Server: s.URL})
	for range 3 {
		if _, err := get(t, via, s.URL); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.connected.Load(); n != 3 {
		t.Errorf("%d connections for 3 requests", n)
	}
}

func TestTLSTroubleIsTemporary(t *testing.T) {
	s := newTLSServer(t)
	g := credfiles.Grant{ServerURL: s.URL + "/mcp"}
	_, err := (&Finder{}).Find(t.Context(), g) // an unknown certificate authority
	wantTemporary(t, err)

	old := newTLSServer(t)
	old.TLS.MinVersion, old.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	_, err = (&Finder{Transport: old.transport(Options{Server: old.URL})}).Find(t.Context(), credfiles.Grant{ServerURL: old.URL + "/mcp"})
	wantTemporary(t, err)
}

// A proxy may be anywhere: here, on loopback, for a server in public.
func TestAProxyIsTheUsersChoice(t *testing.T) {
	s := newTLSServer(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var asked sync.Map
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				r, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				asked.Store(r.Method+" "+r.Host, true)
				to, err := net.Dial("tcp", s.Listener.Addr().String())
				if err != nil {
					return
				}
				defer to.Close()
				io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
				go io.Copy(to, in)
				io.Copy(c, to)
			}()
		}
	}()
	dns, resolver := newNames(t) // it knows no server: the proxy resolves
	dns.set("localhost", "127.0.0.1")
	_, port, _ := net.SplitHostPort(l.Addr().String())
	proxy := &url.URL{Scheme: "http", Host: "LocalHost:" + port}
	via := s.transport(Options{Server: "https://mcp.example.com", resolver: resolver, proxy: http.ProxyURL(proxy)})
	if _, err := get(t, via, "https://as.example.com/"); err != nil {
		t.Fatal(err)
	}
	if _, ok := asked.Load("CONNECT as.example.com:443"); !ok {
		t.Error("the proxy was not asked")
	}
	_, err = get(t, via, "https://169.254.169.254/")
	wantMisconfigured(t, err, "link-local")
	if _, ok := asked.Load("CONNECT 169.254.169.254:443"); ok {
		t.Error("the proxy was asked for a private address")
	}
}

func TestAProxysPasswordIsNotShown(t *testing.T) {
	broken := func(*http.Request) (*url.URL, error) {
		return nil, errors.New("invalid proxy address http://u:pass-EXAMPLE@")
	}
	_, err := get(t, NewTransport(Options{proxy: broken}), "https://as.example.com")
	if err == nil || strings.Contains(err.Error(), "EXAMPLE") {
		t.Errorf("%v", err)
	}
}

func TestZones(t *testing.T) {
	for ip, want := range map[string]zone{
		"8.8.8.8": public, "1.1.1.1": public, "172.32.0.1": public, "192.167.0.1": public, "100.128.0.1": public, "2606:4700::1": public,
		"127.0.0.1": loopback, "127.255.255.255": loopback, "::1": loopback, "::ffff:127.0.0.1": loopback, "64:ff9b::7f00:1": loopback, "2002:7f00:1::1": loopback,
		"10.0.0.0": private, "10.255.255.255": private, "172.16.0.1": private, "172.31.255.255": private, "192.168.1.1": private,
		"100.64.0.1": private, "100.127.255.255": private, "198.18.0.1": private, "fc00::1": private, "fd12::1": private, "fec0::1": private,
		"::ffff:10.1.2.3": private, "64:ff9b::a01:203": private, "64:ff9b:1::1": private, "2002:a01:203::1": private,
		"169.254.169.254": linkLocal, "fe80::1": linkLocal, "fe80::1%eth0": linkLocal, "::ffff:169.254.169.254": linkLocal,
		"0.0.0.0": nowhere, "224.0.0.1": nowhere, "239.1.1.1": nowhere, "255.255.255.255": nowhere, "240.0.0.1": nowhere,
		"::": nowhere, "::7f00:1": nowhere, "ff02::1": nowhere, "64:ff9b::808:808": public,
	} {
		if got := zoneOf(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s is %s, want %s", ip, got, want)
		}
	}
}
