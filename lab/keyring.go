package lab

import "lamplighter/credfiles"

// Keyring says in which keyring the checks look, where it is not that of a
// session bus.
func (l *Lab) Keyring(k credfiles.Keyring) { l.keyring = k }
