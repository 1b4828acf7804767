package credfiles

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lamplighter/credfiles/jsonedit"
)

// spliced is a document with an entry's token replaced.
func (s *Store) spliced(doc document, key Key, t Token) (document, error) {
	k, place := s.place(key)
	e, _ := doc.root.Get(place...)
	return s.changed(doc, k.changes(place, e, t))
}

func (s *Store) changed(doc document, all []jsonedit.Change) (document, error) {
	text, err := jsonedit.Apply(doc.text, all...)
	if err != nil {
		return document{}, err
	}
	return s.parse(text)
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
	setOrDelete := func(field []string, raw []byte) {
		if raw == nil {
			all = append(all, jsonedit.Delete(join(place, field)))
		} else {
			set(field, raw)
		}
	}
	f := k.fields
	set(f.access, jsonedit.Quote(t.Access.Reveal()))
	if !t.Refresh.IsZero() {
		set(f.refresh, jsonedit.Quote(t.Refresh.Reveal()))
	}
	switch {
	case k.times != nil:
		expiry, lifetime := k.times(e, t)
		setOrDelete(f.expiry, expiry)
		setOrDelete(f.lifetime, lifetime)
	case len(f.expiry) == 0:
	case readable(float64(t.Expiry.UnixMilli())):
		set(f.expiry, strconv.AppendInt(nil, t.Expiry.UnixMilli(), 10))
	case f.expiryGone == asNull:
		set(f.expiry, []byte("null"))
	default:
		all = append(all, jsonedit.Delete(join(place, f.expiry)))
	}
	r := reader{entry: e}
	// A scope that no store can hold is not worth failing for.
	told := strings.TrimSpace(t.Scope) != "" && utf8.ValidString(t.Scope)
	if _, has := r.value(f.scope); has && told && !sameScope(r.scope(f.scope, f.scopeList), t.Scope) {
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

// sameScope compares as sets: a server may list scopes as it likes.
func sameScope(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(slices.Compact(x), slices.Compact(y))
}

func join(a, b []string) []string { return slices.Concat(a, b) }
