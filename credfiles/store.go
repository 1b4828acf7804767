package credfiles

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lamplighter/credfiles/jsonedit"
)

// A Store is one file of one client in one home.
type Store struct {
	client  *client
	file    *file
	host    Host
	home    string // the client's folder
	profile string // empty for the default home
	path    string // links not resolved

	mu   sync.Mutex
	seen signature // of the last reading that was whole
	bad  signature // of the last that was not, after waiting for it
}

// signature tells whether a file is as it was.
type signature struct {
	size int64
	mod  time.Time
	here bool
}

const (
	// maxSize is beyond what a client writes: a store of a thousand servers
	// has about 2 MB.
	maxSize = 16 << 20
	// settle is how long a store that is missing, empty or torn is read again
	// before it counts: Codex truncates in place (0.169, strace), as Claude
	// Code did up to 2.1.74.
	settle = 2 * time.Second
)

// Stores lists the stores of every client in every home: the default one, the
// one that the client's variable names, and further ones from our config. A
// home that two names lead to is one home; the default's name wins, then the
// config's.
func Stores(h Host, extra []Home) []*Store {
	var stores []*Store
	seen := map[string]bool{}
	add := func(c *client, home, profile string) {
		if id := c.name + "\x00" + resolved(home); !seen[id] {
			seen[id] = true
			for i := range c.files {
				f := &c.files[i]
				stores = append(stores, &Store{
					client: c, file: f, host: h, home: home, profile: profile,
					path: filepath.Join(home, f.name),
				})
			}
		}
	}
	for _, c := range clients {
		add(c, filepath.Join(h.Home, c.dir), "")
		for _, e := range extra {
			if e.Client == c.name {
				path := h.expand(e.Path)
				name := e.Name
				if name == "" {
					name = filepath.Base(path)
				}
				add(c, path, name)
			}
		}
		if path := h.Getenv(c.env); path != "" {
			add(c, filepath.Clean(path), filepath.Base(path))
		}
	}
	return stores
}

// resolved is the path with its links followed as far as it exists.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if dir := filepath.Dir(path); dir != path {
		return filepath.Join(resolved(dir), filepath.Base(path))
	}
	return path
}

// Path is where the client looks for this store.
func (s *Store) Path() string { return s.path }

// Client is the client's name in the table.
func (s *Store) Client() string { return s.client.name }

// Profile names the home; it is empty for the default one.
func (s *Store) Profile() string { return s.profile }

// Real is the store's path with links resolved: the Store of its keys.
func (s *Store) Real() string { return resolved(s.path) }

// Threshold is how long before expiry the client refreshes by itself.
func (s *Store) Threshold() time.Duration { return s.client.threshold }

// Patience is how long a client waits for a lock of ours.
func (s *Store) Patience() time.Duration { return s.client.patience }

// Reconnect is what a person does in a session of the client that cannot
// notice that a credential works again.
func (s *Store) Reconnect() string { return s.client.reconnect }

// Watched lists the files whose change may change what Scan returns.
func (s *Store) Watched() []string {
	paths := []string{s.path}
	for _, name := range s.client.beside {
		paths = append(paths, filepath.Join(s.home, name))
	}
	return paths
}

// Scan reads the store and every entry in it. A store that does not exist is
// no Problem: its client was never used. A store that is empty, torn or
// suddenly gone is read again for two seconds before it counts, because some
// clients write in place.
func (s *Store) Scan(ctx context.Context) ([]Credential, []Problem) {
	raw, err := s.readSettled(ctx)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, []Problem{*s.problem(err)}
	}
	return s.entries(raw)
}

// read returns the store's bytes. The error wraps fs.ErrNotExist where the
// store does not exist.
func (s *Store) read() ([]byte, error) {
	info, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, lerr := os.Lstat(s.path); lerr == nil {
			return nil, &Problem{Store: s.path, Client: s.client.name, Kind: Dangling}
		}
	}
	if err != nil {
		return nil, err
	}
	// A FIFO would block the opening.
	if !info.Mode().IsRegular() {
		return nil, &Problem{Store: s.path, Client: s.client.name, Kind: NotRegular}
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(raw) > maxSize {
		return nil, &Problem{Store: s.path, Client: s.client.name, Kind: TooLarge}
	}
	return raw, err
}

// whole reports what is wrong with a store's bytes as JSON; nil if nothing.
func (s *Store) whole(raw []byte) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return &Problem{Store: s.path, Client: s.client.name, Kind: Empty}
	}
	if _, err := jsonedit.Parse(raw); err != nil {
		return s.problem(err)
	}
	return nil
}

func (s *Store) readSettled(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for deadline := time.Now().Add(settle); ; {
		sign := sign(s.path)
		raw, err := s.read()
		if err == nil {
			if err = s.whole(raw); err == nil {
				s.seen, s.bad = sign, signature{}
				return raw, nil
			}
		}
		var p *Problem
		passing := errors.As(err, &p) && p.transient() || errors.Is(err, fs.ErrNotExist) && s.seen.here
		if !passing || s.bad == sign && sign.here || !time.Now().Before(deadline) || ctx.Err() != nil {
			s.bad = sign
			if errors.Is(err, fs.ErrNotExist) {
				s.seen = signature{}
			}
			return nil, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func sign(path string) signature {
	info, err := os.Stat(path)
	if err != nil {
		return signature{}
	}
	return signature{info.Size(), info.ModTime(), true}
}

// entries makes credentials of a store's bytes, which are whole.
func (s *Store) entries(raw []byte) ([]Credential, []Problem) {
	root, err := jsonedit.Parse(raw)
	if err != nil {
		return nil, []Problem{*s.problem(err)}
	}
	if root.Kind() != jsonedit.Object {
		return nil, []Problem{{Store: s.path, Client: s.client.name, Kind: OddShape}}
	}
	var problems []Problem
	var j joined
	if s.client.join != nil {
		var p *Problem
		if j, p = s.client.join(s); p != nil {
			problems = append(problems, *p)
		}
	}
	j.root = root
	var all []Credential
	limit := s.limit()
	for _, k := range s.file.kinds {
		place, ok := root.Get(k.at...)
		if !ok {
			continue
		}
		if place.Kind() != jsonedit.Object {
			problems = append(problems, Problem{Store: s.path, Client: s.client.name, Kind: OddShape, Entry: strings.Join(k.at, ".")})
			continue
		}
		if k.single {
			c, _ := s.credential(&k, k.name, place, j)
			all = append(all, c)
			continue
		}
		done := map[string]bool{}
		for _, m := range slices.Backward(place.Members()) { // the last of two of one name counts
			if done[m.Key] {
				continue
			}
			done[m.Key] = true
			c, odd := s.credential(&k, m.Key, m.Value, j)
			if odd {
				problems = append(problems, Problem{Store: s.path, Client: s.client.name, Kind: OddShape, Entry: c.Name})
			}
			all = append(all, c)
		}
		slices.Reverse(all[len(all)-len(done):])
	}
	for i := range all {
		if all[i].WatchOnly == "" {
			all[i].WatchOnly = limit
		}
		if all[i].WatchOnly == "" {
			all[i].WatchOnly = j.blocked
		}
	}
	return all, problems
}

// limit is why nothing in this store may be refreshed by us.
func (s *Store) limit() Reason {
	switch {
	case s.host.foreign(s.path):
		return ForeignSystem
	case !ours(s.path):
		return ForeignOwner
	}
	return ""
}

// Exists reports whether the store is there at all.
func (s *Store) Exists() bool { return sign(s.path).here }
