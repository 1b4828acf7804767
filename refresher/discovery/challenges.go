package discovery

import "net/http"

// A Challenge is one of an answer's WWW-Authenticate header (RFC 9110 section
// 11.6.1). The names of its parameters are in lower case.
type Challenge struct {
	Scheme string
	Params map[string]string
}

// Challenges are all of an answer's. What cannot be made sense of is left out.
func Challenges(h http.Header) []Challenge {
	var all []Challenge
	for _, c := range parseChallenges(h.Values("WWW-Authenticate")) {
		all = append(all, Challenge{c.scheme, c.params})
	}
	return all
}
