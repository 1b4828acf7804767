package signin

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
)

// ErrNotOurs means that what came is not the answer to this sign-in, which goes
// on waiting.
var ErrNotOurs = errors.New("not the answer to this sign-in")

// take looks at an authorization response (RFC 6749 section 4.1.2). The first
// one with our state counts; the error is [ErrNotOurs] for any other. What the
// response comes to is Wait's to return.
func (f *Flow) take(q url.Values) error {
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(f.state)) != 1 {
		return ErrNotOurs
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return errOver
	}
	f.over = true
	f.answered <- f.read(q)
	return nil
}

// read checks who answers before it looks at anything else in the answer.
func (f *Flow) read(q url.Values) answer {
	if err := f.issuer(q); err != nil {
		return answer{err: err}
	}
	if q.Has("error") {
		return answer{err: f.refusal(q.Get("error"), q.Get("error_description"))}
	}
	if q.Get("code") == "" {
		return answer{err: fmt.Errorf("%s came back without a code; try again", f.Host())}
	}
	return answer{code: q.Get("code")}
}

// issuer follows RFC 9207 section 2.4: the strings are equal, or it is another
// server's answer. Where metadata promises the parameter it has to be there.
func (f *Flow) issuer(q url.Values) error {
	want := issuerOf(f.place)
	switch {
	case f.any:
		return nil
	case !q.Has("iss") && !f.place.IssParameter, q.Has("iss") && q.Get("iss") == want:
		return nil
	case !q.Has("iss"):
		return fmt.Errorf("the answer does not say who it is from, though %s promises that; it was not used. Try again, and tell the server's makers if it stays so", f.Host())
	}
	return fmt.Errorf("the answer is from another server (%s) than the one that was asked (%s); it was not used. Try again, and do not go on if it stays so", discovery.Shown(q.Get("iss")), discovery.Shown(want))
}

// refusal words an error response (RFC 6749 section 4.1.2.1).
func (f *Flow) refusal(code, detail string) error {
	code = exchange.Clean(code)
	if detail = exchange.Clean(detail); detail != "" {
		detail = ": " + detail
	}
	next := "try again"
	switch code {
	case "access_denied":
		return fmt.Errorf("%s did not let you in (access_denied%s); nothing was changed", f.Host(), detail)
	case "invalid_scope":
		next = "set credential.scope in the settings to what the server grants"
	case "invalid_target":
		next = "set credential.resource in the settings to what the server wants"
	case "temporarily_unavailable", "server_error":
		next = "try again later"
	}
	return fmt.Errorf("%s refused the sign-in (%s%s); %s", f.Host(), code, detail, next)
}

// Paste takes the address of the page on which the browser ended, or its query
// alone. After an error the Flow goes on waiting.
func (f *Flow) Paste(text string) error {
	text = strings.Trim(strings.TrimSpace(text), `"'<>`)
	query := text
	if u, err := url.Parse(text); err == nil && u.Scheme != "" {
		query = u.RawQuery
		if query == "" {
			query = u.Fragment
		}
	}
	q, err := url.ParseQuery(strings.TrimLeft(query, "?#"))
	if err != nil || !q.Has("state") || !q.Has("code") && !q.Has("error") {
		return errors.New("that is not the address of the page after the sign-in, which has code= and state= in it")
	}
	if err := f.take(q); errors.Is(err, ErrNotOurs) {
		return errors.New("that is the address of another sign-in; paste the one of this")
	}
	return nil
}
