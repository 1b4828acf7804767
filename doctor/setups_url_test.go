package doctor

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"lamplighter/refresher/authtest"
	"lamplighter/refresher/discovery"
)

const key = "k-0123456789abcdef-EXAMPLE"

// A serverAsk is a server and what is asked of it.
type serverAsk struct {
	options authtest.Options
	grant   authtest.GrantOptions
	prepare func(s *authtest.Server, g authtest.Grant)
	ask     func(g authtest.Grant) Ask
}

func (o serverAsk) examine(t *testing.T) *Report {
	s := authtest.New(t, o.options)
	g := s.Grant(o.grant)
	if o.prepare != nil {
		o.prepare(s, g)
	}
	ask := Ask{Place: Bearer, Secret: g.AccessToken}
	if o.ask != nil {
		ask = o.ask(g)
	}
	if ask.URL == "" {
		ask.URL = g.ServerURL
	}
	return visited(t, s, ask)
}

// scripted makes the resource answer that, whoever asks.
func scripted(a *authtest.Answer) func(*authtest.Server, authtest.Grant) {
	return func(s *authtest.Server, _ authtest.Grant) {
		s.Behave(authtest.Resource, authtest.Behaviour{Answer: a})
	}
}

// guarded is an API behind a guard.
func guarded(g authtest.Guard) authtest.Options {
	return authtest.Options{Guard: g, Open: true, API: true, ResourcePath: "/orders"}
}

func with(place Place, name, secret string) func(authtest.Grant) Ask {
	return func(authtest.Grant) Ask { return Ask{Place: place, Name: name, Secret: secret} }
}

// given is the bearer token, changed.
func given(change func(token string) string) func(authtest.Grant) Ask {
	return func(g authtest.Grant) Ask { return Ask{Place: Bearer, Secret: change(g.AccessToken)} }
}

// denying answers a bearer token, and nobody, in its own way.
func denying(nobody, token *authtest.Answer) authtest.Guard {
	return func(r *http.Request) *authtest.Answer {
		if r.Header.Get("Authorization") == "" {
			return nobody
		}
		return token
	}
}

// saying are servers whose JWTs say that.
func saying(c map[string]any) authtest.Options {
	return authtest.Options{Policy: authtest.Policy{JWT: true, Claims: c}}
}

var ago, hence = time.Now().Add(-20 * time.Minute).Unix(), time.Now().Add(20 * time.Minute).Unix()

const (
	tenant  = "11111111-2222-3333-4444-555555555555"
	tenant2 = "99999999-8888-7777-6666-555555555555"
)

func init() {
	bearer := func(header string) *authtest.Answer {
		return authtest.Refusing(401, map[string]any{}, "WWW-Authenticate: "+header)
	}
	for name, s := range map[string]struct {
		from string
		want Cause
		serverAsk
	}{
		"open to everybody":                          {want: open, serverAsk: serverAsk{options: authtest.Options{Open: true}, ask: with(Nowhere, "", "")}},
		"open, and a secret":                         {want: open, serverAsk: serverAsk{options: authtest.Options{Open: true}}},
		"Basic where a token is due":                 {want: schemeOther, serverAsk: serverAsk{ask: with(BasicPair, "", "user:secret-EXAMPLE")}},
		"Basic where only nobody is told of a token": {want: schemeOther, serverAsk: serverAsk{options: guarded(tokenForNobody), ask: with(BasicPair, "", "user:secret-EXAMPLE")}},
		"a token where Basic is due":                 {want: schemeOther, serverAsk: serverAsk{options: guarded(authtest.UserAndPassword("u", key))}},
		"another header than Kong's": {want: nameOther, from: "Kong key-auth (tencentcloud.com/document/product/1290/79446)",
			serverAsk: serverAsk{options: guarded(authtest.KeyIn("X-Api-Key", key)), ask: with(KeyHeader, "Api-Token", key)}},
		"a renamed subscription header": {want: nameOther, from: "Azure/static-web-apps#1483",
			serverAsk: serverAsk{options: guarded(authtest.KeyIn("X-Api-Key", key)), ask: with(KeyHeader, "Ocp-Apim-Subscription-Key", key)}},
		"the gateway's key in another header": {want: nameOther,
			serverAsk: serverAsk{options: guarded(authtest.APIManagement(key)), ask: with(KeyHeader, "X-Api-Key", key)}},
		"a parameter of another name": {want: unseen,
			serverAsk: serverAsk{options: guarded(authtest.KeyInQuery("api_key", key)), ask: with(KeyQuery, "apikey", key)}},
		"no Bearer before the token": {want: bearerMissing,
			serverAsk: serverAsk{ask: func(g authtest.Grant) Ask { return Ask{Place: KeyHeader, Name: "Authorization", Secret: g.AccessToken} }}},
		"Bearer twice":               {want: bearerTwice, serverAsk: serverAsk{ask: given(func(s string) string { return "Bearer " + s })}},
		"two line breaks":            {want: secretPadded, serverAsk: serverAsk{ask: given(func(s string) string { return s + "\r\n" })}},
		"quotes":                     {want: secretQuoted, serverAsk: serverAsk{ask: given(func(s string) string { return `"` + s + `"` })}},
		"a whole token answer":       {want: secretJSON, serverAsk: serverAsk{ask: given(func(s string) string { return `{"access_token":"` + s + `","expires_in":3600}` })}},
		"a variable that nobody set": {want: secretUnfilled, serverAsk: serverAsk{ask: given(func(string) string { return "${MCP_TOKEN}" })}},
		"a shortened token":          {want: secretCut, serverAsk: serverAsk{ask: given(func(s string) string { return s[:12] + "..." })}},
		"a zero-width space":         {want: secretOdd, serverAsk: serverAsk{ask: given(func(s string) string { return s[:5] + "\u200b" + s[5:] })}},
		"a password alone":           {want: basicNoColon, serverAsk: serverAsk{options: guarded(authtest.UserAndPassword("u", key)), ask: with(BasicPair, "", key)}},
		"a wrong password":           {want: wrongPassword, serverAsk: serverAsk{options: guarded(authtest.UserAndPassword("u", key)), ask: with(BasicPair, "", "u:wrong-EXAMPLE")}},

		"an expired JWT": {want: tokenExpired, serverAsk: serverAsk{options: saying(map[string]any{"exp": ago}), prepare: expired}},
		"an expired opaque token": {want: tokenExpired, from: "api-stack.com, HTTP status 401",
			serverAsk: serverAsk{options: authtest.Options{Guard: denying(bearer(`Bearer realm="API"`), bearer(`Bearer realm="API", error="invalid_token", error_description="Token expired"`))}}},
		"a token from the future": {want: tooEarly, serverAsk: serverAsk{options: saying(map[string]any{"nbf": hence}), prepare: revoked}},
		"a token for Graph": {want: otherAudience, from: "anthropics/claude-code#89862",
			serverAsk: serverAsk{options: saying(map[string]any{"aud": graphID}), prepare: revoked}},
		"a token of another tenant": {want: otherTenant,
			serverAsk: serverAsk{options: with401(saying(map[string]any{"tid": tenant2, "aud": "api://orders"}), `Bearer authorization_uri="https://login.microsoftonline.com/`+tenant+`/oauth2/authorize"`)}},
		"a token of another issuer": {want: otherIssuer, serverAsk: serverAsk{options: saying(map[string]any{"iss": "https://old.example"}), prepare: revoked}},
		"a revoked token at Cloudflare's provider": {want: tokenRefused, from: "@cloudflare/workers-oauth-provider 1.2.3, recorded",
			serverAsk: serverAsk{options: authtest.Options{Guard: cloudflare}}},
		"refused without a reason": {want: refusedMute, serverAsk: serverAsk{options: authtest.Options{Guard: denying(bearer(`Bearer realm="x"`), bearer(`Bearer realm="x"`))}}},
		"a missing scope":          {want: scopeMissing, serverAsk: serverAsk{options: authtest.Options{RequiredScope: "admin"}}},
		"a missing scope at Slack": {want: scopeMissing, from: "Slack Web API (docs.slack.dev)",
			serverAsk: serverAsk{options: guarded(authtest.SlackAPI(map[string]string{key: "missing_scope"})), ask: with(Bearer, "", key)}},
		"a dead token at Slack": {want: tokenRefused, from: "anthropics/claude-code#55055",
			serverAsk: serverAsk{options: guarded(authtest.SlackAPI(map[string]string{key: "token_revoked"})), ask: with(Bearer, "", key)}},
		"a right that is missing at GitHub": {want: scopeMissing, from: "GitHub REST API (docs.github.com)",
			serverAsk: serverAsk{options: guarded(authtest.GitHubAPI(map[string]string{key: "repo"})), ask: with(Bearer, "", key)}},
		"bad credentials at GitHub": {want: tokenRefused,
			serverAsk: serverAsk{options: guarded(authtest.GitHubAPI(nil)), ask: with(Bearer, "", key)}},
		"no subscription key": {want: gatewayMissing, from: "Microsoft KB 4464930",
			serverAsk: serverAsk{options: authtest.Options{Guard: authtest.APIManagement(key), API: true}}},
		"a gateway's key under another name": {want: nameOther, from: "Azure/static-web-apps#1483",
			serverAsk: serverAsk{options: authtest.Options{Guard: authtest.APIManagement(key), API: true}, ask: func(g authtest.Grant) Ask {
				return Ask{Place: Bearer, Secret: g.AccessToken, Gateway: "X-Api-Key", GatewayKey: key}
			}}},
		"a wrong subscription key": {want: gatewayWrong, from: "Microsoft KB 4464930",
			serverAsk: serverAsk{options: guarded(authtest.APIManagement(key)), ask: with(KeyHeader, "Ocp-Apim-Subscription-Key", "k-another-EXAMPLE")}},
		"a gateway, and no secret": {want: gatewayAsks, serverAsk: serverAsk{options: guarded(authtest.APIManagement(key)), ask: with(Nowhere, "", "")}},
		"a wrong key":              {want: keyRefused, serverAsk: serverAsk{options: guarded(authtest.KeyIn("X-Api-Key", key)), ask: with(KeyHeader, "X-Api-Key", "k-another-EXAMPLE")}},
		"403 after expiry": {want: forbidden, from: "n8n-io/n8n#17450",
			serverAsk: serverAsk{options: authtest.Options{Guard: denying(bearer(`Bearer`), authtest.Refusing(403, map[string]any{"message": "Forbidden"}))}}},
		"an ID token": {want: idToken, serverAsk: serverAsk{options: saying(map[string]any{"nonce": "n", "aud": "client"}), prepare: revoked}},
		"the right secret, and too little else": {want: accepted,
			serverAsk: serverAsk{options: guarded(denying(bearer("Bearer"), authtest.Refusing(400, map[string]any{"message": "from and to have to be given"})))}},
		"tools behind an open door": {want: tokenExpired, serverAsk: serverAsk{options: authtest.Options{Open: true, Policy: authtest.Policy{JWT: true, Claims: map[string]any{"exp": ago}}, Guard: guardedTools}}},
		"worse with the secret": {want: secretHurts,
			serverAsk: serverAsk{options: authtest.Options{Open: true, Guard: denying(nil, bearer(`Bearer error="invalid_token"`))}}},
		"an hour, and no refresh token": {want: diesSoon, serverAsk: serverAsk{options: authtest.Options{Policy: authtest.Policy{JWT: true}}, grant: authtest.GrantOptions{Scope: "read", NoRefreshToken: true}}},

		"a portal's page":             {want: page, serverAsk: serverAsk{prepare: scripted(authtest.HTML())}},
		"a portal's 511":              {want: portal, serverAsk: serverAsk{prepare: scripted(authtest.Status(511))}},
		"a browser is wanted":         {want: challenged, serverAsk: serverAsk{prepare: scripted(browserCheck())}},
		"nothing there":               {want: nothingThere, serverAsk: serverAsk{prepare: scripted(authtest.Status(404))}},
		"neither POST nor GET":        {want: notAllowed, serverAsk: serverAsk{prepare: scripted(authtest.Status(405))}},
		"moved a little":              {want: moved, serverAsk: serverAsk{prepare: scripted(authtest.Redirect(308, "/v2/mcp"))}},
		"sent away to sign in":        {want: elsewhere, serverAsk: serverAsk{prepare: scripted(authtest.Redirect(302, "https://login.example/?token=x"))}},
		"503":                         {want: serverDown, serverAsk: serverAsk{prepare: scripted(authtest.Status(503))}},
		"429":                         {want: tooMany, serverAsk: serverAsk{prepare: scripted(authtest.RetryAfter(429, "30"))}},
		"a quota":                     {want: quota, serverAsk: serverAsk{options: guarded(denying(bearer("Bearer"), authtest.Refusing(403, map[string]any{"message": "Out of call volume quota."})))}},
		"407":                         {want: proxyAsks, serverAsk: serverAsk{prepare: scripted(authtest.Status(407))}},
		"a refusal that says nothing": {want: asksSomething, serverAsk: serverAsk{prepare: scripted(authtest.Status(403)), ask: with(Nowhere, "", "")}},
		"400 to everything":           {want: notUnderstood, serverAsk: serverAsk{prepare: scripted(authtest.Status(400)), ask: with(Nowhere, "", "")}},
		"404 with the token":          {want: hidden, serverAsk: serverAsk{options: guarded(denying(bearer("Bearer"), authtest.Refusing(404, map[string]any{"message": "Not Found"})))}},

		"a clock ten minutes behind": {want: clockOff, serverAsk: serverAsk{prepare: dated(10 * time.Minute)}},
		"a clock ten minutes ahead":  {want: clockOff, serverAsk: serverAsk{prepare: dated(-10 * time.Minute)}},

		"the issuer of a proxy before it": {want: issuerOther, from: "SmartBear/smartbear-mcp#682",
			serverAsk: serverAsk{options: discovered(authtest.Discovery{Issuer: "https://app.example/backend/oauthproxy"})}},
		"no issuer": {want: issuerMissing, serverAsk: serverAsk{options: discovered(authtest.Discovery{Issuer: authtest.Absent})}},
		"Entra ID does not say PKCE": {want: noPKCE, from: "modelcontextprotocol/typescript-sdk#832",
			serverAsk: serverAsk{options: discovered(authtest.Discovery{NoPKCE: true, ServerMetadata: authtest.OIDCAppended})}},
		"metadata of another resource": {want: resourceOther, from: "microsoft/Dataverse-MCP#15",
			serverAsk: serverAsk{options: discovered(authtest.Discovery{ResourceID: "https://org.example/"})}},
		"metadata for the root": {want: resourceParent, from: "modelcontextprotocol/python-sdk#1264",
			serverAsk: serverAsk{ask: func(g authtest.Grant) Ask { return Ask{Place: Bearer, Secret: g.AccessToken, Renews: true} }, prepare: parent}},
		"no pointer": {want: pointerMissing, from: "garrytan/gbrain#1410",
			serverAsk: serverAsk{options: discovered(authtest.Discovery{NoChallenge: true})}},
		"metadata that names no resource": {want: resourceUnnamed, serverAsk: serverAsk{prepare: func(s *authtest.Server, _ authtest.Grant) {
			s.Behave(authtest.ResourceMetadata, authtest.Behaviour{Edit: func(a *authtest.Answer) {
				a.Body = bytes.Replace(a.Body, []byte(`"resource"`), []byte(`"name"`), 1)
			}})
		}}},
		"metadata that names no server": {want: noServers, serverAsk: serverAsk{options: discovered(authtest.Discovery{AuthorizationServers: []string{}})}},
		"metadata that is no JSON": {want: metadataOdd, serverAsk: serverAsk{prepare: func(s *authtest.Server, _ authtest.Grant) {
			s.Behave(authtest.ResourceMetadata, authtest.Behaviour{Answer: &authtest.Answer{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"resource":`)}})
		}}},
		"a pointer to nothing": {want: pointerDead, serverAsk: serverAsk{prepare: func(s *authtest.Server, _ authtest.Grant) {
			s.Behave(authtest.ResourceMetadata, authtest.Behaviour{Answer: authtest.Status(404)})
		}}},
		"a pointer to a page": {want: pointerPage, serverAsk: serverAsk{prepare: func(s *authtest.Server, _ authtest.Grant) {
			s.Behave(authtest.ResourceMetadata, authtest.Behaviour{Answer: authtest.HTML()})
		}}},
		"a pointer to another server": {want: pointerAway, serverAsk: serverAsk{options: authtest.Options{
			Guard: denying(bearer(`Bearer resource_metadata="https://else.example/x"`), nil)}}},
		"no metadata at all": {want: noMetadata, serverAsk: serverAsk{options: discovered(authtest.Discovery{ResourceMetadata: authtest.NoResourceMetadata, ServerMetadata: authtest.NoServerMetadata})}},
		"metadata is down": {want: metadataDown, serverAsk: serverAsk{prepare: func(s *authtest.Server, _ authtest.Grant) {
			s.Behave(authtest.Metadata, authtest.Behaviour{Answer: authtest.Status(503)})
		}}},
		"a token endpoint without TLS": {want: tokenEndpointBad, serverAsk: serverAsk{options: discovered(authtest.Discovery{TokenURL: "http://auth.example/token"})}},
		"an issuer with a slash": {want: issuerSlash, from: "anomalyco/opencode#50036", serverAsk: serverAsk{prepare: func(s *authtest.Server, _ authtest.Grant) {
			issuer := s.Issuer() + "/"
			s.Set(func(o *authtest.Options) { o.Issuer = issuer })
		}}},
		"no refresh grant":  {want: noRefreshGrant, serverAsk: serverAsk{prepare: edited(`"authorization_code","refresh_token"`, `"authorization_code"`)}},
		"PKCE without S256": {want: plainPKCE, serverAsk: serverAsk{prepare: edited(`["S256"]`, `["plain"]`)}},
		"no token endpoint": {want: noTokenEndpoint, serverAsk: serverAsk{prepare: edited(`"token_endpoint"`, `"tokenEndpoint"`)}},
	} {
		setups = append(setups, setup{name: name, from: s.from, want: s.want, examine: s.serverAsk.examine})
	}
	setups = append(setups,
		setup{name: "a company's proxy opens TLS", want: untrusted, from: "claude-code: self-signed certificate in certificate chain", examine: interception},
		setup{name: "a certificate for another name", want: otherName, examine: func(t *testing.T) *Report {
			return overTLS(t, certificate(t, "other.example", time.Now().Add(time.Hour)))
		}},
		setup{name: "a company's proxy opens TLS, and is trusted", want: opened, examine: func(t *testing.T) *Report {
			return overTLS(t, certificate(t, "127.0.0.1", time.Now().Add(time.Hour)))
		}},
		setup{name: "a proxy that wants a sign-in", want: proxyAsks, examine: proxied(407)},
		setup{name: "a proxy that does not let it through", want: proxyFails, examine: proxied(403)},
		setup{name: "an old certificate", want: certExpired, examine: func(t *testing.T) *Report { return overTLS(t, certificate(t, "127.0.0.1", time.Now().Add(-time.Hour))) }},
		setup{name: "no TLS there", want: notTLS, examine: func(t *testing.T) *Report {
			s := authtest.New(t, authtest.Options{})
			return visited(t, s, Ask{URL: "https" + s.URL(authtest.Resource)[len("http"):]})
		}},
		setup{name: "nothing listens", want: refusedConnection, examine: func(t *testing.T) *Report {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
			return visited(t, nil, Ask{URL: "http://" + l.Addr().String()})
		}},
		setup{name: "an unknown host", want: unknownHost, examine: func(t *testing.T) *Report {
			return failing(t, &net.OpError{Op: "dial", Err: &net.DNSError{Name: "mcp.example", IsNotFound: true}})
		}},
		setup{name: "no answer in time", want: silent, examine: func(t *testing.T) *Report {
			return failing(t, context.DeadlineExceeded)
		}},
		setup{name: "a connection that breaks", want: brokenOff, examine: func(t *testing.T) *Report {
			return failing(t, io.ErrUnexpectedEOF)
		}},
		setup{name: "this computer's name leads elsewhere", want: refusedAddress, examine: func(t *testing.T) *Report {
			return failing(t, &discovery.MisconfiguredError{URL: "localhost", Problem: "leads to 192.0.2.1, a public address"})
		}},
		setup{name: "no name server", want: noNames, examine: func(t *testing.T) *Report {
			return failing(t, &net.OpError{Op: "dial", Err: &net.DNSError{Name: "mcp.example", Err: "server misbehaving", IsTemporary: true}})
		}},
		setup{name: "a secret over http", want: inTheClear, examine: plain},
	)
}

func expired(s *authtest.Server, g authtest.Grant) { s.ExpireAccess(g.ID) }
func revoked(s *authtest.Server, g authtest.Grant) { s.RevokeAccess(g.ID) }

func discovered(d authtest.Discovery) authtest.Options { return authtest.Options{Discovery: d} }

// with401 answers everybody so.
func with401(o authtest.Options, challenge string) authtest.Options {
	o.Guard = func(*http.Request) *authtest.Answer {
		return authtest.Refusing(401, map[string]any{}, "WWW-Authenticate: "+challenge)
	}
	return o
}

func browserCheck() *authtest.Answer {
	a := authtest.HTML()
	a.Status = 403
	a.Header.Set("Cf-Mitigated", "challenge")
	return a
}

func dated(by time.Duration) func(*authtest.Server, authtest.Grant) {
	return func(s *authtest.Server, _ authtest.Grant) {
		s.Behave(authtest.Resource, authtest.Behaviour{Edit: func(a *authtest.Answer) {
			a.Header.Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
		}})
	}
}

// edited changes the authorization server's metadata.
func edited(old, new string) func(*authtest.Server, authtest.Grant) {
	return func(s *authtest.Server, _ authtest.Grant) {
		s.Behave(authtest.Metadata, authtest.Behaviour{Edit: func(a *authtest.Answer) {
			a.Body = bytes.Replace(a.Body, []byte(old), []byte(new), 1)
		}})
	}
}

func parent(s *authtest.Server, g authtest.Grant) {
	s.Set(func(o *authtest.Options) { o.ResourceID = strings.TrimSuffix(g.ServerURL, "mcp") })
}

// certificate is one that no system trusts, from a company's proxy.
func certificate(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Zscaler Inc."}, CommonName: "Example Corp Root"},
		NotBefore: until.Add(-48 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, DNSNames: []string{name},
	}
	if ip := net.ParseIP(name); ip != nil {
		of.DNSNames, of.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private, Leaf: leaf}
}

// behindTLS is the resource behind a TLS of its own.
func behindTLS(t *testing.T, c tls.Certificate) (at string, s *authtest.Server, g authtest.Grant) {
	t.Helper()
	s = authtest.New(t, authtest.Options{Open: true})
	behind, _ := url.Parse(s.URL(authtest.Resource))
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = behind.Host
		s.ServeHTTP(w, r)
	}))
	front.TLS = &tls.Config{Certificates: []tls.Certificate{c}}
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.StartTLS()
	t.Cleanup(front.Close)
	return front.URL + "/mcp", s, s.Grant(authtest.GrantOptions{})
}

func interception(t *testing.T) *Report {
	url, s, g := behindTLS(t, certificate(t, "127.0.0.1", time.Now().Add(time.Hour)))
	r := visited(t, s, Ask{URL: url, Place: Bearer, Secret: g.AccessToken})
	if len(s.Log()) > 0 {
		t.Errorf("something was sent to who opens TLS: %v", s.Log())
	}
	return r
}

// overTLS is for a certificate whose signer is trusted.
func overTLS(t *testing.T, c tls.Certificate) *Report {
	url, _, _ := behindTLS(t, c)
	via := Transport(url, nil, false).(*http.Transport)
	via.TLSClientConfig.RootCAs = x509.NewCertPool()
	via.TLSClientConfig.RootCAs.AddCert(c.Leaf)
	x := NewRecorder(url, via)
	URL(t.Context(), x, Ask{URL: url})
	return x.Report
}

// always is a network that says always the same.
type always func(*http.Request) (*http.Response, error)

func (a always) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func failing(t *testing.T, err error) *Report {
	x := NewRecorder("https://mcp.example/mcp", always(func(*http.Request) (*http.Response, error) { return nil, err }))
	URL(t.Context(), x, Ask{URL: "https://mcp.example/mcp", Place: Bearer, Secret: key})
	return x.Report
}

// plain is a server on http elsewhere, which must not see the secret.
func plain(t *testing.T) *Report {
	x := NewRecorder("http://api.example/", always(func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the secret was sent in the clear")
		}
		return &http.Response{StatusCode: 401, Header: http.Header{"Www-Authenticate": {"Bearer"}}, Body: http.NoBody}, nil
	}))
	URL(t.Context(), x, Ask{URL: "http://api.example/", Place: Bearer, Secret: key})
	return x.Report
}

// proxied is an answer of a proxy to CONNECT.
func proxied(status int) func(t *testing.T) *Report {
	return func(t *testing.T) *Report {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(proxy.Close)
		u, err := url.Parse(proxy.URL)
		if err != nil {
			t.Fatal(err)
		}
		x := NewRecorder("https://mcp.example/mcp", &http.Transport{Proxy: http.ProxyURL(u)})
		URL(t.Context(), x, Ask{URL: "https://mcp.example/mcp", Place: Bearer, Secret: key})
		return x.Report
	}
}

// guardedTools lets everybody begin a session, and wants a token for all else.
func guardedTools(r *http.Request) *authtest.Answer {
	if r.Header.Get("Mcp-Protocol-Version") == "" || r.Method != http.MethodPost {
		return nil
	}
	if r.Header.Get("Authorization") == "" {
		return authtest.Refusing(401, map[string]any{}, "WWW-Authenticate: Bearer")
	}
	return authtest.Refusing(401, map[string]any{}, `WWW-Authenticate: Bearer error="invalid_token"`)
}

// tokenForNobody challenges whoever shows nothing, and tells others only that
// it does not work.
func tokenForNobody(r *http.Request) *authtest.Answer {
	if r.Header.Get("Authorization") == "" {
		return authtest.Refusing(401, map[string]any{}, "WWW-Authenticate: Bearer")
	}
	return authtest.Refusing(401, map[string]any{"error": "invalid_token"})
}

func TestEachCauseOfAServerHasASetup(t *testing.T) {
	met := map[Cause]bool{}
	for _, s := range setups {
		met[s.want] = true
	}
	for c := range urlCauses() {
		if !met[c] {
			t.Errorf("nothing shows %s", c)
		}
	}
}

// cloudflare answers as an MCP server on @cloudflare/workers-oauth-provider
// 1.2.3 does to nobody, and to a token that it does not know.
func cloudflare(r *http.Request) *authtest.Answer {
	challenge := `WWW-Authenticate: Bearer realm="OAuth", resource_metadata="http://` + r.Host + `/.well-known/oauth-protected-resource/mcp"`
	if r.Header.Get("Authorization") != "" {
		challenge += `, error="invalid_token"`
	}
	return authtest.Refusing(401, map[string]any{}, challenge)
}
