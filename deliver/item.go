package deliver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"lamplighter/credfiles"
)

// A Keyring keeps texts under a service and an account. Its errors are those of
// package keyring, and fs.ErrNotExist for an item that is certainly not there.
type Keyring interface {
	Read(ctx context.Context, service, account string) ([]byte, error)
	// Put replaces the item's text, or makes the item.
	Put(ctx context.Context, service, account string, text []byte) error
	Remove(ctx context.Context, service, account string) error
}

// An Item is an item of the keyring that holds the token as it is. Nobody is
// asked to unlock anything.
type Item struct {
	Service, Account string
	Keyring          Keyring
}

func (i Item) String() string { return "keyring: " + i.Service + ", " + i.Account }

// Text is the token.
func (i Item) Text(t Token) (credfiles.Secret, error) { return t.Access, nil }

// Put makes or replaces the item.
func (i Item) Put(ctx context.Context, t Token, ours func(credfiles.Secret) bool) error {
	if !t.Lives() {
		return ErrEnding
	}
	there, err := i.read(ctx)
	switch {
	case err != nil:
		return err
	case there.Equal(t.Access):
		return nil
	case !there.IsZero() && !ours(there):
		return fmt.Errorf("%s: %w", i, ErrForeign)
	}
	return i.named(i.Keyring.Put(ctx, i.Service, i.Account, []byte(t.Access.Reveal())))
}

// Gone is false: a look may cost a prompt.
func (i Item) Gone() bool { return false }

// Erase removes the item if its text is ours. One that is gone is no error.
func (i Item) Erase(ctx context.Context, ours func(credfiles.Secret) bool) error {
	there, err := i.read(ctx)
	switch {
	case err != nil || there.IsZero():
		return err
	case !ours(there):
		return fmt.Errorf("%s: %w", i, ErrForeign)
	}
	return i.named(i.Keyring.Remove(ctx, i.Service, i.Account))
}

func (i Item) read(ctx context.Context) (credfiles.Secret, error) {
	text, err := i.Keyring.Read(ctx, i.Service, i.Account)
	if errors.Is(err, fs.ErrNotExist) {
		return credfiles.Secret{}, nil
	}
	return credfiles.NewSecret(string(text)), i.named(err)
}

func (i Item) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", i, err)
}
