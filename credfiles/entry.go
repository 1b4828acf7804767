package credfiles

import (
	"strconv"
	"strings"
	"time"

	"lamplighter/credfiles/jsonedit"
)

// credential makes a Credential of one entry. odd reports that the entry has
// another shape than its client writes: then it is only watched.
func (s *Store) credential(k *kind, key string, e jsonedit.Value, j joined) (c Credential, odd bool) {
	r := reader{entry: e, odd: e.Kind() != jsonedit.Object}
	f := k.fields
	c = Credential{
		Key:    Key{Store: s.Real(), Entry: key},
		Client: s.client.name, Kind: k.name, Profile: s.profile, Path: s.path,
		Name: r.text(f.name),
		Token: Token{
			Access: NewSecret(r.text(f.access)), Refresh: NewSecret(r.text(f.refresh)),
			Expiry: r.time(f.expiry), RefreshExpiry: r.time(f.refreshExpiry),
			Scope: r.scope(f.scope, f.scopeList),
		},
		Grant: Grant{
			Issuer: r.text(f.issuer), ServerURL: r.text(f.server),
			MetadataURL: r.text(f.metadata), ResourceMetadataURL: r.text(f.resourceMetadata),
			ClientID: r.text(f.clientID), ClientSecret: NewSecret(r.text(f.clientSecret)),
			Request: s.client.request,
		},
		WatchOnly: k.watchOnly,
	}
	c.Scopes = strings.Fields(c.Scope)
	if c.Expiry.IsZero() {
		if _, exp, ok := c.Access.Times(); ok {
			c.Expiry = exp
		}
	}
	if !k.single && c.Name == "" {
		c.Name = key
	}
	if k.blanked != nil && !r.odd {
		c.Blanked = k.blanked(e)
	}
	if k.adopt != nil {
		k.adopt(&c, e, j)
	}
	if s.client.signIn != nil {
		c.SignIn = s.client.signIn(c)
		if c.Profile != "" && c.SignIn != nil {
			c.SignInEnv = s.client.env + "=" + s.home
		}
	}
	if r.odd {
		c.WatchOnly = OddFormat
	}
	return c, r.odd
}

// reader takes values out of an entry and notes a type that does not fit.
type reader struct {
	entry jsonedit.Value
	odd   bool
}

func (r *reader) value(path []string) (jsonedit.Value, bool) {
	if len(path) == 0 || r.entry.Kind() != jsonedit.Object {
		return jsonedit.Value{}, false
	}
	v, ok := r.entry.Get(path...)
	return v, ok && v.Kind() != jsonedit.Null
}

func (r *reader) text(path []string) string {
	v, ok := r.value(path)
	if !ok {
		return ""
	}
	text, ok := v.Text()
	if !ok || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		r.odd = true
		return ""
	}
	return text
}

// time reads milliseconds since 1970. Zero is a time long gone: Claude Code
// and Codex refresh at once where it stands (2.1.329 and 0.169, observed).
// A number too small to be milliseconds of this century is odd.
func (r *reader) time(path []string) time.Time {
	v, ok := r.value(path)
	if !ok {
		return time.Time{}
	}
	n, ok := v.Float()
	if !ok || n < 0 || n > 1e15 || n != 0 && n < 1e11 {
		r.odd = true
		return time.Time{}
	}
	return time.UnixMilli(int64(n))
}

func (r *reader) scope(path []string, list bool) string {
	v, ok := r.value(path)
	if !ok {
		return ""
	}
	if !list {
		return r.text(path)
	}
	if v.Kind() != jsonedit.Array {
		r.odd = true
		return ""
	}
	var scopes []string
	for _, e := range v.Elements() {
		text, ok := e.Text()
		if !ok {
			r.odd = true
			return ""
		}
		scopes = append(scopes, text)
	}
	return strings.Join(scopes, " ")
}

// changes are the values of an entry that a new token changes: the ones that
// the client itself writes after a refresh, and no other.
func (k *kind) changes(place []string, e jsonedit.Value, t Token) []jsonedit.Change {
	var all []jsonedit.Change
	set := func(field []string, raw []byte) {
		if len(field) > 0 {
			all = append(all, jsonedit.Set(join(place, field), raw))
		}
	}
	f := k.fields
	set(f.access, jsonedit.Quote(t.Access.Reveal()))
	if !t.Refresh.IsZero() {
		set(f.refresh, jsonedit.Quote(t.Refresh.Reveal()))
	}
	switch {
	case len(f.expiry) == 0:
	case !t.Expiry.IsZero():
		set(f.expiry, strconv.AppendInt(nil, t.Expiry.UnixMilli(), 10))
	case f.expiryGone == asNull:
		set(f.expiry, []byte("null"))
	default:
		all = append(all, jsonedit.Delete(join(place, f.expiry)))
	}
	r := reader{entry: e}
	if _, has := r.value(f.scope); has && t.Scope != "" && !sameScope(r.scope(f.scope, f.scopeList), t.Scope) {
		set(f.scope, k.scopeText(t.Scope))
	}
	return all
}

func (k *kind) scopeText(scope string) []byte {
	if !k.fields.scopeList {
		return jsonedit.Quote(scope)
	}
	raw := []byte{'['}
	for i, s := range strings.Fields(scope) {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = append(raw, jsonedit.Quote(s)...)
	}
	return append(raw, ']')
}

// sameScope compares without order: a server may list scopes as it likes.
func sameScope(a, b string) bool {
	set := map[string]bool{}
	for _, s := range strings.Fields(a) {
		set[s] = true
	}
	other := strings.Fields(b)
	for _, s := range other {
		if !set[s] {
			return false
		}
		delete(set, s)
	}
	return len(set) == 0
}

func join(a, b []string) []string { return append(append([]string(nil), a...), b...) }
