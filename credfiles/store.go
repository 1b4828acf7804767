// Package credfiles knows where AI clients keep their OAuth tokens, and which
// bytes those are. It reads every store of every client, and puts a renewed
// token into one entry without touching another byte, under the client's own
// locks. It sends nothing and decides nothing: what is due, and which token
// comes next, is its caller's business.
//
// What a client does, and where that was seen, is one literal in one file,
// such as codex.go. The rest is the same for all: Stores and Scan find, a Hold
// keeps an entry still, its Write compares and puts.
package credfiles

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Store is one file of one client in one home, or one item that a client
// keeps in the keyring. It is safe for concurrent use.
type Store struct {
	client  *client
	file    *file
	host    Host
	home    string      // the client's folder
	profile string      // empty for the default home
	path    string      // links not resolved
	entry   string      // the key of the one entry, where its client has many such files, or items
	ring    Keyring     // where it is an item there; nil for a file
	own     *Own        // where it is one of the user's own
	shut    atomic.Bool // that one is sealed, as far as it was looked at
	also    []string    // further homes whose clients use the same item
	chain   *chained    // where it is an item of the macOS keychain; nil otherwise
	unread  error       // it is no item: this is why there may be more than were found
	sure    bool        // there is reason to think that there are
	waits   atomic.Bool // the keyring did not let it be read
	remote  remoteFiles

	commands *remoteCommands // of mcp-remote; nil for others

	writers turns

	mu   sync.Mutex
	seen bool      // it was there, and whole, when last read
	bad  signature // as it was when it was torn, and stayed so
}

// Stores lists the stores of every client in every home: the default one,
// further ones from our config, and the one that the client's variable names.
// A home that two names lead to is one home; the default's name, which is
// none, wins over the config's, and that over the folder's. So a home is
// called the same whatever the environment of the process is.
//
// A client that has a file for each entry has a store for each file. Those of
// before that are still there stay the same, with what they remember.
func Stores(h Host, extra []Home, before ...*Store) []*Store {
	known := map[string]*Store{}
	for _, s := range before {
		known[s.name()] = s
	}
	var stores []*Store
	for _, c := range table() {
		homes := h.homes(c, extra)
		for _, home := range homes {
			for i := range c.files {
				s := Store{client: c, file: &c.files[i], host: h, home: home.path, profile: home.profile}
				if s.file.many {
					stores = append(stores, s.each(known)...)
					continue
				}
				s.path = filepath.Join(home.path, s.file.name)
				stores = append(stores, s.known(known))
			}
		}
		stores = append(stores, h.items(c, homes, known)...)
		stores = append(stores, h.shutItems(c, homes, known)...)
		stores = append(stores, h.chained(c, homes, known)...)
	}
	return append(stores, h.owned(known)...)
}

// name tells a store from all others.
func (s *Store) name() string {
	if s.ring == nil {
		return s.client.name + " " + s.path
	}
	return s.client.name + " " + s.path + " " + s.entry
}

// known is the one of before that is this store, or this one.
func (s *Store) known(before map[string]*Store) *Store {
	b := before[s.name()]
	if b != nil && b.profile == s.profile && b.home == s.home && b.ring == s.ring && slices.Equal(b.also, s.also) {
		return b
	}
	return s
}

// each are the stores of a client that has a file for each entry. Two names
// of one folder are one: its newest.
func (s *Store) each(before map[string]*Store) (all []*Store) {
	names := s.file.entries(s.home)
	slices.Reverse(names)
	commands := &remoteCommands{host: s.host}
	seen := map[string]bool{}
	for _, name := range names {
		one := &Store{
			client: s.client, file: s.file, host: s.host, home: s.home, profile: s.profile,
			path: filepath.Join(s.home, filepath.FromSlash(name+s.file.tail())), entry: name,
		}
		if real := one.Real(); !seen[real] {
			seen[real] = true
			if one = one.known(before); one.commands == nil {
				one.commands = commands
			}
			commands = one.commands
			all = append(all, one)
		}
	}
	return all
}

// Folders are where stores may come to be that Stores does not list yet: those
// of clients that have a file for each entry.
func Folders(h Host, extra []Home) (all []string) {
	for _, c := range table() {
		for _, home := range h.homes(c, extra) {
			for _, f := range c.files {
				if !f.many {
					continue
				}
				all = append(all, home.path)
				names, _ := fs.Glob(os.DirFS(home.path), path.Dir(f.name))
				for _, name := range names {
					all = append(all, filepath.Join(home.path, filepath.FromSlash(name)))
				}
			}
		}
	}
	return all
}

// A folder is a client's home: its own name or the config's, and the profile
// that makes of it.
type folder struct{ path, name, profile string }

func (h Host) homes(c *client, extra []Home) []folder {
	var all []folder
	add := func(path, name string) {
		if !slices.ContainsFunc(all, func(f folder) bool { return sameHome(f.path, path) }) {
			all = append(all, folder{path: path, name: name})
		}
	}
	if h.Home != "" {
		add(c.home(h.OS, h.Home), "")
	}
	for _, e := range extra {
		if e.Client != c.name || e.Found {
			continue
		}
		path := h.expand(e.Path)
		if e.Name != "" {
			add(path, e.Name)
		} else {
			add(path, filepath.Base(path))
		}
	}
	tellApart(all, all)
	known := len(all)
	if named, path := c.moved(h.OS, h.Getenv); path != "" {
		if abs, err := filepath.Abs(path); err == nil {
			add(abs, filepath.Base(filepath.Clean(named)))
			tellApart(all, all[known:]) // the others keep their names
		}
	}
	known = len(all)
	for _, e := range extra {
		if e.Client == c.name && e.Found {
			name := e.Name
			if name == "" {
				name = c.nameOf(e.Path)
			}
			add(e.Path, name)
		}
	}
	tellApart(all, all[known:])
	return all
}

// tellApart makes profiles of the names of some. Where another in all has the
// same name, four digits of the path's hash follow.
func tellApart(all, some []folder) {
	count := map[string]int{}
	for _, f := range all {
		count[f.name]++
	}
	for i := range some {
		f := &some[i]
		f.profile = f.name
		if count[f.name] > 1 {
			sum := sha256.Sum256([]byte(resolved(f.path)))
			f.profile += "~" + hex.EncodeToString(sum[:2])
		}
	}
}

// sameHome also knows a folder that a file system without upper and lower
// case, or a mount, shows under two names.
func sameHome(a, b string) bool {
	if resolved(a) == resolved(b) {
		return true
	}
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(x, y)
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
func (s *Store) Real() string {
	if s.ring != nil || s.chain != nil {
		return s.path
	}
	return resolved(s.path)
}

// May reports whether an entry of that key would stand in this store.
func (s *Store) May(key Key) bool {
	return s.Real() == key.Store && (s.ring == nil || s.entry == key.Entry)
}

// Threshold is how long before expiry the client refreshes by itself.
func (s *Store) Threshold() time.Duration { return s.client.threshold }

// Patience is how long a client waits for a lock of ours.
func (s *Store) Patience() time.Duration { return s.client.patience }

// Reconnect is what a person does in a session of the client that cannot
// notice that a credential works again.
func (s *Store) Reconnect() string { return s.client.reconnect }

// Watched lists the files whose change may change what Scan returns.
func (s *Store) Watched() []string {
	var paths []string
	if s.ring == nil && s.chain == nil {
		paths = append(paths, s.path)
	}
	for _, name := range s.client.beside {
		paths = append(paths, filepath.Join(s.home, name))
	}
	paths = append(paths, s.secretFiles()...)
	return append(paths, s.pairPaths()...)
}

// Polled reports that the store is in the keyring, or that entries of its are
// known to be there, or could be read if something there were different: what
// changes there has to be looked for.
func (s *Store) Polled() bool {
	switch {
	case s.ring != nil:
		return s.unread == nil || s.sure
	case s.file.sealed != nil, s.own != nil:
		return s.waits.Load()
	}
	return (s.inChain() || s.behindShut() && s.host.Keychain != nil) && isFolder(s.home)
}

// Exists reports whether the store is there at all.
func (s *Store) Exists() bool { return s.where().exists() }
