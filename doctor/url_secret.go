package doctor

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// A flaw is what is wrong with a secret before anybody is asked.
type flaw struct {
	cause    Cause
	evidence string
}

// readSecret finds out what of the secret is sent, and what is wrong with it
// as it was given.
func (v *visit) readSecret() {
	v.secret, v.flaw = mended(v.ask)
	if v.secret == "" {
		return
	}
	v.ask.GatewayKey = strings.TrimSpace(v.ask.GatewayKey)
	v.Keep(Secret{Name: "GATEWAY_KEY", Value: v.ask.GatewayKey, Origins: []string{Origin(v.at)}})
	name := map[Place]string{Bearer: "TOKEN", BasicPair: "USER_AND_PASSWORD", KeyHeader: "API_KEY", KeyQuery: "API_KEY"}[v.ask.Place]
	origins := []string{Origin(v.at)}
	if v.ask.Place == BasicPair {
		_, password, _ := strings.Cut(v.secret, ":")
		v.Keep(Secret{Name: "PASSWORD", Value: password, Origins: origins})
	}
	bare := v.secret
	if word, rest, ok := strings.Cut(v.secret, " "); ok && strings.EqualFold(word, "bearer") {
		bare = strings.TrimSpace(rest)
	}
	for _, value := range []string{bare, v.ask.Secret} {
		if value == bare || !strings.Contains(value, bare) {
			v.Keep(Secret{Name: name, Value: value, Origins: origins})
		}
	}
	if v.inTheClear() {
		v.Saw("secret", "held back: it would travel in the clear")
	}
	if v.claims, v.isJWT = claimsOf(bare); v.isJWT {
		v.Saw("secret", "%s", v.Clean(v.claims.String()))
		return
	}
	v.Saw("secret", "%d characters, not a JWT: what it is for and when it ends only the server knows", len([]rune(v.secret)))
}

// mended is the secret as it should be sent, and the first thing that was
// wrong with it.
func mended(ask Ask) (secret string, found flaw) {
	s := ask.Secret
	wrong := func(c Cause, evidence string, args ...any) {
		if found.cause == "" {
			found = flaw{c, fmt.Sprintf(evidence, args...)}
		}
	}
	var pasted map[string]any
	if json.Unmarshal([]byte(s), &pasted) == nil {
		if token, ok := pasted["access_token"].(string); ok {
			wrong(secretJSON, `it begins with "{" and has an access_token in it`)
			s = token
		}
	}
	for before := ""; before != s; { // one may hide behind another
		before = s
		if bare := strings.TrimSpace(s); bare != s {
			wrong(secretPadded, "%s", padding(s, bare))
			s = bare
		}
		for _, q := range []string{`""`, "''", "“”", "``"} {
			marks := []rune(q)
			if bare, ok := strings.CutPrefix(s, string(marks[0])); ok && bare != "" && strings.HasSuffix(bare, string(marks[1])) {
				wrong(secretQuoted, "it begins with %c and ends with %c", marks[0], marks[1])
				s = strings.TrimSuffix(bare, string(marks[1]))
			}
		}
		if word, bare, ok := strings.Cut(s, " "); ok && ask.Place == Bearer && strings.EqualFold(strings.TrimSuffix(word, ":"), "bearer") {
			wrong(bearerTwice, `it begins with "Bearer ", and the scheme puts one before it`)
			s = bare
		}
	}
	switch {
	case strings.HasPrefix(s, "$") || strings.HasPrefix(s, "{{") || strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") || strings.HasPrefix(s, "%") && strings.HasSuffix(s, "%"):
		wrong(secretUnfilled, "it begins with %q", string([]rune(s)[:1]))
	case strings.HasSuffix(s, "...") || strings.HasSuffix(s, "…"):
		wrong(secretCut, "it ends with dots")
	}
	if i := strings.IndexFunc(s, odd); i >= 0 {
		wrong(secretOdd, "character %d is U+%04X", len([]rune(s[:i]))+1, []rune(s[i:])[0])
		s = strings.Map(func(r rune) rune {
			if odd(r) {
				return -1
			}
			return r
		}, s)
	}
	if ask.Place == BasicPair && !strings.Contains(s, ":") && s != "" {
		wrong(basicNoColon, "there is no colon in it")
		if b, err := base64.StdEncoding.DecodeString(s); err == nil && strings.Contains(string(b), ":") {
			s = string(b)
		}
	}
	return s, found
}

// odd are characters that no secret has, and that come along when one is
// copied.
func odd(r rune) bool { return r != ' ' && (unicode.IsSpace(r) || !unicode.IsPrint(r)) }

func padding(s, bare string) string {
	before, after, _ := strings.Cut(s, bare)
	for _, p := range []struct{ where, text string }{{"ends", after}, {"begins", before}} {
		switch {
		case p.text == "":
		case strings.ContainsAny(p.text, "\r\n"):
			return "it " + p.where + " with a line break"
		default:
			return "it " + p.where + " with white space"
		}
	}
	return "it is nothing but white space"
}

// shape reports the flaw; evidence says what the mended secret did.
func (v *visit) shape(evidence string) {
	if v.flaw.cause == "" {
		return
	}
	text := v.flaw.evidence
	if evidence != "" {
		text += "; " + evidence
	}
	v.Find(v.flaw.cause, "", text)
	v.problem = true
}
