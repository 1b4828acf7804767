package app

const (
	forgetHelp = `Erases what Lamplighter remembers of a credential: its last good token, the memory
of attempts, endpoints and what you were told, what was opened of an encrypted
store, what was found out about its server, and the lines of the log that name it.
A credential that is gone is named as it was; --all means those too. The client's
store stays as it is, and so does what was delivered.

What is not finished is finished first: where the journal holds the newest token,
it is put into its store, and where that cannot be, nothing is forgotten. What is
kept of a token that stands nowhere else, as of one that "lamplighter restore"
could put back, is erased with --yes only. --all asks first; in a script say --yes.

What you said stays: settings, modes and pauses. So do the fingerprints of used-up
and refused refresh tokens, so that none is ever sent again: no token can be had
from them. While a credential is in its store, its name, its client ID, the
fingerprints of its tokens and a wait that its server asked for stay too; where a
[[deliver]] names a place, the fingerprint of what was put there. A keeper begins to
remember anew with the next token, and tells you once more of one that is dead.

Exit code: 0 forgotten, 1 failed, 2 wrong usage, 3 try later.`

	forgetExample = `  lamplighter forget linear --dry-run
  lamplighter forget --all --yes`

	askForget         = "This erases what is remembered of all credentials (%d), what stands nowhere else too. Go on? [y/N] "
	saidForgetYes     = `nobody can be asked here: in a script say "lamplighter forget --all --yes"`
	saidNotForgotten  = "Nothing was forgotten."
	saidNotRemembered = `nothing is remembered of %q; "lamplighter forget --all --dry-run" lists what is`
	saidForgotten     = "%s: forgotten\n"
	saidNotForgot     = "%s: not forgotten: %s"
	saidWouldForget   = "%s: would be forgotten: %s\n"
	saidNoTraces      = "%s: nothing is remembered\n"

	wordGone         = "gone"
	wordFirstJournal = "the journal's record, once it is put where it belongs"
	wordKeptGood     = "its last good token"
	wordKeptLate     = "an answer that came too late for its store"
	wordAttempts     = "attempts and endpoints"
	wordLogLines     = "%d lines of the log"
	wordLastCopy     = "what is kept of it is the last copy of a refresh token"
	wordUnfinished   = "the journal holds what may be the only copy of its newest token, and that cannot be put where it belongs now: %s"
	wordStoreAway    = "its store %s is not there, or cannot be locked"
	doStoreBack      = "put the store back, and say it again"
	doForgetAgain    = "mend that, and say it again"
	doForgetLast     = "erase it all the same: lamplighter forget %s --yes"
	doRestoreFirst   = "put it back first: %s; or %s"
)
