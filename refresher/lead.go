package refresher

import (
	"hash/fnv"
	"time"
)

// Policy is what the user's config says about all credentials.
type Policy struct {
	Mode        string    // "keep" or "watch-only": for those without a mode of their own
	PausedUntil time.Time // everything rests until then
	LeadLeast   time.Duration
	LeadMost    time.Duration
	LeadShare   float64             // of the lifetime
	Rest        time.Duration       // between two refreshes at least, whatever the lifetime; zero: a minute
	Overrides   map[string]Override // by ID
	LogSize     int64               // bytes
	LogKeep     int                 // files
}

// An Override is what the user knows better about one credential's request.
// Empty fields change nothing.
type Override struct {
	TokenURL, MetadataURL, AuthMethod, Resource, Scope string
	NoResource                                         bool
}

const (
	// margin keeps us ahead of the client's own threshold: a client that
	// starts must never find its token due.
	margin = 2 * time.Minute
	// short lifetimes have no room for the usual lead.
	short = 20 * time.Minute
	// idleUse is how long a refresh token rests at most. The shortest idle end
	// of those published is 30 days (oidc offline sessions); a week leaves room
	// for a computer that is off.
	idleUse = 7 * 24 * time.Hour
)

// skew is how far the clock may be set back without our notice: corrections of
// that size come daily, and every lead has room for them.
const skew = time.Minute

// back reports that the clock was set back: t has been, and lies ahead.
func (in Input) back(t time.Time) bool { return t.After(in.Now.Add(skew)) }

// since is when the access token in the store came, by us or by its client;
// zero where nobody saw it come.
func (in Input) since() time.Time {
	switch {
	case in.M.Access != in.Access:
		return time.Time{}
	case in.M.Refreshed.After(in.M.Seen):
		return in.M.Refreshed
	}
	return in.M.Seen
}

// stated is the access token's whole life as its server said it, or as the token
// says. Zero: nobody said.
func (in Input) stated() time.Duration {
	if in.life != 0 {
		return max(in.life, 0)
	}
	if in.M.Lifetime > 0 && in.M.Access == in.Access {
		return in.M.Lifetime
	}
	if iat, exp, ok := in.C.Access.Times(); ok && !iat.IsZero() {
		return exp.Sub(iat)
	}
	return 0
}

// Lifetime is the whole life of the access token in the store: what its server
// said, else what was left when it was first seen. Zero: unknown.
func (row Row) Lifetime() time.Duration { return row.input.lifetime() }

// lifetime is the access token's whole life: what was stated, else what is left
// since it was first seen, which may be less. Zero: unknown.
func (in Input) lifetime() time.Duration {
	if life := in.stated(); life > 0 {
		return life
	}
	if since := in.since(); !since.IsZero() && in.C.Expiry.After(since) {
		return in.C.Expiry.Sub(since)
	}
	return 0
}

// lead is how long before expiry we refresh.
func (in Input) lead() time.Duration {
	life := in.stated()
	if life > 0 && life-in.rest() < in.Threshold {
		// However often we refresh, a client that starts finds its token due.
		// Then it is enough that the token lives.
		return life / 2
	}
	return in.ahead()
}

// ahead is the lead that spares a client that starts its own refresh.
func (in Input) ahead() time.Duration {
	life := in.lifetime()
	before := in.Threshold + margin
	if in.C.Own {
		before = 0 // no client refreshes it by itself
	}
	if life > 0 && life < short {
		return max(before, life/2)
	}
	share := time.Duration(in.Policy.LeadShare * float64(life))
	return max(before, min(in.Policy.LeadMost, max(in.Policy.LeadLeast, share)))
}

// tight reports that staying ahead of the client leaves less than a third of
// the lifetime between refreshes.
func (in Input) tight() bool {
	life := in.lifetime()
	return life > 0 && life-in.ahead() < life/3
}

// rest is how long a refreshed token is left alone whatever its expiry says:
// a server that hands out tokens shorter than the lead must not be asked in a
// loop. A week is enough for any: longer, and the refresh token rests too long.
//
// Nothing is used up where a client asks for itself, so that a life of seconds
// may set the pace.
func (in Input) rest() time.Duration {
	rest := max(in.least(), min(in.lifetime()/4, idleUse))
	if life := in.lifetime(); in.C.ByClient() && life > 0 {
		return min(rest, max(life/2, time.Second))
	}
	return rest
}

func (in Input) least() time.Duration {
	if in.Policy.Rest == 0 {
		return time.Minute
	}
	return in.Policy.Rest
}

// dueAt is when to refresh. It is the same in every process that looks at the
// same store and ledger: the jitter comes from the token, and only earlier.
func (in Input) dueAt() time.Time {
	since := in.since()
	if in.back(since) {
		return in.Now // its expiry was reckoned by a clock that ran ahead
	}
	lead := in.lead()
	at := in.C.Expiry.Add(-lead - jitter(in.Access, lead/10))
	rest := in.rest()
	if end := in.C.RefreshExpiry; end.After(in.Now) {
		// A refresh token that ends first is used before it does, also where
		// it ends before the access token has rested.
		rest = max(in.least(), min(rest, end.Sub(since)/2))
		at = earlier(at, end.Add(-lead))
	}
	if !since.IsZero() {
		at = earlier(at, since.Add(idleUse))
	}
	if ours := !in.M.Refreshed.IsZero() && since.Equal(in.M.Refreshed); ours {
		if floor := since.Add(rest); floor.After(at) {
			at = floor
		}
	}
	return at
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// jitter spreads what would fall due together over most of a tenth of the lead.
func jitter(seed string, most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(seed))
	return time.Duration(h.Sum64() % uint64(most))
}
