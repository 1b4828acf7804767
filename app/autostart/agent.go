package autostart

import (
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// agent is a new launch agent. It is not kept alive, so that Quit means quit.
// Apps have the limits of an Interactive job, which are none; without
// ProcessType launchd slows a job down, and its menu with it (launchd.plist(5)).
func (e Entry) agent() string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Label</key>
	%s
	<key>ProgramArguments</key>
	%s
	<key>RunAtLoad</key>
	<true/>
	<key>ProcessType</key>
	<string>Interactive</string>
</dict>
</plist>
`, element(e.ID), array(e.command()))
}

func element(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return "<string>" + b.String() + "</string>"
}

func array(words []string) string {
	var b strings.Builder
	b.WriteString("<array>\n")
	for _, w := range words {
		b.WriteString("\t\t" + element(w) + "\n")
	}
	return b.String() + "\t</array>"
}

// A launchAgent is a property list, and where its outermost dictionary's keys
// and values stand in it.
type launchAgent struct {
	text string
	keys []agentKey
	end  int // where the dictionary is closed
}

type agentKey struct {
	name         string
	at, from, to int      // of the key, and of its value
	kind         string   // of the value: string, true, array, ...
	texts        []string // of a string, or of an array's strings
}

// parseAgent reads the XML form, the one that people write.
func parseAgent(text string) (*launchAgent, error) {
	a := &launchAgent{text: text}
	var err error
	if a.keys, a.end, err = agentKeys(text); err != nil {
		return nil, fmt.Errorf("it is no property list in XML (%w); see plutil(1), or remove it", err)
	}
	return a, nil
}

func agentKeys(text string) (keys []agentKey, end int, err error) {
	d := xml.NewDecoder(strings.NewReader(text))
	var open []string // the elements around
	for {
		at := int(d.InputOffset())
		token, err := d.Token()
		if err != nil {
			return nil, 0, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			open = append(open, t.Name.Local)
			switch inside := strings.Join(open, " "); {
			case inside == "plist dict key":
				var name string
				if err := d.DecodeElement(&name, &t); err != nil {
					return nil, 0, err
				}
				open = open[:len(open)-1]
				keys = append(keys, agentKey{name: name, at: at})
			case strings.HasPrefix(inside, "plist dict ") && len(open) == 3:
				if len(keys) == 0 || keys[len(keys)-1].kind != "" {
					return nil, 0, errors.New("a value has no key")
				}
				var value struct {
					Text  string   `xml:",chardata"`
					Items []string `xml:"string"`
				}
				if err := d.DecodeElement(&value, &t); err != nil {
					return nil, 0, err
				}
				open = open[:len(open)-1]
				k := &keys[len(keys)-1]
				k.from, k.to, k.kind, k.texts = at, int(d.InputOffset()), t.Name.Local, value.Items
				if k.kind == "string" {
					k.texts = []string{value.Text}
				}
			}
		case xml.EndElement:
			if len(open) == 2 && open[1] == "dict" && strings.HasPrefix(text[at:], "</dict") {
				return keys, at, nil
			}
			open = open[:len(open)-1]
		}
	}
}

func (a *launchAgent) String() string { return a.text }

func (a *launchAgent) key(name string) (agentKey, bool) {
	i := slices.IndexFunc(a.keys, func(k agentKey) bool { return k.name == name && k.kind != "" })
	if i < 0 {
		return agentKey{}, false
	}
	return a.keys[i], true
}

// splice changes the text between two places. What was XML stays XML.
func (a *launchAgent) splice(from, to int, with string) {
	changed, err := parseAgent(a.text[:from] + with + a.text[to:])
	if err == nil {
		*a = *changed
	}
}

func (a *launchAgent) set(name, value string) {
	if k, ok := a.key(name); ok {
		a.splice(k.from, k.to, value)
		return
	}
	a.splice(a.end, a.end, "\t<key>"+name+"</key>\n\t"+value+"\n")
}

func (a *launchAgent) on() bool {
	disabled, _ := a.key("Disabled")
	atLoad, _ := a.key("RunAtLoad")
	return disabled.kind != "true" && atLoad.kind == "true"
}

func (a *launchAgent) starts() bool { return there(a.words()) }

// words has Program as its first, where that is given (launchd.plist(5)).
func (a *launchAgent) words() []string {
	arguments, _ := a.key("ProgramArguments")
	program, _ := a.key("Program")
	return append(slices.Clone(program.texts), arguments.texts[min(len(program.texts), len(arguments.texts)):]...)
}

func (a *launchAgent) turn(on bool) {
	if !on {
		a.set("Disabled", "<true/>")
		return
	}
	if k, ok := a.key("Disabled"); ok {
		from := len(strings.TrimRight(a.text[:k.at], " \t\r\n"))
		a.splice(from, k.to, "")
	}
	if k, _ := a.key("RunAtLoad"); k.kind != "true" {
		a.set("RunAtLoad", "<true/>")
	}
}

func (a *launchAgent) point(e Entry) {
	if !e.moved(a.words()) {
		return
	}
	a.set("ProgramArguments", array(e.command()))
	if _, ok := a.key("Program"); ok {
		a.set("Program", element(e.Executable))
	}
}
