package app

import (
	"lamplighter/credfiles"
	"lamplighter/credfiles/wincred"
)

// systemKeyring is the Credential Manager.
func systemKeyring(func(string) string) credfiles.Keyring { return wincred.Manager{} }
