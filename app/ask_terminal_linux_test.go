package app

import (
	"os"
	"strings"
	"testing"
)

func TestATokenIsShownOnATerminalOnlyWhereSomebodyAgrees(t *testing.T) {
	t.Parallel()
	st, err := newStage()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.close)
	for _, test := range []struct {
		args  []string
		types string
		shows bool
		code  int
	}{
		{[]string{"token", "linear"}, "y\r", true, exitDone},
		{[]string{"token", "linear"}, "YES\r", true, exitDone},
		{[]string{"token", "linear"}, "n\r", false, exitFailed},
		{[]string{"token", "linear"}, "\r", false, exitFailed},
		{[]string{"token", "linear"}, "\x04", false, exitFailed}, // the end of what is typed
		{[]string{"headers", "linear"}, "n\r", false, exitFailed},
		{[]string{"headers", "linear"}, "y\r", true, exitDone},
		{[]string{"token", "linear", "--format", "json"}, "\r", false, exitFailed},
	} {
		args := append(test.args, "--min-ttl", "10s")
		shown, code := onTerminal(t, st.dir, 100, nil, map[string]string{"[y/N] ": test.types}, args...)
		access := ""
		for _, g := range st.well.Grants() {
			if strings.Contains(shown, g.AccessToken) {
				access = g.AccessToken
			}
		}
		if !strings.Contains(shown, "Show the access token of codex/mcp/linear on this terminal") || (access != "") != test.shows || code != test.code {
			t.Errorf("%v, %q: code %d, shown %v: %s", args, test.types, code, access != "", strings.ReplaceAll(shown, access, "TOKEN"))
		}
	}

	// Nor where nobody can be asked.
	path := []string{"PATH=" + os.Getenv("PATH")}
	shown, code := onTerminal(t, st.dir, 100, path, nil, "exec", "--", "sh", "-c", "lamplighter token linear --min-ttl 5s </dev/null")
	if code != exitFailed || !strings.Contains(shown, "codex/mcp/linear: not printed, because stdout is a terminal and nobody can be asked") {
		t.Errorf("code %d: %d bytes", code, len(shown))
	}

	// Nothing is asked where nothing is there to be shown.
	if shown, code := onTerminal(t, st.dir, 100, nil, nil, "token", "nope"); code != exitUsage || strings.Contains(shown, "[y/N]") {
		t.Errorf("code %d: %s", code, shown)
	}
}
