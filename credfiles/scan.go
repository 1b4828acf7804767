package credfiles

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"lamplighter/credfiles/jsonedit"
)

// Scan reads the store and every entry in it. A store that does not exist is
// no Problem: its client was never used. A store that is empty, torn or
// suddenly gone is read again for two seconds before it counts, because some
// clients write in place.
func (s *Store) Scan(ctx context.Context) ([]Credential, []Problem) {
	doc, err := s.readSettled(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return s.missing(), nil
	}
	if err != nil {
		return s.unreadOwn(err), []Problem{s.named(*s.problem(err))}
	}
	j, p := s.join(doc.root)
	all, problems := s.entries(doc.root, j)
	if p != nil {
		problems = append([]Problem{*p}, problems...)
	}
	return all, problems
}

// Find reads one entry: what Scan would return of it. ok is false where it is
// not there, or the store cannot be read.
func (s *Store) Find(ctx context.Context, key Key) (c Credential, ok bool) {
	doc, err := s.readSettled(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		for _, c := range s.missing() {
			if c.Key == key {
				return c, true
			}
		}
		return c, false
	case err != nil:
		if own := s.unreadOwn(err); own != nil && own[0].Key == key {
			return own[0], true
		}
		return c, false
	}
	j, _ := s.join(doc.root)
	c, err = s.find(doc.root, key, j)
	if k := s.kind(key); errors.Is(err, ErrGone) && k != nil && k.configured {
		for _, c := range s.wiped(k, nil, s.view(doc.root, j)) {
			if c.Key == key {
				return c, true
			}
		}
	}
	return c, err == nil && c.Key == key
}

// missing are the entries of a store whose client wiped it by deleting it, as
// far as can be told: their servers are still configured.
func (s *Store) missing() (all []Credential) {
	if s.file.many {
		j, _ := s.join(empty)
		k := &s.file.kinds[0]
		return s.absent(k, []string{s.only(k)}, s.view(empty, j))
	}
	if !slices.ContainsFunc(s.file.kinds, func(k kind) bool { return k.configured }) {
		return nil
	}
	j, _ := s.join(empty)
	if len(j.servers) == 0 {
		return nil // as for most clients, which were never used
	}
	for i := range s.file.kinds {
		all = append(all, s.wiped(&s.file.kinds[i], nil, s.view(empty, j))...)
	}
	return all
}

// empty is an entry with nothing in it.
var empty, _ = jsonedit.Parse([]byte("{}"))

// wiped are the entries that are not there although their servers are
// configured.
func (s *Store) wiped(k *kind, there map[string]bool, v view) []Credential {
	if !k.configured {
		return nil
	}
	var names []string
	for name, server := range v.j.servers {
		if server.url != "" && !there[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return s.absent(k, names, v)
}

// absent are credentials of entries that their client deleted.
func (s *Store) absent(k *kind, keys []string, v view) (all []Credential) {
	v.gone = true
	for _, key := range keys {
		c, _ := v.credential(k, key, empty)
		if c.ServerURL == "" {
			c.ServerURL = v.j.servers[key].url
		}
		if c.WatchOnly == "" && !c.Unused {
			c.Blanked, c.Missing, c.Erased, c.Anew = true, true, true, k.anew != nil
			all = append(all, c)
		}
	}
	return all
}

// join reads what the client keeps beside this store.
func (s *Store) join(root jsonedit.Value) (joined, *Problem) {
	beside := s.pair()
	adopts := slices.ContainsFunc(s.file.kinds, func(k kind) bool { return k.adopt != nil })
	if s.client.join == nil || !adopts {
		return beside, nil
	}
	j, p := s.client.join(s, root)
	j.pairs, j.written = beside.pairs, beside.written
	return j, p
}

// entries makes credentials of a document, in the order in which it has them.
func (s *Store) entries(root jsonedit.Value, j joined) (all []Credential, problems []Problem) {
	if root.Kind() != s.file.shape() {
		return nil, []Problem{*s.odd("")}
	}
	view := s.view(root, j)
	for i := range s.file.kinds {
		k := &s.file.kinds[i]
		section, err := s.section(root, k)
		if err != nil {
			var p *Problem
			if errors.As(err, &p) {
				problems = append(problems, *p)
				continue
			}
			all = append(all, s.wiped(k, nil, view)...)
			continue
		}
		there := map[string]bool{}
		for _, m := range s.members(k, section) {
			c, odd := view.credential(k, m.Key, m.Value)
			if c.stale && j.quiet {
				continue
			}
			if c.stale {
				problems = append(problems, Problem{Store: s.path, Client: s.client.name, Kind: StaleCopy, Entry: printable(c.Name)})
				continue
			}
			if odd {
				problems = append(problems, *s.odd(c.Name))
			}
			if c.holds() || odd {
				there[m.Key] = true
			}
			if c.holds() {
				all = append(all, c)
			}
		}
		all = append(all, s.wiped(k, there, view)...)
	}
	return all, problems
}

// members are the entries of a kind by their keys, in the order in which they
// stand.
func (s *Store) members(k *kind, section jsonedit.Value) []jsonedit.Member {
	switch {
	case k.single:
		return []jsonedit.Member{{Key: s.only(k), Value: section}}
	case !k.list:
		return last(section.Members())
	}
	all := k.named(section)
	if k.double != firstDouble {
		return last(all)
	}
	slices.Reverse(all)
	all = last(all)
	slices.Reverse(all)
	return all
}

// section is the object or array that holds a kind's entries, or its one entry.
// The error is ErrGone where there is none.
func (s *Store) section(root jsonedit.Value, k *kind) (jsonedit.Value, error) {
	if root.Kind() != s.file.shape() {
		return root, s.odd("")
	}
	v, ok := root.Get(k.at...)
	switch {
	case !ok, v.Kind() == jsonedit.Null:
		return v, ErrGone
	case v.Kind() != k.shape():
		return v, s.odd(strings.Join(k.at, "."))
	}
	return v, nil
}

// shape is what holds a kind's entries.
func (k *kind) shape() jsonedit.Kind {
	if k.list {
		return jsonedit.Array
	}
	return jsonedit.Object
}

// shape is what the whole document is.
func (f *file) shape() jsonedit.Kind {
	if k := &f.kinds[0]; len(k.at) == 0 {
		return k.shape()
	}
	return jsonedit.Object
}

// named are the elements of an array by the names that they bear.
func (k *kind) named(section jsonedit.Value) (all []jsonedit.Member) {
	for _, e := range section.Elements() {
		r := reader{entry: e}
		all = append(all, jsonedit.Member{Key: r.text(k.fields.name), Value: e})
	}
	return all
}

// last drops the members that a later one of the same key overrides.
func last(all []jsonedit.Member) []jsonedit.Member {
	at := make(map[string]int, len(all))
	for i, m := range all {
		at[m.Key] = i
	}
	i := -1
	return slices.DeleteFunc(all, func(m jsonedit.Member) bool {
		i++
		return at[m.Key] != i
	})
}

// find takes one entry out of a document. The error is ErrGone where it is
// not there or holds no token, a *Problem where its shape hides that.
func (s *Store) find(root jsonedit.Value, key Key, j joined) (Credential, error) {
	k, place := s.place(root, key)
	if k == nil {
		return Credential{}, ErrGone
	}
	if _, err := s.section(root, k); err != nil {
		return Credential{}, err
	}
	e, ok := root.Get(place...)
	if !ok {
		return Credential{}, ErrGone
	}
	c, odd := s.view(root, j).credential(k, key.Entry, e)
	switch {
	case c.stale:
		return Credential{}, ErrGone
	case c.holds():
		return c, nil
	case odd:
		return Credential{}, s.odd(c.Name)
	}
	return Credential{}, ErrGone
}

// kind is that of an entry; nil where the store has no such entries. It has at
// most one kind that is not single.
func (s *Store) kind(key Key) (many *kind) {
	for i := range s.file.kinds {
		k := &s.file.kinds[i]
		switch {
		case !k.single:
			many = k
		case key.Entry == s.only(k):
			return k
		}
	}
	return many
}

// place is where an entry stands in a document, with its kind. In an array that
// is so for this document only: elsewhere others may stand before it.
func (s *Store) place(root jsonedit.Value, key Key) (k *kind, path []string) {
	k = s.kind(key)
	switch {
	case k == nil:
		return nil, nil
	case k.single:
		return k, k.at
	case !k.list:
		return k, join(k.at, []string{key.Entry})
	}
	step := "none" // has no number
	section, _ := root.Get(k.at...)
	for i, m := range k.named(section) {
		if m.Key == key.Entry && (step == "none" || k.double != firstDouble) {
			step = strconv.Itoa(i)
		}
	}
	return k, join(k.at, []string{step})
}

// doubled reports two entries of one name of which nobody knows which its
// client takes.
func (s *Store) doubled(k *kind, root jsonedit.Value, key string) bool {
	if !k.list || k.double != oddDouble {
		return false
	}
	section, _ := root.Get(k.at...)
	n := 0
	for _, m := range k.named(section) {
		if m.Key == key {
			n++
		}
	}
	return n > 1
}

// only is the key of a kind's one entry.
func (s *Store) only(k *kind) string {
	if s.entry != "" {
		return s.entry
	}
	return k.name
}

// odd is the Problem of an entry, or of the whole store, that has another
// shape than the client writes.
func (s *Store) odd(entry string) *Problem {
	return &Problem{Store: s.path, Client: s.client.name, Kind: OddShape, Entry: printable(entry)}
}

// limit is why nothing in this store may be refreshed by us.
func (s *Store) limit() Reason {
	switch {
	case s.host.foreign(s.path), s.host.foreign(s.Real()):
		return ForeignSystem
	case !ours(s.path):
		return ForeignOwner
	case s.behind():
		return Fallback
	case s.tooLong():
		return KeychainLine
	}
	return ""
}
