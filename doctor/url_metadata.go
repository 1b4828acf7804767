package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lamplighter/credfiles"
	"lamplighter/refresher/discovery"
)

// found is what the metadata walk brought.
type found struct {
	discovery.Endpoints
	err       error
	documents []document
}

// A document is an answer of the walk.
type document struct {
	url    string
	status int
	object map[string]any // nil where it is no JSON object
	page   bool
}

// speaksOAuth reports whether the server sends clients to sign in, so that
// its metadata matters.
func (v *visit) speaksOAuth() bool {
	for _, a := range []answer{v.nobody, v.shown} {
		if a.pointer() != "" || a.status == http.StatusUnauthorized && a.asksFor("Bearer") && (v.lets || a.isMCP() || v.nobody.isMCP() || v.looksMCP()) {
			return true
		}
	}
	return v.nobody.status == http.StatusUnauthorized && v.shown.isMCP()
}

// looksMCP goes by the path: where an MCP server refuses everybody, nothing
// else tells that it is one.
func (v *visit) looksMCP() bool {
	path := strings.TrimSuffix(strings.ToLower(v.at.Path), "/")
	return strings.HasSuffix(path, "/mcp") || strings.HasSuffix(path, "/sse") || strings.Contains(path, "/mcp/")
}

// A reader keeps the documents that pass.
type reader struct {
	via  http.RoundTripper
	into *[]document
}

func (r reader) RoundTrip(q *http.Request) (*http.Response, error) {
	resp, err := r.via.RoundTrip(q)
	if err != nil || q.Method != http.MethodGet || strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return resp, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20+1))
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	d := document{url: q.URL.String(), status: resp.StatusCode}
	if json.Unmarshal(body, &d.object) != nil {
		d.object = nil
	}
	d.page = bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
	*r.into = append(*r.into, d)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// metadata walks as a client does that signs in, and looks for what keeps
// clients from it. It asks as nobody.
func (v *visit) metadata(ctx context.Context) {
	v.Step("metadata")
	v.walked = true
	pointer := first(v.nobody.pointer(), v.shown.pointer())
	finder := discovery.Finder{Transport: reader{v.Recorder, &v.meta.documents}}
	v.meta.Endpoints, v.meta.err = finder.Find(ctx, credfiles.Grant{ServerURL: v.at.String(), ResourceMetadataURL: v.absolute(pointer)})
	// A walk ends where clients end it. What lies behind is looked at all the same.
	if d, ok := v.meta.doc("authorization_servers"); ok && v.meta.err != nil {
		if issuers := list(d.object["authorization_servers"]); len(issuers) > 0 {
			_, _ = finder.Find(ctx, credfiles.Grant{ServerURL: v.at.String(), Issuer: issuers[0], Resource: v.at.String()}) // the documents are of interest
		}
	}
	v.meta.documents = slices.DeleteFunc(v.meta.documents, func(d document) bool { return d.url == v.at.String() })
}

func (v *visit) absolute(pointer string) string {
	if pointer == "" {
		return ""
	}
	u, err := v.at.Parse(pointer)
	if err != nil {
		return ""
	}
	return u.String()
}

// doc is the first document with a member of that name.
func (f found) doc(member string) (document, bool) {
	i := slices.IndexFunc(f.documents, func(d document) bool { _, ok := d.object[member]; return ok && d.status == http.StatusOK })
	if i < 0 {
		return document{}, false
	}
	return f.documents[i], true
}

func (d document) text(name string) string {
	s, _ := d.object[name].(string)
	return s
}

// layout reports what is wrong with the metadata. More than one thing may be.
func (v *visit) layout() {
	before := len(v.Report.Findings)
	v.pointed()
	v.resource()
	v.server()
	if len(v.Report.Findings) > before || v.meta.err == nil && !v.meta.Legacy {
		return
	}
	var temporary *discovery.TemporaryError
	switch {
	case v.meta.Legacy:
		v.Find(noMetadata, "", "404 at every well-known place")
	case errors.As(v.meta.err, &temporary):
		v.Find(metadataDown, temporary.URL, v.Clean(temporary.Err.Error()))
	default:
		v.Find(metadataOdd, "", v.Clean(v.meta.err.Error()))
	}
}

// pointed looks at where the challenge leads.
func (v *visit) pointed() {
	pointer := first(v.nobody.pointer(), v.shown.pointer())
	if pointer == "" {
		if d, ok := v.meta.doc("authorization_servers"); ok {
			v.Find(pointerMissing, d.url, v.evidence(v.nobody))
		}
		return
	}
	u, err := v.at.Parse(pointer)
	if err != nil || Origin(u) != Origin(v.at) {
		v.Find(pointerAway, "", `WWW-Authenticate: resource_metadata="`+v.Shown(v.absolute(pointer))+`"`)
		return
	}
	for _, d := range v.meta.documents {
		if d.url != u.String() {
			continue
		}
		switch {
		case d.status == http.StatusOK && d.page:
			v.Find(pointerPage, u.String(), "200, and a web page")
		case d.status/100 == 4:
			v.Find(pointerDead, u.String(), fmt.Sprintf("%d at the resource_metadata of WWW-Authenticate", d.status))
		}
	}
}

// resource looks at what the server says of itself (RFC 9728).
func (v *visit) resource() {
	d, ok := v.meta.doc("authorization_servers")
	if !ok {
		if d, ok = v.meta.doc("resource"); !ok {
			return
		}
	}
	name := d.text("resource")
	switch u, err := url.Parse(name); {
	case name == "":
		v.Find(resourceUnnamed, d.url, `no "resource" in it`)
	case err != nil || Origin(u) != Origin(v.at) || !strings.HasPrefix(strings.TrimSuffix(v.at.Path, "/")+"/", strings.TrimSuffix(u.Path, "/")+"/"):
		v.Find(resourceOther, d.url, `"resource": "`+v.Clean(name)+`"`, v.Shown(v.at.String()))
	}
	if u, err := url.Parse(name); err == nil && Origin(u) == Origin(v.at) && strings.TrimSuffix(u.Path, "/") != strings.TrimSuffix(v.at.Path, "/") {
		if strings.HasPrefix(v.at.Path, strings.TrimSuffix(u.Path, "/")+"/") {
			v.Find(resourceParent, d.url, `"resource": "`+v.Clean(name)+`"`, v.Shown(v.at.String()))
		}
	}
	if servers, ok := d.object["authorization_servers"].([]any); ok && len(servers) == 0 {
		v.Find(noServers, d.url, `"authorization_servers": []`)
	}
}

// server looks at the authorization server (RFC 8414, and MCP's authorization
// specification of 2025-11-25 on PKCE).
func (v *visit) server() {
	d, ok := v.meta.doc("token_endpoint")
	if !ok {
		if d, ok = v.meta.doc("authorization_endpoint"); ok {
			v.Find(noTokenEndpoint, d.url, `no "token_endpoint" in it`)
		}
		return
	}
	if want := issuerOfPlace(d.url); d.text("issuer") == "" {
		v.Find(issuerMissing, d.url, `no "issuer" in it`)
	} else if want = first(v.namedIssuer(d), want); !discovery.SameIssuer(want, d.text("issuer")) {
		v.Find(issuerOther, d.url, `"issuer": "`+v.Clean(d.text("issuer"))+`"`, v.Clean(want))
	} else if named := v.namedIssuer(d); named != "" && named != d.text("issuer") {
		v.Find(issuerSlash, d.url, `"issuer": "`+v.Clean(d.text("issuer"))+`", and "authorization_servers": "`+v.Clean(named)+`"`)
	}
	if token := d.text("token_endpoint"); token != "" {
		if _, err := discovery.CheckURL(token, v.at.String()); err != nil {
			v.Find(tokenEndpointBad, d.url, `"token_endpoint": "`+v.Clean(token)+`"`)
		}
	}
	switch methods := list(d.object["code_challenge_methods_supported"]); {
	case len(methods) == 0:
		v.Find(noPKCE, d.url, `no "code_challenge_methods_supported" in it`)
	case !slices.Contains(methods, "S256"):
		v.Find(plainPKCE, d.url, `"code_challenge_methods_supported": `+v.Clean(strings.Join(methods, ", ")))
	}
	if grants := list(d.object["grant_types_supported"]); len(grants) > 0 && !slices.Contains(grants, "refresh_token") {
		v.Find(noRefreshGrant, d.url, `"grant_types_supported": `+v.Clean(strings.Join(grants, ", ")))
	}
}

// namedIssuer is the one of the resource's authorization servers whose
// metadata d is.
func (v *visit) namedIssuer(d document) string {
	from, ok := v.meta.doc("authorization_servers")
	if !ok {
		return ""
	}
	for _, issuer := range list(from.object["authorization_servers"]) {
		if u, err := url.Parse(issuer); err == nil && strings.HasPrefix(d.url, u.Scheme+"://"+u.Host+"/") {
			return issuer
		}
	}
	return ""
}

// issuerOfPlace is the issuer whose metadata belongs at a place.
func issuerOfPlace(place string) string {
	u, err := url.Parse(place)
	if err != nil {
		return ""
	}
	path := u.Path
	for _, known := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"} {
		path = strings.Replace(path, known, "", 1)
	}
	return u.Scheme + "://" + u.Host + path
}
