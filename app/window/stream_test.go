//go:build !darwin || cgo

package window

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"lamplighter/app/model"
)

func TestWhatCannotBeUnderstoodIsPassedOver(t *testing.T) {
	in := "garbage\n\n{\"Model\":5}\n" +
		`{"Model":{"Summary":"newer","Wonder":{"a":[1]},"Rows":[{"Name":"x","State":"dreaming"}]},"Sound":"bell"}` + "\n" +
		`{"Said":"` + strings.Repeat("x", longest) + "\"}\n" +
		"\x00\xff\xfe\n{\"Said\":\"after\"}\n{\"Said\":\"cut"
	var got []model.Message
	if err := Receive(strings.NewReader(in), func(m model.Message) { got = append(got, m) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Model == nil || got[0].Model.Summary != "newer" || got[1].Said != "after" {
		t.Fatalf("%d messages were understood", len(got))
	}
	w, _ := open(t, got[0].Model)
	got[0].Model.Begun = true
	w.Model(got[0].Model)
}

func TestAnActionIsALine(t *testing.T) {
	var out bytes.Buffer
	send := Sender(&out)
	send(model.Action{Do: model.Set, Name: "lead.least", Value: "1\n2"})
	send(model.Action{Do: model.Begin})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var a model.Action
	if len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &a) != nil || a.Value != "1\n2" {
		t.Errorf("written as %q", out.String())
	}
}
