package refresher

import (
	"slices"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/ledger"
)

func unfinished(in Input) (Decision, bool) {
	switch {
	case in.Busy:
		return Decision{State: Refreshing, Why: InFlight}, true
	case in.Pending == nil:
		return Decision{}, false
	}
	if in.M.For != in.Pending.For {
		in.M.Until = time.Time{} // the wait was for another refresh token
	}
	switch {
	case in.Pending.Answer != nil:
		// The answer lands whatever the mode: it is the only copy.
		return in.tryAgain(Decision{State: Unsaved, Why: Waiting}), true
	case in.forbidden():
		return Decision{}, false
	}
	d := in.tryAgain(Decision{State: Retrying, Why: Unfinished})
	if age := in.Now.Sub(in.Pending.Sent.At); 0 <= age && age < underWay {
		d.State, d.Why = Refreshing, InFlight // in another process; if that died, the lock is free
	}
	return d, true
}

// until is the end of the wait that the last attempt left. There is none where
// the clock was set back to before that attempt: its end may be far ahead.
func (in Input) until() time.Time {
	if in.back(in.M.Tried) {
		return time.Time{}
	}
	return in.M.Until
}

// tryAgain makes d due when the wait is over.
func (in Input) tryAgain(d Decision) Decision {
	d.At = in.until()
	d.Due = !in.Now.Before(d.At)
	return d
}

// tryBeside is tryAgain for a refresh that nothing hurries: not beside a
// program that would be harmed, and not before a copy's owner is named.
func (in Input) tryBeside(d Decision) Decision {
	d = in.tryAgain(d)
	if _, copied := forked(in); d.Due && (copied || in.harmed() != nil) {
		d.Due, d.At, d.By = false, time.Time{}, in.harmed()
	}
	return d
}

// forbidden reports that nothing may be sent or written on our own account.
func (in Input) forbidden() bool {
	return in.C.WatchOnly != "" || in.Mode.Paused || in.mode() == "watch-only" || in.Now.Before(in.Policy.PausedUntil)
}

// mode is the user's word for this credential, else the one for all.
func (in Input) mode() string {
	if in.Mode.Mode != "" {
		return in.Mode.Mode
	}
	return in.Policy.Mode
}

// reverted: the store holds what was rotated away, or its client emptied it,
// and we hold a token in its place.
func reverted(in Input) (Decision, bool) {
	back := in.Marked && in.Mark.Spent && in.Elsewhere == ""
	if !in.Good || !back && !in.C.Blanked && !in.wiped() || in.forbidden() {
		return Decision{}, false
	}
	if last := recent(in.M.Reverts, in.Now); len(last) >= 2 {
		return Decision{State: WatchOnly, Why: Fights, At: last[0].Add(time.Hour)}, true
	}
	return Decision{State: Refreshing, Why: WentBack, Due: true}, true
}

// recent are the times of the last hour.
func recent(times []time.Time, now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(times), func(t time.Time) bool {
		return t.After(now) || !t.After(now.Add(-time.Hour))
	})
}

func watchOnly(in Input) (Decision, bool) {
	d := Decision{State: WatchOnly, At: later(in.C.Expiry, in.Now)}
	switch {
	case in.C.WatchOnly != "":
		d.Why = LiteralSays
	case in.Elsewhere != "" && in.Mark.Spent:
		d.Why, d.Other = OldCopy, in.Elsewhere
	case in.mode() == "watch-only" && !in.Mode.Paused:
		d.Why = UserSays
	default:
		return Decision{}, false
	}
	return d, true
}

// later is t if it is still to come: the moment at which a countdown ends.
func later(t, now time.Time) time.Time {
	if t.After(now) {
		return t
	}
	return time.Time{}
}

func paused(in Input) (Decision, bool) {
	switch {
	case in.Mode.Paused:
		return Decision{State: Paused, Why: UserSays, At: in.Mode.Until}, true
	case in.Now.Before(in.Policy.PausedUntil):
		return Decision{State: Paused, Why: AllPaused, At: in.Policy.PausedUntil}, true
	}
	return Decision{}, false
}

// spares are the kept tokens that may take the place of what the store holds,
// the better first: the successor of what was rotated away, and an answer of
// ours that came too late; where the client was refused and emptied its entry,
// only that.
func (in Input) spares(k ledger.Kept) (all []*ledger.KeptToken, lineage int) {
	switch {
	case in.Marked:
		return []*ledger.KeptToken{k.Good, k.Orphan}, in.Mark.Lineage
	case (in.C.Blanked || in.wiped()) && in.C.ClientID == in.M.Client:
		return []*ledger.KeptToken{k.Orphan}, in.M.Lineage
	}
	return nil, 0
}

// blanked: the shape that only a wipe leaves, or what comes to the same.
func blanked(in Input) (Decision, bool) {
	if !in.C.Blanked && !in.wiped() {
		return Decision{}, false
	}
	if in.Wiped {
		return Decision{State: SignInNeeded, Why: WasWiped}, true
	}
	return Decision{State: SignInNeeded, Why: WasBlanked}, true
}

// wiped: a refresh token that was there before is gone while the access token
// stayed (Codex 0.165 and later). With another access token it is a new login
// that brought none.
func (in Input) wiped() bool {
	return in.Refresh == "" && in.M.Refresh != "" && in.Access == in.M.Access && !in.C.Own
}

func noRefreshToken(in Input) (Decision, bool) {
	switch {
	case in.C.ByClient():
		if in.C.ClientSecret.IsZero() && !in.C.SecretLater && in.C.SecretTrouble == "" {
			return Decision{State: SignInNeeded, Why: NoSecret}, true
		}
		return Decision{}, false
	case !in.C.Refresh.IsZero():
		return Decision{}, false
	case in.C.Own && in.C.Access.IsZero():
		return Decision{State: SignInNeeded, Why: NotSignedIn}, true
	}
	return Decision{State: CannotRefresh, Why: NoRefreshToken, At: later(in.C.Expiry, in.Now)}, true
}

func dead(in Input) (Decision, bool) {
	switch {
	case in.Marked && in.Mark.Spent:
		return Decision{State: SignInNeeded, Why: WasSpent}, true
	case in.Marked:
		d := Decision{State: SignInNeeded, Why: WasRefused}
		if !in.back(in.M.Dead) {
			// Its client may have been between its answer and its write.
			if d.At = in.M.Dead.Add(again); !d.At.After(in.Now) {
				d.At = later(in.M.Dead.Add(confirmAfter), in.Now)
			}
		}
		return d, true
	case in.rests(ledger.User):
		return in.tryBeside(Decision{State: SignInNeeded, Why: PolicySays}), true
	}
	return Decision{}, false
}

// forked: the same refresh token in two stores. Whichever is refreshed first
// makes the other a thief in the server's eyes, so the user names the owner.
// Two owners are none.
func forked(in Input) (Decision, bool) {
	named := in.Mode.Mode == "keep"
	if in.Twin == "" || named && !in.TwinOwns {
		return Decision{}, false
	}
	d := Decision{State: WatchOnly, Why: Forked, Other: in.Twin, At: later(in.C.Expiry, in.Now)}
	if in.TwinOwns && !named {
		d.Why = OtherOwner
	}
	return d, true
}

func misconfigured(in Input) (Decision, bool) {
	if !in.rests(ledger.Misconfigured) {
		return Decision{}, false
	}
	return in.tryBeside(Decision{State: Misconfigured, Why: BadSetup}), true
}

// rests reports a wait that stands until the refresh token is another one, or
// what is sent with it: a client whose new secret is in its config is known
// again.
func (in Input) rests(w ledger.Wait) bool {
	return in.M.Wait == w && in.M.For == in.Refresh && in.M.Setup == in.Setup
}

// harmed is a running program that never looks at its store again: it would
// present the value that we spent, and the server would revoke the grant.
func (in Input) harmed() *credfiles.Process {
	i := slices.IndexFunc(in.C.Holders, func(p credfiles.Process) bool { return p.Rereads == credfiles.AtStart })
	if i < 0 {
		return nil
	}
	return &in.C.Holders[i]
}

func heldByClient(in Input) (Decision, bool) {
	if p := in.harmed(); p != nil {
		return Decision{State: Deferred, Why: Held, By: p, At: in.Now.Add(tick)}, true
	}
	if len(in.C.Holders) == 0 || !in.C.Expiry.After(in.Now) || in.Now.Before(in.dueAt()) {
		return Decision{}, false
	}
	if d, waits := waiting(in); waits && !d.Due {
		return Decision{}, false // that says more, and no word overrides it
	}
	d := Decision{Why: ClientDoes, By: &in.C.Holders[0], At: in.C.Expiry}
	switch {
	case in.M.Slowest > in.Patience:
		// It would lose its patience and refresh without the lock.
		d.State = Deferred
	case in.C.Expiry.Sub(in.Now) < in.Threshold+underWay && slices.ContainsFunc(in.C.Holders, func(p credfiles.Process) bool { return p.Lockless }):
		// It may begin while ours is under way. Before, it leaves the token
		// alone; afterwards it has had its time.
		d.State = Deferred
	case in.tight():
		// It refreshes so short a token before we would.
		d.State = Fresh
	default:
		return Decision{}, false
	}
	return d, true
}

var whyOfWait = map[ledger.Wait]Why{
	ledger.Unsent: TroubleUnsent, ledger.Asked: TroubleAsked,
	ledger.Ambiguous: TroubleUnclear, ledger.Unready: TroubleStore,
}

func waiting(in Input) (Decision, bool) {
	why, ok := whyOfWait[in.M.Wait]
	if !ok || in.M.For != in.Refresh {
		return Decision{}, false
	}
	d := in.tryAgain(Decision{State: Retrying, Why: why})
	// An unclear answer is asked for again however much is left: a server that
	// forgives the repeat does so for a short while only.
	return d, !d.Due || in.M.Wait == ledger.Ambiguous
}

// noToken: what was handed over has not brought an access token yet.
func noToken(in Input) (Decision, bool) {
	if !in.C.Own || !in.C.Access.IsZero() {
		return Decision{}, false
	}
	return Decision{State: Refreshing, Why: DueNow, Due: true}, true
}

// unknownLifetime: once a day, with no holder running.
func unknownLifetime(in Input) (Decision, bool) {
	if !in.C.Expiry.IsZero() {
		return Decision{}, false
	}
	since := in.since()
	if since.IsZero() {
		since = in.Now
	}
	d := Decision{State: Unknown, Why: NoEnd, At: since.Add(24 * time.Hour)}
	if in.Now.Before(d.At) && !in.back(since) {
		return d, true
	}
	if len(in.C.Holders) > 0 {
		d.By, d.At = &in.C.Holders[0], in.Now.Add(tick)
		return d, true
	}
	d.Due = true
	return d, true
}

func due(in Input) (Decision, bool) {
	at := in.dueAt()
	if in.Now.Before(at) {
		return Decision{}, false
	}
	d := Decision{State: Fresh, Why: DueNow, At: at, Due: true}
	if !in.C.Expiry.After(in.Now) {
		d.State = Refreshing
	}
	return d, true
}

func fresh(in Input) (Decision, bool) {
	d := Decision{State: Fresh, Why: NotDue, At: in.dueAt()}
	if !in.C.Expiry.After(in.Now) {
		d.State, d.Why = Refreshing, DueNow // it lives shorter than we let it rest
	}
	return d, true
}
