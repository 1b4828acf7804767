package exchange

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"lamplighter/credfiles"
)

// A Code is what a sign-in brings: it is exchanged for a token once (RFC 6749
// section 4.1.3, RFC 7636 section 4.5).
type Code struct {
	Value    credfiles.Secret
	Verifier credfiles.Secret
	Redirect string // the redirect URI that it came to

	// Device means that it is a device code, which may be presented until a
	// person has agreed (RFC 8628 section 3.4).
	Device bool
}

// Pending reports that the person has not agreed to a device code yet (RFC 8628
// section 3.5), and by how much the pauses grow.
func (v Verdict) Pending() (more time.Duration, pending bool) {
	switch v.Code {
	case "authorization_pending":
		return 0, true
	case "slow_down":
		return 5 * time.Second, true
	}
	return 0, false
}

// PlanCode is [Plan] for the exchange of a code, which goes to the token
// endpoint itself and names no scope: the code stands for what was granted.
func PlanCode(g credfiles.Grant, s Server) (Post, error) {
	g.Request.Scope = false
	n := needOf(cmp.Or(g.TokenURL, s.TokenURL), s.Issuer, g.ServerURL)
	n.refreshURL, n.scopes = "", nil
	return plan(g, s, n)
}

// Redeem is [Send] for a code. Its answer is read by [Judge] as well; the
// verdict speaks of the code then.
func Redeem(ctx context.Context, rt http.RoundTripper, p Post, c Code, clientSecret credfiles.Secret) Answer {
	if c.Device {
		return send(ctx, rt, p, grant{"grant_type": deviceGrant, "device_code": c.Value.Reveal()}, clientSecret)
	}
	return send(ctx, rt, p, grant{
		"grant_type": "authorization_code", "code": c.Value.Reveal(),
		"code_verifier": c.Verifier.Reveal(), "redirect_uri": c.Redirect,
	}, clientSecret)
}

// deviceGrant is the grant_type of a device code (RFC 8628 section 3.4).
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// Begin asks a device authorization endpoint for a device code (RFC 8628
// section 3.1), as the client that p says. Nothing in the answer is a token.
func Begin(ctx context.Context, rt http.RoundTripper, p Post, endpoint, scope string, clientSecret credfiles.Secret) Answer {
	if p.Auth == Key && p.AssertFor == p.TokenURL {
		p.AssertFor = endpoint
	}
	p.TokenURL, p.Scope = endpoint, scope
	return send(ctx, rt, p, grant{}, clientSecret)
}

// Asking is what a sign-in asks of an authorization endpoint, given the scopes
// that are wanted: which of them, and what else the provider is known to need
// beyond RFC 6749 section 4.1.1.
func Asking(g credfiles.Grant, s Server, wanted []string) (scopes []string, more map[string]string) {
	n := needOf(cmp.Or(g.TokenURL, s.TokenURL), s.Issuer, g.ServerURL)
	scopes = wanted
	if n.scopes != nil {
		scopes = n.scopes(wanted)
	}
	switch {
	case n.authorize != nil:
		more = n.authorize
	case slices.Contains(scopes, "offline_access"):
		// oidc-provider 9.13.3 gives no refresh token without it (observed; OpenID
		// Connect Core section 11).
		more = map[string]string{"prompt": "consent"}
	}
	return scopes, more
}

// Clean is a server's text as it may be shown: on one line, shortened, without
// what looks like a secret.
func Clean(s string) string { return clean(s) }
