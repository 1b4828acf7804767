package credfiles

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// Times reads iat and exp of an access token that is a JWT (RFC 7519 section
// 4.1), without verifying it: they only say when to look again. ok is false
// where there is no readable exp; iat may be zero.
func (s Secret) Times() (iat, exp time.Time, ok bool) {
	parts := strings.Split(s.Reveal(), ".")
	if len(parts) != 3 {
		return
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return
	}
	var claims struct {
		Iat float64 `json:"iat"`
		Exp float64 `json:"exp"`
	}
	if json.Unmarshal(body, &claims) != nil || claims.Exp < 1e9 || claims.Exp > 1e11 {
		return
	}
	if claims.Iat >= 1e9 && claims.Iat < claims.Exp {
		iat = time.Unix(int64(claims.Iat), 0)
	}
	return iat, time.Unix(int64(claims.Exp), 0), true
}
