package authtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	claims "github.com/go-jose/go-jose/v4/jwt"
)

// posted is the status and error code of a token request.
func posted(t *testing.T, s *Server, e Endpoint, form url.Values) (status int, answer map[string]any) {
	t.Helper()
	client := http.Client{Transport: s.Transport()}
	resp, err := client.PostForm(s.URL(e), form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func TestOnlyAnApplicationAsksForItself(t *testing.T) {
	s := New(t, Options{Memory: true})
	s.AddApplication("app", "cs-EXAMPLE", "read")
	s.AddClient("person", "ps-EXAMPLE")
	for _, c := range []struct {
		id, secret, scope, want string
	}{
		{"app", "cs-EXAMPLE", "read", ""},
		{"app", "cs-EXAMPLE", "", ""},
		{"app", "wrong", "read", "invalid_client"},
		{"app", "cs-EXAMPLE", "write", "invalid_scope"},
		{"person", "ps-EXAMPLE", "", "unauthorized_client"},
		{"nobody", "x", "", "invalid_client"},
	} {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.id}, "client_secret": {c.secret}}
		if c.scope != "" {
			form.Set("scope", c.scope)
		}
		_, answer := posted(t, s, Token, form)
		code, _ := answer["error"].(string)
		if code != c.want || (code == "") != (answer["access_token"] != nil) || answer["refresh_token"] != nil {
			t.Errorf("%s with %q for %q: %v", c.id, c.secret, c.scope, answer)
		}
	}
	if n := s.Asked("app"); n != 4 {
		t.Errorf("app asked %d times", n)
	}
}

func TestAnAssertionIsTakenOnce(t *testing.T) {
	s := New(t, Options{Memory: true})
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.AddKeyedApplication("app", key.Public(), "read")
	now := time.Now()
	good := claims.Claims{Issuer: "app", Subject: "app", Audience: claims.Audience{s.URL(Token)}, ID: "1", Expiry: claims.NewNumericDate(now.Add(time.Minute))}
	for _, c := range []struct {
		name   string
		key    *ecdsa.PrivateKey
		change func(*claims.Claims)
		ok     bool
	}{
		{"good", key, func(*claims.Claims) {}, true},
		{"again", key, func(*claims.Claims) {}, false},
		{"for the issuer", key, func(c *claims.Claims) { c.ID, c.Audience = "2", claims.Audience{s.Issuer()} }, true},
		{"another's key", other, func(c *claims.Claims) { c.ID = "3" }, false},
		{"for another server", key, func(c *claims.Claims) { c.ID, c.Audience = "4", claims.Audience{"https://elsewhere.example"} }, false},
		{"too old", key, func(c *claims.Claims) { c.ID, c.Expiry = "5", claims.NewNumericDate(now.Add(-time.Minute)) }, false},
		{"without an end", key, func(c *claims.Claims) { c.ID, c.Expiry = "6", nil }, false},
		{"by somebody else", key, func(c *claims.Claims) { c.ID, c.Issuer = "7", "other" }, false},
	} {
		said := good
		c.change(&said)
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: c.key}, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := claims.Signed(signer).Claims(said).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		status, answer := posted(t, s, Token, url.Values{
			"grant_type": {"client_credentials"}, "client_assertion": {text},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		})
		if ok := status == http.StatusOK; ok != c.ok {
			t.Errorf("%s: %d %v", c.name, status, answer)
		}
	}
}

func TestADeviceCodeIsGoodOnceAPersonAgreed(t *testing.T) {
	s := New(t, Options{Memory: true, DeviceFlow: DeviceFlow{Devices: true, DevicePolls: 1, DeviceInterval: time.Nanosecond}})
	s.AddClient("tv", "")
	status, begun := posted(t, s, Device, url.Values{"client_id": {"tv"}, "scope": {"read"}})
	code, _ := begun["device_code"].(string)
	if status != http.StatusOK || code == "" || begun["user_code"] == "" {
		t.Fatalf("%d %v", status, begun)
	}
	poll := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {"tv"}, "device_code": {code}}
	for i, want := range []string{"authorization_pending", "", "invalid_grant"} {
		_, answer := posted(t, s, Token, poll)
		if got, _ := answer["error"].(string); got != want || (want == "") != (answer["refresh_token"] != nil) {
			t.Errorf("poll %d: %v", i+1, answer)
		}
	}
	poll.Set("device_code", "unknown")
	if _, answer := posted(t, s, Token, poll); answer["error"] != "invalid_grant" {
		t.Errorf("an unknown code: %v", answer)
	}
}
