package authtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// mcp is a small MCP server (Streamable HTTP, answers in JSON) with one tool,
// so that an access token can be tried.
func (s *Server) mcp(x *exchange) Answer {
	if guard := s.options.Guard; guard != nil {
		if a := guard(x.Request); a != nil {
			x.entry.Verdict = "guard"
			return *a
		}
	}
	if !s.options.Open {
		at, refusal := s.bearer(x)
		if refusal != nil {
			return *refusal
		}
		x.entry.Grant = at.line.id
	}
	if s.options.API {
		return api(x)
	}
	if x.Method != http.MethodPost {
		x.entry.Verdict = "no stream to listen to"
		return *Status(http.StatusMethodNotAllowed)
	}
	var call struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
		Params struct {
			ProtocolVersion string `json:"protocolVersion"`
			Name            string `json:"name"`
		} `json:"params"`
	}
	if json.Unmarshal(x.body, &call) != nil || call.Method == "" {
		x.entry.Verdict = "not JSON-RPC"
		return *Status(http.StatusBadRequest)
	}
	x.entry.Verdict = call.Method
	if call.ID == nil {
		return Answer{Status: http.StatusAccepted} // a notification
	}
	reply := map[string]any{"jsonrpc": "2.0", "id": call.ID}
	switch {
	case call.Method == "initialize":
		reply["result"] = map[string]any{
			"protocolVersion": or(call.Params.ProtocolVersion, "2025-06-18"),
			"capabilities":    map[string]any{"tools": map[string]any{}},
			"serverInfo":      map[string]any{"name": "authtest", "version": "1"},
		}
	case call.Method == "ping":
		reply["result"] = map[string]any{}
	case call.Method == "tools/list":
		reply["result"] = map[string]any{"tools": []any{map[string]any{
			"name": "ping", "description": "Answers pong.",
			"inputSchema": map[string]any{"type": "object", "properties": map[string]any{}},
			// Codex 0.169.0 calls without asking only what says that it reads (observed).
			"annotations": map[string]any{"readOnlyHint": true},
		}}}
	case call.Method == "tools/call" && call.Params.Name == "ping":
		reply["result"] = map[string]any{"content": []any{map[string]any{"type": "text", "text": "pong"}}}
	default:
		reply["error"] = map[string]any{"code": -32601, "message": "no such method or tool"}
	}
	return jsonAnswer(http.StatusOK, reply)
}

// api answers as anything but an MCP server does.
func api(x *exchange) Answer {
	if x.Method != http.MethodGet {
		x.entry.Verdict = "not a GET"
		a := *Status(http.StatusMethodNotAllowed)
		a.Header.Set("Allow", "GET")
		return a
	}
	x.entry.Verdict = "items"
	return jsonAnswer(http.StatusOK, map[string]any{"items": []any{}})
}

// bearer finds the access token that a request shows, or says what is wrong
// with it (RFC 6750 section 3).
func (s *Server) bearer(x *exchange) (*accessToken, *Answer) {
	refuse := func(status int, verdict, attributes string) (*accessToken, *Answer) {
		x.entry.Verdict = verdict
		var parts []string
		if u := s.resourceMetadataURL(); u != "" && !s.options.NoChallenge {
			parts = append(parts, fmt.Sprintf("resource_metadata=%q", u))
		}
		if attributes != "" {
			parts = append(parts, attributes)
		}
		a := jsonAnswer(status, map[string]any{"error": verdict})
		a.Header.Set("WWW-Authenticate", strings.TrimSpace("Bearer "+strings.Join(parts, ", ")))
		return nil, &a
	}
	value, ok := strings.CutPrefix(x.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return refuse(http.StatusUnauthorized, "no access token", "")
	}
	at := s.access[value]
	switch {
	case at == nil:
		return refuse(http.StatusUnauthorized, "unknown access token", `error="invalid_token"`)
	case at.revoked:
		return refuse(http.StatusUnauthorized, "revoked access token", `error="invalid_token"`)
	case at.foreign:
		return refuse(http.StatusUnauthorized, "access token for another audience", `error="invalid_token"`)
	case !time.Now().Before(at.expiry):
		return refuse(http.StatusUnauthorized, "expired access token", `error="invalid_token"`)
	case !subset(s.options.RequiredScope, at.scope):
		return refuse(http.StatusForbidden, "scope missing", fmt.Sprintf(`error="insufficient_scope", scope=%q`, s.options.RequiredScope))
	}
	return at, nil
}
