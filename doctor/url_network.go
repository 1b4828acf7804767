package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"

	"lamplighter/refresher/discovery"
)

// A route is how a request came to its server, as far as it came.
type route struct {
	mu        sync.Mutex
	addresses []string
	connected string
	shaking   bool // TLS has begun: what stands in between let us through
}

func (r *route) trace() *httptrace.ClientTrace {
	set := func(f func()) {
		r.mu.Lock()
		defer r.mu.Unlock()
		f()
	}
	return &httptrace.ClientTrace{
		DNSDone: func(i httptrace.DNSDoneInfo) {
			set(func() {
				for _, a := range i.Addrs {
					r.addresses = append(r.addresses, a.String())
				}
			})
		},
		TLSHandshakeStart: func() { set(func() { r.shaking = true }) },
		ConnectDone: func(_, addr string, err error) {
			set(func() {
				if err == nil {
					r.connected = addr
				}
			})
		},
	}
}

// network describes the way of the first request. It fills the step that
// stands before it.
func (v *visit) network(step int, r *route, resp *http.Response, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var parts []string
	if proxy := v.proxy(); proxy != "" {
		parts = append(parts, "through the proxy "+proxy)
	}
	if len(r.addresses) > 0 {
		parts = append(parts, v.at.Hostname()+" is "+strings.Join(r.addresses[:min(2, len(r.addresses))], ", "))
	}
	if r.connected != "" {
		parts = append(parts, "connected to "+r.connected)
	}
	switch {
	case resp != nil && resp.TLS != nil:
		parts = append(parts, fmt.Sprintf("%s, certificate from %s", tls.VersionName(resp.TLS.Version), v.Clean(issuerOf(resp.TLS.PeerCertificates[0]))))
	case v.at.Scheme == "http":
		parts = append(parts, "no TLS")
	}
	if err != nil && len(parts) == 0 {
		parts = append(parts, "no connection")
	}
	v.fill(step, strings.Join(parts, "; "))
}

// proxy is the environment's proxy for the server, without its password.
func (v *visit) proxy() string {
	u, err := http.ProxyFromEnvironment(&http.Request{URL: v.at})
	if err != nil {
		return "that is set, which is no URL"
	}
	if u == nil {
		return ""
	}
	return discovery.Shown(u.Scheme + "://" + u.Host)
}

// issuerOf is who signed a certificate, for people.
func issuerOf(c *x509.Certificate) string {
	name := strings.Join(c.Issuer.Organization, ", ")
	if cn := c.Issuer.CommonName; cn != "" && cn != name {
		name = strings.TrimSpace(name + " " + cn)
	}
	return first(name, "nobody")
}

// inspectors are makers of programs that open TLS on its way, as their
// certificates call them.
var inspectors = []string{
	"Zscaler", "Netskope", "Fortinet", "FortiGate", "Palo Alto", "Blue Coat", "Symantec Web", "Cisco Umbrella", "Sophos", "Skyhigh",
	"McAfee Web", "Forcepoint", "Check Point", "Kaspersky", "Avast", "ESET SSL", "Bitdefender", "mitmproxy", "Charles Proxy", "Fiddler", "PortSwigger",
}

// opened reports that the certificate of an answer is one that somebody on
// the way made.
func (v *visit) opened(resp *http.Response) {
	if resp.TLS == nil || len(resp.TLS.PeerCertificates) == 0 {
		return
	}
	by := issuerOf(resp.TLS.PeerCertificates[0])
	for _, name := range inspectors {
		if strings.Contains(strings.ToLower(by), strings.ToLower(name)) {
			v.Find(opened, "", "its certificate is from "+v.Clean(by), v.Clean(by))
			return
		}
	}
}

// unreachable says why no answer came.
func (v *visit) unreachable(way *route, err error) {
	v.problem = true
	var (
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		hostname    x509.HostnameError
		invalid     x509.CertificateInvalidError
		record      tls.RecordHeaderError
		op          *net.OpError
		refused     *discovery.MisconfiguredError
		timeout     interface{ Timeout() bool }
	)
	host := v.at.Host
	signer := ""
	if errors.As(err, &certificate) && len(certificate.UnverifiedCertificates) > 0 {
		signer = v.Clean(issuerOf(certificate.UnverifiedCertificates[0]))
	}
	isOp := errors.As(err, &op)
	// net/http has no type for what a proxy answers to CONNECT: it is what goes
	// wrong between TCP and TLS.
	atProxy := isOp && op.Op == "proxyconnect" || v.at.Scheme == "https" && way.connected != "" && !way.shaking
	switch {
	case atProxy && strings.Contains(err.Error(), http.StatusText(http.StatusProxyAuthRequired)):
		v.Find(proxyAsks, "", "407 Proxy Authentication Required, at CONNECT")
	case atProxy:
		v.Find(proxyFails, "", v.Clean(err.Error()), first(v.proxy(), way.connected))
	case errors.As(err, &dns) && (dns.IsNotFound && !dns.IsTemporary):
		v.Find(unknownHost, "", "DNS: no such host", v.at.Hostname())
	case errors.As(err, &dns):
		v.Find(noNames, "", v.Clean(err.Error()), v.at.Hostname())
	case errors.As(err, &hostname):
		names := strings.Join(hostname.Certificate.DNSNames, ", ")
		v.Find(otherName, "", "it is for "+v.Clean(first(names, hostname.Certificate.Subject.CommonName, "no name")), v.at.Hostname())
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		v.Find(certExpired, "", fmt.Sprintf("valid from %s to %s", invalid.Cert.NotBefore.Format(time.DateOnly), invalid.Cert.NotAfter.Format(time.DateOnly)), v.at.Hostname())
	case errors.As(err, &authority), errors.As(err, &certificate):
		v.Find(untrusted, "", "it is from "+first(signer, "an unknown authority"), first(signer, "an unknown authority"))
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		v.Find(notTLS, "", v.Clean(err.Error()), host)
	case errors.As(err, &refused):
		v.Find(refusedAddress, "", v.Clean(refused.Problem))
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		v.Find(silent, "", "no answer in time", host)
	case isOp && op.Op == "dial":
		v.Find(refusedConnection, "", op.Err.Error(), host)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), isOp:
		v.Find(brokenOff, "", v.Clean(err.Error()), host)
	default:
		v.Find(brokenOff, "", v.Clean(err.Error()), host)
	}
}
