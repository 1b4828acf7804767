package authtest

import "time"

// A Policy is how the server treats the tokens of a grant. The zero value is
// the harshest that is common: access tokens of one hour, every refresh
// rotates, and a refresh token used again revokes the grant (RFC 9700 section
// 4.14.2).
type Policy struct {
	AccessLifetime   time.Duration // of an access token; zero is one hour
	IdleLifetime     time.Duration // ends a refresh token that was not used for so long; zero is never
	AbsoluteLifetime time.Duration // ends the grant so long after sign-in, however often it is used; zero is never

	NoRotation      bool // a refresh leaves the refresh token as it is, and out of the answer
	Reuse           Reuse
	Grace           time.Duration  // for [Grace] and [SameSuccessor]
	RevokesAccess   bool           // a refresh ends the access tokens issued before (Notion, GitHub Apps)
	RevokesSiblings bool           // a sign-in ends the client's other grants (Cloudflare)
	JWT             bool           // access tokens have the shape of a JWT, with exp and iat
	Claims          map[string]any // what such a token says besides, or in place of that
	WrongAudience   bool           // the MCP server refuses the access tokens that a refresh brings

	ClientAuth     ClientAuth
	RawBasic       bool // Basic is taken as it is, not form-encoded (against RFC 6749 section 2.3.1)
	RequireScope   bool // a refresh without scope is refused (Entra)
	Resource       ResourceRule
	BurnsOnRefusal bool // a refresh refused for its resource has used up the refresh token (oidc-provider)

	// What a refresh gets that names no scope: these scopes in place of all
	// granted ones, and with JWT this audience, at which the MCP server refuses
	// the token (Entra gives one for Graph, anthropics/claude-code#89862).
	ScopeUnasked    string
	AudienceUnasked string
	// RefreshAnswer is what every refresh gets, unseen: a gateway in front, an
	// endpoint that knows only codes.
	RefreshAnswer *Answer

	Dialect    Dialect // how a refusal is written
	DeadStatus int     // HTTP status of a dead grant's refusal; zero is the dialect's
	DeadCode   string  // its error code; empty is the dialect's
}

// Reuse is what happens to a refresh token that was rotated away and comes
// again.
type Reuse string

// The kinds of reuse.
const (
	// RevokeGrant takes it for theft: nothing of the grant works any more.
	RevokeGrant Reuse = ""
	// RefuseOnly refuses it; the newest refresh token goes on working.
	RefuseOnly Reuse = "refuse"
	// Grace rotates once more within [Policy.Grace] of the rotation, and
	// revokes the grant after that (Okta, Auth0, Linear).
	Grace Reuse = "grace"
	// PreviousUntilUsed takes the refresh token before the newest one until
	// the newest was used, and only refuses older ones. What a repeat
	// supersedes is dead (Cloudflare).
	PreviousUntilUsed Reuse = "previous"
	// SameSuccessor answers the parent of the newest refresh token with that
	// newest one, as often as it comes. An older one gets it too within
	// [Policy.Grace], and revokes the grant after that (GoTrue).
	SameSuccessor Reuse = "same"
)

// ClientAuth is which client authentication the token endpoint takes, and
// what the metadata says of it (RFC 7591 section 2).
type ClientAuth string

// The kinds of client authentication. A client with a secret must show it,
// unless NoneOnly.
const (
	AnyAuth   ClientAuth = ""
	BasicOnly ClientAuth = "client_secret_basic"
	PostOnly  ClientAuth = "client_secret_post"
	NoneOnly  ClientAuth = "none"
)

// ResourceRule is what a refresh must say in resource (RFC 8707). A refusal is
// invalid_target.
type ResourceRule string

// The rules. Exact is character by character.
const (
	AnyResource      ResourceRule = ""
	ExactResource    ResourceRule = "exact"    // exact if there is one (Cloudflare)
	RequiredResource ResourceRule = "required" // exact, and there must be one
	RefusedResource  ResourceRule = "refused"  // there must be none (Entra)
)

func (p Policy) accessLifetime() time.Duration {
	if p.AccessLifetime == 0 {
		return time.Hour
	}
	return p.AccessLifetime
}
