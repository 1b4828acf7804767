package credfiles

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/keychain"
	"lamplighter/credfiles/keyring"
)

// A shut says of a ring which items the macOS keychain may have that only
// their client may read. Whether one is there can be told all the same: a look
// at its attributes never prompts.
type shut struct {
	// items are those that there may be, by account, each with what is known of
	// it as an entry. root is the document of instead as it is now.
	items   func(h Host, home string, root jsonedit.Value) map[string]string
	instead string // the file whose entries count only where there is no such item; empty: its join tells
	file    file   // what is known of an item, as if it were a file's
	asked   file   // and of one that a person let us read
	// toFile is the line of its configuration with which it keeps its entries in
	// instead, and nowhere else.
	toFile string
}

// behindShut reports that an entry of the store may be an old copy of an item
// that cannot be read.
func (s *Store) behindShut() bool {
	return s.host.OS == "darwin" && s.ring == nil && s.client.ring != nil && s.client.ring.shut != nil &&
		s.file.name == s.client.ring.shut.instead
}

// shutKept are the entries of a store that the keychain has as items. Where
// that cannot be told, any of them may be an old copy.
func (s *Store) shutKept(root jsonedit.Value) (accounts map[string]bool, blocked Reason) {
	may := s.client.ring.shut.items(s.host, s.home, root)
	if len(may) == 0 {
		return nil, ""
	}
	if s.host.Keychain == nil {
		return nil, KeyringUnread
	}
	items, err := s.host.Keychain.outsides(context.Background(), s.client.ring.service, may)
	if err != nil {
		return nil, KeyringUnread
	}
	accounts = map[string]bool{}
	for _, i := range items {
		accounts[i.Account] = true
	}
	return accounts, ""
}

// shutItems are the stores of a client's items that cannot be read, each with
// the first home that names its server. The last store may be none, but tell
// why there may be more.
func (h Host) shutItems(c *client, homes []folder, known map[string]*Store) (all []*Store) {
	if h.OS != "darwin" || h.Keychain == nil || c.ring == nil || c.ring.shut == nil {
		return nil
	}
	shut := c.ring.shut
	var unread *Store
	for _, f := range homes {
		if !isFolder(f.path) {
			continue
		}
		root, _ := readJSON(filepath.Join(f.path, shut.instead))
		may := shut.items(h, f.path, root)
		if len(may) == 0 {
			continue
		}
		store := func(file *file, ring Keyring) *Store {
			return &Store{client: c, file: file, ring: ring, host: h, home: f.path, profile: f.profile, path: ringPath(c.ring.service)}
		}
		items, err := h.Keychain.outsides(context.Background(), c.ring.service, may)
		if err != nil && unread == nil {
			unread = store(&shut.file, outside(""))
			unread.unread, unread.sure = err, c.ring.home(h, f.path).only
		}
		for _, item := range items {
			if i := slices.IndexFunc(all, func(s *Store) bool { return s.entry == item.Account }); i >= 0 {
				all[i].also = append(all[i].also, f.path)
				continue
			}
			one := store(&shut.file, outside(may[item.Account]))
			if text, ok := h.Keychain.answer(item); ok {
				one = store(&shut.asked, told{outside(may[item.Account]), text})
			}
			one.entry = item.Account
			all = append(all, one)
		}
	}
	for i, s := range all {
		all[i] = s.known(known)
	}
	if unread != nil {
		for _, s := range known {
			unread.sure = unread.sure || s.client == c && s.ring != nil && s.Polled()
		}
		all = append(all, unread)
	}
	return all
}

// shutStamp is another one when an item is, or another comes to be.
func (s *Store) shutStamp(ctx context.Context) (text string) {
	if s.host.Keychain == nil || !isFolder(s.home) {
		return ""
	}
	root, _ := readJSON(s.path)
	may := s.client.ring.shut.items(s.host, s.home, root)
	if len(may) == 0 {
		return ""
	}
	s.host.Keychain.forget()
	items, err := s.host.Keychain.outsides(ctx, s.client.ring.service, may)
	for _, i := range items {
		text += i.Account + " " + i.Modified.String()
	}
	if err != nil {
		text += err.Error()
	}
	return text
}

// An outside is all that is known of an item that cannot be read, as its
// client's entry would say it.
type outside string

// List is for keyrings that can be searched.
func (outside) List(context.Context, string) ([]keyring.Item, error) { return nil, keyring.ErrDenied }

// Read returns what is known.
func (o outside) Read(context.Context, string, string) ([]byte, error) { return []byte(o), nil }

// Write is refused: only its client may.
func (outside) Write(context.Context, string, string, []byte) error { return keyring.ErrDenied }

// Limit is none.
func (outside) Limit(string, string) int { return 0 }

// glimpsed is how long it counts. A keeper looks again each minute, and a
// refresh before it begins.
const glimpsed = 2 * time.Minute

// outsides are the items of a service that are there, of those that there may
// be, in the order of their accounts. Each look is a process, so that the
// answer is remembered; after an error no other item is looked for.
func (k *Keychain) outsides(ctx context.Context, service string, may map[string]string) ([]keychain.Item, error) {
	accounts := slices.Sorted(maps.Keys(may))
	name := service + "\x00" + strings.Join(accounts, "\x00")
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now().Round(0) // by the wall: a computer that slept has to look again
	maps.DeleteFunc(k.glimpses, func(_ string, g glimpse) bool { return now.Before(g.at) || now.Sub(g.at) > glimpsed })
	if was, ok := k.glimpses[name]; ok {
		return was.items, was.err
	}
	items, err := k.Items(ctx, service, accounts...)
	items = slices.DeleteFunc(items, func(i keychain.Item) bool { _, mine := may[i.Account]; return !mine })
	slices.SortFunc(items, func(a, b keychain.Item) int { return strings.Compare(a.Account, b.Account) })
	if ctx.Err() == nil {
		if k.glimpses == nil {
			k.glimpses = map[string]glimpse{}
		}
		k.glimpses[name] = glimpse{now, items, err}
	}
	return items, err
}

// Anew makes the next reading of the store look for items that go before it,
// where a look of two minutes ago would do else.
func (s *Store) Anew() {
	if s.behindShut() && s.host.Keychain != nil {
		s.host.Keychain.forget()
	}
}

// forget makes the next look at items that cannot be read a look at them.
func (k *Keychain) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.glimpses = nil
}
