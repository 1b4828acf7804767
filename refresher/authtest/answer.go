package authtest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"maps"
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

// deliver sends an answer as far as the behaviour lets it.
func (s *Server) deliver(w http.ResponseWriter, x *exchange, a Answer) {
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	if x.behaviour.Edit != nil {
		s.edit(x, &a)
	}
	if x.behaviour.Wire != nil {
		s.wire(w, x, a)
		return
	}
	body, delivery := a.Body, Whole
	switch x.behaviour.Fault {
	case Cut:
		body, delivery = body[:cutPoint(a)], CutShort
	case CutAfterTokens:
		body, delivery = body[:a.tokensEnd], TokensOnly
	case Garble:
		body, delivery = make([]byte, len(body)), Garbled
		rand.Read(body)
	}
	s.record(x, a, delivery)

	h := w.Header()
	maps.Copy(h, a.Header)
	h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	w.WriteHeader(a.Status)
	n, err := w.Write(body)
	if err != nil && delivery == Whole {
		s.broke(x, a.tokensEnd > 0 && n >= a.tokensEnd)
	}
	if len(body) < len(a.Body) {
		http.NewResponseController(w).Flush()
		s.end(x)
	}
}

// broke corrects the log when the connection broke under an answer.
func (s *Server) broke(x *exchange, tokensOut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.entry.Delivery = CutShort
	if tokensOut {
		x.entry.Delivery = TokensOnly
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
