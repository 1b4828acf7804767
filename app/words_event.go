package app

import (
	"strings"
	"time"

	"lamplighter/refresher/ledger"
)

// eventWords say in plain words what was done.
var eventWords = map[string]string{
	"sent":                       "asked the server",
	"refreshed":                  "refreshed",
	"adopted":                    "refreshed by another program",
	"restored":                   "a token was put back into the store",
	"dead":                       "the server refused the refresh token",
	"gone":                       "signed out or replaced meanwhile; nothing was written",
	"code":                       "exchanging the code of a sign-in",
	"signed-in":                  "signed in again",
	"entrusted":                  "was given a secret or a refresh token",
	"no-sign-in":                 "the server gave no token for the sign-in",
	"unfinished":                 "an interrupted refresh is repeated",
	"failed":                     "failed",
	"journal":                    "the answer could not be written to the journal",
	"ledger":                     "could not be remembered",
	"mark":                       "the client's own note that it needs a sign-in could not be removed",
	"delivered":                  "delivered",
	"undelivered":                "could not be delivered",
	"hook":                       wordHooked,
	"hook-failed":                wordHookFailed,
	"processes":                  "the running programs could not be listed",
	string(ledger.Unsent):        "not sent",
	string(ledger.Asked):         "the server asked to wait",
	string(ledger.Ambiguous):     "no clear answer",
	string(ledger.Misconfigured): "the request is not accepted",
	string(ledger.Unready):       "not sent, because its answer could not be stored",
	string(ledger.Unsaved):       "refreshed, but the store does not take the new token, which is safe in the journal",
	string(ledger.User):          "the server wants a sign-in",
}

// eventLoud are the events that a keeper says without being asked; troubles it
// says by what they come to.
var eventLoud = map[string]bool{
	"signed-in": true, "refreshed": true, "adopted": true, "restored": true, "gone": true,
	"failed": true, "journal": true, "ledger": true, "mark": true,
}

// event is one line for people; all adds fingerprints.
func (v view) event(e ledger.Event, all bool) string {
	var b strings.Builder
	if e.ID != "" {
		b.WriteString(e.ID + ": ")
	}
	word, ok := eventWords[e.What]
	if !ok {
		word = e.What
	}
	if e.What == "sent" && e.Host != "" {
		word = "asked " + e.Host
	}
	b.WriteString(word)
	code := e.Code
	switch ledger.Wait(e.What) {
	case ledger.Unsent, ledger.Ambiguous:
		b.WriteString(": " + plainTrouble(e.Code, e.Why))
		code = ""
	default:
		if e.Why != "" {
			b.WriteString(": " + v.tilde(plainError(e.Why)))
		}
	}
	if code != "" {
		b.WriteString(" (" + code + ")")
	}
	if e.Detail != "" {
		b.WriteString(": " + strings.TrimRight(e.Detail, "."))
	}
	if !e.Expiry.IsZero() {
		at := e.At
		if at.IsZero() { // it happens now
			at = time.Now()
		}
		b.WriteString(", good until " + clock(e.Expiry, at))
	}
	switch {
	case !all:
	case e.Old != "" && e.New != "" && e.Old != e.New:
		b.WriteString(", refresh token " + e.Old + " -> " + e.New)
	case e.Old+e.New != "":
		b.WriteString(", refresh token " + max(e.Old, e.New))
	}
	return b.String()
}
