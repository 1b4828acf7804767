package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"lamplighter/refresher/discovery"
)

const (
	patience  = 60 * time.Second // for one request and its answer; a token endpoint is given 45 s
	mostKept  = 64 << 10         // of a body, for the report
	mostTaken = 2 << 20          // of an answer
)

// ErrOffline is what a request gets where none may be sent.
var ErrOffline = errors.New("not sent: --offline")

// A Recorder makes the requests of one examination and writes the report: each
// request is a step of it. A secret that it was told stands in the report
// under its name, and so does what only looks like one. It follows no
// redirect, and sends no secret to an origin that the secret is not for.
type Recorder struct {
	Report *Report
	// Via carries the requests. Nil: none is sent.
	Via http.RoundTripper

	mu       sync.Mutex
	redactor redactor
	secrets  []Secret
	step     string
	last     *recording
}

// NewRecorder starts a report. What was asked for may be an ID or a URL.
func NewRecorder(about string, via http.RoundTripper) *Recorder {
	x := &Recorder{Report: &Report{At: time.Now()}, Via: via, step: "request"}
	if IsURL(about) {
		about = x.redactor.address(about)
	}
	x.Report.About = oneLine(about)
	return x
}

// Transport is for requests to a URL of the user's own choice and to what it
// leads to: that of discovery, which knows proxies and the system's roots and
// keeps public servers out of private networks. Offline it is nil.
func Transport(server string, allowPrivate []string, offline bool) http.RoundTripper {
	if offline {
		return nil
	}
	return discovery.NewTransport(discovery.Options{Server: server, AllowPrivate: allowPrivate})
}

// IsURL reports whether what was asked for is a URL: it has a scheme. All
// else is an ID.
func IsURL(s string) bool { return strings.Contains(s, "://") }

// Keep makes s a secret of this examination.
func (x *Recorder) Keep(s Secret) {
	if s.Value == "" {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.secrets = append(x.secrets, s)
	x.redactor.keep(s)
}

// Step names the step that the requests from now on belong to.
func (x *Recorder) Step(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.step = name
}

// Saw adds a step without a request.
func (x *Recorder) Saw(name, format string, args ...any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.Report.Steps = append(x.Report.Steps, Step{Name: name, Seen: x.redactor.scrub(fmt.Sprintf(format, args...))})
}

// Add adds a step with a request that another recorder, or nobody, made.
func (x *Recorder) Add(s Step) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s.Seen = x.redactor.scrub(s.Seen)
	x.Report.Steps = append(x.Report.Steps, s)
}

// reserve adds a step that [Recorder.fill] says more of.
func (x *Recorder) reserve(name string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.Report.Steps = append(x.Report.Steps, Step{Name: name})
	return len(x.Report.Steps) - 1
}

func (x *Recorder) fill(step int, seen string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.Report.Steps[step].Seen = x.redactor.scrub(seen)
}

// Noted says of the last request what was seen, in place of its status.
func (x *Recorder) Noted(format string, args ...any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.last != nil {
		x.Report.Steps[x.last.step].Seen = x.redactor.scrub(fmt.Sprintf(format, args...))
	}
}

// Find adds a finding. Its evidence may quote what a server said only after
// [Recorder.Clean].
func (x *Recorder) Find(c Cause, about, evidence string, args ...any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if IsURL(about) {
		about = x.redactor.address(about)
	}
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = x.redactor.scrub(s)
		}
	}
	x.Report.Findings = append(x.Report.Findings, Finding{c, x.redactor.scrub(about), x.redactor.scrub(evidence), args})
}

// Clean is a text of a server's or a store's as it may be shown.
func (x *Recorder) Clean(s string) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.redactor.clean(s, 200)
}

// Challenge is a WWW-Authenticate line as it may be shown, but for some of its
// parameters.
func (x *Recorder) Challenge(line string, without ...string) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.redactor.challenge(line, without...)
}

// Shown is a URL as it may be shown.
func (x *Recorder) Shown(raw string) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.redactor.address(raw)
}

// RoundTrip makes one request and writes it down. The answer's body counts
// as read when it is closed.
func (x *Recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := x.begin(r)
	if err := x.allowed(r); err != nil {
		rec.failed(err)
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	sent := r.Clone(ctx)
	if r.Body != nil {
		sent.Body = &tee{of: r.Body, into: &rec.sent}
	}
	sent.GetBody = nil // with it net/http could send the body again by itself
	resp, err := x.Via.RoundTrip(sent)
	if err != nil {
		cancel()
		rec.failed(err)
		return nil, err
	}
	rec.answered(resp)
	resp.Body = &ending{
		Reader: io.TeeReader(io.LimitReader(resp.Body, mostTaken), &rec.got),
		of:     resp.Body,
		end:    sync.OnceFunc(func() { cancel(); rec.ended() }),
	}
	return resp, nil
}

// allowed reports why a request may not be sent. A body is not looked at: what
// it holds is for its own maker to direct.
func (x *Recorder) allowed(r *http.Request) error {
	if x.Via == nil {
		return ErrOffline
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	to := Origin(r.URL)
	for _, s := range x.secrets {
		if len(s.Origins) > 0 && !slices.Contains(s.Origins, to) && carries(r, s.Value) {
			return fmt.Errorf("not sent: $%s is not for %s", s.Name, to)
		}
	}
	return nil
}

func carries(r *http.Request, secret string) bool {
	var one redactor
	one.keep(Secret{Name: "", Value: secret})
	text := r.URL.String()
	for _, values := range r.Header {
		text += "\n" + strings.Join(values, "\n")
	}
	if _, password, ok := r.BasicAuth(); ok {
		text += "\n" + password
	}
	return one.without(text) != text
}

// Origin is scheme://host:port.
func Origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// A recording is one request on its way into the report.
type recording struct {
	of   *Recorder
	step int // index
	sent kept
	got  kept
	kind string // Content-Type of the answer
}

func (x *Recorder) begin(r *http.Request) *recording {
	x.mu.Lock()
	defer x.mu.Unlock()
	q := &Request{Method: r.Method, URL: x.redactor.address(noVariable(r.URL.String())), Header: x.redactor.header(r.Header)}
	if r.GetBody != nil { // whether or not it leaves
		if b, err := r.GetBody(); err == nil {
			text, _ := io.ReadAll(io.LimitReader(b, mostKept))
			q.Body = x.redactor.body(text)
			b.Close()
		}
	}
	x.Report.Steps = append(x.Report.Steps, Step{Name: x.step, Request: q})
	x.last = &recording{of: x, step: len(x.Report.Steps) - 1}
	return x.last
}

// change changes the step; the bodies are read by then.
func (rec *recording) change(f func(s *Step, red *redactor)) {
	x := rec.of
	x.mu.Lock()
	defer x.mu.Unlock()
	f(&x.Report.Steps[rec.step], &x.redactor)
}

func (rec *recording) failed(err error) {
	rec.change(func(s *Step, red *redactor) {
		s.Seen = red.scrub(plainly(err))
		rec.body(s, red)
	})
}

// body shows what has left by now.
func (rec *recording) body(s *Step, red *redactor) {
	if b := rec.sent.bytes(); len(b) > 0 {
		s.Request.Body = red.body(b)
	}
}

func (rec *recording) answered(resp *http.Response) {
	rec.change(func(s *Step, red *redactor) {
		s.Request.Status = resp.StatusCode
		s.Seen = strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
		s.Request.Answer = red.telling(resp.StatusCode, resp.Header)
		rec.body(s, red)
		rec.kind = resp.Header.Get("Content-Type")
	})
}

func (rec *recording) ended() {
	rec.change(func(s *Step, red *redactor) {
		rec.body(s, red)
		s.Request.Answer = append(s.Request.Answer, red.fields(s.Request.Status, rec.got.bytes(), rec.kind)...)
	})
}

// kept is the beginning of a body.
type kept struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (k *kept) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.b.Write(p[:min(len(p), mostKept-k.b.Len())])
	return len(p), nil
}

func (k *kept) bytes() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return bytes.Clone(k.b.Bytes())
}

// A tee is a request's body that is written down as it leaves.
type tee struct {
	of   io.ReadCloser
	into io.Writer
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.of.Read(p)
	t.into.Write(p[:n])
	return n, err
}

func (t *tee) Close() error { return t.of.Close() }

// ending is an answer's body that says when it was read.
type ending struct {
	io.Reader
	of  io.Closer
	end func()
}

func (e *ending) Close() error {
	err := e.of.Close()
	e.end()
	return err
}
