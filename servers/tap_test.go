//go:build servers && linux

package servers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"lamplighter/refresher/authtest"
)

// A tap is the way to a server, and the origin under which it is known. It
// writes down what becomes of each refresh token.
type tap struct {
	t      *testing.T
	origin string
	addr   string

	mu     sync.Mutex
	via    *httputil.ReverseProxy
	front  *http.Server // nil while nobody listens
	posts  []*post
	lines  []*line
	known  map[string]*value // by refresh token
	said   []string          // every token there was
	strays []string
	turns  map[string]turn // by grant type: for the next request
	seq    int
}

// A turn is a test's hand in one request: pass lets the server answer it, and
// only what is delivered reaches the program.
type turn func(pass func()) (deliver bool)

// A line is a grant, from its sign-in on.
type line struct {
	id  string
	now authtest.Grant
	n   int // of refresh tokens
}

// A value is a refresh token.
type value struct {
	line *line
	name string
}

// A post is a refresh on its way.
type post struct {
	line      *line // nil for a value that no answer carried
	refresh   string
	client    string
	resource  string
	arrived   int
	ended     int // 0: not yet
	delivered bool
	status    int // 0: the server did not answer
	code      string
	rotated   bool
	overlaps  bool
}

func newTap(t *testing.T) *tap {
	t.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	return &tap{t: t, addr: addr, origin: "http://" + addr, known: map[string]*value{}, turns: map[string]turn{}}
}

var ports sync.Map // that are given out

// freePort is one that nobody is given while its owner does not listen: it lies
// below those that the system chooses from.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20_000 + rand.IntN(12_000)
		if _, taken := ports.LoadOrStore(port, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// open leads to the server at this address from now on.
func (p *tap) open(server string) {
	p.t.Helper()
	to := &url.URL{Scheme: "http", Host: server}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.via = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{DisableKeepAlives: true},
		// Where the server's connection ends, ours does.
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) {
			p.t.Logf("no answer from the server: %v", err)
			panic(http.ErrAbortHandler)
		},
	}
	if p.front != nil {
		return
	}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.front = &http.Server{Handler: p}
	go p.front.Serve(l)
}

// shut makes connections fail, new ones and those that are open.
func (p *tap) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.front != nil {
		p.front.Close()
		p.front = nil
	}
}

// next gives the test its turn at the next refresh.
func (p *tap) next(do turn) { p.at("refresh_token", do) }

// nextCode gives the test its turn at the next exchange of a code.
func (p *tap) nextCode(do turn) { p.at("authorization_code", do) }

func (p *tap) at(grantType string, do turn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turns[grantType] = do
}

func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	via := p.via
	p.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	if r.URL.Path != "/token" {
		if r.URL.Path == "/revoke" {
			p.look(r, "") // a refresh token belongs into its body
		} else {
			p.look(r, string(body))
		}
		via.ServeHTTP(w, r)
		return
	}
	p.look(r, "")
	x := p.arrive(form)
	answered := httptest.NewRecorder()
	pass := func() {
		answered = httptest.NewRecorder()
		via.ServeHTTP(answered, r)
		p.learn(x, form, answered)
	}
	deliver := false
	func() {
		// The answer counts from before its first byte: what is sent after it
		// is neither beside it nor in ignorance of it.
		defer func() { p.end(x, deliver && r.Context().Err() == nil) }()
		if do := p.take(form.Get("grant_type")); do != nil {
			deliver = do(pass)
			return
		}
		pass()
		deliver = true
	}()
	if !deliver {
		panic(http.ErrAbortHandler)
	}
	for name, values := range answered.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answered.Code)
	w.Write(answered.Body.Bytes())
}

// look finds refresh tokens where none belongs.
func (p *tap) look(r *http.Request, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := r.URL.String() + fmt.Sprint(r.Header) + body
	if plain, err := url.QueryUnescape(text); err == nil {
		text += plain
	}
	for refresh, v := range p.known {
		if strings.Contains(text, refresh) {
			p.strays = append(p.strays, fmt.Sprintf("stray: %s in a request to %s", v.name, r.URL.Path))
		}
	}
}

func (p *tap) arrive(form url.Values) *post {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq++
	x := &post{arrived: p.seq, refresh: form.Get("refresh_token"), client: form.Get("client_id"), resource: form.Get("resource")}
	if form.Get("grant_type") != "refresh_token" {
		return x
	}
	if v := p.known[x.refresh]; v != nil {
		x.line = v.line
	}
	for _, other := range p.posts {
		x.overlaps = x.overlaps || other.ended == 0 && (other.refresh == x.refresh || x.line != nil && other.line == x.line)
	}
	p.posts = append(p.posts, x)
	return x
}

func (p *tap) take(grantType string) turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	do := p.turns[grantType]
	delete(p.turns, grantType)
	return do
}

// learn takes what the server answered.
func (p *tap) learn(x *post, form url.Values, answered *httptest.ResponseRecorder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var t tokens
	json.Unmarshal(answered.Body.Bytes(), &t)
	x.status, x.code = answered.Code, t.Error
	if answered.Code != http.StatusOK || t.Access == "" {
		return
	}
	if form.Get("grant_type") == "authorization_code" {
		x.line = &line{id: fmt.Sprintf("g%d", len(p.lines)+1)}
		p.lines = append(p.lines, x.line)
	}
	if x.line == nil {
		return
	}
	now := &x.line.now
	now.AccessToken, now.Expiry = t.Access, time.Now().Add(time.Duration(t.Expires)*time.Second)
	p.said = append(p.said, t.Access)
	if t.Refresh != "" && t.Refresh != x.refresh {
		x.rotated = x.refresh != ""
		x.line.n++
		now.RefreshToken = t.Refresh
		p.known[t.Refresh] = &value{x.line, fmt.Sprintf("%s rt%d", x.line.id, x.line.n)}
		p.said = append(p.said, t.Refresh)
	}
}

func (p *tap) end(x *post, delivered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq++
	x.ended, x.delivered = p.seq, delivered && x.status != 0
}

// Current is a grant with the newest tokens that the server gave.
func (p *tap) Current(grant string) authtest.Grant {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		if l.id == grant {
			return l.now
		}
	}
	return authtest.Grant{}
}

// Serial is a refresh token's name, such as "g1 rt3".
func (p *tap) Serial(refresh string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v := p.known[refresh]; v != nil {
		return v.name
	}
	return "unknown"
}

// Secrets are all tokens that there were.
func (p *tap) Secrets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.said...)
}

// Check is authtest's oracle: no refresh token after the answer that replaced
// or condemned it, never two requests of one grant at once, no refresh token
// where none belongs.
func (p *tap) Check() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	broken := append([]string(nil), p.strays...)
	closed := map[string]int{}
	for i, x := range p.posts {
		name := "a refresh token of another program"
		if v := p.known[x.refresh]; v != nil {
			name = v.name
		}
		if end := closed[x.refresh]; end != 0 && end < x.arrived {
			broken = append(broken, fmt.Sprintf("spent: #%d presented %s again", i+1, name))
		}
		if x.overlaps {
			broken = append(broken, fmt.Sprintf("overlap: #%d presented %s while another was in flight", i+1, name))
		}
		if x.delivered && (x.rotated || x.code == "invalid_grant") {
			closed[x.refresh] = x.ended
		}
	}
	return broken
}

// refreshes are those that reached the tap, and of these those whose answer
// was delivered.
func (p *tap) refreshes() (sent, answered int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range p.posts {
		if x.delivered {
			answered++
		}
	}
	return len(p.posts), answered
}

// last is what the last refresh was answered, and what resource it was for.
func (p *tap) last() (code, resource string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.posts) == 0 {
		return "", ""
	}
	x := p.posts[len(p.posts)-1]
	return x.code, x.resource
}
