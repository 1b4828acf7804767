package exchange

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	claims "github.com/go-jose/go-jose/v4/jwt"

	"lamplighter/credfiles"
)

// form is what Send puts into a request's body, and its header.
func formOf(t *testing.T, p Post, secret string) (url.Values, http.Header) {
	t.Helper()
	var sent url.Values
	var header http.Header
	a := Send(context.Background(), roundTrip(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		sent, _ = url.ParseQuery(string(body))
		header = r.Header
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("{}")), Header: http.Header{}}, nil
	}), p, credfiles.Secret{}, credfiles.NewSecret(secret))
	if a.Failure != "" {
		t.Fatalf("not sent: %s", a.Failure)
	}
	return sent, header
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAClientAsksForItself(t *testing.T) {
	g := credfiles.Grant{
		GrantType: credfiles.ByClientCredentials, ClientID: "app", ClientSecret: credfiles.NewSecret("s EXAMPLE"), AuthMethod: Body,
		Scopes: []string{"a", "b"}, Audience: "https://api.example", Parameters: "scope=c&tenant=acme", Request: credfiles.Request{Scope: true},
	}
	p, err := Plan(g, Server{TokenURL: "https://as.example/token"})
	if err != nil {
		t.Fatal(err)
	}
	sent, _ := formOf(t, p, "s EXAMPLE")
	want := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {"s EXAMPLE"},
		"scope": {"a b"}, "audience": {"https://api.example"}, "tenant": {"acme"},
	}
	if sent.Encode() != want.Encode() {
		t.Errorf("sent %v, want %v", sent, want)
	}
}

func TestEntraIsAskedForOneResourceByItsScope(t *testing.T) {
	entra := Server{Issuer: "https://login.microsoftonline.com/t/v2.0", TokenURL: "https://login.microsoftonline.com/t/oauth2/v2.0/token"}
	for _, c := range []struct {
		scope, resource, wrong string
	}{
		{"https://graph.microsoft.com/.default", "", ""},
		{"api://app/.default", "", ""},
		{"", "", "one that ends in /.default"},
		{"User.Read", "", "one that ends in /.default"},
		{"https://graph.microsoft.com/.default openid", "", "one that ends in /.default"},
		{"https://graph.microsoft.com/.default", "https://graph.microsoft.com", "no resource with Entra ID"},
	} {
		p, err := Plan(credfiles.Grant{
			GrantType: credfiles.ByClientCredentials, ClientID: "app", SecretLater: true,
			Scopes: strings.Fields(c.scope), Resource: c.resource, Request: credfiles.Request{Scope: true},
		}, entra)
		switch {
		case c.wrong == "" && (err != nil || p.Scope != c.scope || p.Resource != "" || p.Auth == None):
			t.Errorf("%q: %+v, %v", c.scope, p, err)
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%q %q: %v", c.scope, c.resource, err)
		}
	}
}

func TestAnApplicationsAnswerSaysNothingOfRefreshTokens(t *testing.T) {
	application := post
	application.Grant = ClientCredentials
	check(t, application, []row{
		{"a token", answered(200, asJSON, `{"access_token":"A2","expires_in":60}`), "refreshed at=A2 in=1m0s"},
		{"a refresh token beside it", answered(200, asJSON, `{"access_token":"A2","refresh_token":"R2"}`), "refreshed at=A2"},
		{"invalid_grant", answered(400, asJSON, `{"error":"invalid_grant"}`), "client gone invalid_grant"},
		{"invalid_client", answered(401, asJSON, `{"error":"invalid_client"}`), "client gone invalid_client"},
		{"unauthorized_client", answered(400, asJSON, `{"error":"unauthorized_client"}`), "client gone unauthorized_client"},
		{"invalid_scope", answered(400, asJSON, `{"error":"invalid_scope"}`), "misconfigured invalid_scope"},
		{"invalid_target", answered(400, asJSON, `{"error":"invalid_target"}`), "misconfigured invalid_target"},
		{"consent", answered(400, asJSON, `{"error":"consent_required"}`), "needs the user consent_required"},
		{"busy", answered(429, "", ""), "later http-429"},
	})
	application.AuthBy = byDefault
	if got := short(Judge(application, answered(401, asJSON, `{"error":"invalid_client"}`))); !strings.HasPrefix(got, "client gone invalid_client") {
		t.Errorf("where nobody named the method: %s", got)
	}
}

func TestAnAssertionProvesWhoTheClientIs(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := Post{TokenURL: "https://as.example/token", Auth: Key, ClientID: "app", Grant: ClientCredentials, KeyID: "k1", AssertFor: "https://as.example/token", Accept: "application/json"}
	for _, key := range []crypto.Signer{rsaKey, ecKey, edKey} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		seen := map[string]bool{}
		for range 2 {
			sent, _ := formOf(t, p, text)
			if sent.Get("client_assertion_type") != assertionType || sent.Has("client_secret") {
				t.Fatalf("%T: sent %v", key, sent)
			}
			token, err := claims.ParseSigned(sent.Get("client_assertion"), []jose.SignatureAlgorithm{jose.RS256, jose.ES384, jose.EdDSA})
			if err != nil {
				t.Fatal(err)
			}
			var said claims.Claims
			if err := token.Claims(key.Public(), &said); err != nil {
				t.Fatalf("%T: %v", key, err)
			}
			if err := said.Validate(claims.Expected{Issuer: "app", Subject: "app", AnyAudience: claims.Audience{p.TokenURL}, Time: time.Now()}); err != nil {
				t.Errorf("%T: %v", key, err)
			}
			if token.Headers[0].KeyID != "k1" || seen[said.ID] || said.ID == "" {
				t.Errorf("%T: kid %q, jti %q", key, token.Headers[0].KeyID, said.ID)
			}
			seen[said.ID] = true
		}
	}
}

// Entra ID finds the public key by the certificate's thumbprint.
func TestACertificateBesideTheKeyGoesIntoTheAssertion(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	signed, err := assertion(Post{ClientID: "app", AssertFor: "https://as.example"}, credfiles.NewSecret(text))
	if err != nil {
		t.Fatal(err)
	}
	token, err := claims.ParseSigned(signed, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	if got := token.Headers[0].ExtraHeaders["x5t#S256"]; got != base64.RawURLEncoding.EncodeToString(sum[:]) {
		t.Errorf("x5t#S256 is %v", got)
	}
}

func TestAKeyThatCannotSignIsSaidBeforeAnythingIsSent(t *testing.T) {
	for _, text := range []string{"secret-EXAMPLE", "-----BEGIN PRIVATE KEY-----\nRVhBTVBMRQ==\n-----END PRIVATE KEY-----\n", ""} {
		_, err := Plan(credfiles.Grant{ClientID: "app", GrantType: credfiles.ByClientCredentials, AuthMethod: Key, ClientSecret: credfiles.NewSecret(text)}, Server{TokenURL: "https://as.example/token"})
		if err == nil || strings.Contains(err.Error(), "EXAMPLE") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestWhomAnAssertionIsFor(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	secret := credfiles.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	const entra = "https://login.microsoftonline.com/t/oauth2/v2.0/token"
	for _, c := range []struct{ token, issuer, named, want string }{
		{"https://as.example/token", "", "", "https://as.example/token"},
		{"https://as.example/token", "https://as.example", "", "https://as.example"},
		{"https://as.example/token", "https://as.example", "https://other.example", "https://other.example"},
		{entra, "https://login.microsoftonline.com/t/v2.0", "", entra},
	} {
		p, err := Plan(credfiles.Grant{
			GrantType: credfiles.ByClientCredentials, ClientID: "app", AuthMethod: Key, ClientSecret: secret, Issuer: c.issuer, KeyAudience: c.named,
			Scopes: []string{"api://x/.default"}, Request: credfiles.Request{Scope: true},
		}, Server{TokenURL: c.token, Issuer: c.issuer})
		if err != nil || p.AssertFor != c.want {
			t.Errorf("%s of %s: for %q, %v, want %q", c.token, c.issuer, p.AssertFor, err, c.want)
		}
	}
}
