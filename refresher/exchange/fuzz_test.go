package exchange

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"
)

// What stands for §1 and §2 in the corpus: a token as servers make them, and a
// shorter one that only its member's name gives away.
const (
	longToken  = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJFWEFNUExFIn0.q7Zk3vRt9xLw-EXAMPLE"
	shortToken = "k3vRt9xLw"
)

// shown is everything that a verdict and its answer print in a log, an error
// or on a screen.
func shown(a Answer, v Verdict) string {
	var b strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&b, verb+"\n"+verb+"\n"+verb+"\n", v, &v, struct {
			V Verdict
			A Answer
		}{v, a})
	}
	fmt.Fprintln(&b, fmt.Errorf("refresh: %v", v), v.Code, v.Subtype, v.Detail, v.Kind, a.Failure)
	slog.New(slog.NewTextHandler(&b, nil)).Info("refreshed", "verdict", v, "answer", a, "token", v.Token)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("refreshed", "answer", a, "access", v.Token.Access)
	return b.String()
}

func forms(token string) []string {
	return []string{
		token, url.QueryEscape(token), hex.EncodeToString([]byte(token)),
		base64.StdEncoding.EncodeToString([]byte(token)), base64.RawURLEncoding.EncodeToString([]byte(token)),
		token[:len(token)*2/3], // a part is no better
	}
}

// FuzzJudgeNeverPanicsNorLeaks holds every verdict to its promises, whatever
// the server sends. §1 and §2 in the body are tokens.
func FuzzJudgeNeverPanicsNorLeaks(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"§1","refresh_token":"§1","expires_in":3600,"scope":"a b"}`,
		`{"access_token":"§2","refresh_token":"§2","expires_in":"3600"}`,
		`{"access_token":"§1","refresh_token":"§1","sco`,
		`{"access_token":"§1","refresh_tok`,
		`{"error":"invalid_grant","error_description":"Token §1 has expired","refresh_token":"§2"}`,
		`{"error":"invalid_grant","error_description":"'§1' §2 (§1)","refresh_token":"§2"}`,
		`{"error":"§1","error_description":"https://as.example/x?token=§1"}`,
		`{"error":{"code":"§1","message":"§1"},"suberror":"§1"}`,
		`{"error":"§2","access_token":"§2","suberror":"§2","error_subtype":"§2"}`,
		`{"ok":false,"error":"x","authed_user":{"access_token":"§2","refresh_token":"§2"},"msg":"§2"}`,
		`{"error":"invalid_grant","error_description":"AADSTS50076: §1","error_codes":[50076]}`,
		`{"success":false,"msg":"§1"}`,
		`access_token=§1&refresh_token=§2&error_description=§1+§2`,
		`error=bad_refresh_token&error_description=§1&refresh_token=§2`,
		`<html>§1</html>`,
		"\ufeff{\"access_token\":\"§1\\u0000\"}",
		`{"access_token":{"x":"§1"},"refresh_token":["§2"]}`,
		`[[[[{"a":"§1"`,
		`"§1"`,
		``,
	} {
		f.Add(200, asJSON, body, "", "", false, true)
		f.Add(400, asJSON, body, "30", "Fri, 20 Nov 2026 12:00:00 GMT", true, true)
		f.Add(401, asForm, body, "Fri, 20 Nov 2026 12:00:00 GMT", "", false, false)
		f.Add(503, asHTML, body, "99999999999999999999", "", false, true)
	}
	f.Fuzz(func(t *testing.T, status int, contentType, body, after, date string, isCut, written bool) {
		if body = strings.ReplaceAll(strings.ReplaceAll(body, "§1", longToken), "§2", shortToken); len(body) > 1<<16 {
			return
		}
		a := Answer{
			Status: status, Header: Header{ContentType: contentType, RetryAfter: after, Date: date},
			Body: []byte(body), Cut: isCut, Written: written, SentAt: sent, At: arrived,
		}
		v := Judge(post, a)

		for _, form := range forms(longToken) {
			// A scope is shown to the user: it is not a secret's place.
			if strings.Contains(shown(a, v), form) {
				t.Errorf("the token shows: %s", v)
			}
		}
		if names(body, shortToken) {
			for _, form := range forms(shortToken)[:1] {
				if strings.Contains(shown(a, v), form) {
					t.Errorf("the short token shows: %s", v)
				}
			}
		}
		for _, text := range []string{v.Code, v.Subtype, v.Detail} {
			if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }) || len([]rune(text)) > longestText+30 {
				t.Errorf("not clean: %q", text)
			}
		}
		if v.Kind < Refreshed || v.Kind > Ambiguous {
			t.Errorf("no verdict: %v", v.Kind)
		}
		if v.RetryAfter != 0 && (v.RetryAfter < time.Second || v.RetryAfter > 6*time.Hour) {
			t.Errorf("Retry-After %v", v.RetryAfter)
		}
		if v.Kind == Refreshed {
			refreshedRightly(t, a, v)
		}
		if (v.Kind == Ambiguous) && !written || v.Kind == Ambiguous && !v.Consumed || v.RepeatAtOnce && v.Kind != Ambiguous {
			t.Errorf("%v, consumed %v, again %v, written %v", v, v.Consumed, v.RepeatAtOnce, written)
		}
		if text, err := json.Marshal(a); err != nil {
			t.Errorf("the journal cannot hold it: %v", err)
		} else {
			var back Answer
			if err := json.Unmarshal(text, &back); err != nil || short(Judge(post, back)) != short(v) {
				t.Errorf("from the journal: %v, %v; before: %v", Judge(post, back), err, v)
			}
		}
	})
}

// refreshedRightly checks a success against the bytes that it came from.
func refreshedRightly(t *testing.T, a Answer, v Verdict) {
	t.Helper()
	if a.Status/100 != 2 || v.Token.Access.IsZero() {
		t.Errorf("refreshed by a %d, without an access token: %v", a.Status, v.Token.Access.IsZero())
	}
	// What is cut must hold both tokens with their closing quotes.
	if a.Cut && !json.Valid(a.Body) && strings.HasPrefix(string(a.Body), "{") && !strings.Contains(string(a.Body), "}") {
		if v.Token.Refresh.IsZero() {
			t.Errorf("a cut answer without a refresh token counts as success: %q", a.Body)
		}
		if strings.Count(string(a.Body), `"`) < 8 {
			t.Errorf("a cut answer without both strings counts as success: %q", a.Body)
		}
	}
	// Tokens go into headers, forms and stores.
	for _, s := range []string{v.Token.Access.Reveal(), v.Token.Refresh.Reveal()} {
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) || len(s) > maxToken {
			t.Errorf("a token that no client can use: %q", s)
		}
	}
}

// names reports whether the body holds token as the whole value of a member
// that is called a token: only then can a short one be told from a word.
func names(body, token string) bool {
	for _, member := range []string{"access_token", "refresh_token"} {
		if strings.Contains(body, `"`+member+`":"`+token+`"`) {
			var v map[string]any
			if json.Unmarshal([]byte(body), &v) == nil && v[member] == token {
				return true
			}
		}
	}
	return false
}

func TestNoVerdictShowsATokenFromTheBody(t *testing.T) {
	for _, token := range []string{
		longToken,
		"xoxe.xoxp-1-Mi0yLTEyMzQ1Njc4OTAtEXAMPLE",
		"ghr_1B4a2e77838347a7E420ce178F2E7c6912E1692EXAMPLE",
		"1//0gEXAMPLEabcdefghijklmnopqrstuv-L9IrT",
		"0.AXYAEXAMPLE.AgABAAEAAAD",
		"u5er:grant1d:s3cretEXAMPLEs3cret",
		"4f9b1c0de8a7f6e5d4c3b2a1908f7e6d",
		"bm90LWEtdG9rZW4tYnV0LWxvbmctRVhBTVBMRQ==",
		"qwertyuiopasdfghjklzxcvbnmqwerty",
		"aBcDeFgHiJkLmNoPqRsT",
		"00D5f000000aBcD!AQEAQEXAMPLE._tOken",
	} {
		quoted, _ := json.Marshal(token)
		in := string(quoted[1 : len(quoted)-1])
		for _, status := range []int{200, 302, 400, 401, 403, 404, 429, 500} {
			for _, body := range []string{
				`{"error":"invalid_grant","error_description":"The token ` + in + ` has expired."}`,
				`{"error":"invalid_grant","error_description":"(` + in + `)"}`,
				`{"error":"invalid_grant","error_description":"refresh_token=` + in + `"}`,
				`{"error":"invalid_grant","error_description":"at https://as.example/token?t=` + in + `"}`,
				`{"error":"` + in + `","suberror":"` + in + `"}`,
				`{"error":{"code":"` + in + `","message":"` + in + `"}}`,
				`{"error":"bad token ` + in + `"}`,
				`{"access_token":"` + in + `","error":"x","msg":"` + in + `"}`,
				`{"ok":true,"access_token":"` + in + `","refresh_token":"` + in + `"}`,
				`{"ok":true,"access_token":"` + in + `","refresh_tok`,
				`<html>` + token + `</html>`,
				`error=` + url.QueryEscape(token) + `&error_description=` + url.QueryEscape(token),
			} {
				for _, contentType := range []string{asJSON, asForm, asHTML, token} {
					a := answered(status, contentType, body)
					text := shown(a, Judge(post, a))
					for _, form := range forms(token) {
						if strings.Contains(text, form) {
							t.Fatalf("status %d, %s: it shows in\n%s", status, body, text)
						}
					}
				}
			}
		}
	}
}

func TestWordsAreNotTakenForTokens(t *testing.T) {
	for _, s := range []string{
		"The provided authorization grant is invalid. The refresh token was already used.",
		"AADSTS50076: Due to a configuration change made by your administrator, you must use multi-factor authentication to access it.",
		"refresh_token_already_used, see InvalidAuthenticationTokenTenant",
		"Access denied due to missing subscription key. Make sure to include subscription key.",
		"inactive for 90.00:00:00",
	} {
		if got := clean(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
	if got := clean("a\x1b[31mb\u202ec\r\nd\tê " + strings.Repeat("word ", 100)); !strings.HasPrefix(got, "a[31mbc d ê word") || len([]rune(got)) != longestText {
		t.Errorf("%q", got)
	}
}
