package doctor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"lamplighter/refresher/discovery"
)

// An answer is what a server said, as far as it decides anything.
type answer struct {
	method     string
	status     int
	header     http.Header
	body       []byte // its beginning
	object     map[string]any
	challenges []discovery.Challenge
	sent, at   time.Time
}

func newAnswer(method string, resp *http.Response, body []byte) answer {
	a := answer{method: method, status: resp.StatusCode, header: resp.Header, body: body, challenges: discovery.Challenges(resp.Header)}
	text := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	if data, ok := event(text); ok {
		text = data
	}
	_ = json.Unmarshal(text, &a.object) // what is no object stays nil
	return a
}

// page reports a web page in the place of an API's answer. A refusal in the
// form of one is a refusal, and so is what a server in trouble shows.
func (a answer) page() bool {
	if len(a.challenges) > 0 || a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed || a.temporary() {
		return false
	}
	text := bytes.ToLower(bytes.TrimSpace(a.body))
	return bytes.HasPrefix(text, []byte("<!doctype html")) || bytes.HasPrefix(text, []byte("<html")) ||
		strings.HasPrefix(a.header.Get("Content-Type"), "text/html") && a.object == nil
}

// title is that of a web page.
func (a answer) title() string {
	if m := title().FindSubmatch(a.body); m != nil {
		return string(m[1])
	}
	return ""
}

func (a answer) temporary() bool {
	return a.status >= 500 && a.status != http.StatusNotImplemented && a.status != http.StatusNetworkAuthenticationRequired ||
		a.status == http.StatusTooManyRequests || a.status == http.StatusRequestTimeout
}

func (a answer) absent() bool {
	return a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed || a.status == http.StatusGone
}

// works reports that the server did what it was asked.
func (a answer) works() bool {
	return a.status/100 == 2 && !a.page() && a.reason() == "" && !a.failed()
}

// failed reports a failure that comes with a good status (Slack, and others
// after it).
func (a answer) failed() bool {
	for _, name := range []string{"ok", "success"} {
		if fine, isBool := a.object[name].(bool); isBool && !fine {
			return true
		}
	}
	return false
}

// isMCP reports that an MCP server speaks: in JSON-RPC, or by where it sends
// clients to sign in.
func (a answer) isMCP() bool {
	_, rpc := a.object["jsonrpc"].(string)
	return rpc || a.header.Get("Mcp-Session-Id") != "" || a.pointer() != ""
}

// pointer is where the first challenge says that the resource's metadata is.
func (a answer) pointer() string {
	for _, c := range a.challenges {
		if p := c.Params["resource_metadata"]; p != "" {
			return p
		}
	}
	return ""
}

// param is the first challenge's parameter of that name.
func (a answer) param(name string) string {
	for _, c := range a.challenges {
		if p := c.Params[name]; p != "" {
			return p
		}
	}
	return ""
}

// schemes are the names of the challenges.
func (a answer) schemes() []string {
	var all []string
	for _, c := range a.challenges {
		if !slices.Contains(all, c.Scheme) {
			all = append(all, c.Scheme)
		}
	}
	return all
}

func (a answer) asksFor(scheme string) bool {
	return slices.ContainsFunc(a.schemes(), func(s string) bool { return strings.EqualFold(s, scheme) })
}

// says is what the answer says in words, in lower case.
func (a answer) says() string {
	all := []string{a.param("error"), a.param("error_description")}
	for _, name := range []string{"error", "error_description", "message", "msg", "detail", "title", "code", "error_code", "errorCode"} {
		all = append(all, a.text(name))
	}
	if nested, ok := a.object["error"].(map[string]any); ok {
		for _, name := range []string{"code", "message", "type"} {
			s, _ := nested[name].(string)
			all = append(all, s)
		}
	}
	if a.object == nil && !a.page() && len(a.body) < 1000 {
		all = append(all, string(a.body))
	}
	return strings.ToLower(strings.ReplaceAll(strings.Join(all, " \n"), "_", " "))
}

func (a answer) text(name string) string {
	s, _ := a.object[name].(string)
	return s
}

// A reason is what a server says is wrong with a secret.
type reason string

const (
	isMissing    reason = "missing"
	isInvalid    reason = "invalid"
	isExpired    reason = "expired"
	isTooEarly   reason = "too early"
	isElsewhere  reason = "another audience"
	isForeign    reason = "another issuer"
	lacksScope   reason = "scope"
	lacksGateway reason = "gateway key missing"
	wrongGateway reason = "gateway key wrong"
	isOverLimit  reason = "limit"
	isQuota      reason = "quota"
)

// reasons are the words by which servers tell, the narrower ones first. Where
// nothing else is said they are those of RFC 6750 section 3.1.
var reasons = []struct {
	words  string
	reason reason
}{
	// Azure API Management ("Error handling in API Management policies").
	{`missing subscription key`, lacksGateway},
	{`invalid subscription key`, wrongGateway},
	{`rate ?limit|too many requests`, isOverLimit},
	{`quota`, isQuota},
	{`insufficient scope|missing scope|scope (is )?(missing|required)|missing (required )?scopes?|not accessible by`, lacksScope}, // RFC 6750, Slack, GitHub
	{`insufficient privileges|roles? (is |are )?(missing|required)|missing (required )?(roles?|permissions?)|no permission`, lacksScope},
	{`expired or is not yet valid`, isExpired}, // Microsoft Graph, of either
	{`not yet valid|not active yet|idx10222|\bnbf\b|used before`, isTooEarly},
	{`audience|idx10214|\baud\b`, isElsewhere},
	{`issuer|idx10205|tenant|\biss\b`, isForeign},
	{`expired|idx10223|lifetime|\bexp\b`, isExpired},
	{`bad credentials|revoked|invalid (access )?(token|auth|key|api key|apikey|jwt|signature|credentials)|account inactive|idx\d{5}|(token|key|credentials?) (is|are|was) (invalid|unknown|not valid)|unknown (access )?token`, isInvalid},
	{`no api key|missing|not authed|required|not provided|no (access )?token|requires authentication`, isMissing},
}

var reasonExprs = sync.OnceValue(func() (all []*regexp.Regexp) {
	for _, r := range reasons {
		all = append(all, regexp.MustCompile(r.words))
	}
	return all
})

// reason is why the server refuses, by its own words; empty where it refuses
// nothing, or does not say.
func (a answer) reason() reason {
	if a.status/100 == 2 && !a.failed() && !a.rpcError() {
		return ""
	}
	words := a.says()
	for i, r := range reasons {
		if reasonExprs()[i].MatchString(words) {
			return r.reason
		}
	}
	return ""
}

// rpcError reports a JSON-RPC answer that is an error.
func (a answer) rpcError() bool {
	_, rpc := a.object["jsonrpc"]
	return rpc && a.object["error"] != nil
}

// same reports that two answers say the same: a server that gives the same
// answer with and without a secret has not seen it.
func (a answer) same(b answer) bool {
	return a.status == b.status && a.says() == b.says() && strings.Join(a.schemes(), " ") == strings.Join(b.schemes(), " ")
}

// evidence is the status, and the header or field that says most. Where the
// metadata is stands in the steps.
func (v *visit) evidence(a answer) string {
	parts := []string{fmt.Sprint(a.status)}
	if h := a.header.Values("WWW-Authenticate"); len(h) > 0 {
		leave := []string{"resource_metadata", "type"}
		if slices.ContainsFunc(a.challenges, func(c discovery.Challenge) bool { return c.Params["error"] != "" || c.Params["name"] != "" }) {
			leave = append(leave, "realm")
		}
		parts = append(parts, "WWW-Authenticate: "+v.Challenge(strings.Join(h, ", "), leave...))
	}
	switch {
	case a.param("error") != "":
	case a.page() && a.title() != "":
		parts = append(parts, "a page called "+`"`+v.Clean(a.title())+`"`)
	case a.page():
		parts = append(parts, "Content-Type: "+v.Clean(a.header.Get("Content-Type")))
	case a.words() != "":
		said := v.Clean(a.words())
		if len(said) > 100 { // the first sentence says it
			said, _, _ = strings.Cut(said, ". ")
		}
		parts = append(parts, strings.TrimSuffix(said, "."))
	}
	return strings.Join(parts, ", ")
}

// words are the member of the body that says most, else a short body.
func (a answer) words() string {
	for _, name := range []string{"error", "message", "error_description", "msg", "detail", "title"} {
		if s := a.text(name); s != "" {
			return name + ": " + s
		}
	}
	if nested, ok := a.object["error"].(map[string]any); ok {
		if s, _ := nested["message"].(string); s != "" {
			return "error: " + s
		}
	}
	if a.object == nil && len(a.body) < 200 && !a.page() && !bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<")) {
		return strings.TrimSpace(string(a.body))
	}
	return ""
}
