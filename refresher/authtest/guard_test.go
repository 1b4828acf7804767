package authtest

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

func TestAGuardComesBeforeTheLookAtTheToken(t *testing.T) {
	const key = "k-EXAMPLE"
	s := New(t, Options{Memory: true, API: true, Guard: APIManagement(key)})
	g := s.Grant(GrantOptions{})
	client := http.Client{Transport: s.Transport()}
	for _, test := range []struct {
		method, key, token string
		status             int
		challenge          string
	}{
		{"GET", "", g.AccessToken, 401, "AzureApiManagementKey"},
		{"GET", "k-other-EXAMPLE", g.AccessToken, 401, "AzureApiManagementKey"},
		{"GET", key, "", 401, "Bearer"},
		{"GET", key, g.AccessToken, 200, ""},
		{"POST", key, g.AccessToken, 405, ""},
	} {
		r, err := http.NewRequest(test.method, g.ServerURL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.key != "" {
			r.Header.Set("Ocp-Apim-Subscription-Key", test.key)
		}
		if test.token != "" {
			r.Header.Set("Authorization", "Bearer "+test.token)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		scheme, _, _ := strings.Cut(res.Header.Get("WWW-Authenticate"), " ")
		if res.StatusCode != test.status || scheme != test.challenge {
			t.Errorf("%s, key %t, token %t: %d %s", test.method, test.key != "", test.token != "", res.StatusCode, scheme)
		}
	}
}

func TestAnOpenServerAsksNobody(t *testing.T) {
	s := New(t, Options{Memory: true, Open: true})
	client := http.Client{Transport: s.Transport()}
	res, err := client.Post(s.URL(Resource), "application/json", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestAGrantsClaimsStandInItsTokens(t *testing.T) {
	s := New(t, Options{Memory: true, Policy: Policy{JWT: true, Claims: map[string]any{"aud": "another"}}})
	if parts := strings.Split(s.Grant(GrantOptions{}).AccessToken, "."); len(parts) != 3 || !strings.Contains(payload(t, parts[1]), `"aud":"another"`) {
		t.Errorf("%d parts", len(parts))
	}
}

func payload(t *testing.T, part string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
