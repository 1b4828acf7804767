//go:build windows || darwin

package app

import (
	"context"
	"errors"
	"io/fs"
	"runtime"

	system "github.com/zalando/go-keyring"

	"lamplighter/credfiles"
	"lamplighter/credfiles/keyring"
	"lamplighter/refresher/ledger"
)

// vault is where the system keeps what is ours; none where its keyring is not
// to be used. The keychain of macOS is no such Keyring.
func vault(k credfiles.Keyring) ledger.Vault {
	if k == nil && runtime.GOOS != "darwin" {
		return nil
	}
	return ownItems{}
}

// ownItems are items of ours in the keychain, or in the Credential Manager.
// For those of others the library is of no use: it writes them in a form of its
// own (v0.2.8).
type ownItems struct{}

const ownService = "Lamplighter"

func (ownItems) Recall(ctx context.Context, name string) (secret []byte, err error) {
	// The library knows no bounds.
	return keyring.InTime(ctx, func() ([]byte, error) {
		text, err := system.Get(ownService, name)
		return []byte(text), missing(err)
	})
}

func (ownItems) Keep(ctx context.Context, name string, secret []byte) error {
	_, err := keyring.InTime(ctx, func() (struct{}, error) { return struct{}{}, missing(system.Set(ownService, name, string(secret))) })
	return err
}

// missing says fs.ErrNotExist in the library's place.
func missing(err error) error {
	if errors.Is(err, system.ErrNotFound) {
		return fs.ErrNotExist
	}
	return err
}
