package credfiles

import (
	"strings"
	"testing"

	"lamplighter/credfiles/processes"
)

// What stands in the file is an old copy then.
func TestAStoreThatGeminiWasToldToEncryptIsNotUsed(t *testing.T) {
	for _, c := range deleters {
		l := realLab(t, c)
		l.host.Getenv = func(name string) string {
			return map[bool]string{true: "true"}[strings.HasSuffix(name, "_FORCE_ENCRYPTED_FILE_STORAGE") && strings.HasPrefix(strings.ToLower(name), c.name)]
		}
		for _, who := range []string{"lab", "notes"} {
			if !l.one(who).Unused {
				t.Errorf("%s/%s counts as used", c.name, who)
			}
		}
	}
}

func TestAScriptOfGeminiIsKnownByItsPath(t *testing.T) {
	for _, row := range []struct {
		args []string
		want bool
	}{
		{[]string{"node", "/usr/local/bin/gemini"}, true},
		{[]string{"node", "--max-old-space-size=8192", "/x/node_modules/@google/gemini-cli/bundle/gemini.js", "mcp", "list"}, true},
		{[]string{"node.exe", `C:\x\node_modules\@google\gemini-cli\bundle\gemini.js`}, true},
		{[]string{"node", "/usr/local/bin/qwen"}, false},
		{[]string{"node", "/x/other.js", "/usr/local/bin/gemini"}, false},
		{[]string{"node"}, false},
		{nil, false},
	} {
		p := processes.Process{Name: "node", Args: row.args}
		if gemini.runs(p) != row.want {
			t.Errorf("%q", row.args)
		}
	}
	if !gemini.runs(processes.Process{Name: "gemini"}) || qwen.runs(processes.Process{Name: "gemini"}) {
		t.Error("a program is known by its name")
	}
}
