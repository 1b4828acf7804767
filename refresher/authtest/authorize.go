package authtest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Authorization is how a sign-in goes. Nobody is asked: the browser, or what
// stands in for it, is redirected at once.
type Authorization struct {
	Deny         string // an error code to redirect with in place of a code: access_denied
	AdvertiseIss bool   // the metadata promises iss in the redirect (RFC 9207)
	Iss          Iss
	OfflineOnly  bool   // a refresh token comes only for the scope offline_access
	Withholds    string // a scope that is not granted though asked for
	// EndsOlder: a sign-in ends every older grant of the same client (Cloudflare's
	// workers-oauth-provider, unless told not to).
	EndsOlder bool
}

// Iss is what the redirect says in iss (RFC 9207).
type Iss string

// The kinds of iss.
const (
	NoIss    Iss = ""
	OwnIss   Iss = "own"
	WrongIss Iss = "wrong"
)

// codeLifetime is how long an authorization code is good (RFC 6749 section
// 4.1.2 wants it short).
const codeLifetime = time.Minute

type code struct {
	client    *client
	redirect  string
	challenge string
	scope     string
	resource  string
	born      time.Time
	line      *lineage // what it was exchanged for
}

// authorize is the authorization endpoint (RFC 6749 section 4.1.1). What it
// cannot tell the client it tells the browser, as a page.
func (s *Server) authorize(x *exchange) Answer {
	page := func(code string) Answer {
		x.entry.Verdict = code
		return *text(http.StatusBadRequest, "text/html; charset=utf-8", "<!DOCTYPE html><title>Error</title><p>"+code+"\n")
	}
	c := s.live(x.form.Get("client_id"))
	if c == nil {
		return page("invalid_client")
	}
	redirect, err := url.Parse(x.form.Get("redirect_uri"))
	if err != nil || !s.takesRedirect(c, redirect.String()) {
		return page("invalid_redirect_uri")
	}
	q := redirect.Query()
	q.Set("state", x.form.Get("state"))
	switch s.options.Iss {
	case OwnIss:
		q.Set("iss", s.issuer())
	case WrongIss:
		q.Set("iss", "https://elsewhere.example")
	}
	o := s.options
	switch {
	case o.Deny != "":
		x.entry.Verdict = "denied"
		q.Set("error", o.Deny)
	case x.form.Get("response_type") != "code",
		x.form.Get("code_challenge_method") != "S256", x.form.Get("code_challenge") == "":
		x.entry.Verdict = "no code or no PKCE asked for"
		q.Set("error", "invalid_request")
	default:
		x.entry.Verdict = "approved"
		value := "code-" + random()
		s.seen(value)
		granted := strings.Fields(or(x.form.Get("scope"), strings.Join(o.Scopes, " ")))
		granted = slices.DeleteFunc(granted, func(scope string) bool { return scope == o.Withholds })
		s.codes[value] = &code{
			client: c, redirect: x.form.Get("redirect_uri"), challenge: x.form.Get("code_challenge"),
			scope: strings.Join(granted, " "), resource: or(x.form.Get("resource"), s.resourceID()), born: time.Now(),
		}
		q.Set("code", value)
	}
	redirect.RawQuery = q.Encode()
	return *Redirect(http.StatusFound, redirect.String())
}

// exchangeCode turns a code into tokens, once (RFC 6749 section 4.1.3,
// RFC 7636 section 4.6). A second use ends what the first one got.
func (s *Server) exchangeCode(x *exchange, c *client) Answer {
	k := s.codes[x.form.Get("code")]
	challenge := sha256.Sum256([]byte(x.form.Get("code_verifier")))
	why := ""
	switch {
	case k == nil || time.Since(k.born) > codeLifetime:
		why = "unknown or old code"
	case k.line != nil:
		s.kill(k.line, "code used again")
		why = "code used again"
	case k.client != c:
		why = "another client's code"
	case k.redirect != x.form.Get("redirect_uri"):
		why = "another redirect_uri"
	case k.challenge != base64.RawURLEncoding.EncodeToString(challenge[:]):
		why = "wrong code_verifier"
	}
	if why != "" {
		return s.refuse(x, Refusal{Code: "invalid_grant"}, why)
	}
	if s.options.EndsOlder {
		for _, l := range s.lineages {
			if l.client == c && l.dead == "" {
				s.kill(l, "a newer sign-in")
			}
		}
	}
	k.line = s.newLineage(c, k.scope, k.resource, nil)
	x.entry.Grant, x.entry.Verdict = k.line.id, "signed in"
	var rt *refreshToken
	offline := slices.Contains(strings.Fields(k.scope), "offline_access")
	if !c.noRefresh && (offline || !s.options.OfflineOnly) {
		rt = s.issueRefresh(k.line, nil)
	}
	return s.success(x, s.issueAccess(k.line, k.scope), nil, rt)
}

// revoke is the revocation endpoint (RFC 7009). A refresh token takes the
// grant with it, an access token only itself; what is unknown is fine.
func (s *Server) revoke(x *exchange) Answer {
	if x.Method != http.MethodPost {
		return *Status(http.StatusMethodNotAllowed)
	}
	if _, refusal := s.authenticate(x); refusal != nil {
		return *refusal
	}
	x.entry.Verdict = "nothing to revoke"
	if x.token != nil {
		s.kill(x.token.line, "revoked")
		x.entry.Verdict = "grant revoked"
	} else if at := s.access[x.form.Get("token")]; at != nil {
		at.revoked = true
		x.entry.Verdict = "access token revoked"
	}
	return Answer{Status: http.StatusOK}
}
