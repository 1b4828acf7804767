package credfiles

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lamplighter/credfiles/jsonedit"
)

// A view is what the entries of one reading share.
type view struct {
	store *Store
	real  string
	root  jsonedit.Value
	limit Reason
	j     joined
	gone  bool // it is of an entry that is not there
}

func (s *Store) view(root jsonedit.Value, j joined) view {
	v := view{store: s, real: s.Real(), root: root, limit: s.limit(), j: j}
	if v.limit == "" {
		v.limit = j.blocked
	}
	return v
}

// credential makes a Credential of one entry. odd reports that the entry has
// another shape than its client writes: then it is only watched.
func (v view) credential(k *kind, key string, e jsonedit.Value) (c Credential, odd bool) {
	r := reader{entry: e, odd: e.Kind() != jsonedit.Object || v.store.ambiguous(k, key) || v.store.doubled(k, v.root, key)}
	f, s := k.in(e), v.store
	c = Credential{
		Key:    Key{Store: v.real, Entry: key},
		Client: s.client.name, Kind: k.name, Profile: s.profile, Path: s.path, Protected: s.protected(),
		Name: r.text(f.name),
		Token: Token{
			Access: NewSecret(r.text(f.access)), Refresh: NewSecret(r.text(f.refresh)),
			Expiry: r.time(f.expiry, f.unit), RefreshExpiry: r.time(f.refreshExpiry, f.unit),
			Scope: r.scope(f.scope, f.scopeList),
		},
		Grant: Grant{
			Issuer: r.text(f.issuer), ServerURL: r.text(f.server),
			MetadataURL: r.text(f.metadata), ResourceMetadataURL: r.text(f.resourceMetadata),
			ClientID: r.text(f.clientID), ClientSecret: NewSecret(r.text(f.clientSecret)), AuthMethod: r.text(f.authMethod),
			Endpoint: r.text(f.tokenURL),
			Request:  s.client.request,
		},
		UnsureWipe: s.client.wipesOnError,
	}
	beside := reader{entry: e} // an odd one is no reason not to refresh
	c.Registration = Registration{
		RedirectURI: beside.text(f.redirect),
		Document:    s.client.document, Callback: s.client.callback,
		TakesClient: len(f.clientID) > 0, TakesSecret: len(f.clientSecret) > 0,
	}
	for _, field := range k.required {
		if r.text(field) == "" && !v.gone {
			r.odd = true
		}
	}
	c.fill(s.file.pairs, v.j.pairs)
	if c.AuthMethod != "none" && c.ClientSecret.IsZero() {
		c.AuthMethod = "" // there is nothing to authenticate with
	}
	c.Scopes = strings.Fields(c.Scope)
	if c.Expiry.IsZero() {
		c.Expiry = r.ends(f, v.j.written)
	}
	if c.Expiry.IsZero() {
		if _, exp, ok := c.Access.Times(); ok {
			c.Expiry = exp
		}
	}
	if k.keyed || k.list {
		c.Name = key
	}
	named := k.single || c.Name != ""
	if !named {
		c.Name = key
	}
	if k.blanked != nil && !r.odd {
		c.Blanked = k.blanked(e)
	}
	if s.client.wipesOnError && !v.gone && !s.protected() {
		c.Text = NewSecret(string(e.Bytes()))
	}
	if k.adopt != nil {
		k.adopt(&c, e, v.j)
	}
	// A name that begins like an option is never handed to a command.
	if named && !strings.HasPrefix(c.Name, "-") {
		c.SignIn = s.client.signIn(c)
		if s.client.inSession != nil {
			c.SignInSession = "in " + s.client.title + ": " + s.client.inSession(c)
		}
		c.SignInTerminal, c.SignInNoBrowser = slices.Contains(s.client.terminal, k.name), s.client.noBrowser
		if s.profile != "" && c.SignIn != nil {
			env, ok := s.client.variable(s.home)
			if c.SignInEnv = env; !ok {
				c.SignIn = nil // the client cannot be made to use this home
			}
		}
	}
	if k.watchOnly == KeychainOwn || k.watchOnly == KeychainSeen {
		c.ToFile = s.client.ring.shut.toFile
	}
	switch {
	case r.odd:
		c.WatchOnly = OddFormat
	case k.watchOnly != "":
		c.WatchOnly = k.watchOnly
	case v.limit != "":
		c.WatchOnly = v.limit
	}
	return c, r.odd
}

// holds reports whether there is anything to watch: a client may keep an entry
// for a server that nobody ever signed in to. Of an item that only its client
// may read no more is known than that it is there.
func (c Credential) holds() bool {
	return !c.Access.IsZero() || !c.Refresh.IsZero() || c.Blanked || c.WatchOnly == KeychainOwn || c.Own
}

// ambiguous reports that an entry's key cannot name it: it would name the
// store's single entry as well, or it cannot be written down.
func (s *Store) ambiguous(k *kind, key string) bool {
	return !utf8.ValidString(key) || !k.single && slices.ContainsFunc(s.file.kinds, func(other kind) bool {
		return other.single && other.name == key
	})
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
	// What should hold it may be something else.
	for i := 1; i < len(path); i++ {
		if v, ok := r.entry.Get(path[:i]...); ok && v.Kind() != jsonedit.Object && v.Kind() != jsonedit.Null {
			r.odd = true
		}
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
	if !ok || strings.ContainsFunc(text, unicode.IsControl) {
		r.odd = true
		return ""
	}
	return text
}

func (r *reader) time(path []string, u unit) time.Time {
	v, ok := r.value(path)
	if !ok {
		return time.Time{}
	}
	t, ok := u.read(v)
	if !ok {
		r.odd = true
	}
	return t
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
