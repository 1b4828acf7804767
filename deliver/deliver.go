// Package deliver puts an access token where other programs read it: into a
// file, an item of the keyring, or a secret of HashiCorp Vault or OpenBao.
//
// It knows nothing of how the token was got, and what it is handed holds no
// refresh token. A reader finds the token of before or the new one, whole. What
// somebody else put at the place stays: then the error is [ErrForeign].
//
// A token that has ended is not taken away. Only a program that runs could do
// so, a reader cannot tell that one does, and a file that is missing breaks more
// than a server's refusal of what is in it. But none is put there with less than
// [Least] left.
package deliver

import (
	"context"
	"errors"
	"time"

	"lamplighter/credfiles"
)

// Least is the life that a token has to have left when it is delivered.
const Least = time.Second

// A Token is what is delivered.
type Token struct {
	ID     string // of its credential
	Access credfiles.Secret
	Expiry time.Time // zero: nobody knows
	Scope  string
}

// A Target is a place for one token.
type Target interface {
	// String is the place as a person knows it.
	String() string
	// Text is what Put puts there for a token.
	Text(t Token) (credfiles.Secret, error)
	// Put makes the place hold the token, unless it does already. ours tells
	// whether a text that is there was put by us.
	Put(ctx context.Context, t Token, ours func(credfiles.Secret) bool) error
	// Gone reports that nothing is there any more, as far as a look costs
	// nothing.
	Gone() bool
}

// Why nothing was put there, beside the errors of packages replace and keyring.
var (
	// ErrForeign says that somebody else's text is there.
	ErrForeign = errors.New("it holds something that was not put there by Lamplighter")
	// ErrNoFolder says that a file has no folder to be in.
	ErrNoFolder = errors.New("its folder is not there")
	// ErrEnding says that the token has less than Least left.
	ErrEnding = errors.New("the token is at its end")
)

// Lives reports that a token is worth its way.
func (t Token) Lives() bool {
	return !t.Access.IsZero() && (t.Expiry.IsZero() || time.Until(t.Expiry) >= Least)
}
