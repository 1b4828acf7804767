package app

import (
	"context"
	"errors"

	system "github.com/zalando/go-keyring"

	"lamplighter/credfiles"
	"lamplighter/credfiles/keyring"
	"lamplighter/credfiles/wincred"
	"lamplighter/deliver"
)

// systemKeyring is the Credential Manager.
func systemKeyring(func(string) string) credfiles.Keyring { return wincred.Manager{} }

// itemRing is where an access token is delivered as an item: SERVICE:ACCOUNT of
// the Credential Manager, in UTF-8.
func itemRing(func(string) string) deliver.Keyring { return deliveryRing{} }

type deliveryRing struct{}

func (deliveryRing) Read(ctx context.Context, service, account string) ([]byte, error) {
	return keyring.InTime(ctx, func() ([]byte, error) {
		text, err := system.Get(service, account)
		return []byte(text), missing(err)
	})
}

func (deliveryRing) Put(ctx context.Context, service, account string, text []byte) error {
	_, err := keyring.InTime(ctx, func() (struct{}, error) { return struct{}{}, system.Set(service, account, string(text)) })
	if errors.Is(err, system.ErrSetDataTooBig) {
		return keyring.ErrFull
	}
	return err
}

func (deliveryRing) Remove(ctx context.Context, service, account string) error {
	_, err := keyring.InTime(ctx, func() (struct{}, error) { return struct{}{}, missing(system.Delete(service, account)) })
	return err
}
