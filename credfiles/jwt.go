package credfiles

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"lamplighter/credfiles/jsonedit"
)

// Times reads iat and exp of an access token that is a JWT (RFC 7519 section
// 4.1), by the server's clock. Nothing is verified: they only say when to look
// again. ok is false where there is no readable exp; iat may be zero.
func (s Secret) Times() (iat, exp time.Time, ok bool) {
	parts := strings.Split(s.Reveal(), ".")
	if len(parts) != 3 { // five parts are encrypted (RFC 7516)
		return
	}
	// Some libraries pad, or use the alphabet of plain base64.
	text := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(parts[1], "="))
	payload, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return
	}
	claims, err := jsonedit.Parse(payload)
	if err != nil || claims.Kind() != jsonedit.Object {
		return
	}
	if exp = numericDate(claims, "exp"); exp.IsZero() {
		return
	}
	if iat = numericDate(claims, "iat"); !iat.Before(exp) {
		iat = time.Time{}
	}
	return iat, exp, true
}

// numericDate is a claim in seconds since 1970, or in milliseconds where
// seconds would lie far beyond any token's end; as a number, or as one in a
// string. Zero where it is no time that a token of today can name.
func numericDate(claims jsonedit.Value, name string) time.Time {
	v, _ := claims.Get(name)
	n, ok := v.Float()
	if text, isText := v.Text(); isText {
		var err error
		n, err = strconv.ParseFloat(text, 64)
		ok = err == nil
	}
	switch {
	case !ok:
	case 1e8 <= n && n < 1e11:
		return time.Unix(int64(n), 0).UTC()
	case 1e11 <= n && n < 1e14:
		return time.UnixMilli(int64(n)).UTC()
	}
	return time.Time{}
}
