// Package exchange is one POST of a refresh token, and what its answer means.
//
// [Plan] decides everything about the request before anything is sent, since
// a rotating refresh token cannot be used to find out what a server likes: an
// authorization server may consume it before it rejects the rest of the
// request (oidc-provider 9.13.3 does so with a wrong resource, as observed).
// [Send] makes that one request and returns whatever came back, and [Judge]
// reads it.
package exchange

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"lamplighter/credfiles"
)

// A Server is what discovery found out about the authorization server.
type Server struct {
	Issuer      string
	TokenURL    string
	AuthMethods []string // token_endpoint_auth_methods_supported, nil where metadata does not say
	Resource    string   // of the protected-resource metadata, verbatim
}

// A Post describes one token request, without its secrets. It is kept in the
// journal so that recovery repeats exactly the same request.
type Post struct {
	TokenURL string `json:"token_url"`
	Issuer   string `json:"issuer,omitempty"`    // who vouches for TokenURL; empty where nobody does
	Auth     string `json:"auth"`                // token_endpoint_auth_method: [None], [Basic] or [Body]
	AuthBy   string `json:"auth_by"`             // who decided Auth: configured, public, provider, client, metadata or default
	RawBasic bool   `json:"raw_basic,omitempty"` // HTTP Basic without the form-encoding of RFC 6749 section 2.3.1
	ClientID string `json:"client_id"`           // empty: the request names no client
	Resource string `json:"resource,omitempty"`
	Scope    string `json:"scope,omitempty"`

	Grant      string `json:"grant,omitempty"`      // [ClientCredentials]; empty: a refresh token, or what is redeemed
	Audience   string `json:"audience,omitempty"`   // as Auth0 wants it
	Parameters string `json:"parameters,omitempty"` // what the user adds, as a form
	KeyID      string `json:"key_id,omitempty"`     // of the client's assertion, and
	AssertFor  string `json:"assert_for,omitempty"` // whom it is for
	// Redirect is the redirect URI of the sign-in, which some clients repeat in
	// a refresh (Copilot Studio's template, documented). [Plan] never does.
	Redirect string `json:"redirect_uri,omitempty"`
	Accept   string `json:"accept"`
	JSON     bool   `json:"json,omitempty"` // the body is a JSON object, not a form
}

// The ways in which a client authenticates (RFC 7591 section 2) that Send can do.
const (
	None  = "none"
	Basic = "client_secret_basic"
	Body  = "client_secret_post"
	Key   = "private_key_jwt" // an assertion that the client signs (RFC 7523 section 2.2)
)

// ClientCredentials is the grant_type by which a client asks for an access
// token of its own (RFC 6749 section 4.4). Nothing in such a request can be
// used up.
const ClientCredentials = credfiles.ByClientCredentials

// byDefault in AuthBy marks a method that nobody named: it may be why the
// server refuses the client.
const byDefault = "default"

// ErrUnsupported is in the chain of Plan's error where the server wants a kind
// of client authentication that we cannot do: a signed assertion, a client
// certificate.
var ErrUnsupported = errors.New("unsupported client authentication")

// Plan decides client authentication, resource and scope: what is configured
// in g, then what the provider is known to need, then what the client itself
// sends, then the metadata and the RFCs. Its error is for people and says
// what to do; nothing has been sent then.
func Plan(g credfiles.Grant, s Server) (Post, error) {
	return plan(g, s, needOf(cmp.Or(g.TokenURL, s.TokenURL), s.Issuer, g.ServerURL))
}

func plan(g credfiles.Grant, s Server, n need) (Post, error) {
	p := Post{TokenURL: s.TokenURL, Issuer: s.Issuer, ClientID: g.ClientID, Accept: "application/json"}
	if g.TokenURL != "" {
		p.TokenURL = g.TokenURL
	}
	if err := checkURL(p.TokenURL); err != nil {
		return Post{}, err
	}
	if p.ClientID == "" {
		return Post{}, errors.New("the store holds no client ID: sign in again")
	}
	if g.SecretTrouble != "" {
		return Post{}, errors.New("the client secret is missing: " + g.SecretTrouble)
	}
	if g.ByClient() {
		n.refreshURL, n.omitScope = "", false
		if n.application != nil {
			if err := n.application(g); err != nil {
				return Post{}, err
			}
		}
	}
	if n.refreshURL != "" && g.TokenURL == "" && n.serves(host(p.TokenURL)) {
		p.TokenURL = n.refreshURL
	}
	p.JSON = n.json

	var err error
	if p.Auth, p.AuthBy, err = authentication(g, s, n); err != nil {
		return Post{}, err
	}
	p.RawBasic = p.Auth == Basic && g.Request.RawBasic

	switch {
	case g.NoResource:
	case g.Resource != "":
		p.Resource = g.Resource
	case n.omitResource:
	case s.Resource != "":
		p.Resource = s.Resource
	case n.resource != "":
		p.Resource = n.resource
	case g.Request.ServerAsResource:
		p.Resource = g.ServerURL
	}

	switch {
	case n.omitScope:
	case n.scopes != nil:
		if p.Scope = strings.Join(n.scopes(g.Scopes), " "); p.Scope == "" {
			return Post{}, fmt.Errorf("%s wants the granted scopes repeated, and the store holds none: name them in the config or sign in again", n.provider)
		}
	case g.Request.Scope:
		p.Scope = strings.Join(g.Scopes, " ")
	}
	p.own(g, n)
	return p, nil
}

// own adds what only the user's own credentials have.
func (p *Post) own(g credfiles.Grant, n need) {
	if g.ByClient() {
		p.Grant = ClientCredentials
	}
	p.Audience, p.Parameters = g.Audience, g.Parameters
	if p.Auth == Key {
		// Both are in use: the issuer is what MCP's extension for client credentials
		// and the coming revision of RFC 7523 want.
		p.KeyID, p.AssertFor = g.KeyID, cmp.Or(g.KeyAudience, g.Issuer, p.TokenURL)
		if n.assertToEndpoint && g.KeyAudience == "" {
			p.AssertFor = p.TokenURL
		}
	}
}

func authentication(g credfiles.Grant, s Server, n need) (method, by string, err error) {
	secret := !g.ClientSecret.IsZero() || g.SecretLater
	switch m := g.AuthMethod; {
	case m == "":
	case m == Basic || m == Body || m == Key:
		if !secret {
			return "", "", fmt.Errorf("%s needs the client secret, and none is stored", m)
		}
		if m == Key {
			_, _, err = keyIn(g.ClientSecret)
		}
		return m, "configured", err
	case m == None:
		return None, "configured", nil
	default:
		return "", "", fmt.Errorf("%w: %s is configured, and only %s, %s, %s and %s can be done", ErrUnsupported, clean(m), Basic, Body, Key, None)
	}
	listed := func(m string) bool { return slices.Contains(s.AuthMethods, m) }
	if n.auth == "" && len(s.AuthMethods) > 0 && !listed(Basic) && !listed(Body) && !listed(None) {
		return "", "", fmt.Errorf("%w: the server takes only %s", ErrUnsupported, clean(strings.Join(s.AuthMethods, ", ")))
	}
	switch {
	case !secret:
		return None, "public", nil
	case n.auth != "":
		return n.auth, "provider", nil
	case g.Request.BasicByDefault:
		return Basic, "client", nil
	case g.Request.FirstListed:
		for _, m := range s.AuthMethods {
			if m == Basic || m == Body {
				return m, "client", nil
			}
		}
		return Basic, "client", nil
	case len(s.AuthMethods) == 0:
		return Basic, byDefault, nil // RFC 8414 section 2
	case listed(Basic):
		return Basic, "metadata", nil
	case listed(Body):
		return Body, "metadata", nil
	}
	return None, "metadata", nil
}

// checkURL allows https, and http to this computer (RFC 9700 section 2.6).
func checkURL(s string) error {
	if s == "" {
		return errors.New("the token endpoint is unknown")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "":
		return errors.New("the token endpoint is not a URL")
	case u.User != nil || u.Fragment != "":
		return fmt.Errorf("the token endpoint at %s: a user name or fragment has no place in it", u.Host)
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("the token endpoint at %s: a refresh token travels only over https", u.Host)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func host(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
