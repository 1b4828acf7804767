package discovery

import (
	"net/http"
	"slices"
	"testing"

	"lamplighter/credfiles"
)

const (
	serverURL = "https://mcp.example/mcp"
	probeGet  = "https://mcp.example/mcp"
	probePost = "POST https://mcp.example/mcp"
	prmPath   = "https://mcp.example/.well-known/oauth-protected-resource/mcp"
	prmInside = "https://mcp.example/mcp/.well-known/oauth-protected-resource"
	prmRoot   = "https://mcp.example/.well-known/oauth-protected-resource"
	asm       = "/.well-known/oauth-authorization-server"
	oidc      = "/.well-known/openid-configuration"
)

var (
	unbound = credfiles.Grant{ServerURL: serverURL}
	boundTo = func(issuer string) credfiles.Grant { return credfiles.Grant{ServerURL: serverURL, Issuer: issuer} }
)

// noResource are the requests that find no protected-resource metadata.
var noResource = []string{probeGet, probePost, prmPath, prmInside, prmRoot}

// Every place of the MCP specification of 2025-11-25, in its order; a place
// after the one that answers is not asked.
func TestMetadataIsFoundInEveryLayout(t *testing.T) {
	const as = "https://as.example"
	pointed := unauthorized(`Bearer resource_metadata="https://mcp.example/custom/metadata.json"`)
	for _, test := range []struct {
		name   string
		at     map[string]answer
		asked  []string
		issuer string
	}{
		{"default: pointed to, RFC 8414 at the root", map[string]answer{
			probeGet: unauthorized(`Bearer resource_metadata="` + prmPath + `"`),
			prmPath:  resource(serverURL, as),
			as + asm: metadata(as, as+"/token"),
		}, []string{probeGet, prmPath, as + asm}, as},
		{"variant 1: well-known path, OpenID at the root", map[string]answer{
			probeGet:  unauthorized(`Bearer`),
			prmPath:   resource(serverURL, as),
			as + oidc: metadata(as, as+"/token"),
		}, []string{probeGet, prmPath, as + asm, as + oidc}, as},
		{"variant 2: well-known root, issuer with a path", map[string]answer{
			probeGet:         unauthorized(`Bearer`),
			prmRoot:          resource("https://mcp.example", as+"/t1"),
			as + asm + "/t1": metadata(as+"/t1", as+"/token"),
			as + asm:         metadata(as, "https://trap.example/token"),
		}, []string{probeGet, prmPath, prmInside, prmRoot, as + asm + "/t1"}, as + "/t1"},
		{"variant 3: somewhere else, OpenID behind the path", map[string]answer{
			probeGet: pointed,
			"https://mcp.example/custom/metadata.json": resource(serverURL, as+"/t1"),
			as + "/t1" + oidc:                          metadata(as+"/t1", as+"/token"),
			as + asm:                                   metadata(as, "https://trap.example/token"),
			prmRoot:                                    resource("https://mcp.example", "https://trap.example"),
		}, []string{probeGet, "https://mcp.example/custom/metadata.json", as + asm + "/t1", as + oidc + "/t1", as + "/t1" + oidc}, as + "/t1"},
		{"OpenID with the path inserted", map[string]answer{
			probeGet:          unauthorized(`Bearer`),
			prmPath:           resource(serverURL, as+"/t1/"),
			as + oidc + "/t1": metadata(as+"/t1/", as+"/token"),
		}, []string{probeGet, prmPath, as + asm + "/t1", as + oidc + "/t1"}, as + "/t1/"},
		{"well-known inside the path", map[string]answer{
			probeGet:  unauthorized(`Bearer`),
			prmInside: resource(serverURL, as),
			as + asm:  metadata(as, as+"/token"),
		}, []string{probeGet, prmPath, prmInside, as + asm}, as},
		{"no resource metadata: the server's origin", map[string]answer{
			"https://mcp.example" + asm: metadata("https://mcp.example", "https://mcp.example/oauth/token"),
		}, append(slices.Clone(noResource), "https://mcp.example"+asm), "https://mcp.example"},
		{"no resource metadata: the server's path", map[string]answer{
			"https://mcp.example" + asm + "/mcp": metadata(serverURL, "https://mcp.example/oauth/token"),
		}, append(slices.Clone(noResource), "https://mcp.example"+asm, "https://mcp.example"+oidc, "https://mcp.example"+asm+"/mcp"), serverURL},
		{"no list of servers: the server's origin", map[string]answer{
			probeGet:                    unauthorized(`Bearer`),
			prmPath:                     resource(serverURL),
			"https://mcp.example" + asm: metadata("https://mcp.example", "https://mcp.example/oauth/token"),
		}, []string{probeGet, prmPath, "https://mcp.example" + asm}, "https://mcp.example"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWeb(t, test.at)
			e := w.mustFind(unbound)
			w.wantAsked(test.asked...)
			if e.Issuer != test.issuer || e.Legacy || e.TokenURL == "https://trap.example/token" {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestRootIsNoPlaceForAnIssuerWithAPath(t *testing.T) {
	w := newWeb(t, map[string]answer{"https://as.example" + asm: metadata("https://as.example/t1", "https://as.example/token")})
	_, err := w.find(boundTo("https://as.example/t1"))
	wantMisconfigured(t, err, "no authorization server metadata")
	w.wantAsked("https://as.example"+asm+"/t1", "https://as.example"+oidc+"/t1", "https://as.example/t1"+oidc)
}

func TestABoundIssuerIsNotLookedUpThroughTheServer(t *testing.T) {
	w := newWeb(t, map[string]answer{
		probeGet:                      unauthorized(`Bearer`),
		prmPath:                       resource(serverURL, "https://trap.example"),
		"https://trap.example" + asm:  metadata("https://trap.example", "https://trap.example/token"),
		"https://as.example" + asm:    metadata("https://as.example", "https://tokens.example/token"),
		"https://mcp.example" + asm:   metadata("https://mcp.example", "https://mcp.example/token"),
		"https://other.example" + asm: metadata("https://as.example", "https://other.example/token"),
	})
	e := w.mustFind(boundTo("https://as.example"))
	w.wantAsked("https://as.example"+asm, probeGet, prmPath)
	if e.TokenURL != "https://tokens.example/token" || e.Resource != serverURL {
		t.Errorf("got %+v", e)
	}
	if got, want := e.Hosts(), []string{"as.example", "mcp.example", "tokens.example"}; !slices.Equal(got, want) {
		t.Errorf("Hosts = %v, want %v", got, want)
	}
}

func TestMetadataOfAnotherIssuerIsRefused(t *testing.T) {
	for _, test := range []struct {
		stored, found string
		same          bool
	}{
		{"https://as.example", "https://as.example", true},
		{"https://as.example/", "https://as.example", true},
		{"https://as.example", "https://as.example/", true},
		{"https://as.example/t", "https://as.example/t", true},
		{"https://as.example/t", "https://as.example/t/", false},
		{"https://as.example/t/", "https://as.example/t", false},
		{"https://as.example", "https://as.example//", false},
		{"https://as.example/", "https://as.example//", false},
		{"https://as.example", "https://as.example:443", false},
		{"https://as.example", "https://AS.example", false},
		{"https://as.example", "http://as.example", false},
		{"https://as.example", "https://evil.example", false},
		{"https://as.example", "https://as.example.evil.example", false},
		{"https://as.example", "https://as.example/?", false},
	} {
		places := map[string]answer{}
		for _, p := range []string{"", "/t"} {
			places["https://as.example"+asm+p] = metadata(test.found, "https://as.example/token")
		}
		w := newWeb(t, places)
		e, err := w.find(boundTo(test.stored))
		if !test.same {
			wantIssuer(t, err, test.stored, test.found)
		} else if err != nil || e.Issuer != test.found {
			t.Errorf("%s, %s: got %+v, %v", test.stored, test.found, e, err)
		}
	}
}

func TestAServerThatIgnoresThePathDoesNotHideTheRightPlace(t *testing.T) {
	w := newWeb(t, map[string]answer{
		"https://as.example" + asm + "/t1":  metadata("https://as.example", "https://as.example/root"),
		"https://as.example" + oidc + "/t1": htmlPage(),
		"https://as.example/t1" + oidc:      metadata("https://as.example/t1", "https://as.example/token"),
	})
	if e := w.mustFind(boundTo("https://as.example/t1")); e.TokenURL != "https://as.example/token" {
		t.Errorf("got %+v", e)
	}
}

func TestAnUnboundGrantIsNotSentToAnIssuerThatDoesNotNameItself(t *testing.T) {
	w := newWeb(t, map[string]answer{
		probeGet:                   unauthorized(`Bearer`),
		prmPath:                    resource(serverURL, "https://as.example"),
		"https://as.example" + asm: metadata("https://bank.example", "https://as.example/token"),
	})
	_, err := w.find(unbound)
	wantMisconfigured(t, err, "another issuer, https://bank.example")
}

// The server has metadata, and it is wrong: what else it offers is not taken.
func TestMetadataOfAnotherResourceIsAnError(t *testing.T) {
	w := newWeb(t, map[string]answer{
		prmRoot:                     resource("https://mcp.example/other", "https://as.example"),
		"https://mcp.example" + asm: metadata("https://mcp.example", "https://mcp.example/token"),
	})
	_, err := w.find(unbound)
	wantMisconfigured(t, err, "another resource, https://mcp.example/other")
	_, err = w.find(boundTo("https://mcp.example"))
	wantMisconfigured(t, err, "another resource, https://mcp.example/other")
}

func TestTheUsersOwnChoiceComesFirst(t *testing.T) {
	const own = "https://as.example/own-metadata"
	w := newWeb(t, map[string]answer{own: metadata("https://as.example", "https://as.example/token")})

	g := credfiles.Grant{ServerURL: serverURL, MetadataURL: own}
	if e := w.mustFind(g); e.TokenURL != "https://as.example/token" {
		t.Errorf("got %+v", e)
	}
	w.wantAsked(append([]string{own}, noResource...)...)

	g.Issuer = "https://as.example"
	w.mustFind(g)
	g.Issuer = "https://other.example"
	_, err := w.find(g)
	wantIssuer(t, err, "https://other.example", "https://as.example")

	w.asked()
	g.TokenURL = "https://tokens.example/token"
	if e := w.mustFind(g); e.TokenURL != g.TokenURL || e.Issuer != g.Issuer || e.AuthMethods != nil {
		t.Errorf("got %+v", e)
	}
	w.wantAsked(noResource...)

	g.Resource = "https://mcp.example"
	w.mustFind(g)
	w.wantAsked()
}

func TestACredentialWithoutAServerIsFound(t *testing.T) {
	w := newWeb(t, map[string]answer{"https://as.example" + asm: metadata("https://as.example", "https://as.example/token")})
	w.mustFind(credfiles.Grant{Issuer: "https://as.example"})
	w.wantAsked("https://as.example" + asm)
	_, err := w.find(credfiles.Grant{})
	wantMisconfigured(t, err, "names neither a server nor an issuer")
}

func TestTheOldGuessIsOnlyForUnboundGrantsWithoutAnyMetadata(t *testing.T) {
	w := newWeb(t, nil)
	e := w.mustFind(unbound)
	if !e.Legacy || e.TokenURL != "https://mcp.example/token" || e.Issuer != "" || e.Resource != "" {
		t.Errorf("got %+v", e)
	}

	w = newWeb(t, map[string]answer{probeGet: unauthorized(`Bearer`), prmPath: resource(serverURL, "https://as.example/t")})
	if e := w.mustFind(unbound); !e.Legacy || e.TokenURL != "https://as.example/token" || e.Resource != serverURL {
		t.Errorf("got %+v", e)
	}

	_, err := newWeb(t, nil).find(boundTo("https://mcp.example"))
	wantMisconfigured(t, err, "no authorization server metadata")
	_, err = newWeb(t, nil).find(credfiles.Grant{ServerURL: serverURL, MetadataURL: "https://mcp.example/m"})
	wantMisconfigured(t, err, "status 404")

	// Whatever answers with something is not the plain "not there" of a server
	// without metadata: nothing is sent to a guess.
	for place := range map[string]bool{prmPath: true, prmRoot: true, "https://mcp.example" + asm: true, "https://mcp.example" + oidc: true} {
		_, err := newWeb(t, map[string]answer{place: htmlPage()}).find(unbound)
		wantTemporary(t, err)
		_, err = newWeb(t, map[string]answer{place: {body: "ok"}}).find(unbound)
		wantMisconfigured(t, err, "not JSON")
		_, err = newWeb(t, map[string]answer{place: {status: http.StatusServiceUnavailable}}).find(unbound)
		wantTemporary(t, err)
		_, err = newWeb(t, map[string]answer{place: redirect("http://mcp.example/login")}).find(unbound)
		wantMisconfigured(t, err, "refused")
	}
}

func TestEveryTroubleOfAPlaceHasItsKind(t *testing.T) {
	const place = "https://as.example" + asm
	temporary := []answer{
		{err: errNoHost}, htmlPage(), {body: " \n<html>"},
		{status: 500}, {status: 502}, {status: 503}, {status: 511}, {status: 407}, {status: 408}, {status: 425}, {status: 429},
	}
	for _, a := range temporary {
		_, err := newWeb(t, map[string]answer{place: a}).find(boundTo("https://as.example"))
		wantTemporary(t, err)
	}
	misconfigured := []answer{
		{status: 400}, {status: 401}, {status: 403}, {status: 404}, {status: 405}, {status: 410}, {status: 204}, {status: 304},
		{}, {body: "null"}, {body: "[]"}, {body: `"https://as.example"`}, {body: `{"issuer":`}, {body: "{}"},
		{body: `{"token_endpoint":"https://as.example/token"}`},
		{body: `{"issuer":"https://as.example"}`},
		{body: `{"issuer":"https://as.example","token_endpoint":["https://as.example/token"]}`},
		metadata("https://as.example", "http://as.example/token"),
		metadata("https://as.example", "http://127.0.0.1/token"),
		metadata("https://as.example", "https://user@as.example/token"),
		metadata("https://as.example", "https://as.example/token#x"),
		metadata("https://as.example", "/token"),
		metadata("https://as.example", "file:///etc/passwd"),
	}
	for _, a := range misconfigured {
		_, err := newWeb(t, map[string]answer{place: a}).find(boundTo("https://as.example"))
		wantMisconfigured(t, err, "")
	}
}

func TestOddMembersAreNoReasonToGiveUp(t *testing.T) {
	w := newWeb(t, map[string]answer{"https://as.example" + asm: {
		header: http.Header{"Content-Type": {"text/html"}},
		body: "\ufeff" + `{"issuer":"https://as.example","token_endpoint":"https://as.example/token","scopes_supported":"a b",` +
			`"token_endpoint_auth_methods_supported":[],"authorization_endpoint":"javascript:alert(1)",` +
			`"registration_endpoint":"https://as.example/register","code_challenge_methods_supported":["S256"]}`,
	}})
	e := w.mustFind(boundTo("https://as.example"))
	if e.AuthMethods == nil || len(e.AuthMethods) != 0 || e.Scopes != nil || e.AuthorizationURL != "" ||
		e.RegistrationURL != "https://as.example/register" || !slices.Equal(e.ChallengeMethods, []string{"S256"}) {
		t.Errorf("got %+v", e)
	}
}
