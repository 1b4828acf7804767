package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the README shows of a report is what a script saw.
func TestTheReadmesReportsAreThoseOfTheScripts(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, guide, _ := strings.Cut(string(readme), "\n## Why does this token not work?\n")
	guide, _, _ = strings.Cut(guide, "\n## ")
	stories, _ := filepath.Glob("testdata/doctor-story-*.txtar")
	seen := ""
	for _, name := range stories {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, story, _ := strings.Cut(string(text), "\n-- story --")
		seen += story
	}
	lines := 0
	shown := false // we are in what a command put out
	for line := range strings.Lines(guide) {
		text, indented := strings.CutPrefix(strings.TrimRight(line, "\n"), "    ")
		switch {
		case !indented && text != "":
			shown = false
		case strings.HasPrefix(text, "$ lamplighter doctor"):
			shown = true
		case shown && text != "" && text != "...":
			lines++
			if !strings.Contains(seen, "\n"+text+"\n") {
				t.Errorf("no script saw this: %s", text)
			}
		}
	}
	if lines < 30 {
		t.Errorf("only %d lines were compared", lines)
	}
}
