package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// Patience is how long a flow waits for the person at the browser.
const Patience = 10 * time.Minute

// Options say how to sign in.
type Options struct {
	// ClientGone: a refresh showed that the server does not know the client any
	// more, so that it is not tried again.
	ClientGone bool
	// Anyway: go on although the server does not say that it checks PKCE.
	Anyway bool
	// PasteOnly: nobody may come back to this computer by himself, so that no
	// port is needed.
	PasteOnly bool
	// AnyIssuer: a person named the endpoints, and nobody knows the issuer, so
	// that the answer may name any (RFC 9207).
	AnyIssuer bool
	// Scopes are wanted besides those that the credential had.
	Scopes []string
	// Notice is told what a person should know; it may be nil.
	Notice func(text string)
}

// A Flow is one sign-in, from the URL for the browser to the code.
type Flow struct {
	place    discovery.SignIn
	reg      ledger.Registration
	post     exchange.Post
	url      string
	state    string
	verifier credfiles.Secret
	listener *listener // nil where the answer can only be pasted
	any      bool      // whoever answers

	mu       sync.Mutex
	over     bool
	answered chan answer // has room for the one that counts
}

type answer struct {
	code string
	err  error
}

// Begin finds out where to sign in and as which client, listens for the
// answer, and makes the URL for the browser. The caller must Close the Flow.
// An error is for people and says what to do, or is one of [discovery]'s.
func Begin(ctx context.Context, f *discovery.Finder, c credfiles.Credential, o Options) (*Flow, error) {
	place, err := f.SignIn(ctx, c.Grant)
	if err != nil {
		return nil, err
	}
	return BeginAt(ctx, f.RoundTripper(c.Grant), place, c, o)
}

// BeginAt is [Begin] where it is known where to sign in: somebody says so, or
// discovery was asked before. Its requests go through via.
func BeginAt(ctx context.Context, via http.RoundTripper, place discovery.SignIn, c credfiles.Credential, o Options) (*Flow, error) {
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	o.Anyway = o.Anyway || c.Own // the user named the server himself, and many do not say it (Entra ID)
	if err := guards(place, o); err != nil {
		return nil, err
	}
	b := beginning{via: via, c: c, o: o, place: place}
	if err := b.client(ctx); err != nil {
		b.close()
		return nil, err
	}
	fl := &Flow{
		place: place, reg: b.reg, listener: b.listener, post: b.post, any: o.AnyIssuer,
		state: random(), verifier: credfiles.NewSecret(random()), answered: make(chan answer, 1),
	}
	fl.url = b.ask(fl.state, fl.verifier)
	if fl.listener != nil {
		fl.listener.serve(fl)
	}
	return fl, nil
}

// guards refuses a server that does not check PKCE: the code could be stolen
// on the way back. MCP 2025-11-25, "Authorization Code Protection", wants it
// refused where the metadata does not say.
func guards(place discovery.SignIn, o Options) error {
	switch {
	case place.Legacy, slices.Contains(place.ChallengeMethods, "S256"):
		return nil
	case len(place.ChallengeMethods) > 0:
		return fmt.Errorf("%s takes no S256 code challenge, without which a sign-in is not safe; tell its makers", hostOf(place.AuthorizationURL))
	case o.Anyway:
		return nil
	}
	return fmt.Errorf("%s does not say that it guards the code of a sign-in (PKCE); --anyway goes on all the same", hostOf(place.AuthorizationURL))
}

// random is 256 bits in 43 characters: the state, and a verifier as RFC 7636
// section 4.1 wants it.
func random() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// ask is the URL of the authorization endpoint with what is asked of it. What
// its own query says stays.
func (b *beginning) ask(state string, verifier credfiles.Secret) string {
	u, _ := url.Parse(b.place.AuthorizationURL) // discovery has parsed it
	q := u.Query()
	challenge := sha256.Sum256([]byte(verifier.Reveal()))
	for name, value := range map[string]string{
		"response_type": "code", "client_id": b.reg.ClientID, "redirect_uri": b.reg.Redirect, "state": state,
		"code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]), "code_challenge_method": "S256",
		"resource": b.post.Resource,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	scopes, more := exchange.Asking(b.c.Grant, b.server(), b.scopes())
	if len(scopes) > 0 {
		q.Set("scope", strings.Join(scopes, " "))
	}
	if b.c.Audience != "" {
		q.Set("audience", b.c.Audience)
	}
	if own, err := url.ParseQuery(b.c.Parameters); err == nil {
		for name := range own {
			if !q.Has(name) {
				q.Set(name, own.Get(name))
			}
		}
	}
	for name, value := range more {
		if !q.Has(name) { // some refuse what comes twice
			q.Set(name, value)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// scopes are those that were granted before and those that the server asks
// for now; where neither says, those that the server knows (MCP 2025-11-25,
// "Scope Selection Strategy"). A refresh token may need offline_access
// (SEP-2207); it is asked for where the authorization server lists it.
func (b *beginning) scopes() []string {
	wanted := slices.Concat(b.c.Scopes, b.place.Challenged, b.o.Scopes)
	if len(wanted) == 0 {
		wanted = slices.Clone(b.place.ResourceScopes)
	}
	if slices.Contains(b.place.Scopes, "offline_access") {
		wanted = append(wanted, "offline_access")
	}
	var once []string
	for _, s := range wanted {
		for _, s := range strings.Fields(s) {
			if !slices.Contains(once, s) {
				once = append(once, s)
			}
		}
	}
	return once
}

// URL is where the browser has to go. It holds no secret: the state and the
// challenge are of use to nobody but this Flow.
func (f *Flow) URL() string { return f.url }

// Redirect is where the browser comes back to: the redirect URI, with its port.
func (f *Flow) Redirect() string { return f.reg.Redirect }

// Host is the host of URL, for people.
func (f *Flow) Host() string { return hostOf(f.url) }

// Wait returns what the browser brought back, for [refresher.Refresher.SignIn].
// It waits no longer than [Patience].
func (f *Flow) Wait(ctx context.Context) (refresher.SignIn, error) {
	select {
	case a := <-f.answered:
		if a.err != nil {
			return refresher.SignIn{}, a.err
		}
		return refresher.SignIn{
			Registration: f.reg, Post: f.post,
			Code: exchange.Code{Value: credfiles.NewSecret(a.code), Verifier: f.verifier, Redirect: f.reg.Redirect},
		}, nil
	case <-time.After(Patience):
		return refresher.SignIn{}, fmt.Errorf("nobody signed in for %d minutes; nothing was changed, so just try again", int(Patience.Minutes()))
	case <-ctx.Done():
		return refresher.SignIn{}, context.Cause(ctx)
	}
}

// Close frees the port. The page that the browser shows is delivered first.
func (f *Flow) Close() {
	if f.listener != nil {
		f.listener.close()
	}
}

// Listens reports whether the browser of this computer can bring the answer by
// itself.
func (f *Flow) Listens() bool { return f.listener != nil }

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "the server"
	}
	_, host, _ := strings.Cut(discovery.Shown("https://"+u.Host), "://")
	return host
}

var errOver = errors.New("the answer has come already")
