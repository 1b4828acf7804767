package discovery

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"lamplighter/credfiles"
	"lamplighter/refresher/authtest"
)

const description = `{"issuer":"ISSUER","token_endpoint":"ISSUER/token","authorization_endpoint":"ISSUER/authorize",` +
	`"registration_endpoint":"ISSUER/register","code_challenge_methods_supported":["S256"],"scopes_supported":["a","offline_access"]}`

func described(issuer string) answer {
	return answer{body: strings.ReplaceAll(description, "ISSUER", issuer)}
}

func signInAt(t *testing.T, w *web, g credfiles.Grant) (SignIn, error) {
	t.Helper()
	return (&Finder{Transport: w}).SignIn(t.Context(), g)
}

func TestASignInGoesWhereTheServerSaysWhateverTheStoreBinds(t *testing.T) {
	w := newWeb(t, map[string]answer{
		"https://mcp.example/.well-known/oauth-protected-resource/mcp":  {body: `{"resource":"https://mcp.example/mcp","authorization_servers":["https://one.example","https://two.example"],"scopes_supported":["x","y"]}`},
		"https://one.example/.well-known/oauth-authorization-server":    described("https://one.example"),
		"https://two.example/.well-known/oauth-authorization-server":    described("https://two.example"),
		"https://before.example/.well-known/oauth-authorization-server": described("https://before.example"),
	})
	for stored, want := range map[string]string{
		"": "https://one.example", "https://before.example": "https://one.example",
		"https://two.example": "https://two.example", "https://two.example/": "https://two.example",
	} {
		s, err := signInAt(t, w, credfiles.Grant{ServerURL: "https://mcp.example/mcp", Issuer: stored, Resource: "https://mcp.example/of-old"})
		if err != nil || s.Issuer != want || s.AuthorizationURL != want+"/authorize" || s.RegistrationURL != want+"/register" ||
			s.Resource != "https://mcp.example/mcp" || !slices.Equal(s.ResourceScopes, []string{"x", "y"}) || !slices.Equal(s.Scopes, []string{"a", "offline_access"}) {
			t.Errorf("stored %q: %+v, %v", stored, s, err)
		}
		for _, asked := range w.asked() {
			if strings.Contains(asked, "before.example") {
				t.Errorf("stored %q: asked %s", stored, asked)
			}
		}
	}
}

func TestASignInAlwaysAsksAndLeavesTheCacheAlone(t *testing.T) {
	w := newWeb(t, map[string]answer{
		"https://mcp.example/.well-known/oauth-authorization-server": described("https://mcp.example"),
	})
	f := &Finder{Dir: t.TempDir(), Transport: w}
	g := credfiles.Grant{ServerURL: "https://mcp.example"}
	if _, err := f.Find(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	w.asked()
	if _, err := f.SignIn(t.Context(), g); err != nil || len(w.asked()) == 0 {
		t.Errorf("nobody was asked: %v", err)
	}
	w.down = errors.New("unreachable")
	if _, err := f.SignIn(t.Context(), g); err == nil {
		t.Error("the cache was taken for an answer")
	}
}

func TestTheServersChallengeSaysWhichScopesItWants(t *testing.T) {
	s := authtest.New(t, authtest.Options{Memory: true, Discovery: authtest.Discovery{Scopes: []string{"read"}}})
	found, err := (&Finder{Transport: s.Transport()}).SignIn(t.Context(), credfiles.Grant{ServerURL: s.URL(authtest.Resource)})
	if err != nil || len(found.Challenged) > 0 || !slices.Equal(found.ResourceScopes, []string{"read"}) {
		t.Errorf("%+v, %v", found, err)
	}
	for header, want := range map[string]string{
		`Bearer scope="a b", resource_metadata="x"`: "a b",
		`Basic realm="x", Bearer scope=a`:           "a",
		`Bearer realm="scope"`:                      "",
	} {
		if got := scopeIn(parseChallenges([]string{header})); got != want {
			t.Errorf("%s: %q", header, got)
		}
	}
}

func TestASignInTakesTheUsersMetadataFirst(t *testing.T) {
	w := newWeb(t, map[string]answer{
		"https://sso.example/meta":                                   described("https://sso.example"),
		"https://mcp.example/.well-known/oauth-authorization-server": described("https://mcp.example"),
	})
	for chosen, want := range map[string]string{
		"https://sso.example/meta": "https://sso.example", "https://sso.example/gone": "https://mcp.example",
	} {
		s, err := signInAt(t, w, credfiles.Grant{ServerURL: "https://mcp.example/mcp", MetadataURL: chosen, TokenURL: "https://token.example/t"})
		if err != nil || s.Issuer != want || s.TokenURL != "https://token.example/t" {
			t.Errorf("%s: %+v, %v", chosen, s, err)
		}
	}
}

func TestWithoutAnAuthorizationEndpointNobodyCanSignIn(t *testing.T) {
	for _, endpoint := range []string{``, `"authorization_endpoint":"http://mcp.example/authorize",`, `"authorization_endpoint":"javascript:alert(1)",`} {
		w := newWeb(t, map[string]answer{
			"https://mcp.example/.well-known/oauth-authorization-server": {body: `{"issuer":"https://mcp.example",` + endpoint + `"token_endpoint":"https://mcp.example/token"}`},
		})
		_, err := signInAt(t, w, credfiles.Grant{ServerURL: "https://mcp.example/mcp"})
		wantMisconfigured(t, err, "no authorization endpoint")
	}
}

func TestAServerOfTheFirstRevisionHasItsEndpointsAtItsOrigin(t *testing.T) {
	s, err := signInAt(t, newWeb(t, nil), credfiles.Grant{ServerURL: "https://mcp.example/mcp"})
	if err != nil || !s.Legacy || s.AuthorizationURL != "https://mcp.example/authorize" || s.RegistrationURL != "https://mcp.example/register" || s.TokenURL != "https://mcp.example/token" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestAURLIsShownWithoutWhatMayBeSecret(t *testing.T) {
	if got := Shown("https://user:pw@host.example/a?token=EXAMPLE#x"); got != "https://host.example/a" {
		t.Errorf("%s", got)
	}
}
