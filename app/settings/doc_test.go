package settings

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestTheDocumentedDefaultsAreTheDefaults(t *testing.T) {
	var text strings.Builder
	for _, k := range Doc() {
		if k.Default != "" {
			fmt.Fprintf(&text, "%s = %s\n", k.Name, k.Default)
		}
	}
	s, err := Load(config(t, text.String()), clients)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.AllowPrivate) == 0 {
		s.AllowPrivate = nil
	}
	want := Defaults()
	want.Begun = true // the text names a mode
	if !reflect.DeepEqual(s, want) {
		t.Errorf("documented: %+v\nDefaults: %+v", s, want)
	}
}

func TestEveryKeyIsDocumentedInOneLine(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Doc() {
		if k.Name == "" || k.Type == "" || k.Text == "" || seen[k.Name] || strings.ContainsAny(k.Name+k.Type+k.Default+k.Text, "\n|") {
			t.Errorf("%+v", k)
		}
		seen[k.Name] = true
		table, _ := splitKey(k.Name)
		if optional := k.Default != "" || k.Name == "paused_until" || k.Name == "start_at_login" || lists[table] != nil; !optional {
			t.Errorf("%s has no default", k.Name)
		}
	}
}

// The README's table stands between two marks.
func TestTheREADMEHasEveryKey(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "<!-- settings -->\n")
	got, _, end := strings.Cut(rest, "<!-- /settings -->")
	if !ok || !end {
		t.Fatal("the README has no marks for the table of settings")
	}
	var want strings.Builder
	want.WriteString("| key | value | default | |\n| --- | --- | --- | --- |\n")
	for _, k := range Doc() {
		def := k.Default
		if def != "" {
			def = "`" + def + "`"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", k.Name, k.Type, def, k.Text)
	}
	if strings.TrimSpace(got) != strings.TrimSpace(want.String()) {
		t.Errorf("between the marks should stand:\n%s", want.String())
	}
}
