package credfiles

import (
	"slices"
	"strings"
	"unicode/utf8"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/keychain"
)

// spliced is a document with an entry's token replaced.
func (s *Store) spliced(doc document, key Key, t Token) (document, error) {
	k, place := s.place(doc.root, key)
	e, _ := doc.root.Get(place...)
	x := edits{place: place, entry: e}
	k.changes(&x, t)
	return s.changed(doc, x.all)
}

func (s *Store) changed(doc document, all []jsonedit.Change) (document, error) {
	text, err := jsonedit.Apply(doc.text, all...)
	if err != nil {
		return document{}, err
	}
	if s.chain != nil {
		text = keychain.ASCII(text)
	}
	return s.parse(text)
}

// edits are changes of one entry.
type edits struct {
	place []string // where it stands in the document
	entry jsonedit.Value
	all   []jsonedit.Change
	made  map[string]bool // objects that it will have
}

func (x *edits) set(field []string, raw []byte) {
	if len(field) == 0 {
		return
	}
	// An object that a wipe took away whole is made again.
	for i := 1; i < len(field); i++ {
		name := strings.Join(field[:i], "\x00")
		if v, ok := x.entry.Get(field[:i]...); x.made[name] || ok && v.Kind() != jsonedit.Null {
			continue
		}
		if x.made == nil {
			x.made = map[string]bool{}
		}
		x.made[name] = true
		x.all = append(x.all, jsonedit.Set(join(x.place, field[:i]), []byte("{}")))
	}
	x.all = append(x.all, jsonedit.Set(join(x.place, field), raw))
}

func (x *edits) remove(field []string, how absence) {
	switch {
	case len(field) == 0:
	case how == asNull:
		x.set(field, []byte("null"))
	default:
		x.all = append(x.all, jsonedit.Delete(join(x.place, field)))
	}
}

// changes are the values of an entry that a new token changes: the ones that
// the client itself writes after a refresh, and no other.
func (k *kind) changes(x *edits, t Token) {
	f := k.in(x.entry)
	r := reader{entry: x.entry}
	before := r.text(f.access)
	x.set(f.access, jsonedit.Quote(t.Access.Reveal()))
	for _, copied := range f.copies {
		// What a person put in its place instead is no copy.
		if before != "" && r.text(copied) == before {
			x.set(copied, jsonedit.Quote(t.Access.Reveal()))
		}
	}
	if !t.Refresh.IsZero() {
		x.set(f.refresh, jsonedit.Quote(t.Refresh.Reveal()))
	}
	x.times(t, f)
	// A scope that no store can hold is not worth failing for.
	told := strings.TrimSpace(t.Scope) != "" && utf8.ValidString(t.Scope)
	if _, has := r.value(f.scope); has && told && !sameScope(r.scope(f.scope, f.scopeList), t.Scope) {
		x.set(f.scope, f.scopeText(t.Scope))
	}
}

func (f fields) scopeText(scope string) []byte {
	if !f.scopeList {
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
