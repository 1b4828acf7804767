package credfiles

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestASecretPrintsAsNothing(t *testing.T) {
	const value = "rt_secret_EXAMPLE"
	s := NewSecret(value)
	type hidden struct{ s Secret }
	things := []any{
		s, &s, []Secret{s}, map[string]Secret{"a": s}, map[Secret]bool{s: true}, hidden{s}, &hidden{s}, [1]hidden{{s}},
		Token{Refresh: s}, Credential{Token: Token{Access: s, Refresh: s}, Grant: Grant{ClientSecret: s}}, &Credential{Token: Token{Access: s}},
		[]any{s}, struct{ any }{s}, fmt.Errorf("failed with %v", s),
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%c", "%U", "%10.3v"} {
		for _, thing := range things {
			fmt.Fprintf(&out, verb+"\n", thing)
		}
	}
	fmt.Fprintln(&out, things...)
	for _, thing := range things {
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "thing", thing)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "thing", thing)
		if text, err := json.Marshal(thing); err == nil {
			out.Write(text)
		}
	}
	for _, form := range []string{value, fmt.Sprintf("%x", value), "secret"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%q is in what was printed", form)
		}
	}
	if out.Len() < 1000 {
		t.Error("hardly anything was printed")
	}
}

func TestSecretsCompareByValue(t *testing.T) {
	a, b := NewSecret("x_EXAMPLE"), NewSecret("x_EXAMPLE")
	if !a.Equal(b) || a.Equal(NewSecret("y_EXAMPLE")) || a.Equal(Secret{}) || !(Secret{}).Equal(NewSecret("")) {
		t.Error("Equal")
	}
	if !NewSecret("").IsZero() || a.IsZero() || a.Reveal() != "x_EXAMPLE" || (Secret{}).Reveal() != "" {
		t.Error("IsZero or Reveal")
	}
	salt := []byte("salt")
	print := a.Fingerprint(salt)
	if len(print) != 32 || print != b.Fingerprint(salt) || print == a.Fingerprint([]byte("other")) || print == NewSecret("y_EXAMPLE").Fingerprint(salt) {
		t.Error("Fingerprint:", print)
	}
	if (Secret{}).Fingerprint(salt) != "" {
		t.Error("nothing has a fingerprint")
	}
}
