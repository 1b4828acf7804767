package credfiles

import "testing"

// What is computed for a server is what the real clients wrote for it.
func TestAnEntryKeyIsTheClients(t *testing.T) {
	for url, want := range map[string]string{
		"http://127.0.0.1:18700/mcp":       "lab|cd725037a89da004", // Codex 0.169.0 and Claude Code 2.1.329
		"http://127.0.0.1:18700/mcp/notes": "lab|1262121f17593025",
		"http://127.0.0.1:18800/mcp":       "lab|229c77b3a0ca66b3",
	} {
		if got := EntryKey("lab", url); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
	// encoding/json would write these otherwise.
	if a, b := EntryKey("x", "https://a/?b=1&c=<é>\u2028"), "x|66ef7c830cb61168"; a != b {
		t.Errorf("%s, want %s", a, b)
	}
	if got := EntryKey("x\xff", "https://a/"); got != "" {
		t.Errorf("a key of what no store can hold: %q", got)
	}
}
