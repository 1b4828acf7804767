//go:build !windows && !darwin

package app

import (
	"lamplighter/credfiles"
	"lamplighter/credfiles/secretservice"
	"lamplighter/refresher/ledger"
	"lamplighter/sessionbus"
)

// vault is where it keeps what is ours.
func vault(k credfiles.Keyring) ledger.Vault {
	v, _ := k.(ledger.Vault)
	return v
}

// systemKeyring is the keyring of the session that we run in.
func systemKeyring(getenv func(string) string) credfiles.Keyring {
	return secretservice.New(func() (string, error) { return sessionbus.Address(getenv) })
}
