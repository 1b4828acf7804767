package app

import (
	"context"

	"lamplighter/credfiles"
	"lamplighter/credfiles/keychain"
	"lamplighter/deliver"
)

// systemKeyring is none: no client is known to keep there what we may refresh.
func systemKeyring(func(string) string) credfiles.Keyring { return nil }

// itemRing is where an access token is delivered as an item, as it is: go-keyring
// would write it in a form of its own (v0.2.8).
func itemRing(func(string) string) deliver.Keyring {
	return deliveryRing{keychain.Keychain{Program: keychain.Program}}
}

type deliveryRing struct{ keychain.Keychain }

func (r deliveryRing) Read(ctx context.Context, service, account string) ([]byte, error) {
	return r.Printed(ctx, service, account)
}
