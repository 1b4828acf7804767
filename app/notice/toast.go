package notice

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"strings"
)

// A click on a toast opens an address of a scheme of our own, with what was
// clicked in it. Any web page can ask for such an address too, so it is sealed
// with a key that only this user's programs can read.
const scheme = "lamplighter-notice"

// errForeign is the answer to an address that was not made here.
var errForeign = errors.New("this click is not from one of our notifications")

var encoding = base64.RawURLEncoding

// seal makes the address for a. It has letters, digits, ":", "-", "_" and "."
// only: nothing in it means anything to a shell or in XML.
func seal(key []byte, a Answer) string {
	text, err := json.Marshal(a)
	if err != nil {
		panic(err) // three strings
	}
	return scheme + ":" + encoding.EncodeToString(text) + "." + encoding.EncodeToString(sum(key, text))
}

func unseal(key []byte, address string) (a Answer, err error) {
	// A browser or the system may have changed the case of the scheme, or put
	// slashes where a path would begin or end.
	name, rest, _ := strings.Cut(address, ":")
	payload, mac, _ := strings.Cut(strings.Trim(rest, "/"), ".")
	text, err1 := encoding.DecodeString(payload)
	given, err2 := encoding.DecodeString(mac)
	if !strings.EqualFold(name, scheme) || err1 != nil || err2 != nil || len(key) == 0 || !hmac.Equal(given, sum(key, text)) {
		return Answer{}, errForeign
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return Answer{}, errForeign
	}
	return a, nil
}

func sum(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return h.Sum(nil)
}

// The toast schema (Microsoft, "toast content"); activation by protocol needs
// no COM server of ours, and no running program.
type toastXML struct {
	XMLName    xml.Name `xml:"toast"`
	Activation string   `xml:"activationType,attr"`
	Launch     string   `xml:"launch,attr"`
	Binding    struct {
		Template string   `xml:"template,attr"`
		Text     []string `xml:"text"`
	} `xml:"visual>binding"`
	Actions *toastActions `xml:"actions"`
}

type toastActions struct {
	Action toastAction `xml:"action"`
}

type toastAction struct {
	Content    string `xml:"content,attr"`
	Activation string `xml:"activationType,attr"`
	Arguments  string `xml:"arguments,attr"`
}

// toastOf writes n, which is clean, as a toast.
func toastOf(n Notice, key []byte) (string, error) {
	t := toastXML{Activation: "protocol", Launch: seal(key, Answer{Tag: n.Tag, What: Open})}
	t.Binding.Template = "ToastGeneric"
	t.Binding.Text = []string{n.Title, n.Body}
	if n.Button != "" {
		t.Actions = &toastActions{toastAction{n.Button, "protocol", seal(key, Answer{Tag: n.Tag, What: Button})}}
	}
	text, err := xml.Marshal(t)
	return string(text), err
}
