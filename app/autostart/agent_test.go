package autostart

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestPropertyListsTakeEveryWord(t *testing.T) {
	words := append(odd, "<key>&amp;</key>", "]]>")
	e := newEntry(t, "darwin", "opt/"+strings.ReplaceAll(strings.Join(words, " "), "/", "")+"/lamplighter", words...)
	e.do(t, Entry.Enable)
	if found, err := e.read(); err != nil || !slices.Equal(found.words(), e.command()) {
		t.Errorf("it is read as %q, %v", found.words(), err)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("nobody else reads it here:", err)
	}
	out, err := exec.Command(python, "-c", "import json,plistlib,sys; print(json.dumps(plistlib.load(open(sys.argv[1],'rb'))))", e.path()).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, e.get(t))
	}
	var list struct {
		Label, ProcessType string
		ProgramArguments   []string
		RunAtLoad          bool
		KeepAlive          *bool
	}
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatal(err)
	}
	if list.Label != e.ID || list.ProcessType != "Interactive" || !slices.Equal(list.ProgramArguments, e.command()) || !list.RunAtLoad || list.KeepAlive != nil {
		t.Errorf("%+v", list)
	}
}

func TestAnAgentThatIsSwitchedOffIsOff(t *testing.T) {
	e := newEntry(t, "darwin", "opt/lamplighter")
	for change, on := range map[string]bool{
		"<key>Disabled</key><true/>":                             false,
		"<key>Disabled</key><true></true>":                       false,
		"<key>Disabled</key><false/>":                            true,
		"<key>More</key><dict><key>Disabled</key><true/></dict>": true,
		"<key>Program</key><string>/nonexistent</string>":        false,
	} {
		e.put(t, strings.Replace(e.text(), "<dict>\n", "<dict>\n\t"+change+"\n", 1))
		e.is(t, on, change)
		e.do(t, Entry.Enable)
		e.is(t, true, change+", enabled")
		e.do(t, Entry.Disable)
		e.is(t, false, change+", disabled")
	}
	for _, without := range []string{"<key>RunAtLoad</key>\n\t<true/>", "<true/>"} {
		with := strings.Replace(without, "true", "false", 1)
		if without != "<true/>" {
			with = ""
		}
		e.put(t, strings.Replace(e.text(), without, with, 1))
		e.is(t, false, "not at load")
		e.do(t, Entry.Enable)
		e.is(t, true, "at load")
	}
}

func TestAnAgentThatCannotBeReadIsLeftAlone(t *testing.T) {
	for _, text := range []string{"bplist00\x00", "<plist><dict>", "{}", "<plist><dict/></plist>", "<plist><dict><true/></dict></plist>"} {
		e := newEntry(t, "darwin", "opt/lamplighter")
		e.put(t, text)
		if _, err := e.Enabled(); err == nil {
			t.Errorf("%q: no error", text)
		}
		if e.Enable() == nil || e.Disable() == nil || e.Update() == nil || e.get(t) != text {
			t.Errorf("%q is changed to %q", text, e.get(t))
		}
	}
}
