package credfiles

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A service has none of the shell's variables but those that it was given, so
// that none of them may be forgotten.
func TestEveryVariableThatIsAskedForIsListed(t *testing.T) {
	all := Variables()
	asked := regexp.MustCompile(`[gG]etenv\("([A-Z_]+)"\)`)
	// What the system gives a service too, or what says nothing of a place.
	given := []string{"USER", "APPDATA", "LOCALAPPDATA", "WSL_DISTRO_NAME", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "PATH"}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range asked.FindAllStringSubmatch(string(text), -1) {
			found++
			if !slices.Contains(all, m[1]) && !slices.Contains(given, m[1]) {
				t.Errorf("%s asks for %s, which Variables does not list", name, m[1])
			}
		}
	}
	for _, name := range []string{"CODEX_HOME", "CLAUDE_CONFIG_DIR", "CLINE_DIR", "XDG_DATA_HOME", "XDG_STATE_HOME"} {
		if !slices.Contains(all, name) {
			t.Errorf("%s is not listed", name)
		}
	}
	if found == 0 {
		t.Error("nothing is asked for, which cannot be")
	}
	if len(slices.Compact(slices.Sorted(slices.Values(all)))) != len(all) {
		t.Errorf("some are there twice: %q", all)
	}
}
