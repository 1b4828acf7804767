package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPersonIsAskedBeforeEverythingIsForgotten(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	log := filepath.Join(home, ".local/state/lamplighter/log.jsonl")
	if shown, code := onTerminal(t, home, 100, nil, nil, "log"); code != 0 {
		t.Fatal(shown)
	}
	const line = `{"at":"2026-01-02T03:04:05Z","id":"codex/mcp/linear","event":"refreshed","pid":1}` + "\n"
	if err := os.WriteFile(log, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		typed string
		code  int
		left  bool
	}{{"\r", exitFailed, true}, {"no\r", exitFailed, true}, {"\x03", exitLater, true}, {"y\r", exitDone, false}} {
		shown, code := onTerminal(t, home, 100, nil, map[string]string{"Go on? [y/N] ": c.typed}, "forget", "--all")
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if code != c.code || strings.Contains(string(text), "linear") != c.left || !strings.Contains(shown, "credentials (1)") {
			t.Errorf("%q: code %d: %s%s", c.typed, code, shown, text)
		}
	}
}
