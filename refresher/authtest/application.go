package authtest

import (
	"crypto"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	claims "github.com/go-jose/go-jose/v4/jwt"
)

// AddApplication makes a client known that may ask for itself, by
// client_credentials (RFC 6749 section 4.4), for these scopes.
func (s *Server) AddApplication(id, secret, scope string) {
	s.AddClient(id, secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[id].application, s.clients[id].scope = true, scope
}

// AddKeyedApplication is [Server.AddApplication] for a client that signs its
// assertions (RFC 7523 section 2.2): by the private key of this public one.
func (s *Server) AddKeyedApplication(id string, key crypto.PublicKey, scope string) {
	s.AddApplication(id, "", scope)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[id].key = key
}

// SetSecret gives a client another secret in place of its own.
func (s *Server) SetSecret(clientID, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[clientID].secret = secret
	s.seen(secret)
}

// ExpireSecret ends a client's secret, not the client.
func (s *Server) ExpireSecret(clientID string, expired bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[clientID].secretOver = expired
}

// Asked counts the requests by client_credentials that named a client.
func (s *Server) Asked(clientID string) int {
	return s.count(func(e *Entry) bool {
		return e.Endpoint == Token && e.GrantType == "client_credentials" && e.ClientID == clientID
	})
}

// Applied is what a client got for itself last; ok is false where it got
// nothing yet.
func (s *Server) Applied(clientID string) (g Grant, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[clientID]
	if c == nil || c.line == nil {
		return Grant{}, false
	}
	return s.grant(c.line), true
}

// apply answers client_credentials: no refresh token comes with it.
func (s *Server) apply(x *exchange, c *client) Answer {
	p := s.policy(x.line())
	switch {
	case !c.application:
		return s.refuse(x, Refusal{Code: "unauthorized_client"}, "may not ask for itself")
	case p.RequireScope && x.entry.Scope == "":
		return s.refuse(x, Refusal{Code: "invalid_request", AADSTS: 900144, Description: "The request body must contain the following parameter: 'scope'."}, "no scope")
	case !subset(x.entry.Scope, c.scope):
		return s.refuse(x, Refusal{Code: "invalid_scope", AADSTS: 1002012, Description: "The provided value for scope is not valid."}, "scope not granted")
	}
	if why := p.Resource.violated(x.entry.Resource, s.resourceID()); why != "" {
		return s.refuse(x, Refusal{Code: "invalid_target", AADSTS: 901002, Description: "The 'resource' request parameter is not supported."}, why)
	}
	if c.line == nil {
		c.line = s.newLineage(c, or(x.entry.Scope, c.scope), s.resourceID(), nil)
	}
	x.entry.Grant, x.entry.Verdict = c.line.id, "applied"
	return s.success(x, s.issueAccess(c.line, or(x.entry.Scope, c.scope)), nil, nil)
}

// asserted checks the assertion of a client (RFC 7523 section 3): signed by its
// key, by and about itself, for this server, still good, and never seen before.
// why says what is wrong with it.
func (s *Server) asserted(x *exchange) (clientID, why string) {
	if x.form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		return "", "another assertion type"
	}
	token, err := claims.ParseSigned(x.form.Get("client_assertion"), []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.ES384, jose.EdDSA})
	if err != nil {
		return "", "no assertion"
	}
	var said claims.Claims
	if token.UnsafeClaimsWithoutVerification(&said) != nil {
		return "", "no claims"
	}
	c := s.clients[said.Subject]
	if c == nil || c.key == nil || token.Claims(c.key, &said) != nil {
		return said.Subject, "assertion signed by another key"
	}
	wrong := said.ValidateWithLeeway(claims.Expected{Issuer: c.id, Subject: c.id, Time: time.Now()}, time.Second)
	forUs := said.Audience.Contains(s.endpointURL(Token)) || said.Audience.Contains(s.issuer())
	switch id := x.form.Get("client_id"); {
	case wrong != nil || said.Expiry == nil || said.Expiry.Time().After(time.Now().Add(time.Hour)):
		return c.id, "assertion not good now"
	case !forUs:
		return c.id, "assertion for another server"
	case id != "" && id != c.id:
		return c.id, "assertion of another client"
	case said.ID == "" || s.assertions[said.ID]:
		return c.id, "assertion seen before"
	}
	s.assertions[said.ID] = true
	return c.id, ""
}

// refuseClient is the answer to a client that did not prove who it is, in
// Entra's numbers where the server speaks like Entra.
func (s *Server) refuseClient(x *exchange, c *client, style AuthStyle, verdict string) Answer {
	p := s.policy(x.line())
	r := Refusal{Code: p.Dialect.clientCode()}
	switch {
	case p.Dialect != Entra:
	case c == nil:
		r.Code, r.AADSTS, r.Description = "unauthorized_client", 700016, "Application with identifier '"+x.entry.ClientID+"' was not found in the directory 'EXAMPLE'."
	case c.secretOver:
		r.AADSTS, r.Description = 7000222, "The provided client secret keys for app '"+c.id+"' are expired."
	case c.secret == "":
		r.AADSTS, r.Description = 700027, "The certificate with identifier used to sign the client assertion is not registered on application."
	default:
		r.AADSTS, r.Description = 7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID."
	}
	a := s.refuse(x, r, verdict)
	if a.Status == http.StatusUnauthorized && style == AuthBasic {
		a.Header.Set("WWW-Authenticate", `Basic realm="token", error="invalid_client"`)
	}
	return a
}
