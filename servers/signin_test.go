//go:build servers && linux

package servers

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"lamplighter/refresher/authtest"
)

// redirect is where a client of the tests gets its code; nobody listens there.
const redirect = "http://127.0.0.1:1/callback"

const scope = "mcp:read mcp:write offline_access"

// claudesRedirect is where Claude Code gets its code, on a port that is free. It
// writes it down and comes back to it.
func claudesRedirect(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("http://localhost:%d/callback", freePort(t))
}

// register makes a new client without a secret, as one does that was never here.
func (s *server) register(redirect string) (client string) {
	s.t.Helper()
	client, _ = s.registerFor(redirect, "none")
	return client
}

// registerFor makes a new client that authenticates by a method, for further
// grants where they are named.
func (s *server) registerFor(redirect, method string, more ...string) (client, secret string) {
	s.t.Helper()
	text, err := json.Marshal(map[string]any{
		"client_name": "a client", "redirect_uris": []string{redirect}, "application_type": "native",
		"grant_types": append([]string{"authorization_code", "refresh_token"}, more...), "response_types": []string{"code"},
		"token_endpoint_auth_method": method,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.Post(s.origin+"/register", "application/json", bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var made struct {
		Client string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || resp.StatusCode != http.StatusCreated {
		s.t.Fatalf("a client could not be registered: HTTP status %d, %v", resp.StatusCode, err)
	}
	return made.Client, made.Secret
}

// grant signs in as a client without a secret, as the client itself would.
func (s *server) grant(client, redirect string) authtest.Grant {
	s.t.Helper()
	return s.grantFor(client, "", "none", redirect)
}

// grantFor signs in as a client that authenticates by a method.
func (s *server) grantFor(client, secret, method, redirect string) authtest.Grant {
	s.t.Helper()
	verifier, state := rand.Text()+rand.Text(), rand.Text()
	hash := sha256.Sum256([]byte(verifier))
	resource := s.origin + "/mcp"
	back := s.browse(s.origin + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {redirect}, "scope": {s.kind.scope + scope}, "prompt": {"consent"},
		"state": {state}, "resource": {resource}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(hash[:])},
	}.Encode())
	got, err := url.Parse(back)
	if err != nil || got.Query().Get("code") == "" || got.Query().Get("state") != state {
		s.t.Fatalf("no code came back, but the error %q", got.Query().Get("error"))
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "redirect_uri": {redirect},
		"code": {got.Query().Get("code")}, "code_verifier": {verifier}, "resource": {resource},
	}
	if method != "client_secret_basic" {
		form.Set("client_id", client)
	}
	if method == "client_secret_post" {
		form.Set("client_secret", secret)
	}
	r, err := http.NewRequest(http.MethodPost, s.origin+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if method == "client_secret_basic" {
		r.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secret))
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	t := s.tokens(r)
	if t.Access == "" || t.Refresh == "" {
		s.t.Fatalf("no tokens came, but the error %q", t.Error)
	}
	return authtest.Grant{
		ID: strings.Fields(s.Serial(t.Refresh))[0], Issuer: s.origin, ServerURL: resource, ClientID: client, ClientSecret: secret,
		AccessToken: t.Access, RefreshToken: t.Refresh, Scope: t.Scope, Resource: resource, Redirect: redirect,
		Expiry: time.Now().Add(time.Duration(t.Expires) * time.Second).Truncate(time.Millisecond), Lifetime: time.Duration(t.Expires) * time.Second,
	}
}

// browse is the user's browser up to where it leads back to the client, from
// where it cannot come by itself.
func (s *server) browse(page string) (back string) {
	s.t.Helper()
	status, err := browse(page, func(r *http.Request) bool {
		if r.URL.Scheme+"://"+r.URL.Host == s.origin {
			return true
		}
		back = r.URL.String()
		return false
	})
	if back == "" {
		s.t.Fatalf("the browser ended at a page with HTTP status %d: %v", status, err)
	}
	return back
}

// browse goes to a page as a browser does: it keeps cookies and follows
// redirects as far as it may. The user says yes to all.
func browse(page string, follows func(r *http.Request) bool) (status int, err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return 0, err
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !follows(r) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	resp, err := c.Get(page)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, nil
}

// browser is this program when it is started as one.
func browser(args []string) int {
	if len(args) != 1 {
		return 2
	}
	if status, err := browse(args[0], func(*http.Request) bool { return true }); err != nil || status != http.StatusOK {
		return 1
	}
	return 0
}
