package signin

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The answers are those of ory/fosite 0.49.0, oidc-provider 9.13.3 and
// @cloudflare/workers-oauth-provider 1.2.3 (observed).
func TestWhatTheServerRefusesIsKnownBeforeTheBrowserOpens(t *testing.T) {
	const client, redirect = "does not take the client any more", "does not take the client's redirect address"
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"fosite, client":                   {401, `{"error":"invalid_client","error_description":"Client authentication failed (e.g., unknown client, no client authentication included, or unsupported authentication method). The requested OAuth 2.0 Client does not exist."}`, client},
		"fosite, redirect":                 {400, `{"error":"invalid_request","error_description":"The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed. The 'redirect_uri' parameter does not match any of the OAuth 2.0 Client's pre-registered redirect urls."}`, redirect},
		"oidc-provider, client":            {400, `<pre><strong>error</strong>: invalid_client</pre><pre><strong>error_description</strong>: client is invalid</pre>`, client},
		"oidc-provider, redirect":          {400, `<pre><strong>error</strong>: invalid_redirect_uri</pre><pre><strong>error_description</strong>: redirect_uri did not match any of the client&#39;s registered redirect_uris</pre>`, redirect},
		"workers-oauth-provider, client":   {400, `{"error":"invalid_request","error_description":"Invalid client_id"}`, client},
		"workers-oauth-provider, redirect": {400, `{"error":"invalid_request","error_description":"Invalid redirect URI"}`, redirect},
		"a page for people":                {400, `<h1>Something went wrong</h1>`, ""},
		"a wall for robots":                {403, `<h1>Are you a client of flesh and blood?</h1>`, ""},
		"trouble":                          {500, `{"error":"invalid_client"}`, ""},
		"on its way":                       {302, ``, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := beginning{
				via: roundTrip(func(*http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: c.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(c.body))}, nil
				}),
			}
			b.place.AuthorizationURL = "https://auth.example.com/authorize"
			got, err := b.check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := c.want
			if want != "" {
				want = "auth.example.com " + want
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
