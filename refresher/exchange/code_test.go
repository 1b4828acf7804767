package exchange

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"lamplighter/credfiles"
)

func TestACodeIsExchangedByOnePOSTThatSaysWhoseItIs(t *testing.T) {
	var forms []map[string][]string
	var headers []http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		forms, headers = append(forms, r.PostForm), append(headers, r.Header)
		w.Write([]byte(`{"access_token":"at_EXAMPLE","refresh_token":"rt_EXAMPLE","expires_in":"3600"}`))
	}))
	defer server.Close()
	for _, method := range []string{None, Body, Basic} {
		forms, headers = nil, nil
		g := credfiles.Grant{ClientID: "c", AuthMethod: method, Scopes: []string{"read"}, Request: credfiles.Request{Scope: true}}
		if method != None {
			g.ClientSecret = credfiles.NewSecret("cs-EXAMPLE")
		}
		p, err := PlanCode(g, Server{TokenURL: server.URL + "/token", Resource: "https://mcp.example/mcp"})
		if err != nil {
			t.Fatal(err)
		}
		a := Redeem(t.Context(), &http.Transport{DisableKeepAlives: true}, p, Code{
			Value: credfiles.NewSecret("code-EXAMPLE"), Verifier: credfiles.NewSecret("verifier-EXAMPLE"), Redirect: "http://127.0.0.1:1/cb",
		}, g.ClientSecret)
		if v := Judge(p, a); v.Kind != Refreshed || v.Token.Refresh.Reveal() != "rt_EXAMPLE" || v.Lifetime.Seconds() != 3600 {
			t.Errorf("%s: %v, %v", method, a, v)
		}
		if len(forms) != 1 {
			t.Fatalf("%s: %d POSTs", method, len(forms))
		}
		want := map[string][]string{
			"grant_type": {"authorization_code"}, "code": {"code-EXAMPLE"}, "code_verifier": {"verifier-EXAMPLE"},
			"redirect_uri": {"http://127.0.0.1:1/cb"}, "resource": {"https://mcp.example/mcp"},
		}
		if method != Basic {
			want["client_id"] = []string{"c"}
		}
		if method == Body {
			want["client_secret"] = []string{"cs-EXAMPLE"}
		}
		if !maps.EqualFunc(forms[0], want, slices.Equal) {
			t.Errorf("%s: asks with %v", method, slices.Sorted(maps.Keys(forms[0])))
		}
		if has := headers[0].Get("Authorization") != ""; has != (method == Basic) {
			t.Errorf("%s: HTTP Basic: %v", method, has)
		}
	}
}

func TestACodeWithoutItsVerifierIsNotSent(t *testing.T) {
	p, err := PlanCode(credfiles.Grant{ClientID: "c"}, Server{TokenURL: "https://auth.example/token"})
	if err != nil {
		t.Fatal(err)
	}
	a := Redeem(t.Context(), http.NewFileTransport(nil), p, Code{Value: credfiles.NewSecret("code-EXAMPLE"), Redirect: "x"}, credfiles.Secret{})
	if a.Written || a.Failure != FailureRequest {
		t.Errorf("%v", a)
	}
}

// Figma takes refreshes elsewhere, Entra wants scopes with a refresh: a code
// goes to the token endpoint and stands for its scopes.
func TestACodeGoesWhereCodesGo(t *testing.T) {
	p, err := PlanCode(credfiles.Grant{ClientID: "c", ClientSecret: credfiles.NewSecret("cs-EXAMPLE")}, Server{TokenURL: "https://api.figma.com/v1/oauth/token"})
	if err != nil || p.TokenURL != "https://api.figma.com/v1/oauth/token" || p.Auth != Basic {
		t.Errorf("%v, %+v", err, p)
	}
	p, err = PlanCode(credfiles.Grant{ClientID: "c", ServerURL: "https://mcp.example/mcp"}, Server{TokenURL: "https://login.microsoftonline.com/x/oauth2/v2.0/token", Resource: "https://mcp.example/mcp"})
	if err != nil || p.Resource != "" || p.Scope != "" {
		t.Errorf("%v, %+v", err, p)
	}
}

func TestASignInAsksAProviderForWhatItNeeds(t *testing.T) {
	for what, test := range map[string]struct {
		token, wanted string
		scopes, more  string
	}{
		"any":             {"https://auth.example/token", "read", "read", ""},
		"offline":         {"https://auth.example/token", "read offline_access", "read offline_access", "prompt=consent"},
		"Google":          {"https://oauth2.googleapis.com/token", "email", "email", "access_type=offline prompt=consent"},
		"Entra":           {"https://login.microsoftonline.com/x/oauth2/v2.0/token", "api://x/.default User.Read offline_access", "api://x/.default offline_access", ""},
		"Entra by a name": {"https://tenant.b2clogin.com/token", "offline_access", "offline_access", ""},
	} {
		scopes, more := Asking(credfiles.Grant{}, Server{TokenURL: test.token}, strings.Fields(test.wanted))
		var pairs []string
		for _, name := range slices.Sorted(maps.Keys(more)) {
			pairs = append(pairs, name+"="+more[name])
		}
		if strings.Join(scopes, " ") != test.scopes || strings.Join(pairs, " ") != test.more {
			t.Errorf("%s: asks for %v with %v", what, scopes, pairs)
		}
	}
}

func TestCleanTextHoldsNothingLikeASecret(t *testing.T) {
	if got := Clean("no\x1b[31m way: eyJhbGciOiJIUzI1NiJ9EXAMPLE1234567890\n"); strings.ContainsAny(got, "\x1b\n") || strings.Contains(got, "EXAMPLE") {
		t.Errorf("%q", got)
	}
}
