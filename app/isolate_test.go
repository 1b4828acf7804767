package app

import (
	"strings"
	"testing"
	"time"

	"lamplighter/app/model"
	"lamplighter/app/tray"
)

// A Hebrew name before a number would draw that to its left: "7 :name h left".
func TestANameFromRightToLeftReordersNoLine(t *testing.T) {
	const hebrew, arabic = "שלום", "خادم المهام والمشاريع الكبيرة"
	m := model.Model{At: time.Now(), Begun: true}
	for _, name := range []string{hebrew, arabic, "linear", "слово"} {
		m.Rows = append(m.Rows, model.Row{
			Key: name, Client: "codex", ClientTitle: "Codex", Profile: name, Title: name, Word: "sign-in needed", State: "sign-in-needed", Left: "7 h left",
			NeedsYou: true, Can: []string{model.Login},
		})
	}
	lines := map[string]int{}
	walk(menuOf(m, true), func(item tray.Item) {
		for _, name := range []string{hebrew, arabic[:10], "linear", "слово"} {
			at := strings.Index(item.Text, name)
			if at < 0 {
				continue
			}
			lines[name]++
			left := strings.HasSuffix(item.Text[:at], "\u2068")
			opened, closed := strings.Count(item.Text, "\u2068"), strings.Count(item.Text, "\u2069")
			if left != (name != "linear" && name != "слово") || opened != closed || strings.Index(item.Text, "\u2069")*opened < at*opened {
				t.Errorf("%+q", item.Text)
			}
		}
	})
	for name, n := range lines {
		if n < 2 {
			t.Errorf("%s is in %d lines", name, n)
		}
	}
	if len(lines) != 4 {
		t.Errorf("names in the menu: %v", lines)
	}
	// It counts for nothing where names are cut.
	if got := short(strings.Repeat("ש", nameRunes)); got != "\u2068"+strings.Repeat("ש", nameRunes)+"\u2069" {
		t.Errorf("%+q", got)
	}
}
