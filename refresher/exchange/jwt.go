package exchange

import (
	"encoding/base64"
	"strings"
	"time"

	"lamplighter/credfiles"
)

// LifetimeOf reads from when to when an access token is good, if it is a JWT
// (RFC 7519 section 4.1) and says so. Nothing is verified: the token is not
// ours to judge. ok means that exp is known; iat is zero where it is not said.
// The times are by the server's clock.
func LifetimeOf(access credfiles.Secret) (iat, exp time.Time, ok bool) {
	parts := strings.Split(access.Reveal(), ".")
	if len(parts) != 3 { // five parts are encrypted (RFC 7516)
		return time.Time{}, time.Time{}, false
	}
	text := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(parts[1], "="))
	payload, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(payload) == 0 || payload[0] != '{' {
		return time.Time{}, time.Time{}, false
	}
	claims, whole := readJSON(payload)
	if !whole {
		return time.Time{}, time.Time{}, false
	}
	n, _ := number(claims.values["exp"])
	if exp = unixTime(n); exp.IsZero() {
		return time.Time{}, time.Time{}, false
	}
	n, _ = number(claims.values["iat"])
	return unixTime(n), exp, true
}
