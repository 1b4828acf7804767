package discovery

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// A TemporaryError means that the network or a server is in trouble: DNS,
// connect, TLS, a timeout, a 5xx answer, a captive portal. Nothing is wrong
// with the credential; try again later.
type TemporaryError struct {
	URL string // what was asked, without userinfo, query and fragment
	Err error
}

func (e *TemporaryError) Error() string {
	if errors.Is(e.Err, context.DeadlineExceeded) {
		return e.URL + ": no answer in time"
	}
	return e.URL + ": " + printable(e.Err.Error())
}

func (e *TemporaryError) Unwrap() error { return e.Err }

// A MisconfiguredError means that no token endpoint can be had as things are:
// there is no metadata, it cannot be used, or the rules refuse a URL or an
// address. It stays until the server or the user changes something.
type MisconfiguredError struct {
	URL     string // what it is about, without userinfo, query and fragment; a host where an address was refused
	Problem string
}

func (e *MisconfiguredError) Error() string {
	if e.URL == "" {
		return e.Problem
	}
	return e.URL + ": " + e.Problem
}

// An IssuerError means that the metadata names another issuer than the one
// that the store binds the refresh token to, which therefore is not sent: the
// user has to sign in again (MCP 2026-07-28, "Authorization Server Binding").
// Both are verbatim.
type IssuerError struct {
	Stored, Found string
}

func (e *IssuerError) Error() string {
	return fmt.Sprintf("%s: the metadata is for another issuer, %s; sign in again", show(e.Stored), show(e.Found))
}

// show is a URL for people: no userinfo, query or fragment, which may hold
// secrets.
func show(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "a URL that cannot be read"
	}
	return printable(u.Scheme + "://" + u.Host + u.EscapedPath())
}

// printable is s without what upsets a terminal and not longer than fits:
// servers choose URLs and what their certificates say.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return '?'
		}
		return r
	}, s)
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "..."
	}
	return s
}

// A miss is a place that did not have the document. The search goes on, and
// if it ends empty the worst miss says why.
type miss struct {
	kind missKind
	err  error // what the caller of Find gets to see
}

func (m *miss) Error() string { return m.err.Error() }

type missKind int

const (
	absent      missKind = iota // a 4xx: not there
	garbled                     // something is there, but not this document
	page                        // a web page is there: a captive portal, or a site that answers everything
	contradicts                 // the document is there, for another issuer or resource
)

func worse(a, b *miss) *miss {
	if a == nil || b != nil && b.kind > a.kind {
		return b
	}
	return a
}
