package authtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// GrantOptions say what a grant should be like. The zero value is one of a new
// public client, signed in just now.
type GrantOptions struct {
	ClientID     string // of a client that the server knows; empty registers a new one
	Confidential bool   // a new client gets a secret
	Scope        string // space-separated; empty is "read write offline_access"
	Resource     string // RFC 8707; empty is the MCP server
	// AccessLeft is how long the access token still lives. Zero is its whole
	// lifetime, negative is expired.
	AccessLeft     time.Duration
	NoRefreshToken bool
	// Policy stands in for the server's; nil follows the server's, also when
	// that changes.
	Policy *Policy
}

// A Grant is what a client stores after signing in. It prints as its ID: the
// tokens are for stores, not for output.
type Grant struct {
	ID           string // "g1": the name of the lineage in the log
	Issuer       string
	TokenURL     string
	ServerURL    string // of the MCP server
	ClientID     string
	ClientSecret string // empty for a public client
	AccessToken  string
	RefreshToken string
	Scope        string
	Resource     string
	Redirect     string // of the client; empty where it does not matter
	// Expiry is when the access token ends, RefreshExpiry when the refresh
	// token does if it is not used; zero is never. Lifetime is what the server
	// gives an access token.
	Expiry        time.Time
	RefreshExpiry time.Time
	Lifetime      time.Duration
}

// String is the grant's ID.
func (g Grant) String() string { return g.ID }

// GoString is the grant's ID.
func (g Grant) GoString() string { return g.ID }

// A lineage is a grant as the server sees it: every token it ever had.
type lineage struct {
	id       string
	client   *client
	scope    string
	resource string
	policy   *Policy
	born     time.Time
	dead     string // why nothing works any more; empty while it does
	newest   *refreshToken
	refresh  []*refreshToken
	access   []*accessToken
	script   script
}

type refreshToken struct {
	value   string
	serial  string
	line    *lineage
	parent  *refreshToken // the one it was issued for
	used    time.Time     // last issued or redeemed: what an idle lifetime counts from
	rotated time.Time     // when it was first replaced; zero while it is the newest
	expired bool          // by a test's word
}

type accessToken struct {
	value   string
	line    *lineage
	scope   string // the grant's, or less
	expiry  time.Time
	revoked bool
	foreign bool // for another audience
}

// Grant signs in without a browser.
func (s *Server) Grant(o GrantOptions) Grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[o.ClientID]
	if c == nil {
		if o.ClientID != "" {
			panic(fmt.Sprintf("authtest: no client %s", o.ClientID))
		}
		c = s.newClient(o.Confidential)
	}
	l := s.newLineage(c, or(o.Scope, "read write offline_access"), or(o.Resource, s.resourceID()), o.Policy)
	at := s.issueAccess(l, l.scope)
	if o.AccessLeft != 0 {
		at.expiry = time.Now().Add(o.AccessLeft)
	}
	if !o.NoRefreshToken {
		s.issueRefresh(l, nil)
	}
	return s.grant(l)
}

// Current is a grant with the tokens that are the newest now.
func (s *Server) Current(grant string) Grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grant(s.lineage(grant))
}

// Grants are all grants so far, in the order of their sign-in, each with its
// newest tokens.
func (s *Server) Grants() []Grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Grant
	for _, l := range s.lineages {
		all = append(all, s.grant(l))
	}
	return all
}

func (s *Server) grant(l *lineage) Grant {
	g := Grant{
		ID: l.id, Issuer: s.issuer(), TokenURL: s.endpointURL(Token), ServerURL: s.resourceURL(),
		ClientID: l.client.id, ClientSecret: l.client.secret,
		Scope: l.scope, Resource: l.resource, Lifetime: s.policy(l).accessLifetime(),
	}
	if at := l.newestAccess(); at != nil {
		g.AccessToken, g.Expiry = at.value, at.expiry
	}
	if l.newest != nil {
		g.RefreshToken = l.newest.value
		g.RefreshExpiry, _ = s.refreshEnd(l)
	}
	return g
}

// Serial is a refresh token's name in the log, such as "g1 rt3"; "unknown" for
// a value that this server never issued. Use it to speak of a token in output.
func (s *Server) Serial(refreshToken string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rt := s.refresh[refreshToken]; rt != nil {
		return rt.line.id + " " + rt.serial
	}
	return "unknown"
}

// KillGrant ends a grant as an administrator or a reuse would: the next
// refresh gets the refusal of [Policy.Dialect].
func (s *Server) KillGrant(grant string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kill(s.lineage(grant), "killed")
}

// Dead says why nothing of a grant works any more: "killed", "reuse"; empty
// while it does.
func (s *Server) Dead(grant string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lineage(grant).dead
}

// RevokeAccess makes a grant's access tokens worthless before they expire. Its
// refresh token is as good as before.
func (s *Server) RevokeAccess(grant string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lineage(grant).revokeAccess()
}

// ExpireAccess makes a grant's access tokens expire now.
func (s *Server) ExpireAccess(grant string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.lineage(grant).access {
		at.expiry = time.Now()
	}
}

// ExpireRefresh makes a grant's newest refresh token expire now.
func (s *Server) ExpireRefresh(grant string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rt := s.lineage(grant).newest; rt != nil {
		rt.expired = true
	}
}

// SetGrant changes the policy of one grant, which from then on no longer
// follows the server's.
func (s *Server) SetGrant(grant string, change func(*Policy)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lineage(grant)
	p := s.policy(l)
	change(&p)
	l.policy = &p
}

// lineage panics on an unknown ID: that is a mistake in the test.
func (s *Server) lineage(id string) *lineage {
	i := slices.IndexFunc(s.lineages, func(l *lineage) bool { return l.id == id })
	if i < 0 {
		panic(fmt.Sprintf("authtest: no grant %q", id))
	}
	return s.lineages[i]
}

func (s *Server) policy(l *lineage) Policy {
	if l != nil && l.policy != nil {
		return *l.policy
	}
	return s.options.Policy
}

func (s *Server) newLineage(c *client, scope, resource string, p *Policy) *lineage {
	if s.options.RevokesSiblings {
		for _, l := range s.lineages {
			if l.client == c {
				s.kill(l, "signed in again")
			}
		}
	}
	if p != nil {
		own := *p
		p = &own
	}
	l := &lineage{
		id: fmt.Sprintf("g%d", len(s.lineages)+1), client: c,
		scope: scope, resource: resource, policy: p, born: time.Now(),
	}
	s.lineages = append(s.lineages, l)
	return l
}

func (s *Server) kill(l *lineage, why string) {
	if l.dead == "" {
		l.dead = why
	}
	l.revokeAccess()
}

func (l *lineage) revokeAccess() {
	for _, at := range l.access {
		at.revoked = true
	}
}

func (l *lineage) newestAccess() *accessToken {
	if len(l.access) == 0 {
		return nil
	}
	return l.access[len(l.access)-1]
}

// subset reports whether every scope of a is in b.
func subset(a, b string) bool {
	granted := strings.Fields(b)
	for _, scope := range strings.Fields(a) {
		if !slices.Contains(granted, scope) {
			return false
		}
	}
	return true
}
