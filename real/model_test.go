//go:build real && linux

package real

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
)

type object = map[string]any

// startModel starts a stand-in for the model of the clients: OpenAI's
// Responses API and Anthropic's Messages API, streamed. It calls the MCP
// server's tool whenever a person has spoken and the tool is there, and
// answers with a sentence otherwise.
func startModel(t *testing.T) (url string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Stream   bool
			Model    string
			Input    []object // Responses
			Messages []struct{ Content any }
			Tools    []object
		}
		switch err := json.NewDecoder(r.Body).Decode(&asked); {
		case err == nil && path.Base(r.URL.Path) == "responses":
			stream(w, responses(asked.Input, asked.Tools))
		case err == nil && path.Base(r.URL.Path) == "messages" && len(asked.Messages) > 0:
			message, events := messages(asked.Model, asked.Messages[len(asked.Messages)-1].Content, asked.Tools)
			if asked.Stream {
				stream(w, events)
			} else {
				json.NewEncoder(w).Encode(message)
			}
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func stream(w http.ResponseWriter, events []object) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, e := range events {
		data, _ := json.Marshal(e)
		fmt.Fprintf(w, "event: %s\ndata: %s\n\n", e["type"], data)
	}
}

// responses is the answer to Codex, which offers the tools of an MCP server as
// a namespace of their own (0.169.0, observed), and to opencode, which offers
// each by itself (1.18.33, observed).
func responses(input, tools []object) []object {
	item := object{"type": "message", "role": "assistant", "id": "msg_" + rand.Text(), "status": "completed",
		"content": []object{{"type": "output_text", "text": "That is all.", "annotations": []object{}}}}
	spoken := len(input) > 0 && input[len(input)-1]["type"] != "function_call_output"
	for _, t := range tools {
		namespace, _ := t["name"].(string)
		inside, _ := t["tools"].([]any)
		if spoken && namespace == "lab_ping" {
			item = object{"type": "function_call", "id": "fc_" + rand.Text(), "call_id": "call_" + rand.Text(),
				"name": namespace, "arguments": "{}", "status": "completed"}
		}
		if !spoken || !strings.HasPrefix(namespace, "mcp__") || len(inside) == 0 {
			continue
		}
		item = object{"type": "function_call", "id": "fc_" + rand.Text(), "call_id": "call_" + rand.Text(),
			"namespace": namespace, "name": inside[0].(object)["name"], "arguments": "{}"}
	}
	response := object{"id": "resp_" + rand.Text(), "created_at": 1, "model": "stand-in"}
	done := object{"id": response["id"], "created_at": 1, "model": "stand-in", "usage": object{"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}
	return []object{
		{"type": "response.created", "response": response},
		{"type": "response.output_item.added", "output_index": 0, "item": item},
		{"type": "response.output_item.done", "output_index": 0, "item": item},
		{"type": "response.completed", "response": done},
	}
}

// messages is the answer to Claude Code.
func messages(model string, last any, tools []object) (whole object, events []object) {
	block, delta := object{"type": "text", "text": ""}, object{"type": "text_delta", "text": "That is all."}
	stop := "end_turn"
	for _, t := range tools {
		name, _ := t["name"].(string)
		if strings.HasPrefix(name, "mcp__") && !hasResult(last) {
			block = object{"type": "tool_use", "id": "toolu_" + rand.Text(), "name": name, "input": object{}}
			delta, stop = object{"type": "input_json_delta", "partial_json": "{}"}, "tool_use"
		}
	}
	start := object{"id": "msg_" + rand.Text(), "type": "message", "role": "assistant", "model": model,
		"content": []object{}, "stop_reason": nil, "stop_sequence": nil,
		"usage": object{"input_tokens": 1, "output_tokens": 1}}
	whole = object{"id": start["id"], "type": "message", "role": "assistant", "model": model,
		"content": []object{{"type": "text", "text": "That is all."}}, "stop_reason": "end_turn",
		"stop_sequence": nil, "usage": start["usage"]}
	return whole, []object{
		{"type": "message_start", "message": start},
		{"type": "content_block_start", "index": 0, "content_block": block},
		{"type": "content_block_delta", "index": 0, "delta": delta},
		{"type": "content_block_stop", "index": 0},
		{"type": "message_delta", "delta": object{"stop_reason": stop, "stop_sequence": nil}, "usage": object{"output_tokens": 1}},
		{"type": "message_stop"},
	}
}

// hasResult reports whether the message brings a tool's result.
func hasResult(content any) bool {
	blocks, _ := content.([]any)
	for _, b := range blocks {
		if m, ok := b.(object); ok && m["type"] == "tool_result" {
			return true
		}
	}
	return false
}
