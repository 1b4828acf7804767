package app

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"lamplighter/credfiles"
	"lamplighter/credfiles/keyring"
	"lamplighter/deliver"
	"lamplighter/refresher/ledger"
)

const (
	wordUndelivered = "the token of %s is not delivered: %s"

	saidErased    = "its access token is erased from %s"
	saidNotErased = "its access token was delivered to %s, and could not be erased there: %s"
	saidStays     = "its access token was delivered to %s, where it stays until it ends"
)

// place is a place of deliveries as a person knows it.
func (v view) place(p ledger.Place) string {
	switch {
	case p.File != "":
		return shortPath(v.home, p.File)
	case p.Vault != "":
		return p.Vault
	}
	return deliver.Item{Service: p.Service, Account: p.Account}.String()
}

// undelivered is the kind of a Problem about a place to which an access token
// could not be delivered.
const undelivered credfiles.ProblemKind = "undelivered"

// deliverDo is what to do about what keeps a token from its place, by how the
// error ends: the ledger has no more.
var deliverDo = []struct {
	err error
	do  string
}{
	{deliver.ErrForeign, "move that away, or name another place in config.toml"},
	{deliver.ErrNoFolder, "make it, or name another place in config.toml"},
	{keyring.ErrLocked, "unlock it"},
	{keyring.ErrAbsent, "start one, or deliver to a file"},
	{keyring.ErrSlow, "see whether it asks you something"},
	{keyring.ErrVolatile, "make a collection in it that lasts"},
	{keyring.ErrFull, "deliver to a file"},
}

// undelivered says why a token is not where it should be, and what to do.
func (v view) undelivered(id string, err error) (what, do string) {
	why := plainError(v.tilde(err.Error()))
	for _, d := range deliverDo {
		if errors.Is(err, d.err) || strings.Contains(why, d.err.Error()) {
			do = d.do
			break
		}
	}
	return fmt.Sprintf(wordUndelivered, id, why), cmp.Or(do, advice(why))
}
