package exchange

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/credfiles"
)

var refresh = credfiles.NewSecret("rt/1+=EXAMPLE")

const pair = `{"access_token":"A2-EXAMPLE","expires_in":3600,"refresh_token":"R2-EXAMPLE"}`

// listen is a server below HTTP: it answers every connection with serve, once
// the whole request has come, and counts the requests.
func listen(t *testing.T, serve func(c *net.TCPConn, request string)) (origin string, count *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	count = new(atomic.Int32)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if request := readRequest(c); request != "" {
					count.Add(1)
					serve(c.(*net.TCPConn), request)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String(), count
}

// readRequest returns the bytes of one request, up to its Content-Length.
func readRequest(c net.Conn) string {
	var got []byte
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		head, body, ok := strings.Cut(string(got), "\r\n\r\n")
		var length int
		if _, after, has := strings.Cut(head, "Content-Length: "); has {
			fmt.Sscan(after, &length)
		}
		if ok && len(body) >= length {
			return string(got)
		}
		if err != nil {
			return ""
		}
	}
}

func reply(text string) func(*net.TCPConn, string) {
	return func(c *net.TCPConn, _ string) { io.WriteString(c, text) }
}

func full(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func public(origin string) Post {
	return Post{TokenURL: origin + "/token", Auth: None, AuthBy: "public", ClientID: "c1", Accept: "application/json"}
}

func TestEachClientAndProviderGetsItsRequest(t *testing.T) {
	UserAgent = "lamplighter/1.2.3"
	t.Cleanup(func() { UserAgent = "lamplighter" })
	head := func(target, host, contentType, authorization string, length int) string {
		if authorization != "" {
			authorization = "Authorization: Basic " + authorization + "\r\n"
		}
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: lamplighter/1.2.3\r\nConnection: close\r\nContent-Length: %d\r\n"+
			"Accept: application/json\r\nAccept-Encoding: identity\r\n%sContent-Type: %s\r\n\r\n", target, host, length, authorization, contentType)
	}
	const token = "refresh_token=rt%2F1%2B%3DEXAMPLE"
	const inBody = "client_secret=s3cret%2F%2B%3DEXAMPLE"

	for _, c := range []struct {
		name                          string
		g                             credfiles.Grant
		s                             Server
		target, host, basic, formBody string
	}{
		{"Codex, public client",
			credfiles.Grant{ClientID: "cli 1", ServerURL: "https://m.example/mcp", Scopes: []string{"read", "offline_access"}, Request: asCodex},
			Server{TokenURL: "https://as.example/token"},
			"/token", "as.example", "",
			"client_id=cli+1&grant_type=refresh_token&" + token + "&resource=https%3A%2F%2Fm.example%2Fmcp&scope=read+offline_access"},
		{"Codex, secret in its config: client_id only in the header",
			credfiles.Grant{ClientID: "a:b", ClientSecret: secret, ServerURL: "https://m.example/mcp", Request: asCodex},
			Server{TokenURL: "https://as.example/token?tenant=1", Resource: "https://m.example/"},
			"/token?tenant=1", "as.example", "YSUzQWI6czNjcmV0JTJGJTJCJTNERVhBTVBMRQ==", // a%3Ab:s3cret%2F%2B%3DEXAMPLE
			"grant_type=refresh_token&" + token + "&resource=https%3A%2F%2Fm.example%2F"},
		{"Claude Code, public client",
			credfiles.Grant{ClientID: "c1", ServerURL: "https://m.example/mcp", Scopes: []string{"read"}, Request: asClaude},
			Server{TokenURL: "https://as.example/token", Resource: "https://m.example/mcp"},
			"/token", "as.example", "",
			"client_id=c1&grant_type=refresh_token&" + token + "&resource=https%3A%2F%2Fm.example%2Fmcp"},
		{"Claude Code, raw Basic",
			credfiles.Grant{ClientID: "a:b", ClientSecret: secret, Request: asClaude},
			Server{TokenURL: "https://as.example/token"},
			"/token", "as.example", "YTpiOnMzY3JldC8rPUVYQU1QTEU=", // a:b:s3cret/+=EXAMPLE
			"grant_type=refresh_token&" + token},
		{"Claude Code, raw Basic takes a character for a byte",
			credfiles.Grant{ClientID: "é", ClientSecret: secret, Request: asClaude},
			Server{TokenURL: "https://as.example/token"},
			"/token", "as.example", "6TpzM2NyZXQvKz1FWEFNUExF",
			"grant_type=refresh_token&" + token},
		{"Claude Code, secret in the body",
			credfiles.Grant{ClientID: "c1", ClientSecret: secret, Request: asClaude},
			Server{TokenURL: "https://as.example/token", AuthMethods: []string{Body}},
			"/token", "as.example", "",
			"client_id=c1&" + inBody + "&grant_type=refresh_token&" + token},
		{"Entra",
			credfiles.Grant{ClientID: "0000-app", ServerURL: "https://m.example/mcp", Scopes: []string{"api://x/mcp", "offline_access"}, Request: asCodex},
			Server{Issuer: "https://login.microsoftonline.com/t/v2.0", TokenURL: "https://login.microsoftonline.com/t/oauth2/v2.0/token", Resource: "api://x"},
			"/t/oauth2/v2.0/token", "login.microsoftonline.com", "",
			"client_id=0000-app&grant_type=refresh_token&" + token + "&scope=api%3A%2F%2Fx%2Fmcp+offline_access"},
		{"Slack, as Claude Code",
			credfiles.Grant{ClientID: "1601185624273.8899143856786", ServerURL: "https://mcp.slack.com/mcp", Request: asClaude},
			Server{Issuer: "https://slack.com", TokenURL: "https://slack.com/api/oauth.v2.user.access", Resource: "https://mcp.slack.com"},
			"/api/oauth.v2.user.access", "slack.com", "",
			"client_id=1601185624273.8899143856786&grant_type=refresh_token&" + token + "&resource=https%3A%2F%2Fmcp.slack.com"},
		{"Salesforce, whoever the client is",
			credfiles.Grant{ClientID: "3MVG9", ClientSecret: secret, Request: asCodex},
			Server{TokenURL: "https://acme.my.salesforce.com/services/oauth2/token"},
			"/services/oauth2/token", "acme.my.salesforce.com", "",
			"client_id=3MVG9&" + inBody + "&grant_type=refresh_token&" + token},
		{"Figma",
			credfiles.Grant{ClientID: "f1", ClientSecret: secret},
			Server{TokenURL: "https://api.figma.com/v1/oauth/token"},
			"/v1/oauth/refresh", "api.figma.com", "ZjE6czNjcmV0JTJGJTJCJTNERVhBTVBMRQ==",
			"grant_type=refresh_token&" + token},
		{"Notion's API",
			credfiles.Grant{ClientID: "n1", ClientSecret: secret},
			Server{TokenURL: "https://api.notion.com/v1/oauth/token"},
			"/v1/oauth/token", "api.notion.com", "bjE6czNjcmV0JTJGJTJCJTNERVhBTVBMRQ==",
			`{"grant_type":"refresh_token","refresh_token":"rt/1+=EXAMPLE"}`},
	} {
		got := make(chan string, 1)
		origin, count := listen(t, func(c *net.TCPConn, request string) {
			got <- request
			io.WriteString(c, full(pair))
		})
		tr := fresh()
		tr.DialTLSContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(origin, "http://"))
		}
		p, err := Plan(c.g, c.s)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		a := Send(t.Context(), tr, p, refresh, c.g.ClientSecret)
		if v := Judge(p, a); v.Kind != Refreshed || count.Load() != 1 {
			t.Errorf("%s: %v, %d requests", c.name, v, count.Load())
			continue
		}
		contentType := "application/x-www-form-urlencoded"
		if p.JSON {
			contentType = "application/json"
		}
		want := head(c.target, c.host, contentType, c.basic, len(c.formBody)) + c.formBody
		if request := <-got; request != want {
			t.Errorf("%s\n got: %q\nwant: %q", c.name, request, want)
		}
	}
}

func TestARedirectIsNeverFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		other, elsewhere := listen(t, reply(full(pair)))
		origin, count := listen(t, reply(fmt.Sprintf("HTTP/1.1 %d Moved\r\nLocation: %s/login?token=x\r\nContent-Length: 0\r\n\r\n", status, other)))
		p := public(origin)
		a := Send(t.Context(), fresh(), p, refresh, credfiles.Secret{})
		if v := Judge(p, a); v.Kind != Later || v.Detail != "redirects to "+other {
			t.Errorf("%d: %v", status, v)
		}
		if count.Load() != 1 || elsewhere.Load() != 0 {
			t.Errorf("%d: %d requests here, %d elsewhere", status, count.Load(), elsewhere.Load())
		}
	}
}

func TestWhateverHappensThereIsOnePost(t *testing.T) {
	reset := func(c *net.TCPConn) { c.SetLinger(0); c.Close() }
	for _, c := range []struct {
		name    string
		serve   func(c *net.TCPConn, request string)
		failure []string
		want    string
	}{
		{"an answer", reply(full(pair)), nil, "refreshed at=A2-EXAMPLE rt=R2-EXAMPLE"},
		{"dropped before answering", func(*net.TCPConn, string) {}, []string{FailureEOF}, "ambiguous"},
		{"reset before answering", func(c *net.TCPConn, _ string) { reset(c) }, []string{FailureReset}, "ambiguous"},
		{"dropped inside the head", reply("HTTP/1.1 200 OK\r\nContent-Type: x\r\n"), []string{FailureEOF}, "ambiguous"},
		{"no HTTP", reply("SSH-2.0-OpenSSH_9.9\r\n"), []string{FailureOther, FailureEOF}, "ambiguous"},
		{"dropped after both tokens", reply(full(pair)[:len(full(pair))-1]), []string{FailureEOF}, "refreshed at=A2-EXAMPLE rt=R2-EXAMPLE"},
		{"dropped inside the refresh token", reply(full(pair)[:len(full(pair))-3]), []string{FailureEOF}, "ambiguous"},
		{"reset inside the body", func(c *net.TCPConn, _ string) {
			io.WriteString(c, full(pair)[:len(full(pair))-20])
			reset(c)
		}, []string{FailureReset, FailureEOF}, "ambiguous"},
		{"a chunk that breaks off", reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{\"access_token\":\"A2"), []string{FailureEOF}, "ambiguous"},
		{"the last chunk missing", reply(fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(pair), pair)), []string{FailureEOF}, "refreshed at=A2-EXAMPLE rt=R2-EXAMPLE"},
		{"HTTP/1.0", reply("HTTP/1.0 200 OK\r\n\r\n" + pair), nil, "refreshed at=A2-EXAMPLE rt=R2-EXAMPLE"},
		{"HTTP/1.0, dropped", reply("HTTP/1.0 200 OK\r\n\r\n" + pair[:40]), nil, "ambiguous"},
		{"HTTP/1.0, a form, dropped", reply("HTTP/1.0 200 OK\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\naccess_token=A2&refresh_token=R"), nil, "ambiguous"},
		{"100 Continue unasked", reply("HTTP/1.1 100 Continue\r\n\r\n" + full(pair)), nil, "refreshed at=A2-EXAMPLE rt=R2-EXAMPLE"},
		{"103 Early Hints", reply("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + full(pair)), nil, "refreshed at=A2-EXAMPLE rt=R2-EXAMPLE"},
		{"10 MB", reply(full(`{"pad":"` + strings.Repeat("x", 10<<20) + `"}`)), []string{FailureTooLong}, "ambiguous"},
		{"10 MB after the tokens", reply(full(strings.TrimSuffix(pair, "}") + `,"pad":"` + strings.Repeat("x", 10<<20) + `"}`)), []string{FailureTooLong}, "refreshed at=A2-EXAMPLE rt=R2-EXAMPLE"},
		{"408 as if the request had not come", reply("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), nil, "ambiguous"},
		{"503 that would like it again", reply("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"), nil, "later"},
		{"401 with a challenge", reply("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"), nil, "later"},
	} {
		origin, count := listen(t, c.serve)
		p := public(origin)
		a := Send(t.Context(), fresh(), p, refresh, credfiles.Secret{})
		v := Judge(p, a)
		got := v.Kind.String()
		if v.Kind == Refreshed {
			got += " at=" + v.Token.Access.Reveal() + " rt=" + v.Token.Refresh.Reveal()
		}
		expected := c.failure
		if expected == nil {
			expected = []string{""}
		}
		if got != c.want || !strings.Contains("|"+strings.Join(expected, "|")+"|", "|"+a.Failure+"|") {
			t.Errorf("%s: %s, failure %q; want %s, failure %q", c.name, v, a.Failure, c.want, expected)
		}
		if n := count.Load(); n != 1 || !a.Written || a.SentAt.IsZero() || a.At.Before(a.SentAt) {
			t.Errorf("%s: %d requests, written %v, from %v to %v", c.name, n, a.Written, a.SentAt, a.At)
		}
		if len(a.Body) > MaxBody {
			t.Errorf("%s: %d bytes read", c.name, len(a.Body))
		}
	}
}

func TestWhatFailsBeforeTheBodyLeftIsNotWritten(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request came through without TLS") }))
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request came through") }))
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	refusing, _ := listen(t, reply("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"))
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	nobody := closed.Addr().String()
	trusting := x509.NewCertPool()
	trusting.AddCert(secure.Certificate())
	via := func(address string) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
	}
	proxy := func(origin string) func(*http.Request) (*url.URL, error) {
		return func(*http.Request) (*url.URL, error) { return url.Parse(origin) }
	}

	for _, c := range []struct {
		name, url, want string
		change          func(*http.Transport)
	}{
		{"nobody listens", "http://" + nobody, FailureConnect, nil},
		{"no such name", "https://as.example", FailureDNS, func(tr *http.Transport) {
			tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "as.example", IsNotFound: true}}
			}
		}},
		{"a certificate for another name", "https://as.test", FailureCertificate, func(tr *http.Transport) {
			tr.TLSClientConfig.RootCAs = trusting
			tr.DialContext = via(secure.Listener.Addr().String())
		}},
		{"a certificate of nobody we know", secure.URL, FailureCertificate, nil},
		{"no TLS there", strings.Replace(plain.URL, "http:", "https:", 1), FailureTLS, nil},
		{"only old TLS", secure.URL, FailureTLS, func(tr *http.Transport) {
			tr.TLSClientConfig.MinVersion, tr.TLSClientConfig.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
		}},
		{"the proxy wants a password", secure.URL, FailureProxy, func(tr *http.Transport) { tr.Proxy = proxy(refusing) }},
		{"the proxy is away", secure.URL, FailureProxy, func(tr *http.Transport) { tr.Proxy = proxy("http://" + nobody) }},
	} {
		tr := fresh()
		if c.change != nil {
			c.change(tr)
		}
		p := public(c.url)
		a := Send(t.Context(), tr, p, refresh, credfiles.Secret{})
		if a.Failure != c.want || a.Written || !a.SentAt.IsZero() || a.At.IsZero() {
			t.Errorf("%s: %+v", c.name, a)
		}
		if v := Judge(p, a); v.Kind != Later || v.Consumed || v.RepeatAtOnce {
			t.Errorf("%s: %v", c.name, v)
		}
	}
}

func TestWhatCannotBeSentAsPlannedIsNotSent(t *testing.T) {
	origin, count := listen(t, reply(full(pair)))
	for name, c := range map[string]struct {
		change  func(*Post)
		refresh credfiles.Secret
		secret  credfiles.Secret
	}{
		"no refresh token":  {func(*Post) {}, credfiles.Secret{}, secret},
		"no secret":         {func(p *Post) { p.Auth = Basic }, refresh, credfiles.Secret{}},
		"no secret in body": {func(p *Post) { p.Auth = Body }, refresh, credfiles.Secret{}},
		"unknown method":    {func(p *Post) { p.Auth = "private_key_jwt" }, refresh, secret},
		"no method":         {func(p *Post) { p.Auth = "" }, refresh, secret},
		"no URL":            {func(p *Post) { p.TokenURL = "http://[" }, refresh, secret},
	} {
		p := public(origin)
		c.change(&p)
		a := Send(t.Context(), fresh(), p, c.refresh, c.secret)
		if v := Judge(p, a); a.Failure != FailureRequest || a.Written || v.Kind != Misconfigured {
			t.Errorf("%s: %v, %v", name, a, v)
		}
	}
	if n := count.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestAUsedConnectionIsRefused(t *testing.T) {
	var posts atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posts.Add(1)
		}
		io.WriteString(w, pair)
	}))
	t.Cleanup(server.Close)
	kept := &http.Transport{}
	t.Cleanup(kept.CloseIdleConnections)
	resp, err := (&http.Client{Transport: kept}).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()

	a := Send(t.Context(), kept, public(server.URL), refresh, credfiles.Secret{})
	if a.Failure != FailureReused || a.Written || posts.Load() != 0 {
		t.Errorf("%v, %d POSTs", a, posts.Load())
	}
	for range 2 {
		if a := Send(t.Context(), fresh(), public(server.URL), refresh, credfiles.Secret{}); a.Status != 200 {
			t.Errorf("a fresh connection: %v", a)
		}
	}
	if posts.Load() != 2 {
		t.Errorf("%d POSTs", posts.Load())
	}
}

func TestNothingLetsNetHTTPSendTheBodyAgain(t *testing.T) {
	for _, auth := range []string{None, Basic, Body} {
		p := public("https://as.example")
		p.Auth = auth
		req, err := request(p, grant{"refresh_token": refresh.Reveal()}, secret, &onceBody{})
		if err != nil {
			t.Fatal(err)
		}
		// net/http replays a request that has one of these.
		if req.GetBody != nil || req.Header.Get("Idempotency-Key") != "" || req.Header.Get("X-Idempotency-Key") != "" || !req.Close {
			t.Errorf("%s: it may be replayed", auth)
		}
		if req.Header.Get("Expect") != "" {
			t.Errorf("%s: it waits for a word before the body", auth)
		}
	}
}

func TestCancellingBeforeTheBodyLeftCancels(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	untouched := roundTripper(func(*http.Request) (*http.Response, error) {
		t.Error("cancelled from the start: the transport was asked")
		return nil, io.EOF
	})
	if a := Send(gone, untouched, public("https://as.example"), refresh, credfiles.Secret{}); a.Failure != FailureCancelled || a.Written {
		t.Errorf("cancelled from the start: %v", a)
	}

	origin, count := listen(t, reply(full(pair)))
	ctx, cancel := context.WithCancel(t.Context())
	tr := fresh()
	tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		cancel() // the caller's
		<-ctx.Done()
		return nil, ctx.Err()
	}
	p := public(origin)
	a := Send(ctx, tr, p, refresh, credfiles.Secret{})
	tr.CloseIdleConnections() // ends the dial
	if a.Failure != FailureCancelled || a.Written || Judge(p, a).Kind != Later {
		t.Errorf("cancelled while connecting: %v", a)
	}
	if n := count.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestCancellingAfterTheBodyLeftDoesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	origin, count := listen(t, func(c *net.TCPConn, _ string) {
		cancel()
		io.WriteString(c, full(pair)[:80])
		io.WriteString(c, full(pair)[80:])
	})
	p := public(origin)
	a := Send(ctx, fresh(), p, refresh, credfiles.Secret{})
	if v := Judge(p, a); v.Kind != Refreshed || !a.Written || a.Cut {
		t.Errorf("%v, %v", a, v)
	}
	if ctx.Err() == nil || count.Load() != 1 {
		t.Errorf("the test did not cancel, or %d requests came", count.Load())
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestABodyThatWasGivenUpCannotLeaveLater(t *testing.T) {
	var held io.Reader
	a := Send(t.Context(), roundTripper(func(r *http.Request) (*http.Response, error) {
		held = r.Body
		return nil, errors.New("no")
	}), public("https://as.example"), refresh, credfiles.Secret{})
	if a.Written || a.Failure != FailureOther {
		t.Errorf("%v", a)
	}
	if text, err := io.ReadAll(held); len(text) != 0 || err == nil {
		t.Errorf("%d bytes of the body left, %v", len(text), err)
	}
}

func TestOneByteOfTheBodyCountsAsWritten(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := public("https://as.example")
	a := Send(ctx, roundTripper(func(r *http.Request) (*http.Response, error) {
		r.Body.Read(make([]byte, 1))
		cancel()
		return nil, io.ErrClosedPipe
	}), p, refresh, credfiles.Secret{})
	if v := Judge(p, a); !a.Written || a.SentAt.IsZero() || v.Kind != Ambiguous || !v.RepeatAtOnce {
		t.Errorf("%v, %v", a, v)
	}
}

// overPipe is a transport whose connections are pipes to serve, so that a
// bubble's clock runs.
func overPipe(serve func(c net.Conn)) *http.Transport {
	tr := fresh()
	tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			serve(theirs)
		}()
		return ours, nil
	}
	return tr
}

func TestConnectingIsBoundedAndTheTokenIsUnspent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := fresh()
		tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		start := time.Now()
		p := public("http://127.0.0.1")
		a := Send(t.Context(), tr, p, refresh, credfiles.Secret{})
		tr.CloseIdleConnections() // ends the dial
		if took := time.Since(start); took != 5*time.Second || a.Failure != FailureTimeout || a.Written {
			t.Errorf("%v after %v", a, took)
		}
		if v := Judge(p, a); v.Kind != Later {
			t.Errorf("%v", v)
		}
	})
}

func TestAnAnswerHas45SecondsFromTheBodyOn(t *testing.T) {
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
		took  time.Duration
		want  string
	}{
		{"a slow one comes through", func(c net.Conn) {
			time.Sleep(44 * time.Second)
			io.WriteString(c, full(pair))
		}, 44 * time.Second, "refreshed at=A2-EXAMPLE rt=R2-EXAMPLE in=1h0m0s"},
		{"a silent one does not", func(c net.Conn) { time.Sleep(time.Hour) },
			45 * time.Second, "ambiguous timeout again consumed"},
		{"one that stops inside the body does not", func(c net.Conn) {
			io.WriteString(c, full(pair)[:100])
			time.Sleep(time.Hour)
		}, 45 * time.Second, "ambiguous cut again consumed"},
		{"one that stops after both tokens is a success", func(c net.Conn) {
			io.WriteString(c, full(pair)[:len(full(pair))-1])
			time.Sleep(time.Hour)
		}, 45 * time.Second, "refreshed at=A2-EXAMPLE rt=R2-EXAMPLE in=1h0m0s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			tr := overPipe(func(conn net.Conn) {
				readRequest(conn)
				c.serve(conn)
			})
			dial := tr.DialContext
			tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				time.Sleep(3 * time.Second) // does not count
				return dial(ctx, network, address)
			}
			start := time.Now()
			p := public("http://127.0.0.1")
			a := Send(t.Context(), tr, p, refresh, credfiles.Secret{})
			if took := time.Since(start); took != c.took+3*time.Second {
				t.Errorf("%s: took %v", c.name, took)
			}
			v := Judge(p, a)
			if !v.Token.Expiry.IsZero() && !v.Token.Expiry.Equal(start.Add(3*time.Second+time.Hour)) {
				t.Errorf("%s: the expiry does not count from sending", c.name)
			}
			v.Token.Expiry = v.Token.Expiry.Add(sent.Sub(a.SentAt)) // short counts from there
			if v.Kind != Refreshed {
				v.Token = credfiles.Token{}
			}
			if got := short(v); got != c.want {
				t.Errorf("%s: %s", c.name, got)
			}
			time.Sleep(2 * time.Hour) // the server ends
		})
	}
}

func TestAnEndlessAnswerIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		taken := 0
		tr := overPipe(func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			for {
				n, err := c.Write(make([]byte, 4096))
				taken += n
				if err != nil || taken > 16*MaxBody {
					return
				}
			}
		})
		a := Send(t.Context(), tr, public("http://127.0.0.1"), refresh, credfiles.Secret{})
		synctest.Wait()
		if a.Failure != FailureTooLong || len(a.Body) != MaxBody || taken > 2*MaxBody {
			t.Errorf("%v, %d bytes taken", a, taken)
		}
	})
}

func TestTheHeaderKeepsOnlyWhatAVerdictNeeds(t *testing.T) {
	origin, _ := listen(t, reply("HTTP/1.1 401 No\r\n"+
		"Content-Type: application/json\r\nDate: Fri, 20 Nov 2026 12:00:00 GMT\r\nRetry-After: 5\r\n"+
		"Set-Cookie: session=SECRET-EXAMPLE\r\nX-Token: SECRET-EXAMPLE\r\n"+
		"Location: https://u:SECRET-EXAMPLE@as.example/x?token=SECRET-EXAMPLE\r\n"+
		"WWW-Authenticate: Basic realm=\"a, Digest b\", error=\"SECRET-EXAMPLE\", Bearer token=\"SECRET-EXAMPLE\"\r\n"+
		"WWW-Authenticate: Negotiate U0VDUkVU==, DPoP algs = \"ES256\"\r\nContent-Length: 0\r\n\r\n"))
	a := Send(t.Context(), fresh(), public(origin), refresh, credfiles.Secret{})
	want := Header{
		ContentType: "application/json", Date: "Fri, 20 Nov 2026 12:00:00 GMT", RetryAfter: "5",
		Location: "https://as.example", Challenges: []string{"basic", "bearer", "negotiate", "dpop"},
	}
	if !reflect.DeepEqual(a.Header, want) {
		t.Errorf("%+v", a.Header)
	}
}

func TestAnAnswerComesBackFromTheJournalAsItWas(t *testing.T) {
	a := Answer{
		Status: 200, Header: Header{"a", "b", "c", "d", []string{"f"}}, Body: []byte("{\xff\x00"), Cut: true, Open: true,
		SentAt: sent, At: arrived, Written: true, Failure: FailureEOF,
	}
	v := reflect.ValueOf(a)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if journaled := f.Tag.Get("json") != "-"; journaled == v.Field(i).IsZero() {
			t.Fatalf("%s is not tested", f.Name)
		}
	}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var back Answer
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, a) {
		t.Errorf("%v", err)
	}
}

func TestAnAnswerPrintsWithoutItsBody(t *testing.T) {
	const hidden = "hidden-EXAMPLE"
	a := answered(200, asJSON, `{"access_token":"`+hidden+`"}`)
	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&printed, verb+"\n", a)
		fmt.Fprintf(&printed, verb+"\n", &a)
		fmt.Fprintf(&printed, verb+"\n", struct{ A Answer }{a})
	}
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("x", "a", a)
	slog.New(slog.NewTextHandler(&printed, nil)).Info("x", "a", &a)
	for _, form := range []string{hidden, b64(hidden)[:16], fmt.Sprintf("%x", hidden), strings.Trim(fmt.Sprint([]byte(hidden)), "[]")} {
		if strings.Contains(printed.String(), form) {
			t.Errorf("the body shows as %q", form)
		}
	}
	if !strings.Contains(printed.String(), "HTTP 200, 33 bytes") {
		t.Errorf("it says nothing: %s", printed.String())
	}
}

// A fresh token is left alone for a while, but not one that grew old in a sleep.
func TestTheTimeSleptBeforeAnAnswerWasReadDoesNotMakeItsTokenYoung(t *testing.T) {
	sent := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	slept := Answer{SentAt: sent, At: sent.Add(3 * time.Hour), Took: 2 * time.Second}
	if since := slept.Since(); !since.Equal(sent.Add(2 * time.Second)) {
		t.Errorf("it counts since %v", since)
	}
	replayed := Answer{SentAt: sent, At: sent.Add(2 * time.Second)} // from the journal
	if since := replayed.Since(); !since.Equal(replayed.At) {
		t.Errorf("from the journal it counts since %v", since)
	}
}
