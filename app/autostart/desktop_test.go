package autostart

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

var odd = []string{
	"plain", "a b", `quo"te`, "apo'strophe", "do$llar", "back`tick", `back\slash`, `two\\`, "100%", "%f", "50 %u", "a;b|c&d", "(x)", "#", "*?", "~", "", "é ü", `\s`, `a\nb`, "-x=y",
}

// folder is a word without what a program's path may not have in it.
func folder(word string) string { return strings.NewReplacer("=", "", "%", "").Replace(word) }

func TestACommandIsReadAsItWasWritten(t *testing.T) {
	for _, word := range append(odd, strings.Join(odd, "")) {
		words := []string{"/opt/" + word, word, "end"}
		if got := split(command(words)); !slices.Equal(got, words) {
			t.Errorf("%q is read as %q, written as %s", words, got, command(words))
		}
	}
}

// The examples are made after the rules of the Desktop Entry Specification
// 1.5: two escapes, that of a string value over that of a quoted argument.
func TestACommandIsWrittenAsTheSpecificationSays(t *testing.T) {
	for word, want := range map[string]string{
		"/opt/lamplighter": "/opt/lamplighter",
		"/opt/a b":         `"/opt/a b"`,
		"/opt/$x":          `"/opt/\\$x"`,
		`/opt/a\b`:         `"/opt/a\\\\b"`,
		`/opt/a"b`:         `"/opt/a\\"b"`,
		"/opt/`b":          "\"/opt/\\\\`b\"",
		"/opt/100%":        "/opt/100%%",
		"":                 `""`,
	} {
		if got := command([]string{word}); got != want {
			t.Errorf("%s is written as %s, want %s", word, got, want)
		}
	}
}

func TestWhatADesktopSwitchedOffIsOff(t *testing.T) {
	e := newEntry(t, "linux", "opt/lamplighter")
	for change, on := range map[string]bool{
		"Hidden=true":                     false,
		"Hidden = true":                   false,
		"Hidden=false":                    true,
		"Hidden=true\nHidden=false":       true, // the last counts
		"X-GNOME-Autostart-enabled=false": false,
		"TryExec=/nonexistent":            false,
		"Exec=/nonexistent":               false,
		"Exec=":                           false,
		"Exec=sh -c \"exec true\"":        true,
		"#Hidden=true":                    true,
		"X-Other=1\n[Other]\nHidden=true\nExec=/nonexistent": true,
	} {
		e.put(t, e.text()+change+"\n")
		e.is(t, on, change)
		e.do(t, Entry.Enable)
		e.is(t, true, change+", enabled")
		e.do(t, Entry.Disable)
		e.is(t, false, change+", disabled")
	}
}

func TestAnEntryWithoutItsGroupIsCompleted(t *testing.T) {
	for _, text := range []string{"", "\n", "nonsense", "[Other]\nHidden=true\n", "[Desktop Entry]", "[Desktop Entry]\r\nHidden=true\r\n"} {
		e := newEntry(t, "linux", "opt/lamplighter")
		e.put(t, text)
		e.is(t, false, text)
		e.do(t, Entry.Enable)
		e.is(t, true, text)
	}
}

func TestDesktopsTakeTheEntry(t *testing.T) {
	if _, err := exec.LookPath("desktop-file-validate"); err != nil {
		t.Skip("desktop-file-validate is not there")
	}
	for _, word := range odd {
		e := newEntry(t, "linux", "opt/"+folder(word)+"/lamplighter", word)
		e.do(t, Entry.Enable)
		if out, err := exec.Command("desktop-file-validate", e.path()).CombinedOutput(); err != nil || len(out) > 0 && !strings.Contains(word, "é") {
			t.Errorf("%q: %v, %s\n%s", word, err, out, e.get(t))
		}
	}
}

// GLib starts what GNOME, Xfce, MATE and Cinnamon start.
func TestGLibStartsWhatIsMeant(t *testing.T) {
	gio, err := exec.LookPath("gio")
	if err != nil {
		t.Skip("gio is not there")
	}
	for _, word := range odd {
		e := newEntry(t, "linux", "opt/"+folder(word)+"/lamplighter", word, "end")
		e.do(t, Entry.Enable)
		if out, err := exec.Command(gio, "launch", e.path()).CombinedOutput(); err != nil {
			t.Errorf("%q: %v, %s\n%s", word, err, out, e.get(t))
			continue
		}
		var said []byte
		for range 500 { // it is not waited for
			if said, err = os.ReadFile(e.Executable + ".said"); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if string(said) != word+"\nend\n" {
			t.Errorf("%q: started with %q, %v\n%s", word, said, err, e.get(t))
		}
	}
}
