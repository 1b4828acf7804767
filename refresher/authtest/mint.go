package authtest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

func (s *Server) issueRefresh(l *lineage, parent *refreshToken) *refreshToken {
	value := "rt-" + random()
	if s.policy(l).Reuse == PreviousUntilUsed {
		value = "user:" + l.id + ":" + random() // the shape of Cloudflare's
	}
	rt := &refreshToken{value: value, line: l, parent: parent, used: time.Now()}
	l.refresh = append(l.refresh, rt)
	rt.serial = fmt.Sprintf("rt%d", len(l.refresh))
	l.newest = rt
	s.refresh[value] = rt
	s.seen(value)
	return rt
}

func (s *Server) issueAccess(l *lineage, scope string) *accessToken {
	p := s.policy(l)
	now := time.Now()
	at := &accessToken{value: "at-" + random(), line: l, scope: scope, expiry: now.Add(p.accessLifetime())}
	if p.JWT {
		at.value = s.jwtFor(at, l.resource)
	}
	l.access = append(l.access, at)
	s.access[at.value] = at
	s.seen(at.value)
	return at
}

func (s *Server) jwtFor(at *accessToken, audience string) string {
	claims := map[string]any{
		"iss": s.issuer(), "aud": audience, "client_id": at.line.client.id, "scope": at.scope,
		"iat": time.Now().Unix(), "exp": at.expiry.Unix(), "jti": random(),
	}
	maps.Copy(claims, s.policy(at.line).Claims)
	return jwt(claims)
}

// readdress makes an access token one for another audience.
func (s *Server) readdress(at *accessToken, audience string) {
	at.foreign = true
	if s.policy(at.line).JWT {
		delete(s.access, at.value)
		at.value = s.jwtFor(at, audience)
		s.access[at.value] = at
		s.seen(at.value)
	}
}

func random() string { return strings.ToLower(rand.Text()) }

// jwt has the shape of a signed token. Nobody here checks the signature.
func jwt(claims map[string]any) string {
	part := func(v any) string {
		b, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	signature := make([]byte, 32)
	rand.Read(signature)
	return part(map[string]string{"alg": "HS256", "typ": "at+jwt"}) + "." + part(claims) + "." +
		base64.RawURLEncoding.EncodeToString(signature)
}

// Secrets are all values so far that must not be seen outside a store: access
// and refresh tokens, client secrets, codes and code verifiers. A test looks
// for them in what a program put out.
func (s *Server) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.secrets)
}

// seen remembers a secret.
func (s *Server) seen(value string) {
	if value != "" {
		s.secrets = append(s.secrets, value)
	}
}
