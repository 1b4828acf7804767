package app

import (
	"fmt"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

// Words for people, all of them. A sentence ends with the next step, where
// there is one.
const (
	rootHelp = `Lamplighter keeps the OAuth tokens of AI clients alive: it finds where Codex
and Claude Code keep them, refreshes each one in place, ahead of expiry, under
the client's own lock, and speaks up only when a sign-in is needed.

Begin with "lamplighter status", then leave "lamplighter keep" running.`

	saidRepaired   = "%s was open to other users; it is closed now"
	saidNewerState = "the state in %s was written by a newer version; update lamplighter (nothing was changed)"

	wordNothingFound = "No credentials found. Sign in to a server in Codex or Claude Code first."
	wordNeedOne      = "One sign-in is needed."
	wordNeedMany     = "%d sign-ins are needed."
	wordTokenOne     = "The one token is fresh"
	wordTokenMany    = "All %d tokens are fresh"
	wordAllFresh     = "%s, next at %s."
	wordAllDue       = "%s, one is due for a refresh."
	wordSomeFresh    = "%d of %d tokens are fresh."
	wordReconnect    = "%s %d: %s"
	wordUnused       = "not used by its client any more"
	wordDo           = "->"
	wordProblems     = "Problems"

	refreshHelp = `With IDs: refreshes those now, however much is left. With --within: those that
have less than that left. With --all: every one that may be refreshed. Alone:
those that are due.

Exit code: 0 done, 1 failed, 3 try later, 4 sign-in needed.`
	keepHelp = `Watches the clients' stores and refreshes each credential in place, ahead of
expiry, until it is stopped. Ctrl-C ends it; a refresh under way is finished
first. For servers, containers and service managers; no display is needed.`
	modeHelp = `keep: refresh it ahead of expiry. watch-only: only say how it is. paused: rest,
for good or for as long as --for says. Where two stores hold the same refresh
token, keep names the one that owns it.`

	demoHelp = `Makes a sample home with stores of Codex and Claude Code whose access tokens
live 30 seconds, starts authorization servers on this computer, and keeps
everything fresh: one server fails for a while, one grant is revoked. Nothing
of yours is touched.`

	saidDemo      = "A sample home in %s. Tokens live 30 seconds. One server fails from second 12 to 40, one grant is revoked at 20. Ctrl-C ends it.\n"
	saidDemoEnd   = "\n%d refreshes by %d requests to the token endpoints.\n"
	saidDemoClean = "No refresh token was sent twice after an answer, none was lost.\n"

	saidNoSuchID      = "no credential is called %q; \"lamplighter status\" lists them"
	saidAmbiguousID   = "%q could be any of these; say more of it:%s"
	saidAllAndIDs     = "--all and IDs exclude each other; give one of them"
	saidAllOrIDs      = "name the credentials, or --all"
	saidNoMode        = "%q is no mode; the last word has to be keep, watch-only or paused"
	saidForOnlyPaused = "--for goes with paused only"
	saidNegative      = "%s has to be positive, such as 15m"
	saidNothingDue    = "Nothing is due. \"lamplighter status\" says what happens when."
	saidWould         = "%s: would be refreshed (%s)\n"
	saidRefreshed     = "%s: refreshed, %s\n"
	saidAdopted       = "%s: already refreshed by its client, %s\n"
	saidRestored      = "%s: the newer token was put back\n"
	saidLost          = "%s: signed out or replaced meanwhile; nothing was written\n"
	saidNoToken       = "%s: there is no token that works: %s"
	saidStillWatched  = "%s: stays watch-only: %s\n"
	saidPausedUntil   = "%s: paused until %s\n"
	saidMode          = "%s: %s\n"
	saidOldConfig     = "the settings of before stay in force: %v"
	saidNeeds         = "%s needs you: %s -> %s"
)

// sentence says why a credential is in its state, and what to do about it.
func sentence(row refresher.Row, now time.Time, signIn string) (reason, do string) {
	in := func(t time.Time) string {
		if t.IsZero() {
			return "soon"
		}
		if !t.After(now) {
			return "now"
		}
		return "in " + span(t.Sub(now))
	}
	name := title(row.Client)
	by := ""
	if row.By != nil {
		by = fmt.Sprintf("%s %d", title(row.By.Name), row.By.PID)
	}
	switch row.Why {
	case refresher.NotDue:
		return "refreshed " + in(row.At), ""
	case refresher.DueNow:
		if row.State == refresher.Fresh {
			return "due for a refresh now", "lamplighter keep, or lamplighter refresh"
		}
		return "expired and not refreshed yet", "lamplighter keep, or lamplighter refresh"
	case refresher.InFlight:
		return "a refresh is under way", ""
	case refresher.Unfinished:
		return "a refresh was interrupted; it is repeated " + in(row.At), ""
	case refresher.Waiting:
		return "a new token is safe in the journal and waits for the store to be writable; tried again " + in(row.At) + detail(row), "make " + row.Path + " writable"
	case refresher.WentBack:
		return "the store went back to a used token; its successor is put back", "lamplighter keep, or lamplighter refresh"
	case refresher.Fights:
		return "another program keeps putting a used token back; left alone for an hour", "find the program that restores " + row.Path
	case refresher.LiteralSays:
		return watchReason(row), ""
	case refresher.UserSays:
		if row.State == refresher.Paused {
			if row.At.IsZero() {
				return "paused by you", "lamplighter mode " + quote(row.ID) + " keep"
			}
			return "paused by you until " + clock(row.At, now), ""
		}
		return "watched only, as you said", ""
	case refresher.AllPaused:
		return "everything is paused until " + clock(row.At, now), ""
	case refresher.WasBlanked:
		return name + " erased the token after the server refused it", signIn
	case refresher.NoRefreshToken:
		if row.Expiry.IsZero() {
			return "the server gave no refresh token, and nobody says when this one ends", ""
		}
		if !row.Expiry.After(now) {
			return "the server gave no refresh token, and this one has ended", signIn
		}
		return "the server gave no refresh token; ends " + in(row.Expiry), ""
	case refresher.WasRefused:
		return "the server refused the refresh token" + code(row), signIn
	case refresher.WasSpent:
		return "the store holds a refresh token that was used already", signIn
	case refresher.PolicySays:
		return "the server wants you to sign in" + code(row), signIn
	case refresher.Forked:
		return "the same refresh token is in " + row.Other + "; neither is refreshed", "lamplighter mode ID keep, for the one that is used"
	case refresher.OldCopy:
		return "an old copy of " + row.Other, ""
	case refresher.OtherOwner:
		return "a copy of " + row.Other + ", which is the one that is kept", ""
	case refresher.BadSetup:
		return "the server does not accept the request" + code(row) + detail(row) + "; looked at again " + in(row.At), "check the server's address and client in " + name
	case refresher.Held:
		return by + " would not notice a new token; refreshed when it ends", "restart " + by + ", or lamplighter refresh --anyway " + quote(row.ID)
	case refresher.ClientDoes:
		return by + " refreshes this one itself while it runs", ""
	case refresher.TroubleUnsent:
		return "the server could not be reached; tried again " + in(row.At) + detail(row), ""
	case refresher.TroubleAsked:
		return "the server asked to wait; tried again " + in(row.At), ""
	case refresher.TroubleUnclear:
		return "the server's answer did not come through whole; tried again " + in(row.At) + detail(row), ""
	case refresher.TroubleStore:
		return "the store cannot be written, so nothing is sent; tried again " + in(row.At) + detail(row), "make " + row.Path + " writable"
	case refresher.NoEnd:
		if by != "" {
			return "nobody says when it ends; refreshed once " + by + " has ended", ""
		}
		return "nobody says when it ends; refreshed once a day, next " + in(row.At), ""
	}
	return string(row.Why), ""
}

func code(row refresher.Row) string {
	if row.Memory.Code == "" {
		return ""
	}
	return " (" + row.Memory.Code + ")"
}

func detail(row refresher.Row) string {
	if row.Memory.Detail == "" {
		return ""
	}
	return ": " + row.Memory.Detail
}

func watchReason(row refresher.Row) string {
	switch row.WatchOnly {
	case credfiles.VendorLogin:
		return "your " + title(row.Client) + " login; " + title(row.Client) + " renews it itself"
	case credfiles.ForeignOwner:
		return "another user's store"
	case credfiles.ForeignSystem:
		return "a store of another system, whose locks do not reach here"
	case credfiles.OddFormat:
		return "written in a way that we do not know, so it is left alone"
	case credfiles.ClientConfig:
		return title(row.Client) + "'s own configuration cannot be read"
	case credfiles.LedgerUnread:
		return "our own memory cannot be read, so what was used is not known"
	}
	return string(row.WatchOnly)
}

// problemText is the sentence for a Problem.
func problemText(p credfiles.Problem, home string) string {
	store := shortPath(home, p.Store)
	client := title(p.Client)
	at := ""
	if p.Line > 0 {
		at = fmt.Sprintf(" (line %d)", p.Line)
	}
	switch p.Kind {
	case credfiles.Empty:
		return store + " is empty. Nothing was written to it. Sign in again in " + client + ", or put a backup in its place."
	case credfiles.Torn:
		return store + " ends in the middle" + at + ". Nothing was written to it. Mend it, or sign in again in " + client + "."
	case credfiles.NotJSON:
		return store + " is not JSON" + at + ". Nothing was written to it. Mend it, or sign in again in " + client + "."
	case credfiles.NotUTF8:
		return store + " is not plain UTF-8" + at + ". Nothing was written to it. Save it as UTF-8 without a byte order mark."
	case credfiles.TooDeep:
		return store + " is nested too deeply" + at + " to be a store of " + client + ". Nothing was written to it."
	case credfiles.TooLarge:
		return store + " is too large to be a store of " + client + ". Nothing was written to it. See what filled it."
	case credfiles.OddShape:
		if p.Entry != "" {
			return store + ": " + p.Entry + " has another shape than " + client + " writes. It is left alone. Sign in again in " + client + "."
		}
		return store + " has another shape than " + client + " writes. It is left alone."
	case credfiles.NotRegular:
		return store + " is not a file. Move it away, then sign in again in " + client + "."
	case credfiles.Dangling:
		return store + " is a link to nothing. Put its target back, or remove the link."
	case credfiles.Denied:
		return store + " cannot be read or written. Give yourself the permission (chmod u+rw)."
	case credfiles.Mount:
		return store + " is mounted as a single file, so it cannot be replaced safely. Mount its folder instead."
	case credfiles.ReadOnly:
		return store + " is on a read-only file system. Mount it writable."
	case credfiles.Folder:
		return "nothing can be created beside " + store + because(p) + ". Give yourself write permission on its folder."
	case credfiles.Owner:
		return store + " belongs to somebody to whom a new file cannot be given. Change its owner, or run as that user."
	case credfiles.Space:
		return "there is no room for a new " + store + ". Free some space."
	case credfiles.BadConfig:
		return store + " cannot be read" + at + ", so client secrets may be missing; nothing of " + client + " is refreshed. Mend it."
	case credfiles.Cache:
		return store + " could not be changed" + because(p) + ", so " + client + " may skip a server for 15 minutes. Remove the file."
	}
	return store + because(p)
}

func because(p credfiles.Problem) string {
	if p.Err == nil {
		return ""
	}
	return ": " + p.Err.Error()
}

// eventWords say an event in plain words; eventLoud are those that a keeper
// says without being asked.
var eventWords = map[string]string{
	"sent":                       "asked the server",
	"refreshed":                  "refreshed",
	"adopted":                    "had been refreshed by its client",
	"restored":                   "put the newer token back",
	"dead":                       "refused by the server",
	"gone":                       "signed out or replaced meanwhile; nothing was written",
	"unfinished":                 "an interrupted refresh is repeated",
	"failed":                     "failed",
	"journal":                    "the answer could not be journaled",
	"ledger":                     "could not be remembered",
	"mark":                       "the client's own mark could not be cleared",
	"processes":                  "running programs could not be listed",
	string(ledger.Unsent):        "the server could not be reached",
	string(ledger.Asked):         "the server asks to wait",
	string(ledger.Ambiguous):     "no clear answer",
	string(ledger.Misconfigured): "the request is not accepted",
	string(ledger.Unready):       "the store cannot be written, nothing was sent",
	string(ledger.Unsaved):       "refreshed, and the store refuses; the token waits in the journal",
	string(ledger.User):          "the server wants a sign-in",
}

var eventLoud = map[string]bool{
	"refreshed": true, "adopted": true, "restored": true, "dead": true, "gone": true, "failed": true,
	"journal": true, "ledger": true, "mark": true,
	string(ledger.Unsent): true, string(ledger.Asked): true, string(ledger.Ambiguous): true, string(ledger.Misconfigured): true,
	string(ledger.Unready): true, string(ledger.Unsaved): true, string(ledger.User): true,
}
