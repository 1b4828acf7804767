package notice

import (
	"encoding/xml"
	"errors"
	"regexp"
	"strings"
	"testing"
)

var key = []byte("keyEXAMPLE")

func TestAToastHoldsItsTextsAsText(t *testing.T) {
	harmless := regexp.MustCompile(`^lamplighter-notice:[A-Za-z0-9_.-]+$`)
	for _, row := range oddTexts {
		text, err := toastOf(Notice{Tag: row.in, Title: row.in, Body: row.in, Button: row.in}.clean(), key)
		if err != nil {
			t.Fatal(err)
		}
		var got toastXML
		if err := xml.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%q makes a toast that is no XML: %v\n%s", row.in, err, text)
		}
		if got.Binding.Text[0] != row.line || got.Binding.Text[1] != row.plain || got.Actions.Action.Content != row.line {
			t.Errorf("%q came out as %q, %q, %q", row.in, got.Binding.Text[0], got.Binding.Text[1], got.Actions.Action.Content)
		}
		for _, element := range []string{"toast", "text", "action"} {
			if n, want := strings.Count(text, "<"+element), map[string]int{"toast": 1, "text": 2, "action": 2}[element]; n != want {
				t.Errorf("%q makes %d elements %s, not %d", row.in, n, element, want)
			}
		}
		for what, address := range map[string]string{Open: got.Launch, Button: got.Actions.Action.Arguments} {
			if !harmless.MatchString(address) {
				t.Errorf("%q makes the address %q", row.in, address)
			}
			tag := strings.ToValidUTF8(row.in, "\ufffd")
			if a, err := unseal(key, address); err != nil || a.What != what || what == Open && a.Token != "" || row.in == tag && a.Tag != row.in {
				t.Errorf("%q is answered by %+v, %v", row.in, a, err)
			}
		}
	}
}

func TestAToastWithoutAButton(t *testing.T) {
	text, err := toastOf(Notice{Tag: "t", Title: "T", Body: "B"}, key)
	if err != nil || strings.Contains(text, "action ") || strings.Contains(text, "<actions") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestAClickThatWasNotMadeHereIsRefused(t *testing.T) {
	good := seal(key, Answer{Tag: "claude/mcp/slack", What: Button})
	for _, same := range []string{good, strings.Replace(good, "lamplighter-notice", "Lamplighter-Notice", 1), strings.Replace(good, ":", "://", 1) + "/"} {
		if a, err := unseal(key, same); err != nil || a.Tag != "claude/mcp/slack" {
			t.Errorf("%s: %+v, %v", same, a, err)
		}
	}
	forged := seal([]byte("anotherEXAMPLE"), Answer{Tag: "claude/mcp/slack", What: Button})
	for _, bad := range []string{"", "lamplighter-notice:", "lamplighter-notice:e30.", "http:" + good, forged, good + "A", good + `" --config x`, strings.Replace(good, ".", "A.", 1)} {
		if a, err := unseal(key, bad); !errors.Is(err, errForeign) {
			t.Errorf("%s: %+v, %v", bad, a, err)
		}
	}
	if _, err := unseal(nil, seal(nil, Answer{Tag: "x"})); !errors.Is(err, errForeign) {
		t.Error("a click is taken though there is no key")
	}
}
