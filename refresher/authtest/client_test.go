package authtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A reply is what a client got of an answer: the error is that of the
// transport or of reading the body.
type reply struct {
	status int
	header http.Header
	body   string
	fields map[string]any
	err    error
}

func (r reply) text(name string) string {
	s, _ := r.fields[name].(string)
	return s
}

func do(s *Server, req *http.Request) reply {
	res, err := s.Transport().RoundTrip(req)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	r := reply{status: res.StatusCode, header: res.Header, body: string(body), err: err}
	json.Unmarshal(body, &r.fields)
	return r
}

func post(s *Server, url string, form url.Values) reply {
	return do(s, newPost(url, form.Encode()))
}

func newPost(url, form string) *http.Request {
	req, err := http.NewRequest("POST", url, strings.NewReader(form))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

func get(s *Server, url, access string) reply {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		panic(err)
	}
	if access != "" {
		req.Header.Set("Authorization", "Bearer "+access)
	}
	return do(s, req)
}

// refresh presents a refresh token as a public client does, with more
// parameters after it: name, value, ...
func refresh(s *Server, g Grant, token string, more ...string) reply {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {g.ClientID}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return post(s, g.TokenURL, form)
}

// tries reports whether the MCP server takes an access token.
func tries(s *Server, access string) bool {
	return get(s, s.URL(Resource), access).status == http.StatusMethodNotAllowed
}

// memory is a server without a network that checks itself.
func memory(t *testing.T, p Policy) *Server {
	t.Helper()
	return New(t, Options{Memory: true, Policy: p})
}

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	cleanups []func()
	errors   []string
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) end() {
	for _, f := range r.cleanups {
		f()
	}
}
