package authtest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strconv"
)

// An Answer is an HTTP answer, whole.
type Answer struct {
	Status int // zero is 200
	Header http.Header
	Body   []byte
	// Condemns means that a refresh token must not be sent again after this
	// answer to it.
	Condemns bool

	successor *refreshToken // what it carries in place of the one presented
	tokensEnd int           // offset at which the last token string is whole; zero if it has none
}

// Status is an answer of a server or proxy that has nothing to say about
// tokens: 404, 407, 500, 503.
func Status(code int) *Answer {
	return text(code, "text/plain; charset=utf-8", http.StatusText(code)+"\n")
}

// RetryAfter is such an answer with a Retry-After header: seconds or an
// HTTP-date (RFC 9110 section 10.2.3).
func RetryAfter(code int, value string) *Answer {
	a := Status(code)
	a.Header.Set("Retry-After", value)
	return a
}

// HTML is what a captive portal says to everything.
func HTML() *Answer {
	return text(http.StatusOK, "text/html; charset=utf-8",
		"<!DOCTYPE html><title>Welcome</title><p>Please accept the terms to use this network.\n")
}

// Redirect sends the client to another URL.
func Redirect(code int, location string) *Answer {
	a := Status(code)
	a.Header.Set("Location", location)
	return a
}

// Big is a body of n bytes that says nothing.
func Big(n int) *Answer {
	return text(http.StatusOK, "application/json", string(bytes.Repeat([]byte(" "), n)))
}

func text(status int, contentType, body string) *Answer {
	return &Answer{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}
}

// jsonAnswer is for answers other than tokens, whose order does not matter.
func jsonAnswer(status int, v any) Answer {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // only our own maps come here
	}
	return *text(status, "application/json", string(body))
}

// deliver sends an answer as far as the behaviour lets it. What the oracle
// needs is written down before the last byte leaves, since the client's next
// request may come before this function returns.
func (s *Server) deliver(w http.ResponseWriter, x *exchange, a Answer) {
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	body, delivery := a.Body, Whole
	switch x.behaviour.Fault {
	case DropAfter:
		s.finish(x, a, Withheld)
		panic(http.ErrAbortHandler)
	case Cut:
		body, delivery = body[:cutPoint(a)], CutShort
	case CutAfterTokens:
		body, delivery = body[:a.tokensEnd], TokensOnly
	case Garble:
		body = make([]byte, len(body))
		rand.Read(body)
		delivery = Garbled
	}
	if b := x.behaviour; b.Answer != nil && b.Consume {
		delivery = Withheld
	}
	s.finish(x, a, delivery)

	h := w.Header()
	for name, values := range a.Header {
		h[name] = values
	}
	h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	w.WriteHeader(a.Status)
	n, err := w.Write(body)
	if err != nil && delivery == Whole {
		s.undelivered(x, n >= a.tokensEnd && a.tokensEnd > 0)
	}
	if len(body) < len(a.Body) {
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		panic(http.ErrAbortHandler)
	}
}

// cutPoint is within the last token string, or in the middle of a body that
// has none.
func cutPoint(a Answer) int {
	if a.tokensEnd == 0 {
		return len(a.Body) / 2
	}
	return a.tokensEnd - 8
}
