package doctor

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"time"
)

const (
	answering = 20 * time.Second
	streaming = 5 * time.Second // for the first event of a stream
	mostTries = 3               // with the secret shown in another way
)

// try makes one request, and reads as much of the answer as tells anything.
func (v *visit) try(ctx context.Context, method string, place Place, name, secret string) (answer, *http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, answering)
	defer cancel()
	r := v.request(ctx, method)
	show(r, place, name, secret)
	if place != Nowhere && v.ask.Gateway != "" {
		r.Header.Set(v.ask.Gateway, v.ask.GatewayKey)
	}
	began := time.Now()
	resp, err := v.RoundTrip(r)
	if err != nil {
		return answer{}, nil, err
	}
	defer resp.Body.Close()
	var body []byte
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		stop := time.AfterFunc(streaming, cancel)
		defer stop.Stop()
		if method == http.MethodPost { // a GET's stream need not ever say anything
			body = firstEvent(resp.Body)
		}
	} else {
		body, _ = io.ReadAll(io.LimitReader(resp.Body, mostKept)) // what was cut is judged as far as it came
	}
	a := newAnswer(method, resp, body)
	a.sent, a.at = began, time.Now()
	return a, resp, nil
}

// firstEvent reads a stream up to the end of its first event with data.
func firstEvent(r io.Reader) []byte {
	var b bytes.Buffer
	chunk := make([]byte, 4096)
	for b.Len() < mostKept {
		n, err := r.Read(chunk)
		b.Write(chunk[:n])
		if _, ok := event(b.Bytes()); err != nil || ok && bytes.Contains(bytes.ReplaceAll(b.Bytes(), []byte("\r"), nil), []byte("\n\n")) {
			break
		}
	}
	return b.Bytes()
}

// anonymous asks as nobody: what every MCP client begins with, and where that
// tells nothing, a plain GET.
func (v *visit) anonymous(ctx context.Context) bool {
	step := v.reserve("network")
	v.Step("as nobody")
	way := &route{}
	a, resp, err := v.try(httptrace.WithClientTrace(ctx, way.trace()), http.MethodPost, Nowhere, "", "")
	v.network(step, way, resp, err)
	if err != nil {
		v.unreachable(way, err)
		return false
	}
	v.opened(resp)
	if !a.isMCP() && !slices.Contains([]int{401, 407, 429}, a.status) {
		if b, _, err := v.try(ctx, http.MethodGet, Nowhere, "", ""); err == nil && telling(b) >= telling(a) {
			a = b
		}
	}
	v.nobody = a
	v.clock(a)
	if a.works() && a.isMCP() {
		if b, err := v.tools(ctx, a, Nowhere, "", ""); err == nil && !b.works() && b.status < 500 {
			v.nobody, v.lets = b, true
		}
	}
	return true
}

// tools asks for the list of tools in the session that an answer began.
func (v *visit) tools(ctx context.Context, begun answer, place Place, name, secret string) (answer, error) {
	v.session = map[string]string{"MCP-Protocol-Version": "2025-11-25"}
	if id := begun.header.Get("Mcp-Session-Id"); id != "" {
		v.session["Mcp-Session-Id"] = id
	}
	defer func() { v.session = nil }()
	a, _, err := v.try(ctx, http.MethodPost, place, name, secret)
	return a, err
}

// telling ranks answers by how much they say of a server.
func telling(a answer) int {
	for i, yes := range []bool{
		a.works() || a.status == http.StatusUnauthorized, a.status == http.StatusForbidden, a.status/100 == 2,
		a.status/100 == 3, a.temporary(), !a.absent(), a.status != http.StatusNotFound,
	} {
		if yes {
			return 10 - i
		}
	}
	return 0
}

// withSecret asks again with the secret. A POST could change something at an
// API, so that it is sent only where an MCP server showed itself, or where a
// GET tells nothing.
func (v *visit) withSecret(ctx context.Context) {
	v.Step("with secret")
	if v.inTheClear() {
		v.Find(inTheClear, "", "http, and "+v.at.Hostname()+" is not this computer")
		v.problem = true
		return
	}
	way := &route{}
	a, err := v.showing(httptrace.WithClientTrace(ctx, way.trace()), v.ask.Place, v.ask.Name, v.secret)
	if err != nil {
		v.unreachable(way, err)
		return
	}
	v.shown, v.asked = a, true
}

func (v *visit) showing(ctx context.Context, place Place, name, secret string) (answer, error) {
	methods := []string{http.MethodGet, http.MethodPost}
	if v.lets || v.nobody.isMCP() || v.nobody.method == http.MethodPost && strings.HasSuffix(strings.TrimSuffix(v.at.Path, "/"), "/mcp") {
		methods = []string{http.MethodPost, http.MethodGet}
	}
	var best answer
	for i, method := range methods {
		a, _, err := v.try(ctx, method, place, name, secret)
		if err != nil {
			return a, err
		}
		if i == 0 || telling(a) > telling(best) {
			best = a
		}
		if v.lets && a.works() {
			return v.tools(ctx, a, place, name, secret)
		}
		if !a.absent() && a.status != http.StatusBadRequest && a.status != http.StatusNotAcceptable && a.status != http.StatusUnsupportedMediaType {
			break
		}
	}
	return best, nil
}

// clock compares the server's with ours.
func (v *visit) clock(a answer) {
	v.now = time.Now()
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		v.Saw("clock", "the server does not tell the time")
		return
	}
	switch {
	case date.After(a.at):
		v.skew = date.Sub(a.at)
	case date.Add(time.Second).Before(a.sent):
		v.skew = date.Add(time.Second).Sub(a.sent)
	}
	v.now = v.now.Add(v.skew)
	if v.skew.Abs() <= time.Minute {
		v.Saw("clock", "agrees with the server's")
		return
	}
	v.Saw("clock", "%s %s the server's (Date: %s)", lasting(v.skew), behind(v.skew), date.UTC().Format(http.TimeFormat))
}

// behind says on which side of the server's clock ours is.
func behind(skew time.Duration) string {
	if skew > 0 {
		return "behind"
	}
	return "ahead of"
}
