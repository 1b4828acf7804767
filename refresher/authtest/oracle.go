package authtest

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// A Rule is one that the oracle watches.
type Rule string

// The rules.
const (
	// Spent: no refresh token is presented after the answer that replaced or
	// condemned it was delivered.
	Spent Rule = "spent"
	// Overlap: never two presentations of one refresh token, or of one grant,
	// in flight at once.
	Overlap Rule = "overlap"
	// Misdirected: no request to a host that is not ours, and none to a path
	// where nothing is served, but for a look at a well-known place.
	Misdirected Rule = "misdirected"
	// Stray: no refresh token anywhere but in the form body of a request to
	// the token or the revocation endpoint.
	Stray Rule = "stray"
)

type expectation struct {
	rule  Rule
	grant string
}

// Expect declares that a rule will be violated by a grant's refresh tokens, by
// anything if the grant is "". Such violations are no longer reported, but it
// is one if none of them happens.
func (s *Server) Expect(r Rule, grant string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected = append(s.expected, expectation{r, grant})
}

// A violation is one that the log shows.
type violation struct {
	rule  Rule
	grant string
	text  string
}

// Check returns what in the log breaks a rule and was not expected, and what
// was expected and is not there; nil if all is well.
func (s *Server) Check() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var broken []string
	met := make([]bool, len(s.expected))
	for _, v := range s.violations() {
		expected := false
		for i, e := range s.expected {
			if e.rule == v.rule && (e.grant == "" || e.grant == v.grant) {
				expected, met[i] = true, true
			}
		}
		if !expected {
			broken = append(broken, fmt.Sprintf("%s: %s", v.rule, v.text))
		}
	}
	for i, e := range s.expected {
		if !met[i] {
			broken = append(broken, strings.TrimSpace(fmt.Sprintf("%s: expected, but it did not happen %s", e.rule, e.grant)))
		}
	}
	return broken
}

func (s *Server) violations() []violation {
	var found []violation
	closed := map[[sha256.Size]byte][]*Entry{} // the answers that ended a refresh token
	for _, e := range s.log {
		report := func(r Rule, format string, args ...any) {
			found = append(found, violation{r, e.Grant, fmt.Sprintf("#%d: ", e.N) + fmt.Sprintf(format, args...)})
		}
		if e.unexpected != "" {
			report(Misdirected, "%s %s%s: %s", e.Method, e.Host, e.Path, e.unexpected)
		}
		for _, stray := range e.Strays {
			report(Stray, "%s in a request to %s%s", stray, e.Host, e.Path)
		}
		if e.Refresh == "" {
			continue
		}
		name := strings.TrimSpace(e.Grant + " " + e.Refresh)
		if e.Endpoint == Token {
			for _, c := range closed[e.fingerprint] {
				if c.ended < e.arrived {
					report(Spent, "%s was presented again after #%d had %s it", name, c.N, c.closes())
					break
				}
			}
			for _, n := range e.Overlaps {
				report(Overlap, "%s was presented while #%d was in flight", name, n)
			}
		}
		if e.closes() != "" {
			closed[e.fingerprint] = append(closed[e.fingerprint], e)
		}
	}
	return found
}

// closes says how the answer ended the refresh token in the client's eyes;
// empty if it did not, or if the client cannot know.
func (e *Entry) closes() string {
	known := e.Delivery == Whole || e.Delivery == TokensOnly && e.Successor != ""
	switch {
	case !known || e.notJournaled:
		return ""
	case e.Condemned:
		return "condemned"
	case e.Successor != "":
		return "replaced"
	case e.Endpoint == Revoke && e.Status == http.StatusOK:
		return "revoked"
	}
	return ""
}

// refreshTokens finds what may be one of ours.
var refreshTokens = regexp.MustCompile(`(rt-|user:g[0-9]+:)[a-z2-7]{26}`)

// strays are the refresh tokens in a request that do not belong where they
// are, also percent-encoded or in Basic.
func (s *Server) strays(x *exchange) []string {
	texts := []string{x.URL.RequestURI()}
	for name, values := range x.Header {
		texts = append(texts, name)
		texts = append(texts, values...)
	}
	if user, password, ok := x.BasicAuth(); ok {
		texts = append(texts, user, password)
	}
	if e := x.entry.Endpoint; e != Token && e != Revoke {
		texts = append(texts, string(x.body))
	}
	found := map[string]bool{}
	for _, text := range texts {
		for _, text := range []string{text, unescaped(text)} {
			for _, value := range refreshTokens.FindAllString(text, -1) {
				if rt := s.refresh[value]; rt != nil {
					found[rt.line.id+" "+rt.serial] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}
