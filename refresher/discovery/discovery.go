// Package discovery answers one question: which token endpoint does this
// credential's refresh token belong to?
//
// Few clients store that endpoint, and where one does, it counts. Else it has to
// be found again from what the store does say, as the MCP authorization
// specification, RFC 8414 and RFC 9728 tell.
// The answer decides who gets a refresh token, so that the rules are strict:
//
//   - A stored issuer binds. Its metadata must name it, and the server has no
//     say. A caller that remembers the issuer of a grant that has none sets it in
//     the Grant, and so binds it.
//   - https, or http on loopback for a server on loopback ([CheckURL]); a server
//     in public does not lead into private networks ([NewTransport]).
//   - No request carries a token, a cookie or any other secret of the user's.
//   - At most three redirects; 1 MiB per document; 30 seconds for all of it.
//
// What was found is kept on disk for 24 hours, and after that as what to use
// while the network is in trouble: a refresh must not fail because metadata is
// down.
package discovery

import (
	"context"
	"errors"
	"net/http"
	"time"

	"lamplighter/credfiles"
)

const (
	maxAge = 24 * time.Hour
	total  = 30 * time.Second
)

// A Finder finds endpoints. It may be used by several goroutines, and its
// folder by several processes.
type Finder struct {
	// Dir is the cache's folder. It is made where missing, with mode 0700; its
	// files have 0600. Empty: nothing is kept.
	Dir string
	// AllowPrivate is as in [Options].
	AllowPrivate []string
	// Transport carries the requests. Nil: [NewTransport], for each grant's
	// server. Another one has to check addresses itself.
	Transport http.RoundTripper
}

// Find returns the endpoints of g. It asks nobody where they were found less
// than 24 hours ago. When asking fails for a while it returns the last good
// ones, however old. It takes at most 30 seconds. The error is a
// [*TemporaryError], a [*MisconfiguredError] or an [*IssuerError].
func (f *Finder) Find(ctx context.Context, g credfiles.Grant) (Endpoints, error) {
	last, ok := f.load(g)
	if age := time.Since(last.Found); ok && !last.Forgotten && age >= 0 && age < maxAge {
		return last.Endpoints, nil
	}
	e, err := f.ask(ctx, g)
	if err == nil {
		// A cache that cannot be written costs requests, not a refresh.
		_ = f.save(g, cached{Endpoints: e})
		return e, nil
	}
	if _, temporary := errors.AsType[*TemporaryError](err); ok && temporary && ctx.Err() == nil {
		return last.Endpoints, nil
	}
	return Endpoints{}, err
}

// Known returns the endpoints of g that were found last, however long ago,
// without asking anybody.
func (f *Finder) Known(g credfiles.Grant) (Endpoints, bool) {
	last, ok := f.load(g)
	return last.Endpoints, ok
}

// Forget makes the next Find ask again, in whatever process: the token
// endpoint was not there, or did not know the client. What was found stays as
// what to use when asking fails for a while.
func (f *Finder) Forget(g credfiles.Grant) error {
	last, ok := f.load(g)
	if !ok || last.Forgotten {
		return nil
	}
	last.Forgotten = true
	return f.save(g, last)
}

func (f *Finder) ask(ctx context.Context, g credfiles.Grant) (Endpoints, error) {
	w, err := f.walk(g)
	if err != nil {
		return Endpoints{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, total)
	defer cancel()
	e, err := w.endpoints(ctx, g)
	if err != nil {
		return Endpoints{}, err
	}
	e.Asked, e.Found = w.asked, time.Now().UTC().Round(0)
	return e, nil
}

// walk begins a search for g.
func (f *Finder) walk(g credfiles.Grant) (*walk, error) {
	from := Anchor(g)
	if from == "" {
		return nil, &MisconfiguredError{Problem: "the store names neither a server nor an issuer"}
	}
	server, err := CheckURL(from, from)
	if err != nil {
		return nil, err
	}
	return &walk{via: f.transport(from), server: server}, nil
}

func (f *Finder) transport(server string) http.RoundTripper {
	if f.Transport != nil {
		return f.Transport
	}
	return NewTransport(Options{Server: server, AllowPrivate: f.AllowPrivate})
}
