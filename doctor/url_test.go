package doctor

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lamplighter/refresher/authtest"
)

// The layouts are those of servers that are known to work: Notion's, those of
// the specifications since 2025-03-26, and of issuers with a path.
func TestTheHealthySetupHasNoFinding(t *testing.T) {
	renewable := authtest.Policy{JWT: true} // its tokens say offline_access
	for name, s := range map[string]serverAsk{
		"an opaque token":                                     {},
		"a JWT":                                               {options: authtest.Options{Policy: renewable}},
		"nobody, and a challenge":                             {ask: with(Nowhere, "", "")},
		"a challenge with an error":                           {ask: with(Nowhere, "", ""), options: authtest.Options{Guard: supabase}},
		"metadata at the root":                                {options: discovered(authtest.Discovery{ResourceMetadata: authtest.ResourceAtRoot})},
		"metadata below the server (Notion)":                  {options: discovered(authtest.Discovery{ResourceMetadata: authtest.ResourceAppended})},
		"metadata that only the header names":                 {options: discovered(authtest.Discovery{ResourceMetadata: authtest.ResourceInHeader})},
		"no metadata of the resource (Atlassian, 2025-03-26)": {options: discovered(authtest.Discovery{ResourceMetadata: authtest.NoResourceMetadata})},
		"OpenID's place":                                      {options: authtest.Options{IssuerPath: "/tenant", Discovery: authtest.Discovery{ServerMetadata: authtest.OIDCAppended}}},
		"OpenID's place, inserted":                            {options: authtest.Options{IssuerPath: "/tenant", Discovery: authtest.Discovery{ServerMetadata: authtest.OIDCInserted}}},
		"an issuer with a path":                               {options: authtest.Options{IssuerPath: "/tenant"}},
		"an API with a token":                                 {options: authtest.Options{API: true, ResourcePath: "/items"}},
		"an API with Basic":                                   {options: guarded(authtest.UserAndPassword("u", key)), ask: with(BasicPair, "", "u:"+key)},
		"an API with a key":                                   {options: guarded(authtest.KeyIn("X-Api-Key", key)), ask: with(KeyHeader, "x-api-key", key)},
		"an API with a key in its URL":                        {options: guarded(authtest.KeyInQuery("api_key", key)), ask: with(KeyQuery, "api_key", key)},
		"a subscription key":                                  {options: guarded(authtest.APIManagement(key)), ask: with(KeyHeader, "Ocp-Apim-Subscription-Key", key)},
		"a subscription key and a token": {options: authtest.Options{API: true, Guard: authtest.APIManagement(key)}, ask: func(g authtest.Grant) Ask {
			return Ask{Place: Bearer, Secret: g.AccessToken, Gateway: "Ocp-Apim-Subscription-Key", GatewayKey: key}
		}},
		"Slack":  {options: guarded(authtest.SlackAPI(map[string]string{key: ""})), ask: with(Bearer, "", key)},
		"GitHub": {options: guarded(authtest.GitHubAPI(map[string]string{key: ""})), ask: with(Bearer, "", key)},
		"a header with its Bearer": {ask: func(g authtest.Grant) Ask {
			return Ask{Place: KeyHeader, Name: "Authorization", Secret: "Bearer " + g.AccessToken}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.examine(t)
			if len(r.Findings) > 0 || r.Exit() != 0 || r.Fine == "" {
				t.Errorf("got:\n%s", r.Text(80, nil))
			}
			tells(t, r)
		})
	}
}

// supabase answers as mcp.supabase.com (punkpeye/mcp-remote#192).
func supabase(r *http.Request) *authtest.Answer {
	return authtest.Refusing(401, map[string]any{}, `WWW-Authenticate: Bearer error="invalid_request", error_description="No access token was provided in this request", resource_metadata="http://`+r.Host+`/.well-known/oauth-protected-resource/mcp"`)
}

func TestASecretFollowsNoRedirect(t *testing.T) {
	var met []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { met = append(met, r.URL.String()) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, status)
		}))
		for _, place := range []Place{Bearer, BasicPair, KeyHeader, KeyQuery} {
			r := visited(t, nil, Ask{URL: server.URL, Place: place, Name: "X-Key", Secret: "user:" + key})
			if r.Ranked()[0].Cause != moved || !strings.Contains(r.Verdict(), "Location: "+elsewhere.URL) || strings.Contains(r.Text(80, nil), key) {
				t.Errorf("%d, %s:\n%s", status, place, r.Text(80, nil))
			}
		}
		server.Close()
	}
	if len(met) > 0 {
		t.Errorf("the other server was asked: %v", met)
	}
}

func TestAHalfOfTheSecretIsNoScheme(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if token != "" {
			w.Header().Set("WWW-Authenticate", token[:len(token)/2]+" "+token[len(token)/2:])
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer server.Close()
	r := visited(t, nil, Ask{URL: server.URL, Place: Bearer, Secret: key})
	if text := r.Text(80, nil); strings.Contains(text, key[:len(key)/2]) {
		t.Error(text)
	}
}

func TestARedirectThatLeadsNowhereIsNotOne(t *testing.T) {
	for name, test := range map[string]struct {
		status   int
		location string
		want     Cause
	}{
		"without a Location":  {302, "", notUnderstood},
		"not changed":         {304, "", notUnderstood},
		"with a broken one":   {302, "http://[::1", notUnderstood},
		"to another protocol": {302, "mailto:a@b.example", elsewhere},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if test.location != "" {
				w.Header().Set("Location", test.location)
			}
			w.WriteHeader(test.status)
		}))
		r := visited(t, nil, Ask{URL: server.URL})
		if got := r.Ranked()[0].Cause; got != test.want || !strings.Contains(r.Verdict(), strconv.Itoa(test.status)) {
			t.Errorf("%s: %s", name, r.Verdict())
		}
		server.Close()
	}
}

// A POST could change something at an API: with the secret there is none.
func TestAnAPIIsSentNoPOSTWithTheSecret(t *testing.T) {
	s := authtest.New(t, guarded(authtest.KeyIn("X-Api-Key", key)))
	visited(t, s, Ask{URL: s.URL(authtest.Resource), Place: KeyHeader, Name: "X-Api-Key", Secret: key})
	var methods []string
	for _, e := range s.Log() {
		methods = append(methods, e.Method)
	}
	if !slices.Equal(methods, []string{"POST", "GET"}) { // the first as nobody
		t.Errorf("asked by %v", methods)
	}
}

// Whoever is locked out after a few wrong keys is not locked out by us.
func TestFewTriesAreMadeWithASecret(t *testing.T) {
	for name, guard := range map[string]authtest.Guard{
		"a key elsewhere": authtest.KeyIn("X-Somewhere-Else", key), "a parameter": authtest.KeyInQuery("k", key), "a user": authtest.UserAndPassword("u", key),
	} {
		s := authtest.New(t, guarded(guard))
		visited(t, s, Ask{URL: s.URL(authtest.Resource), Place: KeyHeader, Name: "X-Key", Secret: key})
		if n := s.Requests(authtest.Resource); n > 2+1+mostTries {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

func TestOfflineAURLIsOnlyLookedAt(t *testing.T) {
	x := NewRecorder("https://mcp.example/mcp", nil)
	URL(t.Context(), x, Ask{URL: "https://mcp.example/mcp", Place: Bearer, Secret: "Bearer " + key})
	text := x.Report.Text(80, nil)
	if !strings.Contains(text, "Authorization: Bearer $TOKEN") || !strings.Contains(text, `"initialize"`) || strings.Contains(text, key) {
		t.Error(text)
	}
	if got := x.Report.Ranked()[0].Cause; got != bearerTwice {
		t.Errorf("found %s", got)
	}
}

func TestWhatTheMendedSecretIs(t *testing.T) {
	for _, test := range []struct {
		place       Place
		given, want string
		cause       Cause
	}{
		{Bearer, "abc", "abc", ""},
		{Bearer, " abc", "abc", secretPadded},
		{Bearer, "abc\n", "abc", secretPadded},
		{Bearer, "bearer abc", "abc", bearerTwice},
		{Bearer, `Bearer "abc"`, "abc", bearerTwice},
		{Bearer, `'"abc"'`, "abc", secretQuoted},
		{Bearer, "“abc”", "abc", secretQuoted},
		{Bearer, `{"access_token": "abc"}`, "abc", secretJSON},
		{Bearer, "\ufeffabc", "abc", secretOdd},
		{Bearer, "a\u00a0c", "ac", secretOdd},
		{Bearer, "{{token}}", "{{token}}", secretUnfilled},
		{Bearer, "%TOKEN%", "%TOKEN%", secretUnfilled},
		{BasicPair, "u:p w", "u:p w", ""},
		{BasicPair, "dTpw", "u:p", basicNoColon},
		{KeyHeader, "Bearer abc", "Bearer abc", ""},
		{Bearer, `"`, `"`, ""},
	} {
		got, found := mended(Ask{Place: test.place, Secret: test.given})
		if got != test.want || found.cause != test.cause {
			t.Errorf("%q is %q (%s), want %q (%s)", test.given, got, found.cause, test.want, test.cause)
		}
	}
}

func TestAServersWordsHaveTheirReasons(t *testing.T) {
	for text, want := range map[string]reason{
		`{"message":"Access denied due to missing subscription key."}`:                                                    lacksGateway,
		`{"error":"invalid_token","error_description":"The token is expired"}`:                                            isExpired,
		`{"error_description":"IDX10223: Lifetime validation failed."}`:                                                   isExpired,
		`{"error_description":"IDX10214: Audience validation failed."}`:                                                   isElsewhere,
		`{"error_description":"The audience 'x' is invalid"}`:                                                             isElsewhere,
		`{"error_description":"IDX10205: Issuer validation failed."}`:                                                     isForeign,
		`{"error_description":"IDX10222: Lifetime validation failed. not yet valid"}`:                                     isTooEarly,
		`{"error":{"code":"InvalidAuthenticationToken","message":"Access token has expired or is not yet valid."}}`:       isExpired,
		`{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`: lacksScope,
		`{"ok":false,"error":"not_authed"}`:                                                                               isMissing,
		`{"message":"Bad credentials"}`:                                                                                   isInvalid,
		`{"message":"No API key found in request"}`:                                                                       isMissing,
		`{"jsonrpc":"2.0","error":{"code":-32001,"message":"Unauthorized: invalid token"}}`:                               isInvalid,
		`{"message":"hello"}`: "",
	} {
		a := newAnswer("GET", &http.Response{StatusCode: 401, Header: http.Header{}}, []byte(text))
		if got := a.reason(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
