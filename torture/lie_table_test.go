package torture_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"time"

	"lamplighter/refresher/authtest"
)

// Forgiving takes a repeat for what it is: a client that lost the answer.
var forgiving = authtest.Policy{Reuse: authtest.Grace, Grace: time.Minute}

// The truths that most lies come to.
var (
	taken     = truth{0, "fresh", 1, "refreshed", newest, alive, "refreshed"}
	takenOnce = truth{0, "fresh", 2, "refreshed", newest, alive, "refreshed"} // and repeated at once
)

// unclear is an answer that may have spent the refresh token, or may not.
func unclear(code, grant string) truth {
	return truth{3, "retrying", 1, "ambiguous ambiguous " + code, same, grant, "next try"}
}

// later is an answer that surely did nothing.
func later(code string) truth {
	return truth{3, "retrying", 1, "unsent later " + code, same, alive, "next try"}
}

// refused is one that only a change of the world can help.
func refused(code, grant string) truth {
	return truth{1, "misconfigured", 1, "misconfigured misconfigured " + code, same, grant, "codex mcp login linear"}
}

// unusable is an answer whose token nobody could store or send.
func unusable(code string) truth {
	t := refused(code, lost)
	t.says = "a token that cannot be used"
	return t
}

// buried is a refresh token that the server does not know any more.
func buried(posts int) truth {
	return truth{4, "sign-in-needed", posts, "dead dead invalid_grant", same, dead, "codex mcp login linear"}
}

// The kinds of lie.

func says(a *authtest.Answer) []authtest.Behaviour { return []authtest.Behaviour{{Answer: a}} }

func shape(s authtest.Shape) []authtest.Behaviour { return []authtest.Behaviour{{Shape: s}} }

func edit(do func(a *authtest.Answer)) []authtest.Behaviour { return []authtest.Behaviour{{Edit: do}} }

func body(do func(text string) string) []authtest.Behaviour {
	return edit(func(a *authtest.Answer) { a.Body = []byte(do(string(a.Body))) })
}

func header(name, value string) []authtest.Behaviour {
	return edit(func(a *authtest.Answer) { a.Header.Set(name, value) })
}

// wire writes head, headers and body as they are given, and says that the
// client can know all of it, or nothing.
func wire(known authtest.Delivery, do func(head, body string) string) []authtest.Behaviour {
	return []authtest.Behaviour{{Wire: func(w authtest.Wired) ([]byte, authtest.Delivery) {
		return []byte(do(string(w.Whole[:w.Body]), string(w.Whole[w.Body:]))), known
	}}}
}

// member puts another value in the place of a member's.
func member(name, value string) []authtest.Behaviour {
	return body(func(text string) string { return replaceMember(text, name, value) })
}

func replaceMember(text, name, value string) string {
	before, after, _ := strings.Cut(text, `"`+name+`":`)
	end := strings.IndexAny(after, ",}")
	return before + `"` + name + `":` + value + after[end:]
}

// memberOf is the value of a member, quotes and all.
func memberOf(text, name string) string {
	_, after, _ := strings.Cut(text, `"`+name+`":`)
	return after[:strings.IndexAny(after, ",}")]
}

func zipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.Bytes()
}

func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

var lies = concat(redirects(), wrongAnswers(), answersTwice(), oldAndNew(), expiries(), sizes(), characters(), wrappings(), wrongLengths(), issuers(), stalls())

func concat(all ...[]lie) []lie {
	var one []lie
	for _, l := range all {
		one = append(one, l...)
	}
	return one
}

// A token endpoint that sends the refresh token elsewhere is not followed,
// whatever the code (RFC 9700 section 4.12: 307 would send it again).
func redirects() []lie {
	var all []lie
	for _, code := range []int{301, 302, 303, 307, 308} {
		t := later(fmt.Sprintf("http-%d", code))
		elsewhere := func(path func(w *deceived) string) func(w *deceived) {
			return func(w *deceived) {
				w.s.Next(authtest.Token, authtest.Behaviour{Answer: authtest.Redirect(code, path(w))})
			}
		}
		const why = "a captive portal, or a server that moved: later, and not followed"
		all = append(all,
			lie{name: fmt.Sprintf("redirect %d to itself", code), truth: t, why: why,
				world: elsewhere(func(w *deceived) string { return w.line.Grant.TokenURL })},
			lie{name: fmt.Sprintf("redirect %d to another host", code), truth: t, why: why,
				world: elsewhere(func(w *deceived) string { return w.other.URL(authtest.Token) })},
			lie{name: fmt.Sprintf("redirect %d to nowhere", code), truth: t, why: why,
				world: elsewhere(func(*deceived) string { return "" })},
		)
	}
	return all
}

func wrongAnswers() []lie {
	const any = "a 2xx without tokens and without a code: it may have been used"
	page := func(status int) *authtest.Answer {
		a := authtest.HTML()
		a.Status = status
		return a
	}
	text := func(status int, kind, body string) *authtest.Answer {
		return &authtest.Answer{Status: status, Header: http.Header{"Content-Type": {kind}}, Body: []byte(body)}
	}
	asJSON := func(status int, body string) *authtest.Answer { return text(status, "application/json", body) }
	return []lie{
		{name: "a web page", tells: says(page(200)), truth: unclear("html", alive), why: any},
		{name: "a web page after it rotated", tells: []authtest.Behaviour{{Answer: page(200), Consume: true}}, truth: unclear("html", lost), why: any},
		{name: "a web page with 403", tells: says(page(403)), truth: later("http-403"), why: "a firewall spoke, not the server"},
		{name: "a web page with 401", tells: says(page(401)), truth: later("http-401"), why: "something in between spoke"},
		{name: "a web page with 511", tells: says(page(511)), truth: later("http-511"), why: "a captive portal (RFC 6585)"},
		{name: "a web page with 502", tells: says(page(502)), truth: unclear("http-502", alive), why: "5xx: ambiguous, no repeat at once"},
		{name: "500", tells: says(authtest.Status(500)), truth: unclear("http-500", alive), why: "5xx: ambiguous, no repeat at once"},
		{name: "503 with Retry-After", tells: says(authtest.RetryAfter(503, "3600")), truth: truth{3, "retrying", 1, "asked later http-503", same, alive, "asked to wait"}, why: "it names the time"},
		{name: "429", tells: says(authtest.Status(429)), truth: later("http-429"), why: "429: later"},
		{name: "404", tells: says(authtest.Status(404)), truth: truth{1, "misconfigured", 1, "misconfigured misconfigured http-404", same, alive, "404 Not Found"}, why: "rests until metadata change"},
		{name: "408", tells: says(authtest.Status(408)), truth: unclear("http-408", alive), why: "it may have read the body"},
		{name: "204", tells: says(authtest.Status(204)), truth: unclear("empty", alive), why: any},
		{name: "nothing at all with 200", tells: says(asJSON(200, "")), truth: unclear("empty", alive), why: any},
		{name: "spaces", tells: says(asJSON(200, "   \n")), truth: unclear("no-token", alive), why: any},
		{name: "null", tells: says(asJSON(200, "null")), truth: unclear("no-token", alive), why: any},
		{name: "a list", tells: says(asJSON(200, `[{"access_token":"at-EXAMPLE"}]`)), truth: unclear("no-token", alive), why: any},
		{name: "a string", tells: says(asJSON(200, `"at-EXAMPLE"`)), truth: unclear("no-token", alive), why: any},
		{name: "an empty object", tells: says(asJSON(200, "{}")), truth: unclear("no-token", alive), why: any},
		{name: "an unknown code with 200", tells: says(asJSON(200, `{"error":"teapot"}`)), truth: refused("teapot", alive), why: "a code that nobody knows, spoken clearly"},
		{name: "an error that is a number", tells: says(asJSON(200, `{"error":17}`)), truth: unclear("no-token", alive), why: any},
		{name: "invalid_grant with 200", tells: says(authtest.Refusal{Code: "invalid_grant", Status: 200}.Answer()),
			truth: truth{4, "sign-in-needed", 1, "dead dead invalid_grant", same, alive, "codex mcp login linear"}, why: "the code counts before the status"},
		{name: "invalid_grant with 500", tells: says(authtest.Refusal{Code: "invalid_grant", Status: 500}.Answer()),
			truth: truth{4, "sign-in-needed", 1, "dead dead invalid_grant", same, alive, "codex mcp login linear"}, why: "the code counts before the status"},
		{name: "success false with invalid_grant", tells: says(authtest.Refusal{Dialect: authtest.Success}.Answer()),
			truth: truth{4, "sign-in-needed", 1, "dead dead invalid_grant", same, alive, "codex mcp login linear"}, why: "the code counts before the status (openai/codex#17265)"},
		{name: "a description full of escapes", tells: says(asJSON(400, `{"error":"invalid_scope","error_description":"\u001b[31mno\u0000\u202e\n\nscope"}`)),
			truth: refused("invalid_scope", alive), why: "rests; and no control character is printed"},
		{name: "the refresh token in its description", world: func(w *deceived) {
			w.s.Next(authtest.Token, authtest.Behaviour{Answer: asJSON(400, `{"error":"invalid_scope","error_description":"token `+w.line.Grant.RefreshToken+` has no scope"}`)})
		}, truth: refused("invalid_scope", alive), why: "rests; and the token is not printed"},
		{name: "noise", tells: []authtest.Behaviour{{Fault: authtest.Garble}}, truth: unclear("no-token", lost), why: any},
		{name: "it hangs up before it looked", tells: []authtest.Behaviour{{Fault: authtest.DropBefore}}, truth: takenOnce, why: "cut: one repeat at once, which finds it unspent"},
		{name: "it hangs up after it rotated", tells: []authtest.Behaviour{{Fault: authtest.DropAfter}}, truth: buried(2), why: "cut: one repeat at once; nobody had the successor"},
		{name: "it hangs up after it rotated, and forgives", policy: forgiving, tells: []authtest.Behaviour{{Fault: authtest.DropAfter}}, truth: takenOnce, why: "a repeat within its grace"},
		{name: "it always hangs up", tells: []authtest.Behaviour{{Fault: authtest.DropBefore}, {Fault: authtest.DropBefore}},
			truth: truth{3, "retrying", 2, "ambiguous ambiguous eof", same, alive, "broke off"}, why: "one repeat, not two"},
	}
}

func answersTwice() []lie {
	const first = "what comes after the first answer is nobody's"
	again := func(head, body string) string { return head + body }
	return []lie{
		{name: "the same answer twice", tells: wire(authtest.Whole, func(h, b string) string { return again(h, b) + again(h, b) }), truth: taken, why: first},
		{name: "tokens, then an error", tells: wire(authtest.Whole, func(h, b string) string {
			return again(h, b) + "HTTP/1.1 400 Bad Request\r\nContent-Length: 25\r\n\r\n" + `{"error":"invalid_grant"}`
		}), truth: taken, why: first},
		{name: "an error, then tokens", tells: wire(authtest.CutShort, func(h, b string) string {
			return "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 25\r\n\r\n" + `{"error":"invalid_scope"}` + again(h, b)
		}), truth: refused("invalid_scope", lost), why: first},
		{name: "100 before it", tells: wire(authtest.Whole, func(h, b string) string { return "HTTP/1.1 100 Continue\r\n\r\n" + again(h, b) }), truth: taken, why: "RFC 9110 section 15.2"},
		{name: "103 before it", tells: wire(authtest.Whole, func(h, b string) string {
			return "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n" + again(h, b)
		}), truth: taken, why: "RFC 8297"},
		{name: "103 and no more", policy: forgiving, tells: wire(authtest.CutShort, func(string, string) string { return "HTTP/1.1 103 Early Hints\r\n\r\n" }), truth: takenOnce, why: "cut: one repeat at once"},
		{name: "two objects in one body", tells: body(func(b string) string { return b + b }), truth: taken, why: "the first is whole"},
		{name: "words behind the object", tells: body(func(b string) string { return b + "\n<!-- served by proxy -->\n" }), truth: taken, why: "the object is whole"},
		{name: "each token twice, the last ones true", tells: body(func(b string) string {
			return `{"access_token":"at-EXAMPLE","refresh_token":"rt-EXAMPLE",` + b[1:]
		}), truth: taken, why: "the last of duplicates counts, as every client reads them"},
		{name: "the refresh token twice, the last one null", tells: body(func(b string) string {
			return b[:len(b)-1] + `,"refresh_token":null}`
		}), truth: truth{0, "fresh", 1, "refreshed", kept, lost, "refreshed"}, why: "the last of duplicates counts"},
		{name: "tokens beside an error", tells: body(func(b string) string { return `{"error":"server_error",` + b[1:] }), truth: taken, why: "a pair of tokens is a success whatever else stands there"},
		{name: "tokens beside ok:false", tells: body(func(b string) string { return `{"ok":false,` + b[1:] }), truth: taken, why: "a pair of tokens is a success whatever else stands there"},
	}
}

func oldAndNew() []lie {
	spent := authtest.Policy{NoRotation: true}
	return []lie{
		{name: "the old refresh token again", tells: shape(authtest.Shape{Refresh: authtest.SameRefresh}), truth: truth{0, "fresh", 1, "refreshed", kept, alive, "refreshed"}, why: "no other refresh token: as good as before"},
		{name: "no refresh token", tells: shape(authtest.Shape{Refresh: authtest.AbsentRefresh}), truth: truth{0, "fresh", 1, "refreshed", kept, alive, "refreshed"}, why: "as good as before (RFC 6749 section 6)"},
		{name: "a refresh token of null", tells: shape(authtest.Shape{Refresh: authtest.NullRefresh}), truth: truth{0, "fresh", 1, "refreshed", kept, alive, "refreshed"}, why: "as good as before"},
		{name: "an empty refresh token", tells: shape(authtest.Shape{Refresh: authtest.EmptyRefresh}), truth: truth{0, "fresh", 1, "refreshed", kept, alive, "refreshed"}, why: "as good as before"},
		{name: "no rotation", policy: spent, truth: truth{0, "fresh", 1, "refreshed", kept, alive, "refreshed"}, why: "as good as before"},
		{name: "a refresh token that is a number", tells: member("refresh_token", "17"), truth: unusable("bad-refresh-token-type"), why: "must not count as absent: the old one is spent"},
		{name: "a refresh token that is an object", tells: member("refresh_token", `{"value":"rt-EXAMPLE"}`), truth: unusable("bad-refresh-token-type"), why: "must not count as absent: the old one is spent"},
		{name: "no access token", tells: member("access_token", "null"), truth: truth{0, "fresh", 2, "refreshed", newest, alive, "refreshed"}, why: "its successor came whole: it is stored, and sent next"},
		{name: "an empty access token", tells: member("access_token", `""`), truth: truth{0, "fresh", 2, "refreshed", newest, alive, "refreshed"}, why: "its successor came whole: it is stored, and sent next"},
		{name: "an access token that is a list", tells: member("access_token", `["at-EXAMPLE"]`), truth: truth{0, "fresh", 2, "refreshed", newest, alive, "refreshed"}, why: "its successor came whole: it is stored, and sent next"},
		{name: "the access token of before", tells: nil, world: func(w *deceived) {
			w.s.Next(authtest.Token, authtest.Behaviour{Edit: func(a *authtest.Answer) {
				a.Body = []byte(replaceMember(string(a.Body), "access_token", `"`+w.line.Grant.AccessToken+`"`))
			}})
		}, truth: truth{0, "fresh", 1, "refreshed", rotated, alive, "refreshed"}, why: "it is the server's word"},
		{name: "another token type", tells: member("token_type", `"mac"`), truth: taken, why: "a pair of tokens is a success whatever else it says"},
		{name: "no scope", tells: shape(authtest.Shape{Scope: authtest.Absent}), truth: taken, why: "RFC 6749 section 5.1"},
	}
}

// An answer that does not say when its token ends is one that nobody knows the
// end of: never one that ends never, or at once.
func expiries() []lie {
	unknown := taken
	unknown.state = "unknown"
	var all []lie
	for name, value := range map[string]string{
		"absent": authtest.Absent, "null": "null", "0": "0", "negative": "-3600", "an object": "{}", "a list": "[3600]", "true": "true",
		"a word": `"soon"`, "an empty string": `""`, "beyond a float": "1e999", "NaN in a string": `"NaN"`, "in hex": `"0xe10"`,
		"a time in the past": "1700000000", "a time in the past in milliseconds": "1700000000000",
	} {
		all = append(all, lie{name: "expires_in " + name, tells: shape(authtest.Shape{ExpiresIn: value}), truth: unknown, why: "unknown: refreshed daily"})
	}
	for name, value := range map[string]string{
		"a string": `"%d"`, "a float": "%d.9", "a float in a string": `"%d.9"`, "with an exponent": "%de0", "with spaces": `" %d "`,
		"huge": "1e15", "a hundred digits": strings.Repeat("9", 100), "a time to come": fmt.Sprint(time.Now().Add(time.Hour).Unix()),
	} {
		all = append(all, lie{name: "expires_in " + name, tells: shape(authtest.Shape{ExpiresIn: value}), truth: taken, why: "a lifetime in any form that was seen"})
	}
	return all
}

func sizes() []lie {
	front := func(n int) []authtest.Behaviour {
		return body(func(b string) string { return `{"padding":"` + strings.Repeat("x", n) + `",` + b[1:] })
	}
	long := func(name string, n int) []authtest.Behaviour {
		return body(func(b string) string { return replaceMember(b, name, `"`+strings.Repeat("a", n)+`"`) })
	}
	return []lie{
		{name: "10 MB behind the tokens", tells: shape(authtest.Shape{Pad: 10 << 20}), truth: taken, why: "both token strings of a 2xx came whole"},
		{name: "900 KB before the tokens", tells: front(900 << 10), truth: taken, why: "within what is read"},
		{name: "10 MB before the tokens", tells: front(10 << 20), truth: unclear("cut", lost), why: "more than is read: ambiguous, and no repeat at once"},
		{name: "10 MB of spaces", tells: says(authtest.Big(10 << 20)), truth: unclear("cut", alive), why: "more than is read"},
		{name: "an access token of 200 KB", tells: long("access_token", 200<<10), truth: truth{0, "fresh", 1, "refreshed", theTales, alive, "refreshed"}, why: "below the limit of 256 KiB"},
		{name: "an access token of 300 KB", tells: long("access_token", 300<<10), truth: unusable("bad-access-token-size"), why: "no store takes it"},
		{name: "an access token of 1 MB", tells: long("access_token", 1<<20), truth: unclear("cut", lost), why: "more than is read"},
		{name: "a refresh token of 300 KB", tells: long("refresh_token", 300<<10), truth: unusable("bad-refresh-token-size"), why: "no store takes it"},
		{name: "nested 100 deep before the tokens", tells: body(func(b string) string { return `{"x":` + nested(100) + "," + b[1:] }), truth: taken, why: "the tokens are whole"},
		{name: "nested 100,000 deep before the tokens", tells: body(func(b string) string { return `{"x":` + nested(100_000) + "," + b[1:] }), truth: taken, why: "the tokens are whole"},
		{name: "nested 100,000 deep behind the tokens", tells: body(func(b string) string { return b[:len(b)-1] + `,"x":` + nested(100_000) + "}" }), truth: taken, why: "the tokens are whole"},
		{name: "50,000 members", tells: body(func(b string) string {
			return b[:len(b)-1] + strings.Repeat(`,"member":"value"`, 50_000) + "}"
		}), truth: taken, why: "the tokens are whole"},
	}
}

func characters() []lie {
	token := func(name, value string) []authtest.Behaviour { return member(name, value) }
	const no = "a token that no header can carry: sent again it would do the same"
	return []lie{
		{name: "a newline in the access token", tells: token("access_token", `"at\nEXAMPLE"`), truth: unusable("bad-access-token-characters"), why: no},
		{name: "a newline in the refresh token", tells: token("refresh_token", `"rt\nEXAMPLE"`), truth: unusable("bad-refresh-token-characters"), why: no},
		{name: "NUL in the access token", tells: token("access_token", `"at\u0000EXAMPLE"`), truth: unusable("bad-access-token-characters"), why: no},
		{name: "an escape sequence in the access token", tells: token("access_token", `"\u001b[2Jat-EXAMPLE"`), truth: unusable("bad-access-token-characters"), why: no},
		{name: "half a surrogate in the access token", tells: token("access_token", `"at\ud800EXAMPLE"`), truth: unusable("bad-access-token-characters"), why: no},
		{name: "invalid UTF-8 in the access token", tells: token("access_token", "\"at\xffEXAMPLE\""), truth: unusable("bad-access-token-characters"), why: no},
		{name: "quotes and backslashes in the access token", tells: token("access_token", `"at\"\\\/<&>'EXAMPLE"`), truth: truth{0, "fresh", 1, "refreshed", theTales, alive, "refreshed"}, why: "odd, and it can be stored"},
		{name: "letters of another alphabet in the access token", tells: token("access_token", `"ключ-EXAMPLE-鍵"`), truth: truth{0, "fresh", 1, "refreshed", theTales, alive, "refreshed"}, why: "odd, and it can be stored"},
		{name: "spaces around the tokens", tells: body(func(b string) string {
			b = replaceMember(b, "access_token", `" `+strings.Trim(memberOf(b, "access_token"), `"`)+` "`)
			return replaceMember(b, "refresh_token", `"`+strings.Trim(memberOf(b, "refresh_token"), `"`)+`\n"`)
		}), truth: taken, why: "no token has space around it"},
		{name: "invalid UTF-8 elsewhere", tells: body(func(b string) string { return b[:len(b)-1] + ",\"x\":\"\xff\xfe\"}" }), truth: taken, why: "the tokens are whole"},
		{name: "a raw newline within a string", tells: body(func(b string) string { return b[:len(b)-1] + ",\"x\":\"\n\"}" }), truth: taken, why: "the tokens are whole"},
		{name: "NUL bytes behind the object", tells: body(func(b string) string { return b + "\x00\x00\x00" }), truth: taken, why: "the object is whole"},
		{name: "NUL bytes before the object", tells: body(func(b string) string { return "\x00\x00" + b }), truth: unclear("no-token", lost), why: "no JSON: ambiguous"},
		{name: "a byte order mark", tells: body(func(b string) string { return "\ufeff" + b }), truth: taken, why: "known from IIS"},
		{name: "UTF-16", tells: body(func(b string) string {
			var wide strings.Builder
			wide.WriteString("\xff\xfe")
			for _, c := range []byte(b) {
				wide.Write([]byte{c, 0})
			}
			return wide.String()
		}), truth: unclear("no-token", lost), why: "no JSON: ambiguous (RFC 8259 section 8.1)"},
		{name: "single quotes", tells: body(func(b string) string { return strings.ReplaceAll(b, `"`, `'`) }), truth: unclear("no-token", lost), why: "no JSON: ambiguous"},
		{name: "a comma too many", tells: body(func(b string) string { return b[:len(b)-1] + ",}" }), truth: taken, why: "the tokens are whole"},
		{name: "a guard before the object", tells: body(func(b string) string { return ")]}',\n" + b }), truth: unclear("no-token", lost), why: "no JSON: ambiguous"},
	}
}

func wrappings() []lie {
	gzipped := func(h http.Header) func(a *authtest.Answer) {
		return func(a *authtest.Answer) {
			for name, values := range h {
				a.Header[name] = values
			}
			a.Body = zipped(string(a.Body))
		}
	}
	// The log cannot see the tokens in a packed body.
	packed := func(h http.Header) []authtest.Behaviour { return edit(gzipped(h)) }
	return []lie{
		{name: "201", tells: shape(authtest.Shape{Status: 201}), truth: taken, why: "any 2xx"},
		{name: "299", tells: shape(authtest.Shape{Status: 299}), truth: taken, why: "any 2xx"},
		{name: "a form", tells: shape(authtest.Shape{Form: true}), truth: taken, why: "GitHub's without Accept"},
		{name: "a form with no Content-Type", tells: []authtest.Behaviour{{Shape: authtest.Shape{Form: true}, Edit: func(a *authtest.Answer) { a.Header.Del("Content-Type") }}}, truth: taken, why: "by its looks"},
		{name: "nested", tells: shape(authtest.Shape{Nested: true}), truth: taken, why: "Slack's"},
		{name: "text/plain", tells: header("Content-Type", "text/plain"), truth: taken, why: "by its looks"},
		{name: "text/html", tells: header("Content-Type", "text/html; charset=utf-8"), truth: taken, why: "by its looks"},
		{name: "no Content-Type", tells: edit(func(a *authtest.Answer) { a.Header.Del("Content-Type") }), truth: taken, why: "by its looks"},
		{name: "a Content-Type of noise", tells: header("Content-Type", ";;=//\""), truth: taken, why: "by its looks"},
		{name: "application/x-www-form-urlencoded with JSON", tells: header("Content-Type", "application/x-www-form-urlencoded"), truth: taken, why: "by its looks"},
		{name: "gzip, not asked for", tells: packed(http.Header{"Content-Encoding": {"gzip"}}), truth: taken, why: "it is unpacked"},
		{name: "gzip, and it does not say so", tells: packed(nil), truth: taken, why: "by its looks"},
		{name: "gzip, named twice", tells: packed(http.Header{"Content-Encoding": {"gzip, identity"}}), truth: taken, why: "by its looks"},
		{name: "says gzip and is not", tells: header("Content-Encoding", "gzip"), truth: taken, why: "by its looks"},
		{name: "says brotli and is not", tells: header("Content-Encoding", "br"), truth: taken, why: "by its looks"},
		{name: "gzip that ends early", policy: forgiving, tells: edit(func(a *authtest.Answer) {
			a.Header.Set("Content-Encoding", "gzip")
			a.Body = zipped(string(a.Body))[:40]
		}), truth: unclear("no-token", lost), why: "a 2xx without tokens"},
	}
}

func wrongLengths() []lie {
	length := func(known authtest.Delivery, n func(body string) string) []authtest.Behaviour {
		return wire(known, func(h, b string) string {
			return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + n(b) + "\r\n\r\n" + b
		})
	}
	plain := func(known authtest.Delivery, fields string) []authtest.Behaviour {
		return length(known, func(string) string { return fields })
	}
	chunked := func(known authtest.Delivery, do func(body string) string) []authtest.Behaviour {
		return wire(known, func(h, b string) string {
			return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + do(b)
		})
	}
	chunk := func(b string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(b), b) }
	return []lie{
		{name: "no length", tells: wire(authtest.Whole, func(h, b string) string {
			return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + b
		}), truth: taken, why: "the object is whole"},
		{name: "a length too long", tells: length(authtest.TokensOnly, func(b string) string { return fmt.Sprintf("Content-Length: %d", len(b)+10) }), truth: taken, why: "both token strings came whole"},
		{name: "a length that ends behind the tokens", tells: length(authtest.TokensOnly, func(b string) string {
			return fmt.Sprintf("Content-Length: %d", strings.Index(b, `,"expires_in"`))
		}), truth: taken, why: "both token strings came whole; they end when the ones before would have"},
		{name: "a length that ends within a token", policy: forgiving, tells: length(authtest.CutShort, func(string) string { return "Content-Length: 30" }), truth: unclear("no-token", lost), why: "a 2xx without tokens; nothing shows that it was cut"},
		{name: "a length of 0", tells: plain(authtest.CutShort, "Content-Length: 0"), truth: unclear("empty", lost), why: "a 2xx without tokens"},
		{name: "a length that is no number", policy: forgiving, tells: plain(authtest.CutShort, "Content-Length: many"), truth: takenOnce, why: "no answer that can be read: one repeat at once"},
		{name: "a negative length", policy: forgiving, tells: plain(authtest.CutShort, "Content-Length: -1"), truth: takenOnce, why: "no answer that can be read: one repeat at once"},
		{name: "two lengths", policy: forgiving, tells: plain(authtest.CutShort, "Content-Length: 5\r\nContent-Length: 7"), truth: takenOnce, why: "no answer that can be read: one repeat at once"},
		{name: "chunks", tells: chunked(authtest.Whole, func(b string) string { return chunk(b[:50]) + chunk(b[50:]) + "0\r\n\r\n" }), truth: taken, why: "RFC 9112 section 7.1"},
		{name: "chunks without an end", tells: chunked(authtest.TokensOnly, chunk), truth: taken, why: "both token strings came whole"},
		{name: "chunks, then noise", tells: chunked(authtest.TokensOnly, func(b string) string { return chunk(b) + "zzzz\r\nnoise" }), truth: taken, why: "both token strings came whole"},
		{name: "chunks of noise", policy: forgiving, tells: chunked(authtest.CutShort, func(b string) string { return "not a length\r\n" + b }), truth: takenOnce, why: "cut: one repeat at once"},
		{name: "a chunk of 2 GB", policy: forgiving, tells: chunked(authtest.CutShort, func(b string) string { return "7fffffff\r\n" + b[:40] }), truth: takenOnce, why: "cut: one repeat at once"},
		{name: "an unknown transfer encoding", policy: forgiving, tells: plain(authtest.CutShort, "Transfer-Encoding: rot13"), truth: takenOnce, why: "no answer that can be read: one repeat at once"},
		{name: "no HTTP at all", policy: forgiving, tells: wire(authtest.CutShort, func(_, b string) string { return b }), truth: takenOnce, why: "no answer that can be read: one repeat at once"},
		{name: "HTTP/9.9", tells: wire(authtest.Whole, func(h, b string) string { return strings.Replace(h, "HTTP/1.1", "HTTP/9.9", 1) + b }), truth: taken, why: "the object is whole"},
		{name: "a status of 1000", policy: forgiving, tells: wire(authtest.CutShort, func(h, b string) string { return strings.Replace(h, "200 OK", "1000 Fine", 1) + b }), truth: takenOnce, why: "no answer that can be read: one repeat at once"},
		{name: "200 KB of header", tells: header("X-Padding", strings.Repeat("x", 200<<10)), truth: taken, why: "the object is whole"},
		{name: "1 MB of header", policy: forgiving, tells: wire(authtest.CutShort, func(h, b string) string {
			return strings.TrimSuffix(h, "\r\n") + "X-Padding: " + strings.Repeat("x", 1<<20) + "\r\n\r\n" + b
		}), truth: takenOnce, why: "no answer that can be read: one repeat at once"},
	}
}

func issuers() []lie {
	says := func(d authtest.Discovery) func(w *deceived) {
		return func(w *deceived) { w.s.Set(func(o *authtest.Options) { o.Discovery = d }) }
	}
	return []lie{
		{name: "metadata of another issuer", world: says(authtest.Discovery{Issuer: "https://elsewhere.example"}),
			truth: truth{1, "misconfigured", 0, "misconfigured issuer", same, alive, "codex mcp login linear"}, why: "an issuer that differs from the stored one never gets the refresh token"},
		{name: "metadata whose issuer has a path more", world: func(w *deceived) {
			says(authtest.Discovery{Issuer: w.s.Issuer() + "/tenant"})(w)
		}, truth: truth{1, "misconfigured", 0, "misconfigured issuer", same, alive, "codex mcp login linear"}, why: "issuers are compared as strings (RFC 8414 section 3.3)"},
		{name: "metadata whose issuer has a slash more", world: func(w *deceived) {
			says(authtest.Discovery{Issuer: w.s.Issuer() + "/"})(w)
		}, truth: taken, why: "some clients store it with the slash"},
		{name: "a resource that names another server", world: func(w *deceived) {
			says(authtest.Discovery{AuthorizationServers: []string{w.other.Issuer()}})(w)
		}, truth: taken, why: "a stored issuer binds; the server has no say"},
		{name: "metadata that is a web page", world: func(w *deceived) {
			w.s.Behave(authtest.Metadata, authtest.Behaviour{Answer: authtest.HTML()})
		}, truth: truth{3, "retrying", 0, "unsent discovery", same, alive, "next try"}, why: "surely unspent: later"},
		{name: "metadata that redirect elsewhere", world: func(w *deceived) {
			w.s.Behave(authtest.Metadata, authtest.Behaviour{Answer: authtest.Redirect(302, "http://127.0.0.1:9/metadata")})
		}, truth: truth{1, "misconfigured", 0, "misconfigured discovery", same, alive, "refused"}, why: "metadata are not followed to another host without TLS"},
		{name: "metadata that hang up", world: func(w *deceived) {
			w.s.Behave(authtest.Metadata, authtest.Behaviour{Fault: authtest.DropBefore})
		}, truth: truth{3, "retrying", 0, "unsent discovery", same, alive, "next try"}, why: "surely unspent: later"},
		{name: "metadata of 10 MB", world: func(w *deceived) {
			w.s.Behave(authtest.Metadata, authtest.Behaviour{Answer: authtest.Big(10 << 20)})
		}, truth: truth{1, "misconfigured", 0, "misconfigured discovery", same, alive, "1 MiB"}, why: "no metadata are that long"},
		{name: "a token endpoint that is no URL", world: says(authtest.Discovery{TokenURL: "::://"}),
			truth: truth{1, "misconfigured", 0, "misconfigured discovery", same, alive, "where to refresh"}, why: "nothing is sent to what cannot be checked"},
		{name: "a token endpoint without TLS elsewhere", world: says(authtest.Discovery{TokenURL: "http://elsewhere.example/token"}),
			truth: truth{1, "misconfigured", 0, "misconfigured discovery", same, alive, "where to refresh"}, why: "https, or http on loopback"},
	}
}

// stalls wait for deadlines of the program's own.
func stalls() []lie {
	stall := func(at func(w authtest.Wired) int) []authtest.Behaviour {
		return []authtest.Behaviour{{Hang: true, Wire: func(w authtest.Wired) ([]byte, authtest.Delivery) { return authtest.CutAt(at(w))(w) }}}
	}
	return []lie{
		{name: "silence before it looked", slow: true, tells: []authtest.Behaviour{{Delay: authtest.Forever}}, truth: takenOnce, why: "timed out: one repeat at once, which finds it unspent"},
		{name: "silence after it rotated", slow: true, tells: []authtest.Behaviour{{DelayAfter: authtest.Forever}}, truth: buried(2), why: "timed out: one repeat at once; nobody had the successor"},
		{name: "silence after it rotated, and it forgives", slow: true, policy: forgiving, tells: []authtest.Behaviour{{DelayAfter: authtest.Forever}}, truth: takenOnce, why: "a repeat within its grace"},
		{name: "silence within the header", slow: true, policy: forgiving, tells: stall(func(authtest.Wired) int { return 20 }), truth: takenOnce, why: "timed out: one repeat at once"},
		{name: "silence within the body", slow: true, policy: forgiving, tells: stall(func(w authtest.Wired) int { return w.TokensEnd - 8 }), truth: takenOnce, why: "timed out: one repeat at once"},
		{name: "silence behind the tokens", slow: true, tells: stall(func(w authtest.Wired) int { return w.TokensEnd }), truth: taken, why: "both token strings came whole; they end when the ones before would have"},
		{name: "silence twice", slow: true, tells: []authtest.Behaviour{{Delay: authtest.Forever}, {Delay: authtest.Forever}}, truth: truth{3, "retrying", 2, "ambiguous ambiguous timeout", same, alive, "in time"}, why: "one repeat, not two"},
	}
}
