//go:build wine

package wine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// Wine's scheduler reads a task and keeps its settings, but neither trigger nor
// command, starts none and tells of none: so much of the service runs here.
func TestTheSchedulerTakesTheTask(t *testing.T) {
	p := newPC(t)
	p.begun()
	p.runs(1, "service", "status")
	if out := p.runs(0, "service", "install"); !strings.Contains(out, "Installed and started: Lamplighter keeper") || strings.Contains(out, "APPDATA") {
		t.Errorf("install says %s", out)
	}
	file := filepath.Join(root, "prefix", "drive_c", "windows", "system32", "tasks", "Lamplighter keeper")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 1 && text[0] == 0xff {
		units := make([]uint16, len(text)/2)
		for i := range units {
			units[i] = uint16(text[2*i]) | uint16(text[2*i+1])<<8
		}
		text = []byte(string(utf16.Decode(units)))
	}
	for _, want := range []string{`Written by "lamplighter service install"`, "<StopIfGoingOnBatteries>false<", "<ExecutionTimeLimit>PT0S<"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not in the task:\n%s", want, text)
		}
	}
	if err := wine("wine", "schtasks", "/Delete", "/TN", "Lamplighter keeper", "/F"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the task is left")
	}
}

// What a task has in place of variables.
func TestAKeeperTakesVariablesAsArguments(t *testing.T) {
	p := newPC(t)
	p.begun()
	home := p.Path("co dex")
	if err := os.MkdirAll(home, 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	if err := os.WriteFile(filepath.Join(home, ".credentials.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	keeper := p.start("keep", "--set", `CODEX_HOME=C:\users\`+filepath.Base(profile)+`\co dex`)
	p.until("it speaks of the store there", func() bool { return strings.Contains(said(keeper), `co dex`) })
}
