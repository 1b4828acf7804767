package authtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// success writes a token answer in the shape that the behaviour asks for. The
// token strings come first, so that an answer can be cut behind them.
func (s *Server) success(x *exchange, at *accessToken, old, next *refreshToken) Answer {
	shape := x.behaviour.Shape
	var body object
	body.text("access_token", at.value)
	shown := next != nil && (shape.Refresh == SameRefresh || shape.Refresh == AsIs && next != old)
	switch {
	case shown:
		body.text("refresh_token", next.value)
	case shape.Refresh == NullRefresh:
		body.raw("refresh_token", "null")
	case shape.Refresh == EmptyRefresh:
		body.raw("refresh_token", `""`)
	}
	if v := or(shape.ExpiresIn, "%d"); v != Absent {
		body.raw("expires_in", strings.ReplaceAll(v, "%d", secondsUntil(at.expiry)))
	}
	if end, ok := s.refreshEnd(at.line); ok && shape.RefreshExpiresIn != "" {
		body.raw(shape.RefreshExpiresIn, secondsUntil(end))
	}
	if v := or(shape.Scope, at.scope); v != Absent {
		body.text("scope", v)
	}
	body.text("token_type", "Bearer")
	if shape.Pad > 0 {
		body.text("padding", strings.Repeat("x", shape.Pad))
	}

	a := Answer{Status: shape.Status, Header: http.Header{"Cache-Control": {"no-store"}}}
	contentType := "application/json"
	switch {
	case shape.Form:
		contentType = "application/x-www-form-urlencoded; charset=utf-8"
		a.Body = body.form()
	case shape.Nested:
		a.Body = []byte(`{"ok":true,"authed_user":` + body.json() + `}`)
	default:
		a.Body = []byte(body.json())
	}
	a.Header.Set("Content-Type", contentType)

	last := at.value
	if shown {
		last = next.value
	}
	if shown && next != old {
		a.successor = next
	}
	if shape.Form {
		last = url.QueryEscape(last)
	}
	a.tokensEnd = bytes.Index(a.Body, []byte(last)) + len(last) + 1
	return a
}

func secondsUntil(t time.Time) string {
	return strconv.Itoa(int(time.Until(t).Round(time.Second) / time.Second))
}

// refreshEnd is when the grant's refresh token ends if it is not used.
func (s *Server) refreshEnd(l *lineage) (end time.Time, ok bool) {
	p := s.policy(l)
	if p.AbsoluteLifetime > 0 {
		end = l.born.Add(p.AbsoluteLifetime)
	}
	if l.newest != nil && p.IdleLifetime > 0 {
		if idle := l.newest.used.Add(p.IdleLifetime); end.IsZero() || idle.Before(end) {
			end = idle
		}
	}
	return end, !end.IsZero()
}

// An object is a JSON object whose members keep their order.
type object struct{ members [][2]string }

func (o *object) raw(name, value string) {
	o.members = append(o.members, [2]string{name, value})
}

func (o *object) text(name, value string) {
	quoted, _ := json.Marshal(value)
	o.raw(name, string(quoted))
}

func (o *object) json() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range o.members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(m[0]) + ":" + m[1])
	}
	b.WriteByte('}')
	return b.String()
}

func (o *object) form() []byte {
	var b strings.Builder
	for i, m := range o.members {
		if i > 0 {
			b.WriteByte('&')
		}
		value := m[1]
		var s string
		if json.Unmarshal([]byte(value), &s) == nil {
			value = s
		}
		b.WriteString(m[0] + "=" + url.QueryEscape(value))
	}
	return []byte(b.String())
}
