package credfiles

import (
	"encoding/base64"
	"testing"
)

func TestTimesOfAnAccessToken(t *testing.T) {
	jwt := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	for token, want := range map[string][2]int64{
		jwt(`{"iat":1795240000,"exp":1795243600}`):                                                     {1795240000, 1795243600},
		jwt(`{"exp":1795243600.75}`):                                                                   {0, 1795243600},
		jwt(`{"iat":1795250000,"exp":1795243600}`):                                                     {0, 1795243600}, // began after it ended
		"e30." + base64.URLEncoding.EncodeToString([]byte(`{"exp":1795243600}`)) + ".":                 {0, 1795243600},
		"e30." + base64.StdEncoding.EncodeToString([]byte(`{"exp":1795243600,"n":"~~~???>>>"}`)) + ".": {0, 1795243600},
		jwt(`{"iat":"1795240000","exp":"1795243600"}`):                                                 {1795240000, 1795243600},
		jwt(`{"exp":1795243600000}`):                                                                   {0, 1795243600},
	} {
		iat, exp, ok := NewSecret(token).Times()
		if !ok || exp.Unix() != want[1] || (want[0] == 0) != iat.IsZero() || want[0] != 0 && iat.Unix() != want[0] {
			t.Errorf("%s: %v, %v, %v", token, iat, exp, ok)
		}
	}
	for _, token := range []string{
		"", "opaque", "a.b", "a.b.c", "..", jwt(``), jwt(`{}`), jwt(`[]`), jwt(`null`), jwt(`{"exp":"soon"}`), jwt(`{"exp":"NaN"}`), jwt(`{"exp":"Inf"}`), jwt(`{"exp":null}`), jwt(`{"exp":[1795243600]}`), jwt(`{"exp":17952`), jwt(`{"exp":1795243600}x`),
		jwt(`{"exp":1795243600000000}`), jwt(`{"exp":-1}`), jwt(`{"exp":1e400}`), jwt(`{"exp":12}`), "x." + jwt(`{"exp":1795243600}`), "a.b." + jwt(`{"exp":1795243600}`),
	} {
		if iat, exp, ok := NewSecret(token).Times(); ok || !exp.IsZero() || !iat.IsZero() {
			t.Errorf("%q: %v, %v", token, iat, exp)
		}
	}
}
