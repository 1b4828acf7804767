package doctor

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
)

// A trial is what the MCP server or API said to an access token.
type trial struct {
	done  bool
	taken bool
	said  string // "200", "401"
}

// trying is how long the server may take over an access token.
const trying = 20 * time.Second

// try shows an access token to the server: by MCP's first request, and where
// that is no MCP server by a GET.
func (r *round) try(ctx context.Context, step string, access credfiles.Secret) trial {
	if ctx.Err() != nil {
		return trial{}
	}
	r.x.Step(step)
	status, err := r.show(ctx, http.MethodPost, access)
	if err == nil && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status == http.StatusUnsupportedMediaType || status == http.StatusBadRequest) {
		status, err = r.show(ctx, http.MethodGet, access)
	}
	switch {
	case err != nil, status >= 500, status == http.StatusTooManyRequests:
		return trial{}
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		r.x.Noted("%d %s: it refuses the access token", status, http.StatusText(status))
		return trial{done: true, said: fmt.Sprint(status)}
	}
	r.x.Noted("%d %s: it takes the access token", status, http.StatusText(status))
	r.brief("Content-Type")
	return trial{done: true, taken: true, said: fmt.Sprint(status)}
}

func (r *round) show(ctx context.Context, method string, access credfiles.Secret) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, trying)
	defer cancel()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(initialize)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.e.Client.Server, body)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set("User-Agent", exchange.UserAgent)
	req.Header.Set("Authorization", "Bearer "+access.Reveal())
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := r.x.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	resp.Body.Close() // it may be an endless stream
	return resp.StatusCode, nil
}

// audienceOf is for whom an access token is, if it is a JWT, and of several the
// first; empty where it cannot be read.
func audienceOf(access credfiles.Secret) string {
	c, ok := claimsOf(access.Reveal())
	if !ok || len(c.audience) == 0 {
		return ""
	}
	return c.audience[0]
}
