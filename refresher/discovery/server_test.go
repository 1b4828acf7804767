package discovery

import (
	"testing"

	"lamplighter/credfiles"
	"lamplighter/refresher/authtest"
)

// The test server fails a test in which a place is asked that no client has
// reason to ask, or in which it sees a refresh token.
func TestTheServersTokenEndpointIsFoundWhereverTheMetadataIs(t *testing.T) {
	for _, resourcePlace := range []authtest.ResourcePlace{authtest.ResourceInserted, authtest.ResourceAtRoot, authtest.ResourceAppended, authtest.ResourceInHeader} {
		for _, serverPlace := range []authtest.ServerPlace{authtest.ServerInserted, authtest.OIDCInserted, authtest.OIDCAppended} {
			for _, issuerPath := range []string{"", "/tenant"} {
				t.Run(string(resourcePlace)+","+string(serverPlace)+","+issuerPath, func(t *testing.T) {
					s := authtest.New(t, authtest.Options{Memory: true, IssuerPath: issuerPath, Discovery: authtest.Discovery{
						ResourceMetadata: resourcePlace, ServerMetadata: serverPlace, NoChallenge: resourcePlace != authtest.ResourceInHeader,
					}})
					for _, issuer := range []string{"", s.Issuer()} {
						wantFound(t, s, issuer, s.URL(authtest.Resource))
					}
				})
			}
		}
	}
}

func wantFound(t *testing.T, s *authtest.Server, issuer, resource string) {
	t.Helper()
	e, err := (&Finder{Transport: s.Transport()}).Find(t.Context(), credfiles.Grant{ServerURL: s.URL(authtest.Resource), Issuer: issuer})
	if err != nil || e.TokenURL != s.URL(authtest.Token) || e.Issuer != s.Issuer() || e.Legacy || e.Resource != resource {
		t.Errorf("issuer %q: got %+v, %v", issuer, e, err)
	}
}

func TestAServerOfTheFirstRevisionIsItsOwnAuthorizationServer(t *testing.T) {
	o := authtest.Options{Memory: true, Origin: "https://mcp.example", ResourceOrigin: "https://mcp.example"}
	o.ResourceMetadata = authtest.NoResourceMetadata
	s := authtest.New(t, o)
	for _, issuer := range []string{"", s.Issuer()} {
		wantFound(t, s, issuer, "")
	}

	o.ServerMetadata = authtest.NoServerMetadata
	s = authtest.New(t, o)
	f := &Finder{Transport: s.Transport()}
	e, err := f.Find(t.Context(), credfiles.Grant{ServerURL: s.URL(authtest.Resource)})
	if err != nil || !e.Legacy || e.TokenURL != s.URL(authtest.Token) {
		t.Errorf("got %+v, %v", e, err)
	}
	_, err = f.Find(t.Context(), credfiles.Grant{ServerURL: s.URL(authtest.Resource), Issuer: s.Issuer()})
	wantMisconfigured(t, err, "no authorization server metadata")
}
