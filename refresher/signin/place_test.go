package signin

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"lamplighter/credfiles"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/discovery"
)

// A person names the endpoints, and the client is one that a person registered.
func TestASignInAtAPlaceThatIsKnown(t *testing.T) {
	for name, test := range map[string]struct {
		iss       authtest.Iss
		client    string
		redirect  string
		any       bool
		refused   bool
		redirects bool // what is refused is the redirect URI
		wrong     bool // the answer is not taken
	}{
		"it is taken":          {client: "preset", redirect: "https://app.example/cb"},
		"whoever answers":      {client: "preset", redirect: "https://app.example/cb", iss: authtest.WrongIss, any: true},
		"not whoever answers":  {client: "preset", redirect: "https://app.example/cb", iss: authtest.WrongIss, wrong: true},
		"an unknown client":    {client: "nobody", redirect: "https://app.example/cb", refused: true},
		"another redirect URI": {client: "preset", redirect: "https://other.example/cb", refused: true, redirects: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := authtest.New(t, authtest.Options{Memory: true, Authorization: authtest.Authorization{Iss: test.iss}})
			s.AddClient("preset", "", "https://app.example/cb")
			place := discovery.SignIn{Endpoints: discovery.Endpoints{Metadata: discovery.Metadata{
				TokenURL: s.URL(authtest.Token), AuthorizationURL: s.URL(authtest.Authorize),
			}}}
			c := credfiles.Credential{
				Grant:        credfiles.Grant{ClientID: test.client},
				Registration: credfiles.Registration{RedirectURI: test.redirect, Preset: true},
			}
			f, err := BeginAt(t.Context(), s.Transport(), place, c, Options{Anyway: true, PasteOnly: true, AnyIssuer: test.any})
			if preset, ok := errors.AsType[*PresetError](err); ok != test.refused || ok && (preset.OfRedirect() != test.redirects || preset.Redirect != test.redirect) {
				t.Fatalf("%v", err)
			}
			if test.refused {
				return
			}
			defer f.Close()
			if f.Redirect() != test.redirect || f.Listens() {
				t.Errorf("it comes back to %s, and listens: %v", f.Redirect(), f.Listens())
			}
			r, err := http.NewRequest(http.MethodGet, f.URL(), nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.Transport().RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if err := f.Paste(resp.Header.Get("Location")); err != nil {
				t.Fatal(err)
			}
			got, err := f.Wait(t.Context())
			if (err != nil) != test.wrong {
				t.Fatalf("%v", err)
			}
			if u, _ := url.Parse(resp.Header.Get("Location")); !test.wrong && got.Code.Value.Reveal() != u.Query().Get("code") {
				t.Error("the code is another")
			}
		})
	}
}
