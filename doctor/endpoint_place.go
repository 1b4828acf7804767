package doctor

import (
	"context"
	"errors"
	"slices"

	"lamplighter/credfiles"
	"lamplighter/refresher/discovery"
)

// Locate finds out from metadata where to sign in and what the server calls
// itself, as far as nobody said so: from an issuer, and from the server that
// e names. It reports false where that leaves no place to sign in at, which is
// a finding then.
func (e *Endpoint) Locate(ctx context.Context, x *Recorder, issuer string) bool {
	f := &discovery.Finder{Transport: x}
	x.Step("metadata")
	var failed error
	take := func(m discovery.SignIn, err error) {
		if err != nil {
			failed = err
			x.Saw("metadata", "%s", x.Clean(err.Error()))
			return
		}
		if e.Client.Resource == "" {
			e.Client.Resource = m.Resource
		}
		if e.Client.AuthMethods == nil {
			e.Client.AuthMethods = m.AuthMethods
		}
		if e.Place.AuthorizationURL == "" {
			revoke := e.Place.RevocationURL
			e.Place = m
			if revoke != "" {
				e.Place.RevocationURL = revoke
			}
		}
		if e.Place.RevocationURL == "" {
			e.Place.RevocationURL = m.RevocationURL
		}
		if m.TokenURL != "" && m.TokenURL != e.Client.TokenURL {
			x.Find(causeOtherEndpoint, e.Client.TokenURL, "token_endpoint: "+x.Shown(m.TokenURL))
		}
	}
	if issuer != "" {
		found, err := f.Find(ctx, credfiles.Grant{Issuer: issuer})
		take(discovery.SignIn{Endpoints: found}, err)
	}
	if e.Client.Server != "" {
		take(f.SignIn(ctx, credfiles.Grant{ServerURL: e.Client.Server}))
	}
	e.Place.TokenURL = e.Client.TokenURL
	// What a sign-in asks for where nobody says, so that a refresh can repeat it.
	if len(e.Client.Scopes) == 0 {
		e.Client.Scopes = slices.Clone(e.Place.ResourceScopes)
	}
	if offline := "offline_access"; slices.Contains(e.Place.Scopes, offline) && !slices.Contains(e.Client.Scopes, offline) {
		e.Client.Scopes = append(e.Client.Scopes, offline)
	}
	if e.Place.AuthorizationURL != "" || !e.Spend.IsZero() {
		return true
	}
	if _, ok := errors.AsType[*discovery.TemporaryError](failed); ok {
		x.Find(causeUnreachable, e.Client.TokenURL, x.Clean(failed.Error()))
	} else {
		said := "no authorization_endpoint"
		if failed != nil {
			said = x.Clean(failed.Error())
		}
		x.Find(causeNoPlace, e.Client.TokenURL, said)
	}
	return false
}
