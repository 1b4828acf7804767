package credfiles

import (
	"strings"
	"testing"

	"lamplighter/credfiles/processes"
)

// As Python's re.sub(r"[^\w\-]", "_", name).strip("_")[:128] gives them.
func TestTheNameThatHermesGivesAServersFiles(t *testing.T) {
	for name, want := range map[string]string{
		"linear": "linear", "my server!": "my_server", "a/../b": "a____b", "-x-": "-x-", "__": "default", "": "default",
		"日本²é": "日本²é", "e\u0301": "e", "a\u0301b": "a_b", strings.Repeat("é", 200): strings.Repeat("é", 128),
	} {
		if got := hermesName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestWhichProgramsAreHermes(t *testing.T) {
	for line, want := range map[string]bool{
		"hermes":                         true,
		"python /x/venv/bin/hermes chat": true,
		"python3 -m hermes_cli.main":     true,
		"python3.13 -u -m hermes_cli":    true,
		"python /x/hermes-agent/cli.py":  true,
		`python C:\x\Scripts\hermes.exe`: true,
		"python -m http.server hermes":   false,
		"python3 other.py /x/bin/hermes": false,
		"python3":                        false,
		"python3 -c import hermes_cli":   false,
	} {
		args := strings.Fields(line)
		if got := hermesRuns(processes.Process{Name: args[0], Args: args}); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}
