package credfiles

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"lamplighter/credfiles/jsonedit"
)

// A Login is what a sign-in puts into an entry: a token, and the registration
// that it belongs to.
type Login struct {
	Token        // where Refresh is zero, the entry's own goes
	Issuer       string
	TokenURL     string // empty where the entry's own stays
	ClientID     string
	ClientSecret Secret
	RedirectURI  string
}

// WriteLogin is [Hold.Write] for a sign-in: it also writes the registration,
// where it is another one than the entry's. An entry that its client wiped in
// whatever shape takes it; one that is Anew and still gone is made, as its
// client would make it. Without an error the old entry is gone only where the
// Result is Written.
func (h *Hold) WriteLogin(ctx context.Context, old Credential, l Login, image func([]byte) error) (Result, error) {
	w := &write{Hold: h, old: old, token: l.Token, login: &l, image: image}
	// What had a token when the sign-in began was logged out since.
	if h.anew && old.Access.IsZero() && old.Refresh.IsZero() {
		w.entry = NewSecret(h.store.kind(h.key).anew(old))
		return h.insert(ctx, w)
	}
	return h.put(ctx, w)
}

// decide compares an entry with the one that was signed in for.
func (l Login) decide(now, old Credential) Result {
	switch {
	case now.ServerURL != old.ServerURL:
		return Gone
	case l.in(now):
		return Written // by us, before a crash
	case now.Blanked:
		return Written
	case now.ClientID != old.ClientID,
		now.Issuer != old.Issuer && old.Issuer != "" && now.Issuer != "":
		return Gone // somebody else signed in
	case now.Refresh.Equal(old.Refresh),
		now.Refresh.IsZero() && now.Access.Equal(old.Access): // a wipe of Codex's
		return Written
	}
	return Theirs
}

// in reports that an entry holds all of the login that its store has places
// for.
func (l Login) in(c Credential) bool {
	return c.Access.Equal(l.Access) && c.Refresh.Equal(l.Refresh) && (!c.TakesClient || c.ClientID == l.ClientID)
}

// splicedLogin is a document with an entry's token and registration replaced.
func (s *Store) splicedLogin(doc document, key Key, l Login) (document, error) {
	k, place := s.place(doc.root, key)
	e, _ := doc.root.Get(place...)
	x := edits{place: place, entry: e}
	k.changes(&x, l.Token)
	if err := k.loginChanges(&x, l); err != nil {
		return document{}, err
	}
	return s.changed(doc, x.all)
}

// loginChanges are the values beside the token that a sign-in changes. Of a
// registration that stays nothing is written.
func (k *kind) loginChanges(x *edits, l Login) error {
	f := k.in(x.entry)
	text := func(field []string) string {
		r := reader{entry: x.entry}
		return r.text(field)
	}
	set := func(field []string, value string) {
		if value != "" && text(field) != value {
			x.set(field, jsonedit.Quote(value))
		}
	}
	if l.Refresh.IsZero() {
		x.remove(f.refresh, f.refreshGone)
	}
	another := len(f.clientID) > 0 && text(f.clientID) != l.ClientID
	if another {
		set(f.clientID, l.ClientID)
		set(f.redirect, l.RedirectURI)
		switch {
		case l.ClientSecret.IsZero():
			x.remove(f.clientSecret, asMissing)
		case len(f.clientSecret) == 0:
			return errors.New("its client has no place for a client secret")
		default:
			set(f.clientSecret, l.ClientSecret.Reveal())
		}
	}
	if len(f.tokenURL) > 0 {
		set(f.tokenURL, l.TokenURL)
	}
	// An entry without an issuer may be of a version that does not know of it.
	if stands := text(f.issuer); l.Issuer != "" && stands != l.Issuer && (stands != "" || another) {
		set(f.issuer, l.Issuer)
		// Where the client found the one before leads to that one.
		if text(f.found) != "" {
			set(f.found, l.Issuer)
		}
		if text(f.metadata) != "" {
			x.remove(f.metadata, asNull)
		}
	}
	// A wipe takes it as well (Claude Code, observed), and a sign-in asks again
	// for what was granted.
	if r := (reader{entry: x.entry}); len(f.scope) > 0 && strings.TrimSpace(l.Scope) != "" && utf8.ValidString(l.Scope) {
		if _, has := r.value(f.scope); !has {
			x.set(f.scope, f.scopeText(l.Scope))
		}
	}
	return nil
}
