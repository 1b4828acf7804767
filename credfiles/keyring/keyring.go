// Package keyring says what can be found in the keyring of a system, and what
// can be the matter with it, in the same words for the Secret Service, the
// macOS keychain and the Windows Credential Manager.
package keyring

import (
	"errors"
	"time"
)

// Patience bounds one call to a keyring.
const Patience = 5 * time.Second

// What can be the matter with a keyring. That an item is not there is
// fs.ErrNotExist, and only said where the keyring could be looked through: an
// item that cannot be seen is not one that is gone.
var (
	// ErrLocked says that the keyring, or the item, is locked.
	ErrLocked = errors.New("the keyring is locked")
	// ErrAbsent says that no keyring runs, or none can be reached.
	ErrAbsent = errors.New("there is no keyring")
	// ErrSlow says that the keyring did not answer within Patience, as where it
	// waits for a person.
	ErrSlow = errors.New("the keyring does not answer")
	// ErrDenied says that the keyring keeps an item from this program.
	ErrDenied = errors.New("the keyring does not let this program read the item")
	// ErrFull says that a secret is larger than the keyring takes.
	ErrFull = errors.New("the secret is too large for the keyring")
	// ErrVolatile says that the keyring keeps nothing past the session, or nothing
	// without asking a person.
	ErrVolatile = errors.New("the keyring keeps nothing past the session")
	// ErrDouble says that several items have the same names.
	ErrDouble = errors.New("the keyring has two such items")
)

// An Item is what a keyring tells of a secret without giving it away.
type Item struct {
	// Account is the user that the item names; empty where it is locked so that
	// not even this can be read.
	Account string
	Locked  bool
	// Stamp is another one when the secret is, as far as the system tells.
	Stamp string
}
