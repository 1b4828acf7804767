package deliver

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"path"
	"strings"
	"text/template"
	"time"

	"lamplighter/credfiles"
)

// A Form is how a token is written into a file. The zero Form is the raw token,
// without a line's end.
type Form struct {
	write func(*bytes.Buffer, values) error
}

// values are what a template may use.
type values struct {
	AccessToken string
	Expiry      moment
	Scope       string
	ID          string
}

// A moment prints as RFC 3339 has it, and as nothing where it is not known.
type moment struct{ time.Time }

func (m moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

// MarshalJSON has no fractions of a second either.
func (m moment) MarshalJSON() ([]byte, error) { return []byte(`"` + m.String() + `"`), nil }

var forms = map[string]Form{
	"raw":    {},
	"json":   {writeJSON},
	"env":    {writeEnv},
	"header": {writeHeader},
}

var errForm = errors.New(`must be "raw", "json", "env", "header" or a template with {{.AccessToken}}, which may use {{.Expiry}}, {{.Scope}} and {{.ID}} too`)

// ParseForm reads a form's name, or a text/template over AccessToken, Expiry
// (with the methods of a time.Time, in UTC), Scope and ID. The template is tried
// here, so that it does not fail later. The error never repeats the text.
func ParseForm(text string) (Form, error) {
	if f, ok := forms[text]; ok {
		return f, nil
	}
	t, err := template.New("form").Parse(text)
	if err != nil {
		return Form{}, errForm
	}
	f := Form{func(b *bytes.Buffer, v values) error { return t.Execute(b, v) }}
	sample := rand.Text()
	for _, expiry := range []time.Time{{}, time.Unix(1e9, 0)} {
		tried, err := f.Text(Token{Access: credfiles.NewSecret(sample), Expiry: expiry})
		if err != nil || !strings.Contains(tried.Reveal(), sample) {
			return Form{}, errForm
		}
	}
	return f, nil
}

// Text is a token in that form. The error says nothing of the token.
func (f Form) Text(t Token) (credfiles.Secret, error) {
	if f.write == nil {
		return t.Access, nil
	}
	var b bytes.Buffer
	err := f.write(&b, values{t.Access.Reveal(), moment{t.Expiry.UTC()}, t.Scope, t.ID})
	return credfiles.NewSecret(b.String()), err
}

func writeJSON(b *bytes.Buffer, v values) error {
	out := struct {
		ID          string  `json:"id"`
		AccessToken string  `json:"access_token"`
		TokenType   string  `json:"token_type"`
		ExpiresAt   *moment `json:"expires_at"`
		Scope       string  `json:"scope,omitempty"`
	}{ID: v.ID, AccessToken: v.AccessToken, TokenType: "Bearer", Scope: v.Scope}
	if !v.Expiry.IsZero() {
		out.ExpiresAt = &v.Expiry
	}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

// writeEnv writes lines that a shell, systemd, Docker and Compose read alike.
// They differ about quotes and dollars, so that there are none: RFC 6750 section
// 2.1 needs no others for a token.
func writeEnv(b *bytes.Buffer, v values) error {
	if strings.Trim(v.AccessToken, letters+digits+"-._~+/=") != "" {
		return errors.New("the token has characters that programs read in different ways from an env file")
	}
	name := variable(v.ID)
	b.WriteString(name + "=" + v.AccessToken + "\n")
	if at := v.Expiry.String(); at != "" {
		b.WriteString(name + "_EXPIRES_AT=" + at + "\n")
	}
	return nil
}

const (
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
)

// variable is GRAPH_TOKEN for own/graph.
func variable(id string) string {
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && strings.ContainsRune(letters+digits, r) {
			return r
		}
		return '_'
	}, strings.ToUpper(path.Base(id)))
	if strings.ContainsAny(name[:1], digits) {
		name = "_" + name
	}
	return name + "_TOKEN"
}

// writeHeader writes what curl takes with -H @FILE.
func writeHeader(b *bytes.Buffer, v values) error {
	if strings.ContainsFunc(v.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("the token has characters that no header can hold")
	}
	b.WriteString("Authorization: Bearer " + v.AccessToken + "\n")
	return nil
}
