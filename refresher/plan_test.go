package refresher

import (
	"math/rand/v2"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

var usual = Policy{Mode: "keep", LeadLeast: 10 * time.Minute, LeadMost: 30 * time.Minute, LeadShare: 0.1}

// A change is one thing that is different from an ordinary credential.
type change func(*Input)

// ordinary is a credential of Codex that we refreshed six hours ago, for
// twelve hours, with changes.
func ordinary(changes ...change) Input {
	came := noon.Add(-6 * time.Hour)
	in := Input{
		Now: noon, Refresh: "r", Access: "a", Setup: "s", Policy: usual,
		Threshold: 30 * time.Second, Patience: 30 * time.Second,
		C: credfiles.Credential{ID: "codex/mcp/linear", Token: credfiles.Token{
			Access: credfiles.NewSecret("at-EXAMPLE"), Refresh: credfiles.NewSecret("rt-EXAMPLE"), Expiry: came.Add(12 * time.Hour),
		}},
		M: ledger.Memory{Refresh: "r", Access: "a", Seen: came, Refreshed: came, Lifetime: 12 * time.Hour},
	}
	for _, c := range changes {
		c(&in)
	}
	return in
}

func left(d time.Duration) change { return func(in *Input) { in.C.Expiry = noon.Add(d) } }

var (
	due10   = left(10 * time.Minute)
	expired = left(-time.Hour)
	endless = func(in *Input) { in.C.Expiry = time.Time{} }

	literal  = func(in *Input) { in.C.WatchOnly = credfiles.VendorLogin }
	watched  = func(in *Input) { in.Mode.Mode = "watch-only" }
	kept     = func(in *Input) { in.Mode.Mode = "keep" }
	byConfig = func(in *Input) { in.Policy.Mode = "watch-only" }
	resting  = func(in *Input) { in.Mode.Paused, in.Mode.Until = true, noon.Add(time.Hour) }
	forGood  = func(in *Input) { in.Mode.Paused = true }
	allRest  = func(in *Input) { in.Policy.PausedUntil = noon.Add(2 * time.Hour) }
	allWoke  = func(in *Input) { in.Policy.PausedUntil = noon }

	busy     = func(in *Input) { in.Busy = true }
	sent     = pending(nil, 10*time.Minute)
	justSent = pending(nil, 10*time.Second)
	answered = pending(&exchange.Answer{}, 10*time.Second)

	spent     = func(in *Input) { in.Marked, in.Mark = true, ledger.Mark{Spent: true} }
	refused1  = func(in *Input) { in.Marked = true }
	successor = func(in *Input) { in.Good = true }
	elsewhere = func(in *Input) { in.Elsewhere = "claude/mcp/linear" }
	again2    = func(in *Input) {
		in.M.Reverts = []time.Time{noon.Add(-2 * time.Hour), noon.Add(-50 * time.Minute), noon.Add(-time.Minute)}
	}
	again1 = func(in *Input) { in.M.Reverts = []time.Time{noon.Add(-time.Hour), noon.Add(-time.Minute)} }

	shape = func(in *Input) { in.C.Blanked = true; none(in) }
	none  = func(in *Input) { in.C.Refresh, in.Refresh = credfiles.Secret{}, "" }
	never = func(in *Input) { none(in); in.M.Refresh = "" }
	login = func(in *Input) { none(in); in.Access = "a2" }

	twin      = func(in *Input) { in.Twin = "claude/mcp/linear" }
	twinOwned = func(in *Input) { twin(in); in.TwinOwns = true }

	old      = holder(credfiles.AtStart)
	new1     = holder(credfiles.NearExpiry)
	each     = holder(credfiles.EachUse)
	lockless = func(in *Input) { each(in); in.C.Holders[len(in.C.Holders)-1].Lockless = true }
	slow     = func(in *Input) { in.M.Slowest = 31 * time.Second }
)

func pending(a *exchange.Answer, ago time.Duration) change {
	return func(in *Input) {
		in.Pending = &ledger.Record{For: "r", Answer: a, Sent: ledger.Sent{At: noon.Add(-ago)}}
	}
}

func holder(r credfiles.Rereads) change {
	return func(in *Input) {
		in.C.Holders = append(in.C.Holders, credfiles.Process{PID: 4711 + len(in.C.Holders), Name: "codex", Rereads: r})
	}
}

// waits is a wait of the refresh token in the store, which ends so long after
// noon.
func waits(w ledger.Wait, ends time.Duration) change {
	return func(in *Input) {
		in.M.Wait, in.M.For, in.M.Tried, in.M.Until, in.M.Setup = w, "r", noon.Add(-time.Minute), noon.Add(ends), "s"
	}
}

// lives makes it a token of that lifetime, of which so much is left.
func lives(life, rest time.Duration) change {
	return func(in *Input) {
		in.C.Expiry = noon.Add(rest)
		in.M.Lifetime, in.M.Seen, in.M.Refreshed = life, noon.Add(rest-life), noon.Add(rest-life)
	}
}

func TestEachRuleSaysWhatThePolicySays(t *testing.T) {
	var at = func(d time.Duration) time.Time { return noon.Add(d) }
	var no time.Time
	planned := time.Unix(1, 0) // stands for what dueAt says
	for _, test := range []struct {
		name    string
		changes []change
		want    Decision
	}{
		{"a token with time left", nil, Decision{State: Fresh, Why: NotDue, At: planned}},
		{"a token within its lead", []change{due10}, Decision{State: Fresh, Why: DueNow, At: planned, Due: true}},
		{"a token that ended", []change{expired}, Decision{State: Refreshing, Why: DueNow, At: planned, Due: true}},
		{"a token that ended at this very moment", []change{left(0)}, Decision{State: Refreshing, Why: DueNow, At: planned, Due: true}},
		{"expiry 0, which clients take for long gone", []change{func(in *Input) { in.C.Expiry = time.UnixMilli(0) }}, Decision{State: Refreshing, Why: DueNow, At: planned, Due: true}},
		{"expiry 0, again and again", []change{func(in *Input) { in.C.Expiry = time.UnixMilli(0) }, func(in *Input) { in.M.Seen, in.M.Refreshed, in.M.Lifetime = noon, noon, 0 }}, Decision{State: Refreshing, Why: DueNow, At: at(time.Minute)}},
		{"a token that lives shorter than we let it rest", []change{lives(30*time.Second, -5*time.Second)}, Decision{State: Refreshing, Why: DueNow, At: at(25 * time.Second)}},

		// unfinished
		{"a refresh of this process", []change{busy}, Decision{State: Refreshing, Why: InFlight}},
		{"a refresh of this process wins over everything", []change{busy, answered, literal, resting, refused1}, Decision{State: Refreshing, Why: InFlight}},
		{"sent long ago, no answer known", []change{sent}, Decision{State: Retrying, Why: Unfinished, Due: true}},
		{"sent just now by another process, or by one that died", []change{justSent}, Decision{State: Refreshing, Why: InFlight, Due: true}},
		{"sent by a clock that ran ahead", []change{pending(nil, -time.Hour)}, Decision{State: Retrying, Why: Unfinished, Due: true}},
		{"sent, and the server was not reached since", []change{sent, waits(ledger.Unsent, time.Minute)}, Decision{State: Retrying, Why: Unfinished, At: at(time.Minute)}},
		{"sent, and the client wiped it since", []change{sent, shape}, Decision{State: Retrying, Why: Unfinished, Due: true}},
		{"sent, beside a program that would be harmed anyway", []change{sent, old}, Decision{State: Retrying, Why: Unfinished, Due: true}},
		{"sent, and watch-only since", []change{sent, watched, due10}, Decision{State: WatchOnly, Why: UserSays, At: at(10 * time.Minute)}},
		{"sent, and watch-only by its literal since", []change{sent, literal, expired}, Decision{State: WatchOnly, Why: LiteralSays}},
		{"sent, and paused since", []change{sent, resting, due10}, Decision{State: Paused, Why: UserSays, At: at(time.Hour)}},
		{"sent, and everything paused since", []change{sent, allRest}, Decision{State: Paused, Why: AllPaused, At: at(2 * time.Hour)}},
		{"an answer that waits for its store", []change{answered, waits(ledger.Unsaved, time.Minute)}, Decision{State: Unsaved, Why: Waiting, At: at(time.Minute)}},
		{"an answer, and a wait of another refresh token", []change{answered, waits(ledger.User, time.Hour), func(in *Input) { in.M.For = "r0" }}, Decision{State: Unsaved, Why: Waiting, Due: true}},
		{"an answer whose wait is over", []change{answered, waits(ledger.Unsaved, 0)}, Decision{State: Unsaved, Why: Waiting, At: noon, Due: true}},
		{"an answer lands though watch-only", []change{answered, watched}, Decision{State: Unsaved, Why: Waiting, Due: true}},
		{"an answer lands though its literal says watch-only", []change{answered, literal}, Decision{State: Unsaved, Why: Waiting, Due: true}},
		{"an answer lands though paused", []change{answered, forGood, allRest}, Decision{State: Unsaved, Why: Waiting, Due: true}},
		{"an answer lands though its predecessor is spent or dead", []change{answered, spent}, Decision{State: Unsaved, Why: Waiting, Due: true}},
		{"an answer lands beside a program that would be harmed anyway", []change{answered, old}, Decision{State: Unsaved, Why: Waiting, Due: true}},

		// reverted
		{"the store went back and we hold the successor", []change{spent, successor}, Decision{State: Refreshing, Why: WentBack, Due: true}},
		{"it went back and has time left all the same", []change{spent, successor, left(10 * time.Hour)}, Decision{State: Refreshing, Why: WentBack, Due: true}},
		{"it went back beside a program that never looks", []change{spent, successor, old}, Decision{State: Refreshing, Why: WentBack, Due: true}},
		{"it went back the second time in an hour", []change{spent, successor, again1}, Decision{State: Refreshing, Why: WentBack, Due: true}},
		{"it went back the third time in an hour", []change{spent, successor, again2}, Decision{State: WatchOnly, Why: Fights, At: at(10 * time.Minute)}},
		{"it went back while watch-only", []change{spent, successor, watched, due10}, Decision{State: WatchOnly, Why: UserSays, At: at(10 * time.Minute)}},
		{"it went back while paused", []change{spent, successor, resting}, Decision{State: Paused, Why: UserSays, At: at(time.Hour)}},
		{"it went back and the successor is not known", []change{spent, due10}, Decision{State: SignInNeeded, Why: WasSpent}},
		{"a refused value has no successor", []change{refused1, successor}, Decision{State: SignInNeeded, Why: WasRefused}},

		{"the client emptied it, and we hold an answer that it never saw", []change{none, successor}, Decision{State: Refreshing, Why: WentBack, Due: true}},
		{"the same by its shape", []change{shape, successor}, Decision{State: Refreshing, Why: WentBack, Due: true}},
		{"the same for the third time in an hour", []change{shape, successor, again2}, Decision{State: WatchOnly, Why: Fights, At: at(10 * time.Minute)}},
		{"the same while watch-only", []change{shape, successor, watched}, Decision{State: WatchOnly, Why: UserSays, At: at(6 * time.Hour)}},

		// watchOnly
		{"a vendor's own login", []change{literal}, Decision{State: WatchOnly, Why: LiteralSays, At: at(6 * time.Hour)}},
		{"a vendor's own login that ended", []change{literal, expired}, Decision{State: WatchOnly, Why: LiteralSays}},
		{"a vendor's own login that nobody says when it ends", []change{literal, endless}, Decision{State: WatchOnly, Why: LiteralSays}},
		{"a vendor's own login though the user says keep", []change{literal, kept, due10}, Decision{State: WatchOnly, Why: LiteralSays, At: at(10 * time.Minute)}},
		{"watch-only by the user's word", []change{watched, expired}, Decision{State: WatchOnly, Why: UserSays}},
		{"watch-only by the config", []change{byConfig, expired}, Decision{State: WatchOnly, Why: UserSays}},
		{"keep for this one, watch-only by the config", []change{byConfig, kept, expired}, Decision{State: Refreshing, Why: DueNow, At: planned, Due: true}},
		{"an old copy of a lineage that lives elsewhere", []change{spent, elsewhere, due10}, Decision{State: WatchOnly, Why: OldCopy, Other: "claude/mcp/linear", At: at(10 * time.Minute)}},
		{"an old copy though the user says keep", []change{spent, elsewhere, kept, expired}, Decision{State: WatchOnly, Why: OldCopy, Other: "claude/mcp/linear"}},
		{"an old copy beside a good token of its own", []change{spent, elsewhere, successor, expired}, Decision{State: WatchOnly, Why: OldCopy, Other: "claude/mcp/linear"}},
		{"a copy of what was refused elsewhere", []change{refused1, elsewhere}, Decision{State: SignInNeeded, Why: WasRefused}},

		// paused
		{"paused until told otherwise", []change{forGood, expired}, Decision{State: Paused, Why: UserSays}},
		{"paused for a while", []change{resting, expired}, Decision{State: Paused, Why: UserSays, At: at(time.Hour)}},
		{"paused, and watch-only under it", []change{resting, watched}, Decision{State: Paused, Why: UserSays, At: at(time.Hour)}},
		{"everything paused", []change{allRest, expired}, Decision{State: Paused, Why: AllPaused, At: at(2 * time.Hour)}},
		{"a pause of everything that ends now", []change{allWoke, expired}, Decision{State: Refreshing, Why: DueNow, At: planned, Due: true}},
		{"paused wins over dead", []change{resting, refused1}, Decision{State: Paused, Why: UserSays, At: at(time.Hour)}},

		// blanked, noRefreshToken
		{"the shape that only a wipe leaves", []change{shape}, Decision{State: SignInNeeded, Why: WasBlanked}},
		{"a refresh token, seen before, is gone", []change{none}, Decision{State: SignInNeeded, Why: WasBlanked}},
		{"a new login that brought none", []change{login}, Decision{State: CannotRefresh, Why: NoRefreshToken, At: at(6 * time.Hour)}},
		{"never had one", []change{never}, Decision{State: CannotRefresh, Why: NoRefreshToken, At: at(6 * time.Hour)}},
		{"never had one, and ended", []change{never, expired}, Decision{State: CannotRefresh, Why: NoRefreshToken}},
		{"never had one, and nobody says when it ends", []change{never, endless}, Decision{State: CannotRefresh, Why: NoRefreshToken}},

		// dead
		{"refused, looked at for the last time after a minute", []change{refused1, func(in *Input) { in.M.Dead = noon.Add(-10 * time.Second) }}, Decision{State: SignInNeeded, Why: WasRefused, At: at(50 * time.Second)}},
		{"refused, looked at for the last time", []change{refused1, func(in *Input) { in.M.Dead = noon.Add(-time.Minute) }}, Decision{State: SignInNeeded, Why: WasRefused}},
		{"refused by a clock that ran ahead", []change{refused1, func(in *Input) { in.M.Dead = noon.Add(5 * time.Hour) }}, Decision{State: SignInNeeded, Why: WasRefused}},
		{"refused wins over a copy", []change{refused1, twin}, Decision{State: SignInNeeded, Why: WasRefused}},
		{"refused wins over a holder", []change{refused1, old}, Decision{State: SignInNeeded, Why: WasRefused}},
		{"the server wants the user", []change{waits(ledger.User, time.Hour), expired}, Decision{State: SignInNeeded, Why: PolicySays, At: at(time.Hour)}},
		{"the server wanted the user a day ago", []change{waits(ledger.User, 0)}, Decision{State: SignInNeeded, Why: PolicySays, At: noon, Due: true}},
		{"the same beside a program that would be harmed", []change{waits(ledger.User, 0), old}, Decision{State: SignInNeeded, Why: PolicySays, By: &credfiles.Process{PID: 4711}}},
		{"the same of a copy without an owner", []change{waits(ledger.User, 0), twin}, Decision{State: SignInNeeded, Why: PolicySays}},
		{"store or config changed since the server wanted the user", []change{waits(ledger.User, time.Hour), expired, func(in *Input) { in.Setup = "s2" }}, Decision{State: Refreshing, Why: DueNow, At: planned, Due: true}},
		{"the server wanted the user for another refresh token", []change{waits(ledger.User, time.Hour), func(in *Input) { in.M.For = "r0" }}, Decision{State: Fresh, Why: NotDue, At: planned}},

		// forked
		{"the same value in two stores", []change{twin, due10}, Decision{State: WatchOnly, Why: Forked, Other: "claude/mcp/linear", At: at(10 * time.Minute)}},
		{"the same value, the other is the owner", []change{twinOwned, expired}, Decision{State: WatchOnly, Why: OtherOwner, Other: "claude/mcp/linear"}},
		{"the same value, this is the owner", []change{twin, kept, due10}, Decision{State: Fresh, Why: DueNow, At: planned, Due: true}},
		{"two owners are none", []change{twinOwned, kept, expired}, Decision{State: WatchOnly, Why: Forked, Other: "claude/mcp/linear"}},
		{"keep in the config names no owner", []change{twin, expired}, Decision{State: WatchOnly, Why: Forked, Other: "claude/mcp/linear"}},

		// misconfigured
		{"the request is wrong", []change{waits(ledger.Misconfigured, time.Hour), expired}, Decision{State: Misconfigured, Why: BadSetup, At: at(time.Hour)}},
		{"an hour later", []change{waits(ledger.Misconfigured, 0), expired}, Decision{State: Misconfigured, Why: BadSetup, At: noon, Due: true}},
		{"an hour later, beside a program that would be harmed", []change{waits(ledger.Misconfigured, 0), old}, Decision{State: Misconfigured, Why: BadSetup, By: &credfiles.Process{PID: 4711}}},
		{"store or config changed since", []change{waits(ledger.Misconfigured, time.Hour), expired, func(in *Input) { in.Setup = "s2" }}, Decision{State: Refreshing, Why: DueNow, At: planned, Due: true}},

		// heldByClient
		{"a holder that reads at start only", []change{due10, old}, Decision{State: Deferred, Why: Held, By: &credfiles.Process{PID: 4711}, At: at(time.Minute)}},
		{"such a holder, expired or not", []change{expired, old}, Decision{State: Deferred, Why: Held, By: &credfiles.Process{PID: 4711}, At: at(time.Minute)}},
		{"such a holder among others", []change{due10, each, new1, old}, Decision{State: Deferred, Why: Held, By: &credfiles.Process{PID: 4713}, At: at(time.Minute)}},
		{"such a holder, and nobody says when it ends", []change{endless, old}, Decision{State: Deferred, Why: Held, By: &credfiles.Process{PID: 4711}, At: at(time.Minute)}},
		{"a holder that reads near expiry", []change{due10, new1}, Decision{State: Fresh, Why: DueNow, At: planned, Due: true}},
		{"a holder that reads at each use", []change{due10, each}, Decision{State: Fresh, Why: DueNow, At: planned, Due: true}},
		{"a server slower than the client waits, beside it", []change{due10, new1, slow}, Decision{State: Deferred, Why: ClientDoes, By: &credfiles.Process{PID: 4711}, At: at(10 * time.Minute)}},
		{"a client without locks that may begin at any moment", []change{left(79 * time.Second), lockless}, Decision{State: Deferred, Why: ClientDoes, By: &credfiles.Process{PID: 4711}, At: at(79 * time.Second)}},
		{"the same before its time", []change{left(81 * time.Second), lockless}, Decision{State: Fresh, Why: DueNow, At: planned, Due: true}},
		{"the same, and expired", []change{expired, lockless}, Decision{State: Refreshing, Why: DueNow, At: planned, Due: true}},
		{"the same with time left", []change{new1, slow}, Decision{State: Fresh, Why: NotDue, At: planned}},
		{"the same with no holder", []change{due10, slow}, Decision{State: Fresh, Why: DueNow, At: planned, Due: true}},
		{"the same, and expired", []change{expired, new1, slow}, Decision{State: Refreshing, Why: DueNow, At: planned, Due: true}},
		{"too short to stay ahead of a running client", []change{lives(3*time.Minute, time.Minute), new1}, Decision{State: Fresh, Why: ClientDoes, By: &credfiles.Process{PID: 4711}, At: at(time.Minute)}},
		{"too short, and no client runs", []change{lives(3*time.Minute, time.Minute)}, Decision{State: Fresh, Why: DueNow, At: planned, Due: true}},
		{"too short, and expired under the client's eyes", []change{lives(3*time.Minute, -time.Second), new1}, Decision{State: Refreshing, Why: DueNow, At: planned, Due: true}},

		// waiting
		{"the server was not reached", []change{expired, waits(ledger.Unsent, time.Minute)}, Decision{State: Retrying, Why: TroubleUnsent, At: at(time.Minute)}},
		{"it was not reached, and the wait is over", []change{expired, waits(ledger.Unsent, 0)}, Decision{State: Refreshing, Why: DueNow, At: planned, Due: true}},
		{"it asked to wait", []change{expired, waits(ledger.Asked, time.Hour)}, Decision{State: Retrying, Why: TroubleAsked, At: at(time.Hour)}},
		{"the store cannot be written", []change{expired, waits(ledger.Unready, time.Minute)}, Decision{State: Retrying, Why: TroubleStore, At: at(time.Minute)}},
		{"no clear answer", []change{expired, waits(ledger.Ambiguous, time.Minute)}, Decision{State: Retrying, Why: TroubleUnclear, At: at(time.Minute)}},
		{"no clear answer, asked for again however much is left", []change{waits(ledger.Ambiguous, 0)}, Decision{State: Retrying, Why: TroubleUnclear, At: noon, Due: true}},
		{"a wait of another refresh token", []change{expired, waits(ledger.Ambiguous, time.Minute), func(in *Input) { in.M.For = "r0" }}, Decision{State: Refreshing, Why: DueNow, At: planned, Due: true}},
		{"a wait that a clock set which ran ahead", []change{expired, waits(ledger.Unsent, 5*time.Hour), func(in *Input) { in.M.Tried = noon.Add(5 * time.Hour) }}, Decision{State: Refreshing, Why: DueNow, At: planned, Due: true}},
		{"a holder that would be harmed wins over a wait", []change{expired, old, waits(ledger.Unsent, time.Hour)}, Decision{State: Deferred, Why: Held, By: &credfiles.Process{PID: 4711}, At: at(time.Minute)}},

		// unknownLifetime
		{"unknown expiry: once a day", []change{endless}, Decision{State: Unknown, Why: NoEnd, At: at(18 * time.Hour)}},
		{"unknown expiry, a day later", []change{endless, seen(24 * time.Hour)}, Decision{State: Unknown, Why: NoEnd, At: noon, Due: true}},
		{"unknown expiry, a day later, beside a holder", []change{endless, seen(25 * time.Hour), each}, Decision{State: Unknown, Why: NoEnd, By: &credfiles.Process{PID: 4711}, At: at(time.Minute)}},
		{"unknown expiry, never seen before", []change{endless, func(in *Input) { in.M = ledger.Memory{} }}, Decision{State: Unknown, Why: NoEnd, At: at(24 * time.Hour)}},
		{"unknown expiry, seen by a clock that ran ahead", []change{endless, seen(-5 * time.Hour)}, Decision{State: Unknown, Why: NoEnd, At: at(29 * time.Hour), Due: true}},
	} {
		in := ordinary(test.changes...)
		got, want := Decide(in), test.want
		if want.At.Equal(planned) {
			want.At = in.dueAt()
		}
		by := func(p *credfiles.Process) int {
			if p == nil {
				return 0
			}
			return p.PID
		}
		if got.State != want.State || got.Why != want.Why || got.Due != want.Due || !got.At.Equal(want.At) ||
			got.Other != want.Other || by(got.By) != by(want.By) {
			t.Errorf("%s:\n got %s, %s, at noon%+v, due %v, by %d, other %q\nwant %s, %s, at noon%+v, due %v, by %d, other %q", test.name,
				got.State, got.Why, got.At.Sub(noon), got.Due, by(got.By), got.Other,
				want.State, want.Why, want.At.Sub(noon), want.Due, by(want.By), want.Other)
		}
		if !got.Due && !got.At.IsZero() && !got.At.After(noon) && want.At != no {
			t.Errorf("%s: not due, and to be looked at in the past", test.name)
		}
	}
}

// seen is a token that came so long ago.
func seen(ago time.Duration) change {
	return func(in *Input) { in.M.Seen, in.M.Refreshed = noon.Add(-ago), noon.Add(-ago) }
}

func TestWhatIsAskedOverridesWhatThePolicySaysAndNothingElse(t *testing.T) {
	all := Options{Force: true, Word: true, Retry: true, Anyway: true}
	word := Options{Word: true}
	force := Options{Word: true, Force: true}
	for _, test := range []struct {
		name    string
		changes []change
		o       Options
		want    bool
	}{
		{"nothing is asked and it is not due", nil, Options{}, false},
		{"nothing is asked and it is due", []change{due10}, Options{}, true},
		{"a word alone makes nothing due", nil, word, false},
		{"whatever is left", nil, force, true},
		{"less than that left", []change{left(time.Hour)}, Options{Word: true, Within: 2 * time.Hour}, true},
		{"more than that left", []change{left(5 * time.Hour)}, Options{Word: true, Within: 2 * time.Hour}, false},
		{"within, where nobody says when it ends", []change{endless}, Options{Word: true, Within: 2 * time.Hour}, false},
		{"paused, and a word", []change{resting, due10}, word, true},
		{"everything paused, and a word", []change{allRest, due10}, word, true},
		{"paused, and whatever is left", []change{forGood}, force, true},
		{"paused, and no word", []change{resting, due10}, Options{Force: true}, false},
		{"paused, and it is not due", []change{resting}, word, false},
		{"paused, and the store went back", []change{resting, spent, successor}, word, true},
		{"never on watch-only", []change{watched, due10}, all, false},
		{"never on what the literal forbids", []change{literal, due10}, all, false},
		{"never on watch-only under a pause", []change{resting, watched, due10}, all, false},
		{"never a refused value", []change{refused1, due10}, all, false},
		{"never a spent value", []change{spent, due10}, all, false},
		{"never an old copy", []change{spent, elsewhere, due10}, all, false},
		{"never a copy without an owner", []change{twin, due10}, all, false},
		{"never what fights", []change{spent, successor, again2}, all, false},
		{"never what was wiped", []change{shape}, all, false},
		{"never what has no refresh token", []change{never, expired}, all, false},
		{"never where the server wants the user", []change{waits(ledger.User, time.Hour), expired}, all, false},
		{"never what rests until something changes", []change{waits(ledger.Misconfigured, time.Hour), expired}, all, false},
		{"an unsent wait, and a word", []change{due10, waits(ledger.Unsent, time.Minute)}, word, true},
		{"an unready store, and a word", []change{due10, waits(ledger.Unready, time.Minute)}, word, true},
		{"an answer that waits, and a word", []change{answered, waits(ledger.Unsaved, time.Minute)}, word, true},
		{"an answer that waits, and another network", []change{answered, waits(ledger.Unsaved, time.Minute)}, Options{Retry: true}, false},
		{"an unclear answer, and a word", []change{due10, waits(ledger.Ambiguous, time.Minute)}, all, false},
		{"a Retry-After, and a word", []change{due10, waits(ledger.Asked, time.Minute)}, all, false},
		{"an unsent wait, and another network", []change{due10, waits(ledger.Unsent, time.Minute)}, Options{Retry: true}, true},
		{"another network makes nothing due", nil, Options{Retry: true}, false},
		{"an unready store, and another network", []change{due10, waits(ledger.Unready, time.Minute)}, Options{Retry: true}, false},
		{"a holder that would be harmed", []change{due10, old}, force, false},
		{"such a holder, and anyway", []change{due10, old}, Options{Anyway: true}, true},
		{"such a holder, anyway, and not due", []change{old}, Options{Anyway: true}, false},
		{"such a holder, anyway, whatever is left", []change{old}, all, true},
		{"a server slower than its client waits", []change{due10, new1, slow}, force, false},
		{"such a server, and anyway", []change{due10, new1, slow}, Options{Anyway: true}, true},
		{"such a server, long before the client looks", []change{new1, slow}, force, true},
		{"a short token beside its client", []change{lives(3*time.Minute, time.Minute), new1}, word, false},
		{"a short token beside its client, and a Retry-After", []change{lives(3*time.Minute, time.Minute), new1, waits(ledger.Asked, time.Minute)}, force, false},
		{"a short token beside its client, whatever is left", []change{lives(3*time.Minute, time.Minute), new1}, force, true},
		{"rested, whatever is left", []change{lives(12*time.Hour, 12*time.Hour-time.Second)}, force, true},
		{"sent without an answer, watch-only since", []change{sent, watched, due10}, all, false},
		{"sent without an answer, paused since, and a word", []change{sent, resting}, word, true},
	} {
		row := Row{input: ordinary(test.changes...)}
		row.Credential = row.input.C
		row.Expiry = time.Now().Add(row.input.C.Expiry.Sub(noon)) // Wanted looks at the clock for Within
		if row.input.C.Expiry.IsZero() {
			row.Expiry = time.Time{}
		}
		if got := row.Wanted(test.o); got != test.want {
			t.Errorf("%s: wanted %v", test.name, got)
		}
	}
}

// What no combination of circumstances and no Options may bring about.
func TestNoCombinationOfCircumstancesMakesUsSendWhatMustNotBeSent(t *testing.T) {
	all := []change{
		due10, expired, endless, left(0), literal, watched, kept, byConfig, resting, forGood, allRest, allWoke,
		sent, justSent, answered, spent, refused1, successor, elsewhere, again1, again2, shape, none, never, login,
		twin, twinOwned, old, new1, each, slow, seen(0), seen(30 * time.Hour), seen(-5 * time.Hour),
		lives(3*time.Minute, time.Minute), lives(30*time.Second, -time.Second), lives(30*24*time.Hour, 20*24*time.Hour),
		func(in *Input) { in.C.RefreshExpiry = noon.Add(time.Minute) },
		func(in *Input) { in.C.RefreshExpiry = noon.Add(-time.Minute) },
		func(in *Input) { in.M.Dead = noon.Add(-time.Second) },
		func(in *Input) { in.Setup = "s2" },
		func(in *Input) { in.M = ledger.Memory{} },
	}
	for _, w := range []ledger.Wait{ledger.Unsent, ledger.Asked, ledger.Ambiguous, ledger.Misconfigured, ledger.Unready, ledger.Unsaved, ledger.User} {
		all = append(all, waits(w, time.Minute), waits(w, 0), waits(w, -time.Hour))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 300_000 {
		var changes []change
		for range random.IntN(7) {
			changes = append(changes, all[random.IntN(len(all))])
		}
		in := ordinary(changes...)
		o := Options{Force: random.IntN(2) == 0, Word: random.IntN(2) == 0, Retry: random.IntN(2) == 0, Anyway: random.IntN(2) == 0}
		d := Decide(in)
		if !d.Due && !d.At.IsZero() && !d.At.After(noon) {
			t.Fatalf("not due and to be looked at in the past: %s, %s, at noon%+v", d.State, d.Why, d.At.Sub(noon))
		}
		if d.State == Fresh && !in.C.Expiry.After(noon) {
			t.Fatalf("fresh, and it ended: %s", d.Why)
		}
		if !(Row{input: in}).Wanted(o) {
			continue
		}
		d = Decide(in.asked(o))
		if d.Why == Waiting {
			continue // nothing is sent, and it is the only copy
		}
		harmed := in.asked(o).harmed() != nil
		switch {
		case in.forbidden() && !o.Word, in.C.WatchOnly != "" || in.mode() == "watch-only":
			t.Fatalf("forbidden, and %s, %s with %+v", d.State, d.Why, o)
		case d.Why == WentBack:
			if !in.Good || !(in.Marked && in.Mark.Spent && in.Elsewhere == "") && !in.C.Blanked && in.Refresh != "" {
				t.Fatalf("given back what is no successor")
			}
		case in.Pending != nil:
			// What it was sent for is compared with the store under the lock.
		case in.Marked || in.Refresh == "" || in.C.Blanked:
			t.Fatalf("marked %v, refresh token %q, and %s, %s with %+v", in.Marked, in.Refresh, d.State, d.Why, o)
		case in.Twin != "" && (in.Mode.Mode != "keep" || in.TwinOwns):
			t.Fatalf("a copy without an owner, and %s, %s with %+v", d.State, d.Why, o)
		case harmed:
			t.Fatalf("a holder would be harmed, and %s, %s with %+v", d.State, d.Why, o)
		case in.M.For == in.Refresh && noon.Before(in.asked(o).until()) && in.M.Wait != "" && in.M.Wait != ledger.Unsaved &&
			(in.M.Wait != ledger.Misconfigured && in.M.Wait != ledger.User || in.M.Setup == in.Setup):
			t.Fatalf("a wait (%s) stands, and %s, %s with %+v", in.M.Wait, d.State, d.Why, o)
		}
	}
}
