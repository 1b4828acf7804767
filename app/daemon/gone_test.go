package daemon

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestAProgramThatIsGoneIsNamedWhateverItsName(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("names are freer elsewhere")
	}
	for _, goos := range []string{"linux", "darwin"} {
		for _, name := range odd {
			if name == "" || strings.Contains(name, "/") {
				continue
			}
			home := t.TempDir()
			j := Job{OS: goos, Home: home, Name: "lamplighter", ID: "app.lamplighter.keep", Program: filepath.Join(home, "opt", name), Arguments: []string{"keep"}}
			if got := j.Gone(); got != "" {
				t.Errorf("%s, nothing installed: %q", goos, got)
			}
			file, text := agent{j}.file(), agent{j}.text()
			if goos == "linux" {
				file, text = unit{j}.file(""), unit{j}.text()
			}
			if err := put(file, text); err != nil {
				t.Fatal(err)
			}
			if got := j.Gone(); got != j.Program {
				t.Errorf("%s: %q is gone, said %q in\n%s", goos, j.Program, got, text)
			}
			if err := put(j.Program, ""); err != nil {
				t.Fatal(err)
			}
			if got := j.Gone(); got != "" {
				t.Errorf("%s: %q is there, said %q", goos, j.Program, got)
			}
			if err := os.WriteFile(file, []byte("ExecStart=/nowhere"), 0o644); err != nil {
				t.Fatal(err)
			}
			if got := j.Gone(); got != "" {
				t.Errorf("%s, somebody else's: %q", goos, got)
			}
		}
	}
}
