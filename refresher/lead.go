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

// lifetime is the access token's whole life: what its server said, else what
// the token says, else what is left since it was first seen. Zero: unknown.
func (in Input) lifetime() time.Duration {
	if in.M.Lifetime > 0 && in.M.Access == in.Access {
		return in.M.Lifetime
	}
	if iat, exp, ok := in.C.Access.Times(); ok && !iat.IsZero() {
		return exp.Sub(iat)
	}
	if !in.M.Seen.IsZero() && in.M.Access == in.Access && in.C.Expiry.After(in.M.Seen) {
		return in.C.Expiry.Sub(in.M.Seen)
	}
	return 0
}

// lead is how long before expiry we refresh.
func (in Input) lead() time.Duration {
	life := in.lifetime()
	if life > 0 && life < short {
		return max(in.Threshold+margin, life/2)
	}
	share := time.Duration(in.Policy.LeadShare * float64(life))
	return max(in.Threshold+margin, min(in.Policy.LeadMost, max(in.Policy.LeadLeast, share)))
}

// tight reports that the lead leaves less than a third of the lifetime
// between refreshes.
func (in Input) tight() bool {
	life := in.lifetime()
	return life > 0 && life-in.lead() < life/3
}

// rest is how long a refreshed token is left alone whatever its expiry says:
// a server that hands out tokens shorter than the lead must not be asked in a
// loop.
func (in Input) rest() time.Duration {
	least := in.Policy.Rest
	if least == 0 {
		least = time.Minute
	}
	return max(least, in.lifetime()/4)
}

// dueAt is when to refresh. It is the same in every process that looks at the
// same store and ledger: the jitter comes from the token, and only earlier.
func (in Input) dueAt() time.Time {
	lead := in.lead()
	at := in.C.Expiry.Add(-lead - jitter(in.Access, lead/10))
	if end := in.C.RefreshExpiry; !end.IsZero() && end.After(in.Now) && end.Add(-lead).Before(at) {
		at = end.Add(-lead) // a refresh token that ends first is used before it does
	}
	used := in.M.Refreshed
	if in.M.Seen.After(used) {
		used = in.M.Seen
	}
	if !used.IsZero() && used.Add(idleUse).Before(at) {
		at = used.Add(idleUse)
	}
	if own := in.M.Access == in.Access && !in.M.Seen.After(in.M.Refreshed); own && !in.M.Refreshed.IsZero() {
		if floor := in.M.Refreshed.Add(in.rest()); floor.After(at) {
			at = floor
		}
	}
	return at
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
