package refresher

import (
	"slices"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/ledger"
)

// A State is how a credential is. The words are the same in the window, in
// status and in JSON.
type State string

// The states.
const (
	Fresh         State = "fresh"
	Refreshing    State = "refreshing"
	Retrying      State = "retrying"       // temporary trouble
	Deferred      State = "deferred"       // a holder that would be harmed is running
	Unsaved       State = "unsaved"        // rotated, and the client's store refuses
	Misconfigured State = "misconfigured"  // the request or the server's metadata is wrong
	SignInNeeded  State = "sign-in-needed" // only the user can help
	CannotRefresh State = "cannot-refresh" // never had a refresh token
	WatchOnly     State = "watch-only"
	Paused        State = "paused"
	Unknown       State = "unknown" // nobody says when it ends
)

// A Why says which rule spoke and about what; app words it.
type Why string

// Why a credential is in its state.
const (
	NotDue         Why = "not-due"
	DueNow         Why = "due"
	InFlight       Why = "in-flight"
	Unfinished     Why = "unfinished" // sent, and the answer is not known
	Waiting        Why = "waiting"    // the answer waits in the journal for its store
	WentBack       Why = "went-back"  // the store holds a value that was rotated away
	Fights         Why = "fights"     // it keeps going back
	LiteralSays    Why = "literal"    // the credential's own WatchOnly
	UserSays       Why = "user"       // mode
	AllPaused      Why = "all-paused"
	WasBlanked     Why = "blanked"
	NoRefreshToken Why = "no-refresh-token"
	WasRefused     Why = "refused"
	WasSpent       Why = "spent" // the store holds a used value and its successor is not known
	Forked         Why = "forked"
	OldCopy        Why = "old-copy"
	OtherOwner     Why = "other-owner" // a copy of this value is the one to keep
	BadSetup       Why = "bad-setup"
	Held           Why = "held"      // by a program that never looks again
	ClientDoes     Why = "client"    // lives too short or is answered too slowly to refresh it beside a running client
	TroubleUnsent  Why = "unsent"    // the server was not reached
	TroubleAsked   Why = "asked"     // the server named a time
	TroubleUnclear Why = "ambiguous" // no clear answer
	TroubleStore   Why = "unready"   // the store cannot be written
	PolicySays     Why = "policy"    // the server wants the user
	NoEnd          Why = "no-end"    // no expiry known: refreshed daily
)

// A Decision is what the rules make of one credential at one time.
type Decision struct {
	State State
	Why   Why
	At    time.Time          // when to look or to act next; zero: only on a change
	Due   bool               // act now
	By    *credfiles.Process // the holder that is in the way
	Other string             // the ID of another credential that it is about
}

// An Input is all that a rule may look at.
type Input struct {
	Now       time.Time
	C         credfiles.Credential
	Refresh   string // fingerprints of the stored tokens
	Access    string
	Threshold time.Duration // of the client
	Patience  time.Duration // of the client
	M         ledger.Memory
	Mode      ledger.Mode
	Good      bool // the kept token is the unspent successor of what the store holds
	Mark      ledger.Mark
	Marked    bool
	Elsewhere string // the ID of the credential that the mark is about, where it is another
	Twin      string // the ID of another credential with the same refresh token
	TwinOwns  bool   // the user named that one to be kept
	Pending   *ledger.Record
	Setup     string // hash of the grant as store, config and settings give it
	Busy      bool   // a refresh of ours is under way
	Policy    Policy
}

type rule func(Input) (Decision, bool)

// rules is the policy, first match decides. Each is a pure function.
var rules = []rule{
	unfinished, reverted, watchOnly, paused, blanked, noRefreshToken, dead, forked,
	misconfigured, heldByClient, waiting, unknownLifetime, due, fresh,
}

// Decide applies the rules.
func Decide(in Input) Decision {
	for _, r := range rules {
		if d, ok := r(in); ok {
			return d
		}
	}
	panic("the last rule always decides")
}

func unfinished(in Input) (Decision, bool) {
	switch {
	case in.Busy:
		return Decision{State: Refreshing, Why: InFlight}, true
	case in.Pending == nil:
		return Decision{}, false
	case in.Pending.Answer != nil:
		// The answer lands whatever the mode: it is the only copy.
		return Decision{State: Unsaved, Why: Waiting, At: in.M.Until, Due: !in.Now.Before(in.M.Until)}, true
	case in.forbidden():
		return Decision{}, false
	}
	return Decision{State: Retrying, Why: Unfinished, At: in.M.Until, Due: !in.Now.Before(in.M.Until)}, true
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

func reverted(in Input) (Decision, bool) {
	if !in.Marked || !in.Mark.Spent || !in.Good || in.Elsewhere != "" || in.forbidden() {
		return Decision{}, false
	}
	if len(recent(in.M.Reverts, in.Now.Add(-time.Hour))) >= 2 {
		return Decision{State: WatchOnly, Why: Fights, At: in.M.Reverts[0].Add(time.Hour)}, true
	}
	return Decision{State: Refreshing, Why: WentBack, Due: true}, true
}

func recent(times []time.Time, since time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(times), func(t time.Time) bool { return t.Before(since) })
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

// blanked: the shape that only a wipe leaves, or a refresh token that was
// there before and is gone while the access token stayed (Codex 0.165 and
// later). With another access token it is a new login that brought none.
func blanked(in Input) (Decision, bool) {
	gone := in.C.Refresh.IsZero() && in.M.Refresh != "" && in.Access == in.M.Access
	if !in.C.Blanked && !gone {
		return Decision{}, false
	}
	return Decision{State: SignInNeeded, Why: WasBlanked}, true
}

func noRefreshToken(in Input) (Decision, bool) {
	if !in.C.Refresh.IsZero() {
		return Decision{}, false
	}
	return Decision{State: CannotRefresh, Why: NoRefreshToken, At: later(in.C.Expiry, in.Now)}, true
}

func dead(in Input) (Decision, bool) {
	switch {
	case in.Marked && in.Mark.Spent:
		return Decision{State: SignInNeeded, Why: WasSpent}, true
	case in.Marked:
		return Decision{State: SignInNeeded, Why: WasRefused, At: later(in.M.Dead.Add(confirmAfter), in.Now)}, true
	case in.M.Wait == ledger.User && in.M.For == in.Refresh:
		return Decision{State: SignInNeeded, Why: PolicySays, At: in.M.Until, Due: !in.Now.Before(in.M.Until)}, true
	}
	return Decision{}, false
}

// forked: the same refresh token in two stores. Whichever is refreshed first
// makes the other a thief in the server's eyes, so the user names the owner.
func forked(in Input) (Decision, bool) {
	if in.Twin == "" {
		return Decision{}, false
	}
	if in.TwinOwns {
		return Decision{State: WatchOnly, Why: OtherOwner, Other: in.Twin, At: later(in.C.Expiry, in.Now)}, true
	}
	if in.Mode.Mode == "keep" {
		return Decision{}, false
	}
	return Decision{State: WatchOnly, Why: Forked, Other: in.Twin, At: later(in.C.Expiry, in.Now)}, true
}

func misconfigured(in Input) (Decision, bool) {
	if in.M.Wait != ledger.Misconfigured || in.M.For != in.Refresh || in.M.Setup != in.Setup {
		return Decision{}, false
	}
	return Decision{State: Misconfigured, Why: BadSetup, At: in.M.Until, Due: !in.Now.Before(in.M.Until)}, true
}

// heldByClient: a program that never looks at its store again would present
// the value that we spent, and the server would revoke the grant.
func heldByClient(in Input) (Decision, bool) {
	for i, p := range in.C.Holders {
		if p.Rereads == credfiles.AtStart {
			return Decision{State: Deferred, Why: Held, By: &in.C.Holders[i], At: in.Now.Add(time.Minute)}, true
		}
	}
	if len(in.C.Holders) == 0 || !in.C.Expiry.After(in.Now) {
		return Decision{}, false
	}
	// A client that is kept waiting beyond its patience goes without the lock;
	// and one whose tokens live so short refreshes them before we would.
	if in.M.Slowest > in.Patience || in.tight() {
		return Decision{State: Fresh, Why: ClientDoes, By: &in.C.Holders[0], At: in.C.Expiry}, true
	}
	return Decision{}, false
}

var whyOfWait = map[ledger.Wait]Why{
	ledger.Unsent: TroubleUnsent, ledger.Asked: TroubleAsked,
	ledger.Ambiguous: TroubleUnclear, ledger.Unready: TroubleStore,
}

func waiting(in Input) (Decision, bool) {
	why, ok := whyOfWait[in.M.Wait]
	if !ok || in.M.For != in.Refresh || !in.Now.Before(in.M.Until) {
		return Decision{}, false
	}
	return Decision{State: Retrying, Why: why, At: in.M.Until}, true
}

// unknownLifetime: once a day, with no holder running.
func unknownLifetime(in Input) (Decision, bool) {
	if !in.C.Expiry.IsZero() {
		return Decision{}, false
	}
	since := in.M.Refreshed
	if in.M.Seen.After(since) {
		since = in.M.Seen
	}
	if since.IsZero() {
		since = in.Now
	}
	at := since.Add(24 * time.Hour)
	d := Decision{State: Unknown, Why: NoEnd, At: at}
	if in.Now.Before(at) {
		return d, true
	}
	if len(in.C.Holders) > 0 {
		d.By, d.At = &in.C.Holders[0], in.Now.Add(time.Minute)
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
	return Decision{State: Fresh, Why: NotDue, At: in.dueAt()}, true
}
