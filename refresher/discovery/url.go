package discovery

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// CheckURL parses a URL that requests may go to, by the rules: https, or http
// where both it and server, the user's own server, are on loopback; a host; no
// userinfo; no fragment. For a URL that is itself the user's choice, server is
// that URL. The error is a [*MisconfiguredError].
func CheckURL(raw, server string) (*url.URL, error) {
	u, err := url.Parse(raw)
	refuse := func(problem string) (*url.URL, error) {
		return nil, &MisconfiguredError{URL: show(raw), Problem: problem}
	}
	switch {
	case err != nil || u.Hostname() == "":
		return refuse("not a URL of a server")
	case u.User != nil:
		return refuse("a URL with a user name is refused")
	case strings.Contains(raw, "#"):
		return refuse("a URL with a fragment is refused")
	case u.Scheme == "https":
		return u, nil
	case u.Scheme != "http":
		return refuse("only https is used")
	case !isLoopback(u.Hostname()):
		return refuse("http is only used on this computer; everything else needs https")
	}
	if s, err := url.Parse(server); err != nil || !isLoopback(s.Hostname()) {
		return refuse("http on this computer is only used for a server on this computer")
	}
	return u, nil
}

// isLoopback goes by the name: localhost, 127.0.0.0/8 or ::1.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// sameOrigin follows RFC 6454 section 4: scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && hostPort(a) == hostPort(b)
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// path is the URL's path without one trailing slash; "" for the root.
func path(u *url.URL) string { return strings.TrimSuffix(u.EscapedPath(), "/") }

// sameIssuer compares as strings, as RFC 8414 section 3.3 asks, but for one
// trailing slash of an issuer without a path: clients built on the TypeScript
// SDK store the URL in the form that JavaScript's URL class gives it.
func sameIssuer(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if a == b {
		return true
	}
	u, err := url.Parse(a)
	return a+"/" == b && err == nil && u.Path == "" && u.RawQuery == "" && !strings.Contains(a, "#")
}

// metadataPlaces are where an issuer's metadata may be, in the order of the
// MCP specification since 2025-11-25: RFC 8414 section 3.1, then OpenID
// Connect Discovery with the path inserted, then with the path in front. The
// root is no place for an issuer with a path: it speaks for another issuer.
func metadataPlaces(issuer *url.URL) []string {
	o, p := origin(issuer), path(issuer)
	places := []string{
		o + "/.well-known/oauth-authorization-server" + p,
		o + "/.well-known/openid-configuration" + p,
	}
	if p != "" {
		places = append(places, o+p+"/.well-known/openid-configuration")
	}
	return places
}

// resourcePlaces are where the metadata of a protected resource may be when
// it does not say: RFC 9728 section 3.1 (which keeps the query), then with
// the path in front, which Codex's library tries and Notion documents, then
// the root of the host.
func resourcePlaces(server *url.URL) []string {
	const wellKnown = "/.well-known/oauth-protected-resource"
	o, p, query := origin(server), path(server), ""
	if server.RawQuery != "" {
		query = "?" + server.RawQuery
	}
	var places []string
	if p != "" || query != "" {
		places = append(places, o+wellKnown+p+query)
	}
	if p != "" {
		places = append(places, o+p+wellKnown)
	}
	return append(places, o+wellKnown)
}
