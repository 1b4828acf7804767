package discovery

import "strings"

// A challenge is one of a WWW-Authenticate header (RFC 9110 section 11.6.1).
// The names of its parameters are in lower case.
type challenge struct {
	scheme string
	params map[string]string
}

// parseChallenges reads WWW-Authenticate lines, which are one list. What
// it cannot make sense of it skips as far as the next comma: one odd challenge
// must not hide the others. Of a parameter given twice the first one counts.
func parseChallenges(lines []string) []challenge {
	var all []challenge
	for _, line := range lines {
		s := scanner{line}
		for s.skip(" \t,"); s.rest != ""; s.skip(" \t,") {
			word := s.while(isToken)
			if word == "" {
				s.junk()
				continue
			}
			spaces := s.skip(" \t")
			if s.next('=') {
				s.skip(" \t")
				value, whole := s.value()
				if len(all) == 0 || !whole {
					continue
				}
				params := all[len(all)-1].params
				if name := strings.ToLower(word); params[name] == "" {
					params[name] = value
				}
				continue
			}
			all = append(all, challenge{word, map[string]string{}})
			if spaces {
				s.token68()
			}
		}
	}
	return all
}

type scanner struct{ rest string }

func (s *scanner) skip(set string) bool {
	before := len(s.rest)
	s.rest = strings.TrimLeft(s.rest, set)
	return len(s.rest) < before
}

func (s *scanner) next(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scanner) while(in func(byte) bool) string {
	n := 0
	for n < len(s.rest) && in(s.rest[n]) {
		n++
	}
	word := s.rest[:n]
	s.rest = s.rest[n:]
	return word
}

// value is a quoted string, or all up to a comma or space: servers send URLs
// without quotes. A quoted string that does not end is not whole.
func (s *scanner) value() (_ string, whole bool) {
	if !s.next('"') {
		return s.while(func(c byte) bool { return c != ',' && c != ' ' && c != '\t' }), true
	}
	var b strings.Builder
	for i := 0; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			s.rest = s.rest[i+1:]
			return b.String(), true
		case c == '\\' && i+1 < len(s.rest):
			i++
			b.WriteByte(s.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	s.rest = ""
	return "", false
}

// token68 skips the one value that schemes such as Negotiate have instead of
// parameters, if that is what follows.
func (s *scanner) token68() {
	start := s.rest
	s.while(func(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("-._~+/", c) >= 0 })
	s.while(func(c byte) bool { return c == '=' })
	s.skip(" \t")
	if s.rest != "" && s.rest[0] != ',' {
		s.rest = start
	}
}

func (s *scanner) junk() {
	for s.rest != "" && s.rest[0] != ',' {
		if s.rest[0] == '"' {
			s.value()
		} else {
			s.rest = s.rest[1:]
		}
	}
}

func isToken(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
