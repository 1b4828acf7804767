package authtest

import (
	"net/http"
	"slices"
	"time"
)

// token is the token endpoint: first who asks, then what for.
func (s *Server) token(x *exchange) Answer {
	if x.Method != http.MethodPost {
		x.entry.Verdict = "not a POST"
		return *Status(http.StatusMethodNotAllowed)
	}
	if a := s.policy(x.line()).RefreshAnswer; a != nil && x.entry.GrantType == "refresh_token" {
		x.entry.Verdict = "not looked at"
		return *a
	}
	c, refusal := s.authenticate(x)
	if refusal != nil {
		return *refusal
	}
	switch x.entry.GrantType {
	case "authorization_code":
		return s.exchangeCode(x, c)
	case "refresh_token":
		return s.redeem(x, c)
	case "urn:ietf:params:oauth:grant-type:device_code":
		return s.redeemDevice(x, c)
	case "client_credentials":
		return s.apply(x, c)
	}
	return s.refuse(x, Refusal{Code: "unsupported_grant_type"}, "grant type not served")
}

// refuse answers in the dialect of the grant.
func (s *Server) refuse(x *exchange, r Refusal, verdict string) Answer {
	x.entry.Verdict = verdict
	if r.Dialect == OAuth {
		r.Dialect = s.policy(x.line()).Dialect
	}
	return *r.Answer()
}

// refuseDead is the answer to a refresh token that does not work any more, or
// never did.
func (s *Server) refuseDead(x *exchange, verdict string) Answer {
	p := s.policy(x.line())
	return s.refuse(x, Refusal{Code: or(p.DeadCode, p.Dialect.deadCode()), Status: p.DeadStatus}, verdict)
}

// redeem handles a refresh (RFC 6749 section 6).
func (s *Server) redeem(x *exchange, c *client) Answer {
	rt := x.token
	if rt == nil {
		return s.refuseDead(x, "unknown refresh token")
	}
	l := rt.line
	p := s.policy(l)
	if l.client != c {
		return s.refuseDead(x, "another client's refresh token")
	}
	if l.dead != "" {
		return s.refuseDead(x, "grant is dead: "+l.dead)
	}
	if rt.ended(p) {
		return s.refuseDead(x, "refresh token expired")
	}
	if p.RequireScope && x.entry.Scope == "" {
		r := Refusal{Code: "invalid_request", Description: "The request body must contain the following parameter: 'scope'."}
		if p.Dialect == Entra { // CyberDrain/CIPP#537, modelcontextprotocol/typescript-sdk#2718
			r.AADSTS, r.Description = 90009, "Application '"+c.id+"' is requesting a token for itself. This scenario is supported only if resource is specified using the GUID based App Identifier."
		}
		return s.refuse(x, r, "no scope")
	}
	if !subset(x.entry.Scope, l.scope) {
		return s.refuse(x, Refusal{Code: "invalid_scope"}, "scope not granted")
	}
	if why := p.Resource.violated(x.entry.Resource, l.resource); why != "" {
		if p.BurnsOnRefusal && rt == l.newest {
			s.rotate(rt)
			why += ", refresh token used up"
		}
		r := Refusal{Code: "invalid_target"}
		if p.Dialect == Entra { // modelcontextprotocol/csharp-sdk#1587
			r.AADSTS, r.Description = 9010010, "The resource parameter provided in the request doesn't match with the requested scopes."
		}
		return s.refuse(x, r, why)
	}

	next, verdict := s.successor(p, rt, x.behaviour.Shape)
	if next == nil {
		return s.refuseDead(x, verdict)
	}
	next.used = time.Now()
	if p.RevokesAccess {
		l.revokeAccess()
	}
	x.entry.Verdict = verdict
	at := s.issueAccess(l, or(x.entry.Scope, or(p.ScopeUnasked, l.scope)))
	at.foreign = p.WrongAudience
	if x.entry.Scope == "" && p.AudienceUnasked != "" {
		s.readdress(at, p.AudienceUnasked)
	}
	return s.success(x, at, rt, next)
}

// successor is the refresh token that is good after rt was presented: rt
// itself without rotation, nil if it is refused.
func (s *Server) successor(p Policy, rt *refreshToken, shape Shape) (next *refreshToken, verdict string) {
	l := rt.line
	if rt == l.newest {
		if p.NoRotation || shape.Refresh != AsIs {
			return rt, "refreshed"
		}
		return s.rotate(rt), "refreshed"
	}
	inGrace := time.Since(rt.rotated) <= p.Grace
	switch {
	case p.Reuse == RefuseOnly:
		return nil, "reuse: refused"
	case p.Reuse == PreviousUntilUsed && rt == l.newest.parent:
		return s.rotate(rt), "reuse: taken once more"
	case p.Reuse == PreviousUntilUsed:
		return nil, "reuse: refused"
	case p.Reuse == Grace && inGrace:
		return s.rotate(rt), "reuse: within grace"
	case p.Reuse == SameSuccessor && (rt == l.newest.parent || inGrace):
		return l.newest, "reuse: same successor"
	}
	s.kill(l, "reuse")
	return nil, "reuse: grant revoked"
}

// rotate issues the successor of rt.
func (s *Server) rotate(rt *refreshToken) *refreshToken {
	newest := rt.line.newest
	next := s.issueRefresh(rt.line, rt)
	for _, old := range []*refreshToken{rt, newest} {
		if old.rotated.IsZero() {
			old.rotated = time.Now()
		}
	}
	return next
}

func (rt *refreshToken) ended(p Policy) bool {
	now := time.Now()
	return rt.expired ||
		p.IdleLifetime > 0 && now.Sub(rt.used) >= p.IdleLifetime ||
		p.AbsoluteLifetime > 0 && now.Sub(rt.line.born) >= p.AbsoluteLifetime
}

// violated says what is wrong with the resource of a request.
func (r ResourceRule) violated(sent []string, granted string) string {
	switch {
	case r == RefusedResource && len(sent) > 0:
		return "resource not wanted"
	case r == RequiredResource && len(sent) == 0:
		return "no resource"
	case (r == RequiredResource || r == ExactResource) && slices.ContainsFunc(sent, func(v string) bool { return v != granted }):
		return "wrong resource"
	}
	return ""
}
