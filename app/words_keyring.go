package app

import (
	"cmp"
	"strings"

	"lamplighter/credfiles"
)

// ringTrouble says what is the matter with a keyring, and what to do about it;
// nothing where the Problem is another.
func ringTrouble(p credfiles.Problem, store, client string) (what, do string) {
	of, unlock := "", "unlock it; nothing else has to be done"
	if strings.HasPrefix(store, "keychain: ") {
		unlock = "unlock it, over SSH with \"security unlock-keychain\"; nothing else has to be done"
	}
	if p.Entry != "" {
		of = p.Entry + ": "
	}
	switch p.Kind {
	case credfiles.Sealed:
		why := ""
		if p.Err != nil {
			why = ": " + p.Err.Error()
		}
		return store + " is encrypted and cannot be opened" + why, "sign in again in " + client + ", which writes it anew"
	case credfiles.Locked:
		return of + "the keyring is locked, so " + client + "'s tokens in it cannot be read", unlock
	case credfiles.NoKeyring:
		return of + "no keyring can be reached, so " + client + "'s tokens in it cannot be read", "start the one of your desktop, or run this in its session"
	case credfiles.Slow:
		return of + "the keyring does not answer, so " + client + "'s tokens in it cannot be read", "look whether it waits for you; else start it again"
	case credfiles.NotAllowed:
		return of + "the keyring does not let us read what " + client + " keeps in it", "allow it in the keyring's own program"
	case credfiles.Full:
		return of + "the keyring takes no longer token than the one that is there, and a new one may be longer", "sign in again in " + client + " when this one ends"
	case credfiles.Double:
		return "the keyring has two items for " + cmp.Or(p.Entry, "it") + ", and " + client + " uses neither", "remove one of them in the keyring's own program"
	case credfiles.PlainState:
		return "the keyring keeps nothing for us, so what is remembered of its tokens is in " + store + ", in files that only you may read", "make a keyring that outlives the session"
	case credfiles.StaleCopy:
		return store + ": " + p.Entry + " is an old copy, which " + client + " does not use: it has another in the keyring", "nothing has to be done; a sign-in in " + client + " removes it"
	}
	return "", ""
}
