package discovery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	maxRedirects = 3
	maxMetadata  = 1 << 20
)

// A walk is one search for one credential. It sends no token, no cookie and
// nothing else that belongs to the user, but the URL of the server itself.
type walk struct {
	via    http.RoundTripper
	server *url.URL // the user's own server, or what stands for it
	asked  []string
	scope  string // what the server's challenge wants
}

// get reads the document at raw, following redirects within the rules: at
// most three, each checked like a URL of its own, to the same origin or to
// https elsewhere; home forbids elsewhere. The error is a *miss where the next
// place may be tried.
func (w *walk) get(ctx context.Context, raw string, home bool) ([]byte, error) {
	u, err := CheckURL(raw, w.server.String())
	if err != nil {
		return nil, err
	}
	for range maxRedirects + 1 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, &MisconfiguredError{URL: show(raw), Problem: "not a URL of a server"}
		}
		r.Header.Set("Accept", "application/json")
		r.Header.Set("MCP-Protocol-Version", protocolVersion) // a SHOULD of MCP 2025-03-26 for metadata
		resp, err := w.send(r)
		if err != nil {
			return nil, err
		}
		if !slices.Contains([]int{301, 302, 303, 307, 308}, resp.StatusCode) {
			defer resp.Body.Close()
			return document(u, resp)
		}
		resp.Body.Close()
		to, err := u.Parse(resp.Header.Get("Location"))
		if err != nil {
			return nil, unusable(u.String(), "redirects to what is not a URL")
		}
		if !sameOrigin(u, to) && (home || to.Scheme != "https") {
			return nil, unusable(u.String(), "redirects to "+show(to.String())+", which is refused")
		}
		if u, err = CheckURL(to.String(), w.server.String()); err != nil {
			return nil, &miss{garbled, err}
		}
	}
	return nil, unusable(raw, "redirects too often")
}

// document reads an answer that should be a JSON document.
func document(u *url.URL, resp *http.Response) ([]byte, error) {
	switch code := resp.StatusCode; {
	case isTemporary(code):
		return nil, &TemporaryError{URL: show(u.String()), Err: statusError(code)}
	case code >= 400:
		return nil, &miss{absent, &MisconfiguredError{URL: show(u.String()), Problem: statusError(code).Error()}}
	case code != http.StatusOK:
		return nil, unusable(u.String(), statusError(code).Error())
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMetadata+1))
	if err != nil {
		return nil, &TemporaryError{URL: show(u.String()), Err: err}
	}
	if len(body) > maxMetadata {
		return nil, unusable(u.String(), "metadata of more than 1 MiB")
	}
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if bytes.HasPrefix(body, []byte("<")) || kind == "text/html" && !json.Valid(body) {
		return nil, &miss{page, &TemporaryError{URL: show(u.String()), Err: errors.New("a web page where metadata should be; a sign-in page of the network?")}}
	}
	return body, nil
}

// send is one request and its answer. A failure is temporary, but for an
// address that the rules refuse.
func (w *walk) send(r *http.Request) (*http.Response, error) {
	if !slices.Contains(w.asked, r.URL.Host) {
		w.asked = append(w.asked, r.URL.Host)
	}
	r.Header.Set("User-Agent", "lamplighter")
	resp, err := w.via.RoundTrip(r)
	if err == nil {
		return resp, nil
	}
	if refused, ok := errors.AsType[*MisconfiguredError](err); ok {
		return nil, refused
	}
	return nil, &TemporaryError{URL: show(r.URL.String()), Err: err}
}

// isTemporary reports whether a status says nothing about what is there.
func isTemporary(code int) bool {
	return code >= 500 || slices.Contains([]int{
		http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
	}, code)
}

// statusError leaves out the server's own words.
func statusError(code int) error {
	return errors.New(strings.TrimSpace(fmt.Sprintf("status %d %s", code, http.StatusText(code))))
}
