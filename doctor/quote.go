package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"lamplighter/refresher/discovery"
)

// plainHeaders are headers of a request whose value is no secret.
var plainHeaders = []string{"Accept", "Content-Type", "User-Agent", "Mcp-Protocol-Version", "Accept-Encoding"}

// header is a request's header, sorted, with a placeholder for each value
// that may be a secret: all that are not known to be none.
func (x *redactor) header(h http.Header) []string {
	var lines []string
	for name, values := range h {
		for _, v := range values {
			switch {
			case slices.Contains(plainHeaders, name):
				v = x.without(oneLine(v))
			case name == "Authorization":
				v = x.authorization(v)
			default:
				if shown := x.without(v); shown != v && !strings.Contains(shown, " ") {
					v = shown
				} else {
					v = placeholder(name)
				}
			}
			lines = append(lines, name+": "+v)
		}
	}
	slices.Sort(lines)
	return lines
}

// authorization keeps the scheme and what was told; the rest has no name.
func (x *redactor) authorization(v string) string {
	shown := x.without(v)
	if rest, ok := strings.CutPrefix(shown, "Basic "); ok {
		if strings.HasPrefix(rest, "$") {
			return shown
		}
		return "Basic $CREDENTIALS"
	}
	words := strings.Fields(shown)
	for i, w := range words {
		if !strings.HasPrefix(w, "$") && (i == len(words)-1 || !strings.EqualFold(w, "Bearer")) {
			words[i] = "$TOKEN"
		}
	}
	return strings.Join(words, " ")
}

// body is a request's body as it may be shown: JSON-RPC, or a form.
func (x *redactor) body(b []byte) string {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return ""
	}
	if b[0] != '{' {
		return shortened(x.form(string(b), ""), 2000)
	}
	var v any
	if json.Unmarshal(b, &v) != nil {
		return x.clean(string(b), 400)
	}
	return shortened(x.compact(v, placeholder), 2000)
}

// toldBy are the headers of an answer that can decide something.
var toldBy = []string{
	"Www-Authenticate", "Proxy-Authenticate", "Location", "Retry-After", "Content-Type", "Allow", "X-Amzn-Errortype",
	"Ocp-Apim-Trace-Location", "X-Ms-Error-Code", "Cf-Mitigated", "Via", "Server",
}

// telling are the lines of an answer's header that can decide something.
func (x *redactor) telling(status int, h http.Header) []string {
	var lines []string
	for _, name := range toldBy {
		for _, v := range h.Values(name) {
			switch {
			case name == "Location":
				v = x.address(v)
			case name == "Content-Type" && (strings.Contains(v, "json") || bare(status)):
				continue // as it should be, or of a body that says nothing
			}
			shown := x.clean(v, 300)
			if name == "Www-Authenticate" || name == "Proxy-Authenticate" {
				shown = x.challenge(v)
			}
			lines = append(lines, spelled(name)+": "+shown)
		}
	}
	return lines
}

// saidFirst are the parameters of a challenge in this order, the others after.
var saidFirst = []string{"realm", "error", "error_description", "scope", "name", "type"}

// challenge is a WWW-Authenticate line in one form, without the parameters
// that are left out. Its schemes are no secrets, whatever they look like.
func (x *redactor) challenge(line string, without ...string) string {
	line = x.apart(x.without(oneLine(line)))
	var all []string
	for _, c := range discovery.Challenges(http.Header{"Www-Authenticate": {line}}) {
		var params []string
		for _, name := range slices.Concat(saidFirst, slices.Sorted(maps.Keys(c.Params))) {
			value, ok := c.Params[name]
			if !ok || slices.Contains(without, name) || slices.ContainsFunc(params, func(p string) bool { return strings.HasPrefix(p, name+"=") }) {
				continue
			}
			shown := x.clean(value, 200)
			if sensitive(name) && !IsURL(value) {
				shown = mask
			}
			params = append(params, fmt.Sprintf("%s=%q", name, shown))
		}
		all = append(all, strings.TrimSpace(shortened(x.without(c.Scheme), 40)+" "+strings.Join(params, ", ")))
	}
	if len(all) == 0 {
		return x.clean(line, 200)
	}
	return x.apart(strings.Join(all, ", "))
}

// spelled is a header's name as its specification writes it.
func spelled(name string) string {
	if name == "Www-Authenticate" {
		return "WWW-Authenticate"
	}
	return name
}

// bare reports a status that says it all.
func bare(status int) bool {
	return status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status == http.StatusGone
}

var title = expr(`(?is)<title[^>]*>(.*?)</title>`)

// fields are the lines of an answer's body: the members of an object, the
// title of a page, or the beginning of a text.
func (x *redactor) fields(status int, b []byte, kind string) []string {
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\ufeff")))
	if data, ok := event(b); ok {
		b = data
	}
	var object map[string]any
	switch {
	case len(b) == 0, bare(status) && b[0] != '{':
		return nil
	case json.Unmarshal(b, &object) == nil:
		return x.members(object)
	case b[0] == '<' || strings.Contains(kind, "html"):
		if m := title().FindSubmatch(b); m != nil {
			return []string{"page: " + x.clean(string(m[1]), 100)}
		}
		return []string{"page: without a title"}
	case strings.HasPrefix(kind, "application/x-www-form-urlencoded"):
		return []string{"body: " + x.form(string(b), "")}
	}
	return []string{"body: " + x.clean(string(b), 160)}
}

// event is the data of the first server-sent event.
func event(b []byte) ([]byte, bool) {
	for line := range bytes.Lines(b) {
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			return bytes.TrimSpace(data), true
		}
	}
	return nil, false
}

// deciding are the members of an answer that can decide something, those
// first that say what went wrong.
var deciding = []string{
	"error", "error_description", "error_codes", "suberror", "error_uri", "errorCode", "error_code", "statusCode", "status", "code",
	"ok", "success", "message", "msg", "detail", "title", "needed", "provided", "claims", "trace_id",
	"resource", "authorization_servers", "issuer", "token_endpoint", "scopes_supported", "grant_types_supported",
	"code_challenge_methods_supported",
	"access_token", "refresh_token", "token_type", "expires_in", "refresh_token_expires_in", "scope",
}

// members are the fields of an object that can decide something, and how many
// more there are.
func (x *redactor) members(object map[string]any) []string {
	if _, rpc := object["jsonrpc"]; rpc && object["error"] == nil {
		return x.server(object)
	}
	var lines []string
	for _, name := range deciding {
		v, ok := object[name]
		if _, number := v.(float64); !ok || number && strings.HasPrefix(name, "status") { // as the answer itself has it
			continue
		}
		value := mask
		if text, ok := v.(string); ok && !sensitive(name) {
			value = x.clean(text, 200)
		} else if !sensitive(name) || !isText(v) {
			value = x.compact(v, func(string) string { return mask })
		}
		lines = append(lines, name+": "+shortened(value, 200))
	}
	if more := len(object) - len(lines); len(lines) == 0 {
		lines = []string{fmt.Sprintf("body: an object of %d members", more)}
	}
	return lines
}

// server is what an MCP server says of itself.
func (x *redactor) server(object map[string]any) []string {
	result, _ := object["result"].(map[string]any)
	info, _ := result["serverInfo"].(map[string]any)
	name, _ := info["name"].(string)
	version, _ := result["protocolVersion"].(string)
	if tools, ok := result["tools"].([]any); ok {
		return []string{fmt.Sprintf("%d tools", len(tools))}
	}
	if name == "" && version == "" {
		return []string{"body: JSON-RPC"}
	}
	return []string{"an MCP server: " + x.clean(name, 60) + ", protocol " + x.clean(version, 20)}
}

func isText(v any) bool { _, ok := v.(string); return ok }

// compact is a JSON value on one line, with its secrets replaced.
func (x *redactor) compact(v any, hide func(name string) string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(x.hidden(v, "", hide)) != nil {
		return mask
	}
	return strings.TrimSpace(b.String())
}

func (x *redactor) hidden(v any, name string, hide func(string) string) any {
	switch v := v.(type) {
	case string:
		if sensitive(name) && v != "" {
			return hide(name)
		}
		return x.clean(v, 300)
	case map[string]any:
		all := map[string]any{}
		for k, of := range v {
			all[x.clean(k, 60)] = x.hidden(of, k, hide)
		}
		return all
	case []any:
		all := []any{}
		for _, of := range v {
			all = append(all, x.hidden(of, name, hide))
		}
		return all
	}
	return v
}

// plainly is the failure of a request in words.
func plainly(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return "no such host: " + dns.Name
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" && op.Addr != nil {
		return op.Addr.String() + ": " + op.Err.Error()
	}
	return err.Error()
}
