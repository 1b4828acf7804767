package credfiles

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamplighter/credfiles/jsonedit"
)

// tail is what follows an entry's key in the name of its file.
func (f *file) tail() string { return f.name[strings.LastIndexByte(f.name, '*')+1:] }

// tails are that and those of the files beside it.
func (f *file) tails() []string {
	all := []string{f.tail()}
	for _, p := range f.pairs {
		all = append(all, p.tail)
	}
	return all
}

// entries are the keys of all entries in a home, sorted. A client that wipes by
// deleting leaves the files beside the entry's.
func (f *file) entries(home string) (all []string) {
	folder, tails := os.DirFS(home), f.tails()
	for _, tail := range tails {
		names, _ := fs.Glob(folder, strings.TrimSuffix(f.name, f.tail())+tail)
		for _, name := range names {
			// One tail may end in another: x.client.json is none of x.client's.
			if !slices.ContainsFunc(tails, func(t string) bool { return len(t) > len(tail) && strings.HasSuffix(name, t) }) {
				all = append(all, strings.TrimSuffix(name, tail))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// pairPaths are the files beside this store.
func (s *Store) pairPaths() (paths []string) {
	for _, p := range s.file.pairs {
		path := strings.TrimSuffix(s.path, s.file.tail())
		if s.ring != nil {
			path = filepath.Join(s.home, filepath.FromSlash(p.folder), s.entry)
		}
		paths = append(paths, path+p.tail)
	}
	return paths
}

// pair is the part of what stands beside an entry without which entries cannot
// be compared.
func (s *Store) pair() (j joined) {
	for _, name := range s.pairPaths() {
		doc, _ := readJSON(name)
		j.pairs = append(j.pairs, doc)
	}
	j.written = sign(s.path).mod
	return j
}

// fill adds what the files beside an entry say and the entry does not.
func (c *Credential) fill(all []pair, docs []jsonedit.Value) {
	for i, p := range all[:min(len(all), len(docs))] {
		f, r := p.fields, reader{entry: docs[i]} // an odd one is no reason not to refresh
		for _, field := range []struct {
			to   *string
			from []string
		}{
			{&c.Issuer, f.issuer}, {&c.ServerURL, f.server}, {&c.ClientID, f.clientID}, {&c.AuthMethod, f.authMethod},
			{&c.Endpoint, f.tokenURL}, {&c.RedirectURI, f.redirect}, {&c.Scope, f.scope},
			{&c.MetadataURL, f.metadata}, {&c.ResourceMetadataURL, f.resourceMetadata},
		} {
			*field.to = cmp.Or(*field.to, r.text(field.from))
		}
		if c.ClientSecret.IsZero() {
			c.ClientSecret = NewSecret(r.text(f.clientSecret))
		}
	}
}
