package signin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"lamplighter/credfiles"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// A beginning is a Flow on its way to its URL: it finds the client as which to
// sign in, and where the answer goes.
type beginning struct {
	via   http.RoundTripper
	c     credfiles.Credential
	o     Options
	place discovery.SignIn

	reg      ledger.Registration
	post     exchange.Post
	listener *listener
}

func (b *beginning) close() {
	if b.listener != nil {
		b.listener.close()
		b.listener = nil
	}
}

func (b *beginning) server() exchange.Server {
	return exchange.Server{
		Issuer: b.place.Issuer, TokenURL: b.place.TokenURL,
		AuthMethods: b.place.AuthMethods, Resource: b.place.Resource,
	}
}

// client settles who signs in: the client that the entry has, as long as the
// server takes it, else a new one where the entry may get one. A client that a
// person registered, or that is a document of its makers, is never replaced.
func (b *beginning) client(ctx context.Context) error {
	stored, why := b.stored()
	if stored {
		refused, err := b.useStored(ctx)
		if err != nil || refused == "" {
			return err
		}
		why = refused
	}
	switch {
	case b.c.ClientID != "" && b.c.Preset:
		return &PresetError{Why: why, Redirect: b.reg.Redirect, Client: b.c.Client}
	case isDocument(b.c.ClientID):
		return fmt.Errorf("%s; that client is described by its makers, so it is not replaced: sign in with %s itself", why, credfiles.Title(b.c.Client))
	case !b.c.TakesClient:
		return fmt.Errorf("%s, and %s keeps no other one where it could be put; sign in with %s itself", why, credfiles.Title(b.c.Client), credfiles.Title(b.c.Client))
	}
	if why != "" {
		b.o.Notice(why + "; a new client is registered")
	}
	return b.useNew(ctx)
}

// A PresetError means that the server does not take a client that a person
// registered, or its redirect URI, so that a person has to change something.
type PresetError struct {
	Why      string // who refuses what: the client, or its redirect address
	Redirect string // the redirect URI that was asked with
	Client   string // the program whose registration it is
}

func (e *PresetError) Error() string {
	return fmt.Sprintf("%s; a person registered that client, so it is not replaced: set it right at the server or in %s", e.Why, credfiles.Title(e.Client))
}

// OfRedirect reports whether it is the redirect URI that is not taken.
func (e *PresetError) OfRedirect() bool { return strings.HasSuffix(e.Why, refusedRedirect) }

// stored reports whether the entry's client may be shown to this server: it
// belongs to the authorization server that it was registered with (MCP
// 2026-07-28, "Authorization Server Binding"). why says what is against it.
func (b *beginning) stored() (ok bool, why string) {
	if was, now := b.c.Issuer, issuerOf(b.place); was != "" && !discovery.SameIssuer(was, now) {
		why = fmt.Sprintf("the server signs in at %s now, no longer at %s", discovery.Shown(now), discovery.Shown(was))
		if isDocument(b.c.ClientID) {
			b.o.Notice(why)
			b.c.ClientSecret = credfiles.Secret{}
			return true, ""
		}
		return false, why
	}
	switch {
	case b.c.ClientID == "":
		return false, ""
	case b.o.ClientGone && !b.c.Preset:
		return false, "the server does not know the client any more"
	}
	return true, ""
}

// issuerOf is who signs in: where there is no metadata to name him, the origin.
func issuerOf(place discovery.SignIn) string {
	if place.Issuer != "" {
		return place.Issuer
	}
	return strings.TrimSuffix(place.AuthorizationURL, "/authorize")
}

// isDocument reports whether a client ID is the URL of a metadata document,
// which belongs to no single server.
func isDocument(clientID string) bool { return strings.HasPrefix(clientID, "https://") }

// useStored prepares a sign-in with the entry's client, and asks the server in
// silence whether it would take it: a refusal is shown in the browser, and we
// would wait in vain.
func (b *beginning) useStored(ctx context.Context) (refused string, err error) {
	redirects := []string{b.c.RedirectURI}
	if b.c.RedirectURI == "" {
		redirects = b.callbacks()
	}
	for _, redirect := range redirects {
		if refused, err = b.useStoredAt(ctx, redirect); err != nil || refused == "" {
			break
		}
	}
	return refused, err
}

func (b *beginning) useStoredAt(ctx context.Context, redirect string) (refused string, err error) {
	// A person registers one address, and servers that want that are strict.
	if err := b.listen(redirect, !b.c.Preset); err != nil {
		return "", err
	}
	issuer := b.place.Issuer
	if discovery.SameIssuer(b.c.Issuer, issuer) {
		issuer = b.c.Issuer // as it is written there
	}
	b.reg.Issuer, b.reg.ClientID, b.reg.Secret = issuer, b.c.ClientID, b.c.ClientSecret
	if err := b.plan(b.c.AuthMethod); err != nil {
		return "", err
	}
	if refused, err = b.check(ctx); refused != "" {
		b.close()
	}
	return refused, err
}

// useNew prepares a sign-in with another client than the entry's: the client's
// own document where the server takes such, as the client would, else a
// registration.
func (b *beginning) useNew(ctx context.Context) error {
	if err := b.listen(b.callbacks()[0], true); err != nil {
		return err
	}
	b.reg.Issuer = b.place.Issuer
	if b.place.ClientIDDocuments && b.c.Document != "" && b.c.Document != b.c.ClientID {
		b.reg.ClientID, b.reg.Secret = b.c.Document, credfiles.Secret{}
		if err := b.plan(exchange.None); err != nil {
			return err
		}
		if refused, err := b.check(ctx); err != nil || refused == "" {
			return err
		}
	}
	if b.place.RegistrationURL == "" {
		return fmt.Errorf("%s registers no clients by itself; register one there and set it in %s", hostOf(b.place.AuthorizationURL), credfiles.Title(b.c.Client))
	}
	made, err := b.register(ctx)
	if err != nil {
		return err
	}
	if made.Secret != "" && !b.c.TakesSecret {
		return fmt.Errorf("%s gave the new client a secret, and %s has no place to keep it; sign in with %s itself", hostOf(b.place.AuthorizationURL), credfiles.Title(b.c.Client), credfiles.Title(b.c.Client))
	}
	b.reg.ClientID, b.reg.Secret = made.ID, credfiles.NewSecret(made.Secret)
	method := made.AuthMethod
	if made.Secret == "" {
		method = exchange.None
	}
	return b.plan(method)
}

// callbacks are the redirect URIs of a client that stores none, the likeliest
// first: the host and path that its program uses, on whatever port is free.
func (b *beginning) callbacks() []string {
	switch named, unnamed := b.c.Callback, b.c.CallbackUnnamed; {
	case named == "":
		return []string{"http://127.0.0.1/callback"}
	case unnamed == "":
		return []string{named}
	case b.place.IssParameter:
		return []string{named, unnamed}
	default:
		return []string{unnamed, named} // older versions had the one for all
	}
}

// listen gets ready for the answer. A port that is taken is no obstacle where
// the server lets loopback ports vary (RFC 8252 section 7.3); the check that
// follows tells.
func (b *beginning) listen(redirect string, other bool) error {
	b.close()
	l, err := listen(redirect, other)
	switch {
	case err == nil && l != nil:
		b.listener, b.reg.Redirect = l, l.redirect
	case err == nil, b.o.PasteOnly:
		b.reg.Redirect = redirect
	default:
		return fmt.Errorf("nothing can listen for the answer (%w); end the program that has the port, or use --no-browser", err)
	}
	return nil
}

// plan settles the request that exchanges the code.
func (b *beginning) plan(method string) (err error) {
	g := b.c.Grant
	g.ClientID, g.ClientSecret, g.AuthMethod = b.reg.ClientID, b.reg.Secret, method
	b.post, err = exchange.PlanCode(g, b.server())
	return err
}

// method is how a new client asks to authenticate: not at all, where it may.
func (b *beginning) method() string {
	if len(b.place.AuthMethods) == 0 || slices.Contains(b.place.AuthMethods, exchange.None) {
		return exchange.None
	}
	for _, m := range b.place.AuthMethods {
		if m == exchange.Basic || m == exchange.Body {
			return m
		}
	}
	return exchange.None
}
