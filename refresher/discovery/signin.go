package discovery

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"lamplighter/credfiles"
)

// A SignIn is what a sign-in at a server has to know.
type SignIn struct {
	Endpoints
	// Challenged are the scopes that the server asks for (RFC 6750 section 3),
	// and ResourceScopes those that it knows (scopes_supported of RFC 9728).
	Challenged, ResourceScopes []string
}

// SignIn finds out where to sign in for g. It always asks, and it asks the
// server: a stored issuer decides only where the server names several. That
// the issuer is another one than the stored is the caller's to notice; a
// sign-in may go there, a stored refresh token or secret may not. It takes at
// most 30 seconds; the errors are those of [Finder.Find].
func (f *Finder) SignIn(ctx context.Context, g credfiles.Grant) (SignIn, error) {
	w, err := f.walk(g)
	if err != nil {
		return SignIn{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, total)
	defer cancel()
	e, err := w.signIn(ctx, g)
	if err != nil {
		return SignIn{}, err
	}
	if g.TokenURL != "" {
		if _, err := CheckURL(g.TokenURL, w.server.String()); err != nil {
			return SignIn{}, err
		}
		e.TokenURL = g.TokenURL
	}
	if g.GrantType == credfiles.ByDevice {
		if e.DeviceURL == "" {
			return SignIn{}, &MisconfiguredError{URL: show(e.Issuer), Problem: "its metadata names no device authorization endpoint that may be used"}
		}
	} else if e.AuthorizationURL == "" {
		return SignIn{}, &MisconfiguredError{URL: show(e.Issuer), Problem: "its metadata names no authorization endpoint that may be used"}
	}
	e.Asked, e.Found = w.asked, time.Now().UTC().Round(0)
	return SignIn{e, strings.Fields(w.scope), e.scopes}, nil
}

// signIn goes by what the user set, where that is still there, else by the
// server.
func (w *walk) signIn(ctx context.Context, g credfiles.Grant) (Endpoints, error) {
	if g.GrantType != "" {
		return w.ownSignIn(ctx, g)
	}
	at := credfiles.Grant{ServerURL: g.ServerURL, Issuer: g.Issuer}
	if g.MetadataURL == "" {
		return w.fromServer(ctx, at)
	}
	m, err := w.metadataAt(ctx, g.MetadataURL, "")
	if _, missed := errors.AsType[*miss](err); missed && g.ServerURL != "" {
		return w.fromServer(ctx, at)
	}
	if err != nil {
		return Endpoints{}, plain(err)
	}
	e := Endpoints{Metadata: m}
	if g.ServerURL == "" {
		return e, nil
	}
	found, err := w.protectedResource(ctx, at)
	if missed, ok := errors.AsType[*miss](err); ok && missed.kind != contradicts {
		return e, nil
	}
	e.Resource, e.scopes = found.Resource, found.Scopes
	return e, plain(err)
}

// ownSignIn goes by what the user named, and by the metadata of the issuer that
// he named for the rest.
func (w *walk) ownSignIn(ctx context.Context, g credfiles.Grant) (Endpoints, error) {
	var m Metadata
	if g.Issuer != "" {
		issuer, err := CheckURL(g.Issuer, w.server.String())
		if err != nil {
			return Endpoints{}, err
		}
		found, missed, err := w.metadata(ctx, g.Issuer, issuer)
		switch {
		case err != nil:
			return Endpoints{}, err
		case missed == nil:
			m = found
		case g.Endpoint == "":
			return Endpoints{}, plain(notFound(missed, issuer))
		}
		m.Issuer = g.Issuer
	}
	for _, named := range []struct {
		to  *string
		url string
	}{{&m.TokenURL, g.Endpoint}, {&m.AuthorizationURL, g.AuthorizationURL}, {&m.DeviceURL, g.DeviceURL}} {
		if named.url == "" {
			continue
		}
		if _, err := CheckURL(named.url, w.server.String()); err != nil {
			return Endpoints{}, err
		}
		*named.to = named.url
	}
	return Endpoints{Metadata: m}, nil
}

// RoundTripper carries the requests of a sign-in for g by the same rules as
// those of discovery. It follows no redirect.
func (f *Finder) RoundTripper(g credfiles.Grant) http.RoundTripper { return f.transport(Anchor(g)) }

// SameIssuer reports whether two strings name one issuer: they are equal, but
// for the slash that some clients put behind an issuer without a path.
func SameIssuer(a, b string) bool { return sameIssuer(a, b) }

// Shown is a URL for people: without what may hold secrets or upset a terminal.
func Shown(raw string) string { return show(raw) }

// scopeIn is the scope of the first challenge that has one.
func scopeIn(challenges []challenge) string {
	for _, c := range challenges {
		if s := c.params["scope"]; s != "" {
			return s
		}
	}
	return ""
}
