//go:build !windows && !darwin

package app

import (
	"context"

	"lamplighter/credfiles"
	"lamplighter/credfiles/secretservice"
	"lamplighter/deliver"
	"lamplighter/refresher/ledger"
	"lamplighter/sessionbus"
)

// vault is where it keeps what is ours.
func vault(k credfiles.Keyring) ledger.Vault {
	v, _ := k.(ledger.Vault)
	return v
}

// itemRing is where an access token is delivered as an item, each time on a
// connection of its own: hours lie in between.
func itemRing(getenv func(string) string) deliver.Keyring { return deliveryRing{getenv} }

type deliveryRing struct{ getenv func(string) string }

func (r deliveryRing) open() *secretservice.Service {
	return secretservice.New(func() (string, error) { return sessionbus.Address(r.getenv) })
}

func (r deliveryRing) Read(ctx context.Context, service, account string) ([]byte, error) {
	s := r.open()
	defer s.Close()
	return s.Read(ctx, service, account)
}

func (r deliveryRing) Put(ctx context.Context, service, account string, text []byte) error {
	s := r.open()
	defer s.Close()
	return s.Put(ctx, service, account, text)
}

func (r deliveryRing) Remove(ctx context.Context, service, account string) error {
	s := r.open()
	defer s.Close()
	return s.Remove(ctx, service, account)
}

// systemKeyring is the keyring of the session that we run in.
func systemKeyring(getenv func(string) string) credfiles.Keyring {
	return secretservice.New(func() (string, error) { return sessionbus.Address(getenv) })
}
