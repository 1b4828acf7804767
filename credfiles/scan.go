package credfiles

import (
	"context"
	"errors"
	"io/fs"
	"slices"
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
		return nil, []Problem{s.named(*s.problem(err))}
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
		return c, false
	}
	j, _ := s.join(doc.root)
	c, err = s.find(doc.root, key, j)
	return c, err == nil && c.Key == key
}

// missing is the entry of a store whose client wiped it by deleting it, as far
// as can be told: its server is still configured.
func (s *Store) missing() []Credential {
	if !s.file.many {
		return nil
	}
	root, err := jsonedit.Parse([]byte("{}"))
	if err != nil {
		return nil
	}
	j, _ := s.join(root)
	k := &s.file.kinds[0]
	c, _ := s.view(j).credential(k, s.only(k), root)
	if c.WatchOnly != "" || c.Unused {
		return nil
	}
	c.Blanked, c.Missing = true, true
	return []Credential{c}
}

// join reads what the client keeps beside this store.
func (s *Store) join(root jsonedit.Value) (joined, *Problem) {
	adopts := slices.ContainsFunc(s.file.kinds, func(k kind) bool { return k.adopt != nil })
	if s.client.join == nil || !adopts {
		return joined{}, nil
	}
	return s.client.join(s, root)
}

// pair is the part of it without which entries cannot be compared.
func (s *Store) pair() joined {
	var j joined
	if s.file.pair != "" {
		j.pair, _ = readJSON(s.pairPath())
		j.written = sign(s.path).mod
	}
	return j
}

// entries makes credentials of a document, in the order in which it has them.
func (s *Store) entries(root jsonedit.Value, j joined) (all []Credential, problems []Problem) {
	if root.Kind() != jsonedit.Object {
		return nil, []Problem{*s.odd("")}
	}
	view := s.view(j)
	for i := range s.file.kinds {
		k := &s.file.kinds[i]
		section, err := s.section(root, k)
		if err != nil {
			var p *Problem
			if errors.As(err, &p) {
				problems = append(problems, *p)
			}
			continue
		}
		found := []jsonedit.Member{{Key: s.only(k), Value: section}}
		if !k.single {
			found = last(section.Members())
		}
		for _, m := range found {
			c, odd := view.credential(k, m.Key, m.Value)
			if c.stale {
				problems = append(problems, Problem{Store: s.path, Client: s.client.name, Kind: StaleCopy, Entry: printable(c.Name)})
				continue
			}
			if odd {
				problems = append(problems, *s.odd(c.Name))
			}
			if c.holds() {
				all = append(all, c)
			}
		}
	}
	return all, problems
}

// section is the object that holds a kind's entries, or its one entry. The
// error is ErrGone where there is none.
func (s *Store) section(root jsonedit.Value, k *kind) (jsonedit.Value, error) {
	if root.Kind() != jsonedit.Object {
		return root, s.odd("")
	}
	v, ok := root.Get(k.at...)
	switch {
	case !ok, v.Kind() == jsonedit.Null:
		return v, ErrGone
	case v.Kind() != jsonedit.Object:
		return v, s.odd(strings.Join(k.at, "."))
	}
	return v, nil
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
	k, _ := s.place(key)
	if k == nil {
		return Credential{}, ErrGone
	}
	section, err := s.section(root, k)
	if err != nil {
		return Credential{}, err
	}
	e := section
	if !k.single {
		var ok bool
		if e, ok = section.Get(key.Entry); !ok {
			return Credential{}, ErrGone
		}
	}
	c, odd := s.view(j).credential(k, key.Entry, e)
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

// place is where an entry stands in the document, with its kind; nil where
// the store has no such entries. It has at most one kind that is not single.
func (s *Store) place(key Key) (many *kind, path []string) {
	for i := range s.file.kinds {
		k := &s.file.kinds[i]
		switch {
		case !k.single:
			many, path = k, join(k.at, []string{key.Entry})
		case key.Entry == s.only(k):
			return k, k.at
		}
	}
	return many, path
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
	case slices.Contains(s.file.fallbackOn, s.host.OS):
		return Fallback
	}
	return ""
}
