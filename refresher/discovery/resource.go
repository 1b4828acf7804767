package discovery

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lamplighter/credfiles"
)

// protocolVersion is the MCP revision that our requests speak.
const protocolVersion = "2025-11-25"

const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"` + protocolVersion +
	`","capabilities":{},"clientInfo":{"name":"lamplighter","version":"1"}}}`

// A protectedResource is what we use of RFC 9728 section 2.
type protectedResource struct {
	Resource string   `json:"resource"`
	Servers  []string `json:"authorization_servers"`
	Scopes   []string `json:"scopes_supported"`
}

// protectedResource finds the metadata of the server's resource: where it was
// at sign-in, else where the server points, else in the well-known places. Where
// the server points there must be metadata or nothing; elsewhere there may be
// anything, as sites exist that answer every path, so that only metadata of
// another resource counts as wrong. The error is a *miss where there is none.
func (w *walk) protectedResource(ctx context.Context, g credfiles.Grant) (protectedResource, error) {
	missed := map[string]*miss{}
	at := func(place string) (protectedResource, error) {
		if m := missed[place]; m != nil {
			return protectedResource{}, m
		}
		found, err := w.resourceAt(ctx, place)
		if m, ok := errors.AsType[*miss](err); ok {
			missed[place] = m
		}
		return found, err
	}
	if u, err := url.Parse(g.ResourceMetadataURL); err == nil && sameOrigin(u, w.server) {
		found, err := at(g.ResourceMetadataURL)
		if missed[g.ResourceMetadataURL] == nil {
			return found, err
		}
	}
	pointed, err := w.probe(ctx)
	if err != nil {
		return protectedResource{}, err
	}
	if pointed != "" {
		found, err := at(pointed)
		if m := missed[pointed]; m == nil || m.kind != absent {
			return found, plain(err)
		}
	}
	var worst *miss
	for _, place := range resourcePlaces(w.server) {
		found, err := at(place)
		if missed[place] == nil {
			return found, err
		}
		worst = worse(worst, missed[place])
	}
	return protectedResource{}, worst
}

// probe asks the server, as nobody, where its metadata is (MCP 2025-11-25,
// "Protected Resource Metadata Discovery Requirements"). GET comes first: it is
// what Codex itself sends, leaves no session behind and is all that a server of
// the older SSE transport answers. But many servers answer GET with 405, or with
// a page, before they look at who asks; these are sent the POST with which every
// MCP client begins. Only the header is of interest: the body may be an endless
// stream and is not read.
func (w *walk) probe(ctx context.Context) (string, error) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		var body io.Reader
		if method == http.MethodPost {
			body = strings.NewReader(initialize)
		}
		r, err := http.NewRequestWithContext(ctx, method, w.server.String(), body)
		if err != nil {
			return "", &MisconfiguredError{URL: show(w.server.String()), Problem: "not a URL of a server"}
		}
		r.Header.Set("Accept", "application/json, text/event-stream")
		if body != nil {
			r.Header.Set("Content-Type", "application/json")
		}
		resp, err := w.send(r)
		if err != nil {
			return "", err
		}
		resp.Body.Close()
		switch {
		case resp.StatusCode == http.StatusUnauthorized:
			challenges := parseChallenges(resp.Header.Values("WWW-Authenticate"))
			w.scope = scopeIn(challenges)
			return w.pointer(challenges)
		case method == http.MethodPost && isTemporary(resp.StatusCode):
			return "", &TemporaryError{URL: show(w.server.String()), Err: statusError(resp.StatusCode)}
		}
	}
	return "", nil
}

// pointer is the resource_metadata of the first challenge that has one; ""
// where none has. It has to be of the server's own origin (RFC 9728 section 3:
// the URL is made from the resource's).
func (w *walk) pointer(challenges []challenge) (string, error) {
	i := slices.IndexFunc(challenges, func(c challenge) bool { return c.params["resource_metadata"] != "" })
	if i < 0 {
		return "", nil
	}
	u, err := w.server.Parse(challenges[i].params["resource_metadata"])
	switch {
	case err != nil:
		return "", &MisconfiguredError{URL: show(w.server.String()), Problem: "its resource_metadata is not a URL"}
	case !sameOrigin(u, w.server):
		return "", &MisconfiguredError{URL: show(w.server.String()), Problem: "its resource_metadata is on another server, " + show(u.String())}
	}
	return u.String(), nil
}

// resourceAt reads the metadata at one place. A redirect may not leave the
// server's origin: it would take away what pointer ensures.
func (w *walk) resourceAt(ctx context.Context, place string) (protectedResource, error) {
	var found protectedResource
	doc, err := w.get(ctx, place, true)
	switch {
	case err != nil:
		return found, err
	case !decode(doc, &found):
		return found, unusable(place, "not JSON where protected-resource metadata should be")
	case found.Resource == "":
		return found, unusable(place, "protected-resource metadata without a resource")
	case !covers(found.Resource, w.server):
		problem := "protected-resource metadata of another resource, " + show(found.Resource)
		return found, &miss{contradicts, &MisconfiguredError{URL: show(place), Problem: problem}}
	}
	return found, nil
}

// covers reports whether resource is the server's URL, or its origin or a
// parent of its path. RFC 9728 section 3.3 asks for equality; clients accept,
// and servers use, the wider one (TypeScript SDK and rmcp, in their sources).
// Queries do not count.
func covers(resource string, server *url.URL) bool {
	u, err := url.Parse(resource)
	if err != nil || u.User != nil || strings.Contains(resource, "#") || !sameOrigin(u, server) {
		return false
	}
	return strings.HasPrefix(path(server)+"/", path(u)+"/")
}
