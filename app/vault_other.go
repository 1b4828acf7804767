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
	return inTime(ctx, func() ([]byte, error) {
		text, err := system.Get(ownService, name)
		return []byte(text), err
	})
}

func (ownItems) Keep(ctx context.Context, name string, secret []byte) error {
	_, err := inTime(ctx, func() ([]byte, error) { return nil, system.Set(ownService, name, string(secret)) })
	return err
}

// inTime does not wait longer than ctx: the library knows no bounds.
func inTime(ctx context.Context, do func() ([]byte, error)) ([]byte, error) {
	type done struct {
		text []byte
		err  error
	}
	ended := make(chan done, 1)
	go func() {
		text, err := do()
		ended <- done{text, err}
	}()
	select {
	case <-ctx.Done():
		return nil, keyring.ErrSlow
	case d := <-ended:
		if errors.Is(d.err, system.ErrNotFound) {
			return nil, fs.ErrNotExist
		}
		return d.text, d.err
	}
}
