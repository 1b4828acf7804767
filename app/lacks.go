package app

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

// underWay is when another process sent the request whose answer it waits for;
// zero: none did.
func (x *parts) underWay(key credfiles.Key) time.Time {
	records, _ := x.ledger.Pending()
	i := slices.IndexFunc(records, func(r ledger.Record) bool { return r.Sent.Key == key && r.Answer == nil })
	if i < 0 {
		return time.Time{}
	}
	return records[i].Sent.At
}

// lacks says why a credential has not as much life as is needed, what to do
// about it, and what that means to a script.
func (v view) lacks(out refresher.Outcome, n need, sent, now time.Time) (text, do string, code int) {
	switch {
	case out.Did == refresher.Lost:
		return wordLost, v.signIn(out.Row), exitFailed
	case errors.Is(out.Err, errWaited) && !sent.IsZero():
		return fmt.Sprintf(wordWaitedFor, span(now.Sub(sent)), plainSpan(n.wait)), wordTryAgain, exitLater
	case errors.Is(out.Err, errWaited):
		return fmt.Sprintf(wordWaited, plainSpan(n.wait)), wordTryAgain, exitLater
	}
	text, do = v.cause(out, now)
	switch {
	case slices.Contains([]refresher.Did{refresher.Refreshed, refresher.Adopted, refresher.Restored}, out.Did),
		out.Err == nil && slices.Contains([]refresher.State{refresher.Fresh, refresher.Unknown}, out.State):
		if out.Expiry.IsZero() {
			return fmt.Sprintf(wordNoPromise, plainSpan(n.life)), wordLeaveOut, exitFailed
		}
		whole := cmp.Or(out.StatedLife(), out.Expiry.Sub(now))
		return fmt.Sprintf(wordLivesShort, plainSpan(n.life), span(whole)), fmt.Sprintf(wordLongest, plainSpan(refresher.LongestLife(whole))), exitFailed
	case out.State == refresher.SignInNeeded:
		code = exitSignIn
	case out.State == refresher.CannotRefresh:
		do, code = cmp.Or(do, v.signIn(out.Row), out.SignInSession), exitSignIn
	case slices.Contains([]refresher.State{refresher.Retrying, refresher.Deferred, refresher.Unsaved, refresher.Paused}, out.State), out.Why == refresher.InFlight:
		code = exitLater
	default:
		code = exitFailed
		if out.State != refresher.WatchOnly {
			break
		}
		if out.WatchOnly == credfiles.VendorLogin && !out.Refresh.IsZero() {
			do = cmp.Or(do, fmt.Sprintf(wordStartClient, credfiles.Title(out.Client)))
		} else if out.WatchOnly == "" && out.Why == refresher.UserSays {
			do = command(v.os, "", "lamplighter", "mode", out.ID, "keep")
		}
	}
	if !out.Expiry.IsZero() {
		text = until(out.Expiry, now) + "; " + text
	}
	switch {
	case do == "" && code == exitLater:
		do = wordTryAgain
	case do == "":
		do = command(v.os, "", "lamplighter", "status", out.ID)
	}
	return text, do, code
}

// plainSpan writes a duration as a flag takes it: 4m50s, 30m.
func plainSpan(d time.Duration) string {
	if d >= time.Second {
		d = d.Truncate(time.Second)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
