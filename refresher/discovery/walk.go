package discovery

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"

	"lamplighter/credfiles"
)

// Anchor is the URL that the user chose and that all others are judged by, in
// [CheckURL] and [Options]: the server's, or for a credential without one what
// was configured. It is empty where g says nothing.
func Anchor(g credfiles.Grant) string {
	return cmp.Or(g.ServerURL, g.Issuer, g.MetadataURL, g.TokenURL, g.Endpoint)
}

// endpoints looks for g's endpoints on the network.
func (w *walk) endpoints(ctx context.Context, g credfiles.Grant) (Endpoints, error) {
	if g.TokenURL == "" && g.MetadataURL == "" && g.Endpoint == "" && g.Issuer == "" {
		return w.fromServer(ctx, g)
	}
	m, err := w.bound(ctx, g)
	if err != nil {
		return Endpoints{}, plain(err)
	}
	e := Endpoints{Metadata: m}
	if g.ServerURL == "" || g.Resource != "" {
		return e, nil
	}
	// The server has no say in where the refresh token goes, but only it knows
	// what it calls itself. A wrong resource can burn a refresh token (observed:
	// oidc-provider 9.13.3), so that a server in trouble means later, not none.
	found, err := w.protectedResource(ctx, g)
	if missed, ok := errors.AsType[*miss](err); ok && missed.kind != contradicts {
		return e, nil
	}
	e.Resource = found.Resource
	return e, plain(err)
}

// bound finds the metadata of a grant that says whose it is.
func (w *walk) bound(ctx context.Context, g credfiles.Grant) (Metadata, error) {
	if g.TokenURL != "" {
		_, err := CheckURL(g.TokenURL, w.server.String())
		return Metadata{Issuer: g.Issuer, TokenURL: g.TokenURL}, err
	}
	if g.MetadataURL != "" {
		return w.metadataAt(ctx, g.MetadataURL, g.Issuer)
	}
	if g.Endpoint != "" {
		_, err := CheckURL(g.Endpoint, w.server.String())
		return Metadata{Issuer: g.Issuer, TokenURL: g.Endpoint}, err
	}
	issuer, err := CheckURL(g.Issuer, w.server.String())
	if err != nil {
		return Metadata{}, err
	}
	m, missed, err := w.metadata(ctx, g.Issuer, issuer)
	if missed != nil {
		return m, notFound(missed, issuer)
	}
	return m, err
}

// fromServer finds the authorization server of a grant that does not say whose
// it is: the one that the server names, else the server's own origin, else, as
// Codex's library does, the server's URL with its path. Where there is no
// metadata at all, the endpoint is the one of MCP 2025-03-26. That is no guess to
// make for a bound grant, nor where anything but a plain "not there" was met.
func (w *walk) fromServer(ctx context.Context, g credfiles.Grant) (Endpoints, error) {
	found, err := w.protectedResource(ctx, g)
	worst, none := errors.AsType[*miss](err)
	if err != nil && (!none || worst.kind == contradicts) {
		return Endpoints{}, plain(err)
	}
	issuers := []string{origin(w.server)}
	if len(found.Servers) > 0 {
		issuers = found.Servers[:1]
		if i := slices.IndexFunc(found.Servers, func(s string) bool { return sameIssuer(s, g.Issuer) }); i >= 0 {
			issuers = found.Servers[i : i+1]
		}
	} else if path(w.server) != "" {
		issuers = append(issuers, issuers[0]+w.server.EscapedPath())
	}
	var at *url.URL // the origin that speaks for the endpoint
	for _, issuer := range issuers {
		u, err := CheckURL(issuer, w.server.String())
		if err != nil {
			return Endpoints{}, err
		}
		m, missed, err := w.metadata(ctx, issuer, u)
		if missed == nil {
			return Endpoints{Metadata: m, Resource: found.Resource, scopes: found.Scopes}, err
		}
		at, worst = u, worse(worst, missed)
	}
	if worst.kind == absent {
		m := Metadata{TokenURL: origin(at) + "/token", AuthorizationURL: origin(at) + "/authorize", RegistrationURL: origin(at) + "/register"}
		return Endpoints{Metadata: m, Resource: found.Resource, Legacy: true, scopes: found.Scopes}, nil
	}
	if other, ok := errors.AsType[*IssuerError](worst.err); ok { // no store binds this grant
		return Endpoints{}, &MisconfiguredError{URL: show(other.Stored), Problem: "its metadata is for another issuer, " + show(other.Found)}
	}
	return Endpoints{}, worst.err
}

// metadata tries the places of one issuer, given verbatim and parsed.
func (w *walk) metadata(ctx context.Context, issuer string, at *url.URL) (Metadata, *miss, error) {
	var worst *miss
	for _, place := range metadataPlaces(at) {
		m, err := w.metadataAt(ctx, place, issuer)
		missed, ok := errors.AsType[*miss](err)
		if !ok {
			return m, nil, err
		}
		worst = worse(worst, missed)
	}
	return Metadata{}, worst, nil
}

func (w *walk) metadataAt(ctx context.Context, place, issuer string) (Metadata, error) {
	doc, err := w.get(ctx, place, false)
	if err != nil {
		return Metadata{}, err
	}
	m, missed := parseMetadata(doc, place, issuer, w.server.String())
	if missed != nil {
		return Metadata{}, missed
	}
	return m, nil
}

// plain is err as the caller of Find sees it.
func plain(err error) error {
	if missed, ok := errors.AsType[*miss](err); ok {
		return missed.err
	}
	return err
}

func notFound(missed *miss, issuer *url.URL) error {
	if missed.kind == absent {
		return &MisconfiguredError{URL: show(issuer.String()), Problem: "no authorization server metadata"}
	}
	return missed.err
}
