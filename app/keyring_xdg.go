//go:build !windows && !darwin

package app

import (
	"lamplighter/credfiles"
	"lamplighter/credfiles/secretservice"
	"lamplighter/sessionbus"
)

// systemKeyring is the keyring of the session that we run in.
func systemKeyring(getenv func(string) string) credfiles.Keyring {
	return secretservice.New(func() (string, error) { return sessionbus.Address(getenv) })
}
