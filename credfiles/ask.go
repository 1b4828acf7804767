package credfiles

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"lamplighter/credfiles/keychain"
	"lamplighter/credfiles/keyring"
)

// answering is how long a prompt waits for the person who wanted it, who types
// a password.
const answering = 2 * time.Minute

// An asked is what a person let us read of an item that its client keeps for
// itself, and when that item had been written.
type asked struct {
	modified time.Time
	text     Secret
}

// Ask reads an item whose credential is KeychainOwn. macOS asks whoever sits
// there for leave, so that it is for the one who just wanted it: no program
// may call it by itself. It waits two minutes. What it read counts in this
// process until the item is another one; then the credential is KeychainSeen.
//
// The leave for one reading is enough, and no more is of use: whoever writes
// such an item takes from all others what a person had allowed them (Apple's
// Security, ItemImpl::updateSSGroup: new data is a new record with the writer's
// own key; reported for security(1) and for programs that write by themselves:
// steipete/CodexBar#367, Lcharvol/Claude-God#49, earendil-works/pi#9562, and for
// two builds of one client github/copilot-cli#4273). So what macOS calls "always"
// ends with the client's next refresh; and if we wrote the item, the client's own
// next reading would wait for a password, which is why we never do.
//
// The error is a *Problem.
func (h Host) Ask(ctx context.Context, c Credential) error {
	service := strings.TrimPrefix(c.Key.Store, ringPath(""))
	err := errors.New("nobody has to be asked for it")
	if h.Keychain != nil && c.WatchOnly == KeychainOwn {
		err = h.Keychain.ask(ctx, service, c.Key.Entry)
	}
	switch {
	case err == nil:
		return nil
	case gone(err):
		err = ErrGone
	}
	kind := ringKind(err)
	if kind == "" {
		kind = Failed
	}
	return &Problem{Store: c.Path, Client: c.Client, Entry: printable(c.Name), Kind: kind, Err: err}
}

// asking makes it one prompt at a time.
var asking sync.Mutex

func (k *Keychain) ask(ctx context.Context, service, account string) error {
	asking.Lock()
	defer asking.Unlock()
	item, err := k.Find(ctx, service, account)
	if err != nil {
		return err
	}
	if _, ok := k.answer(item); ok {
		return nil // to who asked before
	}
	patient := k.Keychain
	patient.Patience = answering
	text, err := patient.Read(ctx, service, account)
	if err != nil {
		return err
	}
	now, err := k.Find(ctx, service, account)
	switch {
	case err != nil:
		return err
	case !now.Modified.Equal(item.Modified):
		return keychain.ErrChanged
	case len(text) > maxSize:
		return keyring.ErrFull
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.asked == nil {
		k.asked = map[[2]string]asked{}
	}
	k.asked[[2]string{service, account}] = asked{item.Modified, NewSecret(string(text))}
	k.glimpses = nil
	return nil
}

// answer is what a person let us read of an item, if it still is that one.
func (k *Keychain) answer(item keychain.Item) (text Secret, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was, ok := k.asked[[2]string{item.Service, item.Account}]
	return was.text, ok && was.modified.Equal(item.Modified)
}

// A told is an item of which a person let us read everything.
type told struct {
	outside
	text Secret
}

// Read returns what was read then.
func (t told) Read(context.Context, string, string) ([]byte, error) {
	return []byte(t.text.Reveal()), nil
}
