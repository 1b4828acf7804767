package app

import (
	"strings"
	"testing"
)

func TestCtrlCEndsAQuestion(t *testing.T) {
	t.Parallel()
	st, err := newStage()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.close)
	for _, args := range [][]string{{"token", "codex/mcp/linear", "--min-ttl", "1s"}, {"headers", "codex/mcp/linear", "--min-ttl", "1s"}, {"forget", "--all"}} {
		shown, code := onTerminal(t, st.dir, 100, nil, map[string]string{"[y/N] ": interrupt}, args...)
		if code != exitLater || !strings.Contains(shown, "interrupted") || strings.Contains(shown, "Bearer") {
			t.Errorf("%v: code %d: %q", args, code, shown)
		}
	}
}
