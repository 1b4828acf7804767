package app

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// What the README says that the doctor prints is what a script of the real
// program compares with.
func TestTheGuideShowsWhatTheDoctorPrints(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	archive, err := txtar.ParseFile("testdata/doctor-story-sign-in.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		if f.Name != "story" {
			continue
		}
		var shown strings.Builder
		for line := range strings.Lines(string(f.Data)) {
			if strings.TrimSpace(line) != "" {
				line = "    " + line
			}
			shown.WriteString(line)
		}
		if !strings.Contains(string(readme), "    $ lamplighter doctor\n"+shown.String()) {
			t.Errorf("the README does not show:\n%s", shown.String())
		}
		return
	}
	t.Error("there is no story")
}
