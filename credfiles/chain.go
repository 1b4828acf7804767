package credfiles

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"lamplighter/credfiles/keychain"
	"lamplighter/credfiles/keyring"
)

// A chain says which items of the macOS keychain hold the document that is a
// file on other systems. On macOS its client looks into the file only where
// there is no item, or none that it can read.
type chain struct {
	// services are the names that the item of a home may have. sure is false
	// where it may have another one.
	services func(h Host, home string) (names []string, sure bool)
	accounts func(h Host) []string // under which users it may stand
}

// A Keychain is the macOS keychain. It remembers each secret as long as the
// item's attributes say that it did not change: these never prompt. It is safe
// for concurrent use.
type Keychain struct {
	keychain.Keychain

	mu     sync.Mutex
	known  map[[2]string]chainRead // by service and account
	listed map[string]glimpse      // by service
	// glimpses are of items that only their client may read, by service and accounts.
	glimpses map[string]glimpse
	asked    map[[2]string]asked // by service and account
}

// A glimpse is what items there were at a moment.
type glimpse struct {
	at    time.Time
	items []keychain.Item
	err   error
}

// list returns the items of a service. Each is a process, so that what a look
// at all stores asks for more than once is answered from memory.
func (k *Keychain) list(service string, accounts []string) ([]keychain.Item, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if was, ok := k.listed[service]; ok && time.Since(was.at) < time.Second {
		return was.items, was.err
	}
	if k.listed == nil {
		k.listed = map[string]glimpse{}
	}
	items, err := k.Items(context.Background(), service, accounts...)
	k.listed[service] = glimpse{time.Now(), items, err}
	return items, err
}

// chainRead is what the reading of an item of that time gave.
type chainRead struct {
	modified time.Time
	text     []byte
	err      error
	until    time.Time // zero: always
}

// sameSecond is how long an item's time, in whole seconds, does not tell one
// writing from the next.
const sameSecond = 2 * time.Second

// unasked is how long a question that nobody answered is not asked again: the
// keychain may have been unlocked, which its items do not tell.
const unasked = time.Hour

// read returns the secret of an item. One that a person keeps from us is not
// asked for again before it changes: it would prompt once more.
func (k *Keychain) read(ctx context.Context, item keychain.Item) ([]byte, error) {
	k.mu.Lock() // two readings could be two prompts
	defer k.mu.Unlock()
	name := [2]string{item.Service, item.Account}
	if was, ok := k.known[name]; ok && was.modified.Equal(item.Modified) && (was.until.IsZero() || time.Now().Before(was.until)) {
		return was.text, was.err
	}
	settled := time.Since(item.Modified) > sameSecond && !item.Modified.IsZero()
	text, err := k.Read(ctx, item.Service, item.Account)
	now := chainRead{modified: item.Modified, text: keychain.ASCII(text), err: err}
	slow := errors.Is(err, keyring.ErrSlow)
	if slow {
		now.until = time.Now().Add(unasked)
	}
	if slow || settled && (err == nil || errors.Is(err, keyring.ErrDenied)) {
		if k.known == nil {
			k.known = map[[2]string]chainRead{}
		}
		k.known[name] = now
	} else {
		delete(k.known, name)
	}
	return now.text, err
}

// chained is one item that is a store.
type chained struct{ service, account string }

func (i chained) path() string { return "keychain: " + i.service + " (" + i.account + ")" }

// chained are the stores of a client's items in the macOS keychain. The last
// store of a home may be none, but tell why there may be more.
func (h Host) chained(c *client, homes []folder, known map[string]*Store) (all []*Store) {
	if h.Keychain == nil || h.OS != "darwin" {
		return nil
	}
	for i := range c.files {
		f := &c.files[i]
		if f.chain == nil {
			continue
		}
		for _, home := range homes {
			store := func(path string, item *chained) *Store {
				return &Store{client: c, file: f, host: h, home: home.path, profile: home.profile, path: path, chain: item}
			}
			services, _ := f.chain.services(h, home.path)
			for _, service := range services {
				items, err := h.Keychain.list(service, f.chain.accounts(h))
				for _, item := range items {
					item := chained{item.Service, item.Account}
					all = append(all, store(item.path(), &item).known(known))
				}
				if err != nil {
					s := store("keychain: "+service, &chained{service: service})
					s.unread, s.sure = err, isFolder(home.path)
					all = append(all, s)
				}
			}
		}
	}
	return all
}

// inChain reports that the store is in the macOS keychain, or would be there.
func (s *Store) inChain() bool {
	return s.file.chain != nil && s.host.OS == "darwin" && s.host.Keychain != nil
}

// behind reports that a file may be an old copy of what is in the keychain.
func (s *Store) behind() bool {
	if s.file.chain == nil || s.chain != nil || s.host.OS != "darwin" {
		return false
	}
	services, sure := s.file.chain.services(s.host, s.home)
	return !sure || s.host.Keychain == nil || slices.ContainsFunc(services, func(service string) bool {
		items, err := s.host.Keychain.list(service, s.file.chain.accounts(s.host))
		return len(items) > 0 || err != nil
	})
}

// ahead are the stores in the keychain that a file is behind.
func (s *Store) ahead() []*Store {
	if s.file.chain == nil || s.chain != nil {
		return nil
	}
	return slices.DeleteFunc(s.host.chained(s.client, []folder{{path: s.home}}, nil), func(other *Store) bool { return other.unread != nil })
}

// tooLong reports that the item can only be written where every program of
// this user could read it for a moment, which the user does not want.
func (s *Store) tooLong() bool {
	if s.chain == nil || s.unread != nil || s.host.Keychain.Arguments {
		return false
	}
	ctx := context.Background()
	item, err := s.host.Keychain.Find(ctx, s.chain.service, s.chain.account)
	if err != nil {
		return false
	}
	text, err := s.host.Keychain.read(ctx, item)
	return err == nil && s.host.Keychain.Fits(item, len(text)) != nil
}

// A chainPlace is one item of the macOS keychain.
type chainPlace struct{ s *Store }

func (p chainPlace) look(ctx context.Context) ([]byte, signature, error) {
	if p.s.unread != nil {
		return nil, signature{here: true}, p.s.unread
	}
	item, err := p.s.host.Keychain.Find(ctx, p.s.chain.service, p.s.chain.account)
	if err != nil {
		return nil, signature{here: !gone(err)}, err
	}
	text, err := p.s.host.Keychain.read(ctx, item)
	if err == nil && len(text) > maxSize {
		err = errTooLarge
	}
	return text, signature{mod: item.Modified, here: true}, err
}

func (p chainPlace) exists() bool {
	if p.s.unread != nil {
		return false // it is the store of no entry
	}
	_, err := p.s.host.Keychain.Find(context.Background(), p.s.chain.service, p.s.chain.account)
	return !gone(err)
}

func (p chainPlace) tears() bool { return false }

func (p chainPlace) ready(ctx context.Context, size int) (ready, error) {
	k, c := p.s.host.Keychain, p.s.chain
	item, err := k.Find(ctx, c.service, c.account)
	if err == nil {
		// Tokens differ in length: one that does not fit must be known before it
		// is asked for.
		err = k.Fits(item, size+size/4)
	}
	if err != nil {
		return ready{}, err
	}
	return ready{over: func(ctx context.Context, data []byte) error {
		err := k.Write(context.WithoutCancel(ctx), c.service, c.account, data)
		if errors.Is(err, keychain.ErrChanged) {
			return nil // somebody wrote right after us: the next look tells
		}
		return err
	}}, nil
}

// stamp is another one when the item is, or another comes to be.
func (s *Store) stamp(ctx context.Context) (text string) {
	if s.behindShut() {
		return s.shutStamp(ctx)
	}
	if s.own != nil && s.waits.Load() {
		if _, _, err := s.where().look(ctx); err != nil {
			return err.Error()
		}
	}
	if !s.inChain() {
		return ""
	}
	look := func(service, account string) {
		item, err := s.host.Keychain.Find(ctx, service, account)
		text += item.Account + " " + item.Modified.String()
		if err != nil && !gone(err) {
			text += err.Error()
		}
	}
	if s.chain != nil {
		look(s.chain.service, s.chain.account)
		return text
	}
	services, _ := s.file.chain.services(s.host, s.home)
	for _, service := range services {
		look(service, "")
	}
	return text
}
