package authtest

import (
	"crypto"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Registration is how clients become known (RFC 7591).
type Registration struct {
	NoRegistration     bool          // there is no registration endpoint
	ClientIDMetadata   bool          // an https URL is a client ID; its document is not looked at
	RegistrationSecret bool          // a registered client gets a client_secret
	ClientLifetime     time.Duration // ends a registration; zero is never (Cloudflare: 90 days)
	// ExactRedirect takes only the redirect URIs registered. Otherwise the
	// port of a loopback one is free (RFC 8252 section 7.3).
	ExactRedirect bool
}

// AuthStyle is how a client showed itself at the token endpoint.
type AuthStyle string

// The styles, in the words of RFC 7591 section 2 where it has one.
const (
	AuthNone  AuthStyle = "none"
	AuthBasic AuthStyle = "client_secret_basic"
	AuthPost  AuthStyle = "client_secret_post"
	AuthBoth  AuthStyle = "basic and post" // never right (RFC 6749 section 2.3)
	AuthKey   AuthStyle = "private_key_jwt"
)

type client struct {
	id          string
	secret      string
	redirects   []string
	key         crypto.PublicKey // of its assertions
	secretOver  bool             // its secret has ended
	application bool             // it may ask for itself, for these scopes
	scope       string
	line        *lineage // of what it got so

	noRefresh bool // it did not register for the refresh_token grant
	expiry    time.Time
	expired   bool
}

// AddClient makes a client known, as a developer's page would. Without a
// secret it is public; without redirects it may be redirected anywhere.
func (s *Server) AddClient(id, secret string, redirects ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[id] = &client{id: id, secret: secret, redirects: redirects}
	s.seen(secret)
}

// ExpireClient makes a client's registration expire now: the token endpoint
// answers invalid_client, and no refresh token is touched.
func (s *Server) ExpireClient(clientID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[clientID]
	if c == nil {
		panic(fmt.Sprintf("authtest: no client %q", clientID))
	}
	c.expired = true
}

func (s *Server) newClient(confidential bool) *client {
	c := &client{id: "client-" + random()[:10]}
	if confidential {
		c.secret = "cs-" + random()
		s.seen(c.secret)
	}
	if s.options.ClientLifetime > 0 {
		c.expiry = time.Now().Add(s.options.ClientLifetime)
	}
	s.clients[c.id] = c
	return c
}

// live is the client of that ID, nil if there is none or it has expired.
func (s *Server) live(id string) *client {
	c := s.clients[id]
	if c == nil && s.options.ClientIDMetadata && strings.HasPrefix(id, "https://") {
		c = &client{id: id}
		s.clients[id] = c
	}
	if c == nil || c.expired || !c.expiry.IsZero() && !time.Now().Before(c.expiry) {
		return nil
	}
	return c
}

// credentials finds out who asks, and how (RFC 6749 section 2.3.1).
func (s *Server) credentials(x *exchange) (id, secret string, style AuthStyle) {
	id, secret = x.form.Get("client_id"), x.form.Get("client_secret")
	style = AuthNone
	switch {
	case x.form.Has("client_assertion"):
		return id, "", AuthKey
	case x.form.Has("client_secret"):
		style = AuthPost
	}
	user, password, ok := x.BasicAuth()
	if !ok {
		return id, secret, style
	}
	if style == AuthPost {
		return id, secret, AuthBoth
	}
	if !s.policy(x.line()).RawBasic {
		user, password = unescaped(user), unescaped(password)
	}
	return user, password, AuthBasic
}

func unescaped(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// authenticate comes before any look at a token, so that a refusal leaves the
// refresh token good.
func (s *Server) authenticate(x *exchange) (*client, *Answer) {
	id, secret, style := s.credentials(x)
	p := s.policy(x.line())
	want := p.ClientAuth
	unproven := ""
	if style == AuthKey {
		id, unproven = s.asserted(x)
		x.entry.ClientID = id
	}
	c := s.live(id)
	refuse := func(verdict string) (*client, *Answer) {
		a := s.refuseClient(x, c, style, verdict)
		return nil, &a
	}
	switch {
	case style == AuthBoth, id == "":
		a := s.refuse(x, Refusal{Code: "invalid_request"}, "client authentication: "+string(style))
		return nil, &a
	case c == nil:
		return refuse("unknown client")
	case unproven != "":
		return refuse(unproven)
	case style == AuthKey:
		return c, nil
	case c.key != nil:
		return refuse("client authentication: " + string(style))
	case c.secretOver:
		return refuse("client secret has ended")
	case want != AnyAuth && want != NoneOnly && c.secret != "" && style != AuthStyle(want),
		want == NoneOnly && style != AuthNone:
		return refuse("client authentication: " + string(style))
	case want != NoneOnly && secret != c.secret:
		return refuse("wrong client secret")
	}
	return c, nil
}

// register is the registration endpoint.
func (s *Server) register(x *exchange) Answer {
	if x.Method != http.MethodPost {
		return *Status(http.StatusMethodNotAllowed)
	}
	var asked struct {
		Redirects  []string `json:"redirect_uris"`
		GrantTypes []string `json:"grant_types"`
	}
	if json.Unmarshal(x.body, &asked) != nil || len(asked.Redirects) == 0 {
		x.entry.Verdict = "bad registration"
		return *Refusal{Code: "invalid_redirect_uri"}.Answer()
	}
	c := s.newClient(s.options.RegistrationSecret)
	c.redirects = asked.Redirects
	c.noRefresh = !slices.Contains(asked.GrantTypes, "refresh_token")
	x.entry.Verdict, x.entry.ClientID = "registered", c.id
	method := "none"
	answer := map[string]any{"client_id": c.id, "client_id_issued_at": time.Now().Unix(), "redirect_uris": c.redirects}
	if c.secret != "" {
		method = or(string(s.options.ClientAuth), string(BasicOnly))
		answer["client_secret"] = c.secret
		answer["client_secret_expires_at"] = max(c.expiry.Unix(), 0)
	}
	answer["token_endpoint_auth_method"] = method
	if asked.GrantTypes != nil {
		answer["grant_types"] = asked.GrantTypes
	}
	return jsonAnswer(http.StatusCreated, answer)
}

// takesRedirect reports whether a redirect URI is one that the client
// registered, on loopback with any port. A client that the test made, not a
// registration, takes all.
func (s *Server) takesRedirect(c *client, uri string) bool {
	if c.redirects == nil || slices.Contains(c.redirects, uri) {
		return true
	}
	if s.options.ExactRedirect {
		return false
	}
	return slices.ContainsFunc(c.redirects, func(r string) bool {
		return portless(r) != "" && portless(r) == portless(uri)
	})
}

// portless is a loopback URI without its port, empty for any other URI.
func portless(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return ""
	}
	u.Host = u.Hostname()
	return u.String()
}
