package credfiles

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamplighter/credfiles/keyring"
)

// A Keyring is a system's place for secrets. Each stands under the name of a
// service and of an account. The errors are those of package keyring, or
// fs.ErrNotExist where an item is certainly not there.
//
// To add a system, write a package beside credfiles/secretservice with these
// methods and give it to Host. None of them may ask a person for anything,
// create an item, or take longer than [keyring.Patience]; ctx may end them
// sooner. No error may hold a secret.
type Keyring interface {
	// List tells which items of a service there are, without reading a secret.
	// An error beside items says that there may be more.
	List(ctx context.Context, service string) ([]keyring.Item, error)
	// Read returns a secret.
	Read(ctx context.Context, service, account string) ([]byte, error)
	// Write replaces the secret of an item that is there, and nothing else about
	// the item.
	Write(ctx context.Context, service, account string, secret []byte) error
	// Limit is the longest secret that Write takes for an item, in bytes as Read
	// returns them; 0 where there is no limit.
	Limit(service, account string) int
}

// A ring is where a client keeps each entry as an item of its own in the
// keyring.
type ring struct {
	service string
	file    file // what an item says, as if it were a file's
	// other are items of the service that are no entries; nil: all are.
	other func(account string) bool
	// home tells whether a home's client looks there.
	home func(h Host, home string) ringHome
	shut *shut // its items on macOS; nil: none is looked for there
}

// A ringHome is what a client's configuration says of the keyring.
type ringHome struct {
	reads bool            // it looks there
	only  bool            // and nowhere else
	names map[string]bool // the accounts of the servers that it names
}

// ringPath is what is shown as the path of an item's store, and the Store of
// its keys: items belong to no home, so that two homes share them.
func ringPath(service string) string { return "keyring: " + service }

// items are the stores of a client's items in the keyring, each with the home
// that names its server, else the first that looks there. The last store may
// be none, but tell why there may be more.
func (h Host) items(c *client, homes []folder, known map[string]*Store) (all []*Store) {
	if c.ring == nil || h.Keyring == nil {
		return nil
	}
	var found []ringHome
	homes = slices.Clone(homes)
	homes = slices.DeleteFunc(homes, func(f folder) bool {
		home := c.ring.home(h, f.path)
		reads := home.reads && isFolder(f.path)
		if reads {
			found = append(found, home)
		}
		return !reads
	})
	if len(homes) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), keyring.Patience)
	defer cancel()
	items, err := h.Keyring.List(ctx, c.ring.service)
	knew := false
	for _, s := range known {
		knew = knew || s.client == c && s.Polled()
	}
	sure := knew || slices.ContainsFunc(found, func(home ringHome) bool { return home.only })
	for _, item := range items {
		if c.ring.other != nil && c.ring.other(item.Account) {
			continue
		}
		if item.Locked {
			err, sure = keyring.ErrLocked, true
			continue
		}
		mine := max(0, slices.IndexFunc(found, func(home ringHome) bool { return home.names[item.Account] }))
		s := &Store{
			client: c, file: &c.ring.file, ring: h.Keyring, host: h,
			home: homes[mine].path, profile: homes[mine].profile, path: ringPath(c.ring.service), entry: item.Account,
		}
		for i, other := range homes {
			if i != mine {
				s.also = append(s.also, other.path)
			}
		}
		all = append(all, s.known(known))
	}
	if err != nil {
		all = append(all, &Store{
			client: c, file: &c.ring.file, ring: h.Keyring, host: h,
			home: homes[0].path, profile: homes[0].profile, path: ringPath(c.ring.service), unread: err, sure: sure,
		})
	}
	return all
}

// kept are the accounts that the keyring has items for. Where some cannot be
// told, any entry elsewhere may be an old copy.
func (h Host) kept(service string) (accounts map[string]bool, blocked Reason) {
	ctx, cancel := context.WithTimeout(context.Background(), keyring.Patience)
	defer cancel()
	items, err := h.Keyring.List(ctx, service)
	none := errors.Is(err, keyring.ErrAbsent) || errors.Is(err, keyring.ErrVolatile)
	if err != nil && (!none || h.keepsRing()) {
		blocked = KeyringUnread
	}
	accounts = map[string]bool{}
	for _, i := range items {
		if i.Account == "" {
			blocked = KeyringUnread
		}
		accounts[i.Account] = true
	}
	return accounts, blocked
}

// keepsRing reports that this user has a keyring on the disk, even where none
// runs now: what stands in a file may be older than what is in there.
func (h Host) keepsRing() bool {
	return h.OS == "windows" || slices.ContainsFunc([]struct{ folder, files string }{
		// GNOME Keyring makes its folder as it starts, also where it keeps nothing.
		{filepath.Join(h.dataHome(), "keyrings"), "*.keyring"},
		{filepath.Join(h.dataHome(), "kwalletd"), "*.kwl"},
		{filepath.Join(h.configHome(), "keepassxc"), "*"}, // whose file may be anywhere
	}, func(kept struct{ folder, files string }) bool {
		names, _ := fs.Glob(os.DirFS(kept.folder), kept.files)
		return len(names) > 0
	})
}

// protected reports that who reads the disk does not read the store.
func (s *Store) protected() bool {
	return s.ring != nil || s.chain != nil || s.file.sealed != nil || s.shut.Load()
}

// lockOf is the lock that the client holds over a write of this store.
func (s *Store) lockOf() clientLock {
	if s.ring != nil {
		return clientLock{} // an item is written by itself
	}
	if s.file.lock.path != "" {
		return s.file.lock
	}
	return s.client.storeLock
}

// A ringPlace is one item of a keyring.
type ringPlace struct{ s *Store }

func (p ringPlace) look(ctx context.Context) ([]byte, signature, error) {
	if p.s.unread != nil {
		return nil, signature{here: true}, p.s.unread
	}
	ctx, cancel := context.WithTimeout(ctx, keyring.Patience)
	defer cancel()
	text, err := p.s.ring.Read(ctx, p.s.file.name, p.s.entry)
	if err == nil && len(text) > maxSize {
		err = errTooLarge
	}
	return text, signature{here: !gone(err)}, err
}

func (p ringPlace) exists() bool {
	if p.s.unread != nil {
		return false // it is the store of no entry
	}
	_, sign, _ := p.look(context.Background())
	return sign.here
}

func (p ringPlace) tears() bool { return false }

func (p ringPlace) ready(_ context.Context, size int) (ready, error) {
	// Tokens differ in length: one that does not fit must be known before it is
	// asked for.
	if limit := p.s.ring.Limit(p.s.file.name, p.s.entry); limit > 0 && size+size/4 > limit {
		return ready{}, keyring.ErrFull
	}
	return ready{over: func(ctx context.Context, data []byte) error {
		// The answer is in the journal, but a caller who left does not make it
		// less worth keeping.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keyring.Patience)
		defer cancel()
		return p.s.ring.Write(ctx, p.s.file.name, p.s.entry, data)
	}}, nil
}

// ringKinds are how the keyring's errors are called here.
var ringKinds = []struct {
	err  error
	kind ProblemKind
}{
	{keyring.ErrLocked, Locked}, {keyring.ErrAbsent, NoKeyring}, {keyring.ErrVolatile, NoKeyring}, {keyring.ErrSlow, Slow},
	{keyring.ErrDenied, NotAllowed}, {keyring.ErrFull, Full}, {keyring.ErrDouble, Double},
}

// ringKind is the kind of a Problem with a keyring; empty where it is another.
func ringKind(err error) ProblemKind {
	for _, k := range ringKinds {
		if errors.Is(err, k.err) {
			return k.kind
		}
	}
	return ""
}

// named is a Problem with the name of the item, where it is one item's.
func (s *Store) named(p Problem) Problem {
	if s.ring != nil && p.Kind != Locked && p.Kind != NoKeyring && p.Kind != Slow {
		name, _, _ := strings.Cut(s.entry, "|")
		p.Entry = printable(name)
	}
	return p
}

// Stamps is another text when anything is another in what clients keep in the
// keyring: items, their times, whether they are locked. It reads no secret.
// It is empty where there is nothing to look at again.
func (h Host) Stamps(ctx context.Context, stores ...*Store) string {
	var text []byte
	for _, s := range stores {
		text = append(text, s.stamp(ctx)...)
	}
	if h.Keyring == nil {
		return string(text)
	}
	for _, service := range services() {
		items, err := h.Keyring.List(ctx, service)
		for _, i := range items {
			text = append(text, i.Account+"\x00"+i.Stamp+"\x00"...)
			if i.Locked {
				text = append(text, "locked"...)
			}
		}
		if err != nil && !errors.Is(err, keyring.ErrAbsent) {
			text = append(text, err.Error()...)
		}
	}
	return string(text)
}

// services are what clients call their items in the keyring.
func services() (all []string) {
	for _, c := range clients {
		if c.ring != nil {
			all = append(all, c.ring.service)
		}
		for _, f := range c.files {
			if f.sealed != nil {
				all = append(all, f.sealed.service)
			}
		}
	}
	return all
}
