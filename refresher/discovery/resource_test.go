package discovery

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lamplighter/credfiles"
)

// withServer is a working authorization server and what else is there.
func withServer(t *testing.T, at map[string]answer) *web {
	at["https://as.example"+asm] = metadata("https://as.example", "https://as.example/token")
	return newWeb(t, at)
}

var bound = boundTo("https://as.example")

func TestResourceIsTakenVerbatim(t *testing.T) {
	for name, accepted := range map[string]bool{
		"https://mcp.example/mcp":           true,
		"https://mcp.example/mcp/":          true,
		"https://mcp.example":               true,
		"https://mcp.example/":              true,
		"https://MCP.example:443/mcp":       true,
		"https://mcp.example/mcp?tenant=1":  true,
		"https://mcp.example/mc":            false,
		"https://mcp.example/mcp/more":      false,
		"https://mcp.example/other":         false,
		"https://mcp.example/x/../mcp":      false,
		"https://mcp.example:8443/mcp":      false,
		"http://mcp.example/mcp":            false,
		"https://evil.example/mcp":          false,
		"https://u@mcp.example/mcp":         false,
		"https://mcp.example/mcp#x":         false,
		"https://mcp.example.evil.example/": false,
		"mcp":                               false,
	} {
		w := withServer(t, map[string]answer{probeGet: unauthorized(`Bearer resource_metadata="` + prmPath + `"`), prmPath: resource(name)})
		e, err := w.find(bound)
		if !accepted {
			wantMisconfigured(t, err, "another resource")
		} else if err != nil || e.Resource != name {
			t.Errorf("%s: got %q, %v", name, e.Resource, err)
		}
	}
}

func TestWhereTheServerPoints(t *testing.T) {
	const custom = "https://mcp.example/custom"
	for _, test := range []struct {
		name      string
		challenge []string
		found     bool
		problem   string
	}{
		{"absolute", []string{`Bearer resource_metadata="` + custom + `"`}, true, ""},
		{"relative to the root", []string{`Bearer resource_metadata="/custom"`}, true, ""},
		{"relative to the path", []string{`Bearer resource_metadata="custom"`}, true, ""},
		{"unquoted, behind others", []string{`Negotiate YII=, Bearer realm="a, b", Resource_Metadata=` + custom}, true, ""},
		{"in a second line", []string{`Basic realm="x"`, `DPoP algs="ES256", resource_metadata="` + custom + `"`}, true, ""},
		{"another host", []string{`Bearer resource_metadata="https://evil.example/custom"`}, false, "on another server, https://evil.example/custom"},
		{"another scheme", []string{`Bearer resource_metadata="http://mcp.example/custom"`}, false, "on another server"},
		{"another port", []string{`Bearer resource_metadata="https://mcp.example:444/custom"`}, false, "on another server"},
		{"no URL", []string{`Bearer resource_metadata="https://[::1"`}, false, "not a URL"},
		{"a URL with a user", []string{`Bearer resource_metadata="https://u:p@mcp.example/custom"`}, false, "user name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := withServer(t, map[string]answer{probeGet: unauthorized(test.challenge...), custom: resource(serverURL)})
			e, err := w.find(bound)
			if test.problem != "" {
				wantMisconfigured(t, err, test.problem)
			} else if err != nil || (e.Resource == serverURL) != test.found {
				t.Errorf("got %+v, %v", e, err)
			}
		})
	}
}

// Where the server itself points there is metadata or nothing; a well-known
// place may hold anything.
func TestRubbishInAWellKnownPlaceIsNoMetadata(t *testing.T) {
	for _, rubbish := range []answer{htmlPage(), {body: "ok"}, {body: `{"error":"not found"}`}, redirect("https://elsewhere.example/"), {status: 204}} {
		w := withServer(t, map[string]answer{prmPath: rubbish, prmInside: rubbish, prmRoot: rubbish})
		if e := w.mustFind(bound); e.Resource != "" {
			t.Errorf("got %+v", e)
		}
		w = withServer(t, map[string]answer{prmPath: rubbish, prmInside: rubbish, prmRoot: resource("https://mcp.example")})
		if e := w.mustFind(bound); e.Resource != "https://mcp.example" {
			t.Errorf("got %+v", e)
		}
		w = withServer(t, map[string]answer{probeGet: unauthorized(`Bearer resource_metadata="` + prmRoot + `"`), prmRoot: rubbish})
		if _, err := w.find(bound); err == nil {
			t.Errorf("%+v was accepted where the server points", rubbish)
		}
	}
	w := withServer(t, map[string]answer{probeGet: unauthorized(`Bearer resource_metadata="/gone"`), prmPath: resource(serverURL)})
	if e := w.mustFind(bound); e.Resource != serverURL {
		t.Errorf("got %+v", e)
	}
}

// The resource decides what the token is for, and a wrong one can cost the
// refresh token: a server in trouble must not look like one without metadata.
func TestAServerInTroubleIsNotAServerWithoutMetadata(t *testing.T) {
	down := answer{status: http.StatusBadGateway}
	for _, at := range []map[string]answer{
		{probeGet: {err: errNoHost}},
		{probeGet: down, probePost: down},
		{probeGet: {status: 405}, probePost: {status: 429}},
		{probeGet: unauthorized(`Bearer`), prmPath: down},
		{probeGet: unauthorized(`Bearer`), prmRoot: down},
		{probeGet: unauthorized(`Bearer resource_metadata="/custom"`), "https://mcp.example/custom": down, prmPath: resource("https://mcp.example")},
	} {
		_, err := withServer(t, at).find(bound)
		wantTemporary(t, err)
		delete(at, "https://as.example"+asm)
		_, err = newWeb(t, at).find(unbound)
		wantTemporary(t, err)
	}
}

func TestTheServerIsAskedByPostOnlyWhereGetSaysNothing(t *testing.T) {
	w := withServer(t, map[string]answer{probeGet: unauthorized(`Bearer`), prmPath: resource(serverURL)})
	w.mustFind(bound)
	w.wantAsked("https://as.example"+asm, probeGet, prmPath)

	for _, get := range []answer{{status: 405}, {status: 404}, {status: 500}, htmlPage(), {reader: endless{}}, redirect("/mcp/")} {
		w := withServer(t, map[string]answer{
			probeGet: get, probePost: unauthorized(`Bearer resource_metadata="/custom"`), "https://mcp.example/custom": resource(serverURL),
		})
		w.mustFind(bound)
		w.wantAsked("https://as.example"+asm, probeGet, probePost, "https://mcp.example/custom")
	}
}

// endless is the body of an event stream: reading it never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestTheProbeSaysNothingOfTheUser(t *testing.T) {
	var bodies []string
	w := withServer(t, map[string]answer{})
	via := roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			b, _ := io.ReadAll(r.Body)
			bodies = append(bodies, string(b))
		}
		for name := range r.Header {
			switch name {
			case "Accept", "User-Agent", "Content-Type", "Mcp-Protocol-Version":
			default:
				t.Errorf("sends %s", name)
			}
		}
		return w.RoundTrip(r)
	})
	g := bound
	g.ClientID, g.ClientSecret = "client", credfiles.NewSecret("secret-EXAMPLE")
	if _, err := (&Finder{Transport: via}).Find(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	if len(bodies) != 1 || bodies[0] != initialize {
		t.Errorf("sent %q", bodies)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestThePlaceOfTheSignInComesFirst(t *testing.T) {
	const stored = "https://mcp.example/at-sign-in"
	g := bound
	g.ResourceMetadataURL = stored
	w := withServer(t, map[string]answer{stored: resource(serverURL)})
	w.mustFind(g)
	w.wantAsked("https://as.example"+asm, stored)

	w = withServer(t, map[string]answer{stored: htmlPage(), probeGet: unauthorized(`Bearer resource_metadata="/custom"`), "https://mcp.example/custom": resource(serverURL)})
	w.mustFind(g)
	w.wantAsked("https://as.example"+asm, stored, probeGet, "https://mcp.example/custom")

	g.ResourceMetadataURL = "https://evil.example/m"
	w = withServer(t, map[string]answer{"https://evil.example/m": resource(serverURL), probeGet: unauthorized(`Bearer`), prmPath: resource(serverURL)})
	w.mustFind(g)
	w.wantAsked("https://as.example"+asm, probeGet, prmPath)

	g.ResourceMetadataURL = prmPath // no place is asked twice
	w = withServer(t, map[string]answer{probeGet: unauthorized(`Bearer resource_metadata="` + prmPath + `"`)})
	w.mustFind(g)
	w.wantAsked("https://as.example"+asm, prmPath, probeGet, prmInside, prmRoot)
}

func TestWellKnownPlaces(t *testing.T) {
	const k = "/.well-known/oauth-protected-resource"
	for raw, want := range map[string]string{
		"https://h":           "https://h" + k,
		"https://h/":          "https://h" + k,
		"https://h/p":         "https://h" + k + "/p https://h/p" + k + " https://h" + k,
		"https://h/p/":        "https://h" + k + "/p https://h/p" + k + " https://h" + k,
		"https://h:8/p/q?a=b": "https://h:8" + k + "/p/q?a=b https://h:8/p/q" + k + " https://h:8" + k,
		"https://h?a=b":       "https://h" + k + "?a=b https://h" + k,
		"https://h/a%2Fb":     "https://h" + k + "/a%2Fb https://h/a%2Fb" + k + " https://h" + k,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(resourcePlaces(u), " "); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

func TestASecretInTheServersURLIsNotShown(t *testing.T) {
	const secret = "key-EXAMPLE"
	g := credfiles.Grant{ServerURL: "https://mcp.example/mcp?key=" + secret}
	for _, at := range []map[string]answer{
		{},
		{g.ServerURL: {err: errNoHost}},
		{g.ServerURL: unauthorized(`Bearer resource_metadata="https://evil.example/?` + secret + `"`)},
		{prmPath + "?key=" + secret: {status: 500}},
		{prmPath + "?key=" + secret: resource("https://evil.example/?" + secret)},
		{prmPath + "?key=" + secret: redirect("http://mcp.example/?" + secret)},
		{prmPath + "?key=" + secret: {reader: endless{}}},
	} {
		dir := t.TempDir()
		f := &Finder{Transport: newWeb(t, at), Dir: dir}
		_, err := f.Find(context.Background(), g)
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%v", err)
		}
		for name, data := range files(t, dir) {
			if strings.Contains(name+data, secret) {
				t.Errorf("%s holds the secret", name)
			}
		}
	}
}
