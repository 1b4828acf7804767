package doctor

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/signin"
)

// signed is what a sign-in brought.
type signed struct {
	refresh  credfiles.Secret // may be sent; zero once it may not
	newest   credfiles.Secret // nobody but us has it: to sign out with
	handed   bool             // by a person, and not by a sign-in of ours
	unsure   bool             // whether refresh is spent is not known
	verdict  exchange.Verdict
	audience string
	resource trial
	post     exchange.Post // of the code: how the client authenticated
	said     string        // what came, in words
}

// signIn is one sign-in for a way, which names the resource where the way does:
// Entra v2 refuses one that does. It returns nil where it failed, which is a
// finding then; its error is that it was told to end.
func (r *round) signIn(ctx context.Context, n int, p Planned) (*signed, error) {
	r.e.Tell(Happening{SignIn: n, Way: p.Name})
	place := r.e.Place
	if p.Post.Resource == "" {
		place.Resource = ""
	}
	r.x.Step("sign-in")
	mark := len(r.x.Report.Steps)
	auth := r.e.Auth
	if auth == "" && !r.e.Secret.IsZero() && r.e.Place.AuthMethods == nil {
		auth = exchange.Body // the generic template's own
	}
	c := credfiles.Credential{
		Grant:        credfiles.Grant{TokenURL: r.e.Client.TokenURL, ClientID: r.e.Client.ID, ClientSecret: r.e.Secret, AuthMethod: auth, Scopes: r.e.Client.Scopes},
		Registration: credfiles.Registration{RedirectURI: r.e.Client.Redirect, Preset: true},
	}
	f, err := signin.BeginAt(ctx, r.x, place, c, signin.Options{Anyway: true, AnyIssuer: r.e.Place.Issuer == "", PasteOnly: r.e.PasteOnly, Notice: func(text string) { r.x.Saw("sign-in", "%s", text) }})
	if err == nil {
		r.x.Noted("The authorization endpoint takes the client and its redirect URI, as far as it says before anybody signed in.")
		r.brief("Location", "Content-Type", "body", "page")
		defer f.Close()
		waiting, giveUp := context.WithCancelCause(ctx)
		defer giveUp(nil)
		r.e.Show(waiting, giveUp, f)
		var got signedIn
		if got, err = r.redeem(waiting, f); err == nil {
			giveUp(nil)
			return r.granted(ctx, got, mark), nil
		}
	}
	if ctx.Err() != nil {
		return nil, ErrInterrupted
	}
	r.noSignIn(err)
	return nil, nil
}

type signedIn struct {
	post   exchange.Post
	status int
	exchange.Verdict
}

// redeem waits for the code and exchanges it.
func (r *round) redeem(ctx context.Context, f *signin.Flow) (got signedIn, err error) {
	s, err := f.Wait(ctx)
	if err != nil {
		return got, err
	}
	f.Close() // the browser is done with
	r.x.Keep(Secret{Name: "CODE", Value: s.Code.Value.Reveal()})
	r.x.Keep(Secret{Name: "CODE_VERIFIER", Value: s.Code.Verifier.Reveal()})
	a := exchange.Redeem(ctx, r.x, s.Post, s.Code, r.e.Secret)
	got = signedIn{s.Post, a.Status, exchange.Judge(s.Post, a)}
	r.keep(got.Verdict)
	return got, nil
}

// granted looks at what a code brought. The steps from mark on are this
// sign-in's.
func (r *round) granted(ctx context.Context, got signedIn, mark int) *signed {
	s := &signed{refresh: got.Token.Refresh, newest: got.Token.Refresh, verdict: got.Verdict, post: got.post, audience: audienceOf(got.Token.Access)}
	if got.Kind != exchange.Refreshed {
		w := &way{status: got.status, verdict: got.Verdict}
		r.x.Noted("%s", failure(w))
		r.codeRefused(w)
		return nil
	}
	said := []string{"an access token"}
	if s.refresh.IsZero() {
		said = append(said, "no refresh token")
	} else {
		said = append(said, "a refresh token")
	}
	said = append(said, livesOf(got.Verdict)...)
	if s.audience != "" {
		said = append(said, "for "+r.x.Clean(s.audience))
	}
	if got.Token.Scope != "" {
		said = append(said, "scope "+r.x.Clean(got.Token.Scope))
	}
	all := strings.Join(said, ", ")
	r.x.Noted("signed in: %s", all)
	r.brief("expires_in", "scope", "Content-Type")
	if r.first != nil {
		r.x.forget(mark)
		if all == r.first.said {
			all = "as before"
		}
		r.x.Saw("sign-in", "%s", all)
	} else {
		r.first, s.said = s, all
		if r.e.Client.Server != "" {
			s.resource = r.try(ctx, "sign-in", s.verdict.Token.Access)
		}
	}
	if s.refresh.IsZero() {
		r.noRefreshToken(s)
		r.signOut(ctx, s)
		return nil
	}
	return s
}

// noSignIn is the finding where there was nothing to exchange.
func (r *round) noSignIn(err error) {
	said := r.x.Clean(err.Error())
	if preset, ok := errors.AsType[*signin.PresetError](err); ok {
		said = r.x.Clean(preset.Why)
		switch {
		case preset.OfRedirect():
			r.x.Find(causeRedirect, r.e.Place.AuthorizationURL, said, preset.Redirect)
		case r.first != nil: // it was known a moment ago
			r.x.Saw("sign-in", "%s", said)
			if !r.refusedClient() {
				r.find(causeClientForgotten, said)
			}
		default:
			r.x.Find(causeUnknownClient, r.e.Place.AuthorizationURL, said, r.e.Client.ID)
		}
		return
	}
	if _, ok := errors.AsType[*discovery.TemporaryError](err); ok {
		r.x.Find(causeUnreachable, r.e.Place.AuthorizationURL, said)
		return
	}
	r.x.Find(causeNoSignIn, r.e.Place.AuthorizationURL, said)
}

// refusedClient reports whether a refresh was refused for its client.
func (r *round) refusedClient() bool {
	return slices.ContainsFunc(r.ways, func(w *way) bool { return w.asked && w.verdict.Kind == exchange.ClientGone })
}

// revoking is how long the server may take to sign out.
const revoking = 20 * time.Second

// signOut ends what a sign-in began (RFC 7009), as far as the server lets it.
// What it brought is thrown away in any case.
func (r *round) signOut(ctx context.Context, s *signed) {
	token := s.newest
	if token.IsZero() {
		token = s.verdict.Token.Access
	}
	switch {
	case r.e.Place.RevocationURL == "":
		r.left = "the endpoint names no place to sign out at"
		return
	case token.IsZero():
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revoking)
	defer cancel()
	r.x.Step("sign-out")
	mark := len(r.x.Report.Steps)
	status, err := r.revoke(ctx, s, token)
	switch {
	case err != nil:
		r.left = "signing out did not work"
	case status/100 != 2:
		r.left = "the server did not sign out"
	case r.out:
		r.x.forget(mark) // one is enough to see
	default:
		r.out = true
		r.x.Noted("signed out")
		r.brief("Content-Type")
	}
}

func (r *round) revoke(ctx context.Context, s *signed, token credfiles.Secret) (status int, err error) {
	form := url.Values{"token": {token.Reveal()}}
	if !token.Equal(s.verdict.Token.Access) {
		form.Set("token_type_hint", "refresh_token")
	}
	auth := s.post.Auth
	if auth == "" { // a handed token
		if auth = exchange.None; !r.e.Secret.IsZero() {
			auth = exchange.Body
		}
	}
	if auth != exchange.Basic {
		form.Set("client_id", r.e.Client.ID)
	}
	if auth == exchange.Body {
		form.Set("client_secret", r.e.Secret.Reveal())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.e.Place.RevocationURL, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", exchange.UserAgent)
	if auth == exchange.Basic {
		req.Header.Set("Authorization", exchange.Authorization(s.post, r.e.Secret))
	}
	resp, err := r.x.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, mostKept))
	return resp.StatusCode, nil
}
