package doctor

import (
	"context"
	"io/fs"

	"lamplighter/credfiles/keyring"
)

// A ringOf is a keyring in memory, with the items of one service.
type ringOf struct {
	service  string
	items    map[string]string // secrets by account
	locked   bool
	fails    error // of any look at it
	volatile bool
	limit    int
	kept     map[string][]byte // what this program has there
}

func (r *ringOf) Recall(_ context.Context, name string) ([]byte, error) {
	switch text, ok := r.kept[name]; {
	case r.locked:
		return nil, keyring.ErrLocked
	case !ok:
		return nil, fs.ErrNotExist
	default:
		return text, nil
	}
}

func (r *ringOf) Keep(_ context.Context, name string, secret []byte) error {
	r.kept[name] = secret
	return nil
}

func (r *ringOf) List(_ context.Context, service string) (all []keyring.Item, err error) {
	if service != r.service || r.fails != nil {
		return nil, r.fails
	}
	for account := range r.items {
		all = append(all, keyring.Item{Account: account, Locked: r.locked})
	}
	return all, nil
}

func (r *ringOf) Read(_ context.Context, service, account string) ([]byte, error) {
	switch text, ok := r.items[account]; {
	case service != r.service || !ok:
		return nil, fs.ErrNotExist
	case r.locked:
		return nil, keyring.ErrLocked
	default:
		return []byte(text), nil
	}
}

func (r *ringOf) Write(_ context.Context, service, account string, secret []byte) error {
	if _, ok := r.items[account]; !ok || service != r.service {
		return fs.ErrNotExist
	}
	r.items[account] = string(secret)
	return nil
}

func (r *ringOf) Limit(string, string) int { return r.limit }

func (r *ringOf) Lasts(context.Context) error {
	if r.volatile {
		return keyring.ErrVolatile
	}
	return nil
}
