package exchange

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"lamplighter/credfiles"
)

// maxToken is far above what any store takes (the largest seen are some tens
// of kilobytes): a longer token is a server's mistake.
const maxToken = 256 << 10

// tokensIn finds the object that holds the token strings. A pair counts
// before a single access token, since the refresh token marks what our own was
// exchanged for. Slack may nest a user's tokens in authed_user beside a bot's;
// other nests count only where nothing else does. An object of which a part is
// missing holds tokens only if it holds both.
func tokensIn(top *object, whole bool) *object {
	pair := func(o *object) bool {
		return o != nil && o.text("access_token") != "" && o.text("refresh_token") != ""
	}
	authed := top.objects["authed_user"]
	switch {
	case pair(top):
		return top
	case pair(authed):
		return authed
	case !whole:
		return nil
	case top.text("access_token") != "":
		return top
	case authed != nil && authed.text("access_token") != "":
		return authed
	}
	var found *object
	for _, o := range top.objects {
		if pair(o) {
			if found != nil {
				return nil
			}
			found = o
		}
	}
	return found
}

// tokenFault says what is wrong with the token strings of o: a code, empty
// where nothing is. A refresh token that is there and no string must not count
// as absent: then the old one would be kept though it is spent.
func tokenFault(o *object) string {
	switch o.values["refresh_token"].(type) {
	case nil, bool, string:
	default:
		return "bad-refresh-token-type"
	}
	_, isObject := o.objects["refresh_token"]
	if _, isList := o.lists["refresh_token"]; isList || isObject {
		return "bad-refresh-token-type"
	}
	for _, name := range []string{"access_token", "refresh_token"} {
		switch s := o.text(name); {
		case len(s) > maxToken:
			return "bad-" + strings.ReplaceAll(name, "_", "-") + "-size"
		case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }):
			return "bad-" + strings.ReplaceAll(name, "_", "-") + "-characters"
		}
	}
	return ""
}

// tokenOf reads the tokens of o, and times from around them.
func tokenOf(o, top *object, sent time.Time) (t credfiles.Token, lifetime time.Duration) {
	t.Access = credfiles.NewSecret(o.text("access_token"))
	t.Refresh = credfiles.NewSecret(o.text("refresh_token"))
	t.Scope = scopeOf(o)

	lifetime = lifetimeIn(o, sent, "expires_in")
	if lifetime > 0 {
		t.Expiry = sent.Add(lifetime)
	} else if iat, exp, ok := t.Access.Times(); ok {
		t.Expiry = exp
		if iat.IsZero() {
			iat = sent
		}
		lifetime = max(0, exp.Sub(iat))
	}
	// GitHub and Google, Keycloak (0 there means never), Intuit.
	left := lifetimeIn(o, sent, "refresh_token_expires_in", "refresh_expires_in", "x_refresh_token_expires_in")
	if left == 0 && o != top {
		left = lifetimeIn(top, sent, "refresh_token_expires_in")
	}
	if left > 0 {
		t.RefreshExpiry = sent.Add(left)
	}
	return t, lifetime
}

func scopeOf(o *object) string {
	scope := o.text("scope")
	if list := o.lists["scope"]; list != nil {
		var all []string
		for _, s := range list {
			if s, ok := s.(string); ok {
				all = append(all, s)
			}
		}
		scope = strings.Join(all, " ")
	}
	if strings.ContainsFunc(scope, unicode.IsControl) {
		return ""
	}
	return scope
}

// lifetimeIn is the first of the members that tells a lifetime. Zero, a
// negative one and what is no number mean that it is unknown.
func lifetimeIn(o *object, sent time.Time, names ...string) time.Duration {
	for _, name := range names {
		if d := lifetime(o.values[name], sent); d > 0 {
			return d
		}
	}
	return 0
}

const century = 100 * 365 * 24 * time.Hour

// lifetime reads seconds in any form seen: 3600, 3600.5, "3600" (GitHub,
// PayPal). What is too large for seconds is a point in time, which says nothing
// if it is past.
func lifetime(v any, sent time.Time) time.Duration {
	n, ok := number(v)
	if !ok || n <= 0 {
		return 0
	}
	if n >= 1e9 {
		if at := unixTime(n); !at.IsZero() {
			return max(0, min(at.Sub(sent), century))
		}
	}
	if n >= century.Seconds() {
		return century
	}
	return time.Duration(n) * time.Second
}

// unixTime reads seconds since 1970, or milliseconds where seconds would lie
// beyond the year 5000. Zero where neither makes sense.
func unixTime(n float64) time.Time {
	switch {
	case n <= 0 || n >= 1e14:
		return time.Time{}
	case n >= 1e11:
		return time.UnixMilli(int64(n)).UTC()
	}
	return time.Unix(int64(n), 0).UTC()
}

// number reads a JSON number, or one in a string.
func number(v any) (float64, bool) {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = strings.TrimSpace(v)
	}
	if text == "" || strings.Trim(text, "+-.0123456789eE") != "" {
		return 0, false // also the NaN, Inf and 0x that ParseFloat knows
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil && !math.IsInf(n, 0)
}
