package refresher

import (
	"cmp"
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
	WentBack       Why = "went-back"  // the store holds a spent value, or none any more, and we hold a good one
	Fights         Why = "fights"     // it keeps going back
	LiteralSays    Why = "literal"    // the credential's own WatchOnly
	UserSays       Why = "user"       // mode
	AllPaused      Why = "all-paused"
	WasBlanked     Why = "blanked"
	WasWiped       Why = "wiped" // by its client, maybe for no more than a network that was down; it can be put back
	NoRefreshToken Why = "no-refresh-token"
	WasRefused     Why = "refused"
	WasSpent       Why = "spent" // the store holds a used value and its successor is not known
	Forked         Why = "forked"
	OldCopy        Why = "old-copy"
	OtherOwner     Why = "other-owner" // a copy of this value is the one to keep
	BadSetup       Why = "bad-setup"
	Held           Why = "held"          // by a program that never looks again
	ClientDoes     Why = "client"        // it is too short, answered too slowly or too near its end to refresh it beside a running client
	TroubleUnsent  Why = "unsent"        // the server was not reached
	TroubleAsked   Why = "asked"         // the server named a time
	TroubleUnclear Why = "ambiguous"     // no clear answer
	TroubleStore   Why = "unready"       // the store cannot be written
	PolicySays     Why = "policy"        // the server wants the user
	NoEnd          Why = "no-end"        // no expiry known: refreshed daily
	NoSecret       Why = "no-secret"     // the client's secret was never given
	NotSignedIn    Why = "not-signed-in" // nobody signed in yet
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
	Good      bool // the spare token is neither spent nor dead and of the same lineage
	Wiped     bool // its client wiped it after an error, and the last good token can be put back
	Mark      ledger.Mark
	Marked    bool
	Elsewhere string // the ID of the credential that the mark is about, where it is another
	Twin      string // the ID of another credential with the same refresh token
	TwinOwns  bool   // that one is to be kept: the user named it, or this entry is unused
	Pending   *ledger.Record
	Setup     string // hash of the grant as store, config and settings give it
	Busy      bool   // a refresh of ours is under way
	Policy    Policy

	life time.Duration // what stated found out, for it may have to read a JWT and is asked often; negative: nothing
}

// underWay is how long an exchange may take: 5 s to connect, 45 s to answer.
const underWay = 50 * time.Second

type rule func(Input) (Decision, bool)

// rules is the policy, first match decides. Each is a pure function.
var rules = []rule{
	unfinished, reverted, watchOnly, paused, blanked, noRefreshToken, dead, forked,
	misconfigured, heldByClient, waiting, noToken, unknownLifetime, due, fresh,
}

// Decide applies the rules.
func Decide(in Input) Decision {
	in.life = cmp.Or(in.stated(), -1)
	for _, r := range rules {
		if d, ok := r(in); ok {
			return d
		}
	}
	panic("the last rule always decides")
}

// asked is what the rules look at when somebody asks: a person's word ends a
// pause and a wait for trouble that came before sending, another network a
// wait for a server that was not reached, and "anyway" is said of holders.
func (in Input) asked(o Options) Input {
	in.Busy = false
	early := in.M.Wait == ledger.Unsent && (o.Word || o.Retry)
	if o.Word {
		in.Mode.Paused, in.Policy.PausedUntil = false, time.Time{}
		early = early || in.M.Wait == ledger.Unready || in.M.Wait == ledger.Unsaved
	}
	if o.Force && in.C.ByClient() && in.M.Wait != ledger.Asked {
		early = true // nothing can be used up, and a secret may be another one
	}
	if early {
		in.M.Until = time.Time{}
	}
	if o.Anyway {
		in.C.Holders = nil
	}
	return in
}
