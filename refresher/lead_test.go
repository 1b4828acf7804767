package refresher

import (
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/ledger"
)

const (
	second = time.Second
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
)

// came is a token that we received at noon, for so long.
func came(life time.Duration) change { return lives(life, life) }

func client(threshold time.Duration) change {
	return func(in *Input) { in.Threshold = threshold }
}

// The whole table of what is promised: how long before its end a token is
// refreshed, how long one is left alone at least, and how often that makes it.
func TestTheLeadFollowsTheLifetimeAndTheClientsThreshold(t *testing.T) {
	const codex, claude = 30 * second, 5 * minute
	for _, test := range []struct {
		life, threshold  time.Duration
		lead, rest, each time.Duration // each: from one refresh to the next, up to jitter
		tight            bool
	}{
		{30 * second, codex, 15 * second, minute, minute, true},
		{90 * second, codex, 150 * second, minute, minute, true},
		{2 * minute, codex, 150 * second, minute, minute, true},
		{3 * minute, codex, 150 * second, minute, minute, true},
		{5 * minute, codex, 150 * second, 75 * second, 150 * second, false},
		{15 * minute, codex, 450 * second, 225 * second, 450 * second, false},
		{20*minute - second, codex, 10*minute - second/2, 5*minute - second/4, 10*minute - second/2, false},
		{20 * minute, codex, 10 * minute, 5 * minute, 10 * minute, false},
		{hour, codex, 10 * minute, 15 * minute, 50 * minute, false},
		{2 * hour, codex, 12 * minute, 30 * minute, 108 * minute, false},
		{5 * hour, codex, 30 * minute, 75 * minute, 270 * minute, false},
		{8 * hour, codex, 30 * minute, 2 * hour, 450 * minute, false},
		{12 * hour, codex, 30 * minute, 3 * hour, 690 * minute, false},
		{day, codex, 30 * minute, 6 * hour, 1410 * minute, false},
		{30 * day, codex, 30 * minute, 7 * day, 7 * day, false}, // for the refresh token's sake
		{365 * day, codex, 30 * minute, 7 * day, 7 * day, false},

		{30 * second, claude, 15 * second, minute, minute, true},
		{5 * minute, claude, 150 * second, 75 * second, 150 * second, true}, // it would find it due anyway
		{6 * minute, claude, 3 * minute, 90 * second, 3 * minute, true},
		{8 * minute, claude, 7 * minute, 2 * minute, 2 * minute, true},
		{10 * minute, claude, 7 * minute, 150 * second, 3 * minute, true},
		{630 * second, claude, 7 * minute, 157500 * time.Millisecond, 210 * second, false}, // a third, just
		{15 * minute, claude, 450 * second, 225 * second, 450 * second, false},
		{hour, claude, 10 * minute, 15 * minute, 50 * minute, false},
		{8 * hour, claude, 30 * minute, 2 * hour, 450 * minute, false},
		{12 * hour, claude, 30 * minute, 3 * hour, 690 * minute, false},
		{day, claude, 30 * minute, 6 * hour, 1410 * minute, false},
		{30 * day, claude, 30 * minute, 7 * day, 7 * day, false},

		{hour, 28 * minute, 30 * minute, 15 * minute, 30 * minute, false}, // a client that looks early
		{hour, 40 * minute, 42 * minute, 15 * minute, 18 * minute, true},
	} {
		in := ordinary(client(test.threshold), came(test.life))
		name := fmt.Sprintf("%v, threshold %v", test.life, test.threshold)
		if in.lead() != test.lead || in.rest() != test.rest || in.tight() != test.tight {
			t.Errorf("%s: lead %v, rest %v, tight %v; want %v, %v, %v", name, in.lead(), in.rest(), in.tight(), test.lead, test.rest, test.tight)
		}
		if each := in.dueAt().Sub(noon); each > test.each || each < test.each-test.lead/10 || each < min(test.rest, test.each) {
			t.Errorf("%s: next after %v, want %v or up to a tenth of the lead less", name, each, test.each)
		}
	}
}

func TestAnUnknownLifetimeHasTheLeastLead(t *testing.T) {
	for threshold, want := range map[time.Duration]time.Duration{30 * second: 10 * minute, 5 * minute: 10 * minute, 9 * minute: 11 * minute} {
		in := ordinary(client(threshold), func(in *Input) { in.M = ledger.Memory{} })
		if in.lifetime() != 0 || in.lead() != want {
			t.Errorf("threshold %v: lifetime %v, lead %v, want %v", threshold, in.lifetime(), in.lead(), want)
		}
	}
}

func TestTheUsersOwnLeadIsTaken(t *testing.T) {
	in := ordinary(func(in *Input) {
		in.Policy.LeadLeast, in.Policy.LeadMost, in.Policy.LeadShare = hour, 3*hour, 0.2
	})
	if in.lead() != 144*minute {
		t.Errorf("lead %v", in.lead())
	}
}

func jwtOf(claims string) credfiles.Secret {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return credfiles.NewSecret(part(`{"alg":"none"}`) + "." + part(claims) + ".EXAMPLE")
}

func TestALifetimeIsWhatTheServerSaidElseWhatTheTokenSaysElseWhatWasLeft(t *testing.T) {
	signed := jwtOf(fmt.Sprintf(`{"iat":%d,"exp":%d}`, noon.Unix(), noon.Add(2*hour).Unix()))
	for _, test := range []struct {
		name string
		change
		lifetime, stated time.Duration
	}{
		{"said", func(in *Input) { in.C.Access = signed }, 12 * hour, 12 * hour},
		{"said of another access token", func(in *Input) { in.M.Access = "a0" }, 0, 0},
		{"said of another access token, and in this one", func(in *Input) { in.M.Access, in.C.Access = "a0", signed }, 2 * hour, 2 * hour},
		{"in the token", func(in *Input) { in.M.Lifetime, in.C.Access = 0, signed }, 2 * hour, 2 * hour},
		{"in a token without iat", func(in *Input) {
			in.M.Lifetime, in.C.Access = 0, jwtOf(fmt.Sprintf(`{"exp":%d}`, noon.Add(2*hour).Unix()))
		}, 12 * hour, 0},
		{"seen", func(in *Input) { in.M.Lifetime = 0 }, 12 * hour, 0},
		{"seen late", func(in *Input) { in.M.Lifetime, in.M.Refreshed, in.M.Seen = 0, time.Time{}, noon }, 6 * hour, 0},
		{"seen when it had ended", func(in *Input) { in.M.Lifetime, in.C.Expiry = 0, noon.Add(-7*hour) }, 0, 0},
		{"never seen", func(in *Input) { in.M = ledger.Memory{} }, 0, 0},
	} {
		in := ordinary(test.change)
		if in.lifetime() != test.lifetime || in.stated() != test.stated {
			t.Errorf("%s: %v, stated %v; want %v, %v", test.name, in.lifetime(), in.stated(), test.lifetime, test.stated)
		}
	}
}

// What was first seen with little left may have a long life behind it: it is
// refreshed as early as if nothing were known.
func TestATokenFirstSeenNearItsEndIsRefreshedAtOnce(t *testing.T) {
	for _, threshold := range []time.Duration{30 * second, 5 * minute} {
		in := ordinary(client(threshold), func(in *Input) {
			in.M = ledger.Memory{Refresh: "r", Access: "a", Seen: noon}
			in.C.Expiry = noon.Add(threshold + minute)
		})
		if d := Decide(in); !d.Due {
			t.Errorf("threshold %v, %v left: %s, %s at noon%+v", threshold, in.C.Expiry.Sub(noon), d.State, d.Why, d.At.Sub(noon))
		}
	}
}

func TestJitterOnlyMakesEarlierAndIsTheTokensOwn(t *testing.T) {
	in := ordinary(came(12 * hour))
	latest := in.C.Expiry.Add(-30 * minute)
	differ := map[time.Time]bool{}
	for i := range 1000 {
		access := fmt.Sprintf("%032x", i)
		in := ordinary(came(12*hour), func(in *Input) { in.Access, in.M.Access = access, access })
		at := in.dueAt()
		if at.After(latest) || !at.After(latest.Add(-3*minute)) {
			t.Fatalf("due %v after noon, want up to 3 min before %v", at.Sub(noon), latest.Sub(noon))
		}
		if !at.Equal(in.dueAt()) {
			t.Fatal("two looks, two times")
		}
		differ[at] = true
	}
	if len(differ) < 900 {
		t.Errorf("a thousand tokens fall due at %d times", len(differ))
	}
}

func TestNeverTwiceWithinAMinuteOrAQuarterOfTheLifetime(t *testing.T) {
	for _, life := range []time.Duration{second, 30 * second, 5 * minute, 15 * minute, hour, 12 * hour, 30 * day} {
		for _, ends := range []time.Duration{-hour, 0, second, life, 2 * life} { // what the store says is not always what the server said
			in := ordinary(client(5*minute), came(life), func(in *Input) { in.C.Expiry = noon.Add(ends) })
			for _, refreshEnds := range []time.Duration{0, -hour, 400 * day} {
				if refreshEnds != 0 {
					in.C.RefreshExpiry = noon.Add(refreshEnds)
				}
				if at := in.dueAt(); at.Before(noon.Add(max(minute, min(life/4, 7*day)))) {
					t.Errorf("%v, of which the store says %v: again after %v", life, ends, at.Sub(noon))
				}
			}
		}
	}
}

// The floor is for our own refreshes. A client's new token that is within its
// lead already must not wait.
func TestTheRestIsForWhatWeRefreshed(t *testing.T) {
	in := ordinary(func(in *Input) {
		in.M.Seen, in.M.Refreshed, in.M.Lifetime = noon, noon.Add(-hour), 0
		in.C.Expiry = noon.Add(5 * minute)
	}, client(5*minute))
	if d := Decide(in); !d.Due {
		t.Errorf("%s, %s, at noon%+v", d.State, d.Why, d.At.Sub(noon))
	}
}

func TestALeadLongerThanTheLifetimeIsNoLoop(t *testing.T) {
	in := ordinary(came(12*hour), func(in *Input) { in.Policy.LeadLeast, in.Policy.LeadMost = 24*hour, 48*hour })
	if each := in.dueAt().Sub(noon); each != 3*hour {
		t.Errorf("refreshed again after %v, want a quarter of the lifetime", each)
	}
}

func TestARefreshTokenIsUsedBeforeItEnds(t *testing.T) {
	for _, test := range []struct {
		name             string
		life, ends, want time.Duration // the latest time of the next refresh
	}{
		{"it outlives the access token", 12 * hour, 30 * day, 690 * minute},
		{"it ends first", 12 * hour, 6 * hour, 330 * minute},
		{"it ends before the access token has rested", 12 * hour, 2 * hour, 90 * minute},
		{"it ends before the lead", 12 * hour, 20 * minute, 10 * minute},
		{"it ends within two minutes", 12 * hour, 90 * second, minute},
		{"it has ended by what was said of it", 12 * hour, -minute, 690 * minute},
	} {
		in := ordinary(came(test.life), func(in *Input) { in.C.RefreshExpiry = noon.Add(test.ends) })
		at := in.dueAt().Sub(noon)
		if at > test.want || at < test.want-3*minute || test.ends > 0 && at >= test.ends {
			t.Errorf("%s: after %v, want %v", test.name, at, test.want)
		}
	}
}

func TestAnIdleRefreshTokenIsUsedOnceAWeek(t *testing.T) {
	elsewhen := func(in *Input) {
		in.M.Access, in.M.Seen, in.M.Refreshed = "a0", noon.Add(-9*day), noon.Add(-9*day)
	}
	for _, test := range []struct {
		name string
		change
		want time.Duration
	}{
		{"refreshed by us", nothing, 7 * day},
		{"signed in by its client", func(in *Input) { in.M.Lifetime, in.M.Refreshed = 0, time.Time{} }, 7 * day},
		{"seen before this token came, which the next look will see", elsewhen, 365*day - 11*minute},
	} {
		in := ordinary(came(365*day), test.change)
		if at := in.dueAt().Sub(noon); at < test.want || at > test.want+minute {
			t.Errorf("%s: after %v, want %v", test.name, at, test.want)
		}
	}
}

func nothing(*Input) {}

// A clock that ran ahead made the expiry in the store too late.
func TestATokenThatCameByAClockThatRanAheadIsRefreshedAtOnce(t *testing.T) {
	for ahead, want := range map[time.Duration]bool{30 * second: false, 2 * hour: true, 365 * day: true} {
		in := ordinary(came(12*hour), func(in *Input) {
			in.M.Seen, in.M.Refreshed = noon.Add(ahead), noon.Add(ahead)
			in.C.Expiry = in.C.Expiry.Add(ahead)
		})
		if d := Decide(in); d.Due != want {
			t.Errorf("%v ahead: due %v", ahead, d.Due)
		}
	}
}
