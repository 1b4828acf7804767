package authtest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
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
		at.value = jwt(map[string]any{
			"iss": s.issuer(), "aud": l.resource, "client_id": l.client.id, "scope": scope,
			"iat": now.Unix(), "exp": at.expiry.Unix(), "jti": random(),
		})
	}
	l.access = append(l.access, at)
	s.access[at.value] = at
	s.seen(at.value)
	return at
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
