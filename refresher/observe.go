package refresher

import (
	"context"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/ledger"
)

// running are the programs that were found running last, by store.
type running struct {
	at time.Time
	by map[string][]credfiles.Process
}

// holders lists who runs. Not knowing it is not knowing that nobody does: where
// the system gives no list, the last one counts for an hour. Then we go on, for
// a refresh under the client's lock is safe beside every client that takes one.
func (r *Refresher) holders(ctx context.Context, stores []*credfiles.Store) map[string][]credfiles.Process {
	now := clock()
	held, err := credfiles.Holders(ctx, stores)
	if err != nil {
		r.tell(ledger.Event{What: "processes", Why: err.Error()})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.running = running{now, held}
	} else if age := now.Sub(r.running.at); age >= 0 && age < time.Hour {
		return r.running.by
	}
	return held
}

// listLife is how long a list of programs counts when a refresh token is about to
// be sent.
const listLife = time.Second

// whoHolds lists anew who may hold a credential, where that was seen before a
// wait or before the computer slept: a client without locks that started since
// would send the value that we are about to send.
func (r *Refresher) whoHolds(ctx context.Context, row Row) Row {
	now := clock()
	if age := now.Sub(row.listed); age >= 0 && age < listLife {
		return row
	}
	if held, err := credfiles.Holders(ctx, []*credfiles.Store{row.store}); err == nil {
		row.Holders, row.listed = held[row.store.Path()], now
	}
	return row
}

// observe remembers what a store was seen to hold: since when, and the token
// itself as the last good one.
func (a *attempt) observe(c credfiles.Credential) {
	c.ID = a.row.ID // who reads one entry does not know what others are called
	a.r.observe(a.lk, &a.mem, c)
}

// Observe remembers a credential as it was read, and reports whether it was
// news. It waits for nobody: who holds the lock observes for himself.
func (r *Refresher) Observe(row Row) bool {
	if !r.news(row.input) {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	lk, err := r.Ledger.Lock(ctx, row.Key)
	if err != nil {
		return false
	}
	defer lk.Unlock()
	lk.Protected = row.Protected
	m, err := lk.Memory(row.Key)
	if err != nil {
		return false
	}
	r.observe(lk, &m, row.Credential)
	return true
}

// news reports that a credential is not as it is remembered. A value that is
// spent or dead is none: what took its place is what we remember.
func (r *Refresher) news(in Input) bool {
	switch {
	case in.C.Unread:
		return false
	case in.C.UnsureWipe && in.C.Missing:
		return in.M.Refresh != "" && in.M.Gone.IsZero()
	case !in.M.Gone.IsZero():
		return true
	}
	if in.C.Blanked || in.wiped() {
		_, known, err := r.Ledger.Marked(in.M.Refresh)
		return err == nil && !known && refused(in.C, in.M)
	}
	return !in.Marked && (in.Refresh != in.M.Refresh || in.Access != in.M.Access)
}

// refused reports that the empty place of a refresh token means that the
// server refused it: our clients empty it for no other reason (Codex 0.165 and
// later, Claude Code; mcp-remote also where the token was of no use to it).
// One that lost its client_id with it was not refused itself.
func refused(c credfiles.Credential, m ledger.Memory) bool {
	return m.Refresh != "" && c.WatchOnly == "" && c.ClientID == m.Client && !c.UnsureWipe
}

func (r *Refresher) observe(lk *ledger.Locked, m *ledger.Memory, c credfiles.Credential) {
	if c.Unread {
		return
	}
	refresh, access := r.Ledger.Fingerprint(c.Refresh), r.Ledger.Fingerprint(c.Access)
	if c.UnsureWipe && c.Missing != !m.Gone.IsZero() {
		m.Gone = time.Time{}
		if c.Missing {
			m.Gone = time.Now()
		}
		lk.Save(*m)
	}
	if c.Blanked || refresh == "" && access == m.Access {
		if refused(c, *m) {
			lk.MarkDead(m.Refresh, m.Lineage)
		}
		return
	}
	if refresh == m.Refresh && access == m.Access {
		if m.Endpoint == "" && c.Endpoint != "" {
			m.Endpoint = c.Endpoint // seen before it was looked at
			lk.Save(*m)
		}
		return
	}
	if _, over, err := r.Ledger.Marked(refresh); err != nil || over {
		return
	}
	kept, err := r.Ledger.Kept(lk.Key)
	if err != nil {
		return
	}
	switch {
	case m.Client != "" && m.Client != c.ClientID:
		m.Lineage++ // a new registration: nothing in it descends from what was before
		m.Issuer = ""
	case m.Refresh == "" || refresh == "" || refresh == m.Refresh || c.WatchOnly != "":
	case kept.Good != nil && older(c.Token, kept.Good.Reveal()):
		// Somebody put back what stood there before we first looked. What it
		// replaced may be its successor, so that one is kept: it is tried if
		// this one is refused.
		kept.Orphan = kept.Good
	default:
		// The client rotated it. Whoever puts the old value back would have us
		// present it a second time. Unmarked, it stays what is remembered.
		if lk.MarkSpent(m.Refresh, m.Lineage) != nil {
			return
		}
	}
	if mode, err := r.mode(c, *m); err == nil && m.Access == "" {
		r.Ledger.SetMode(lk.Key, mode)
	}
	m.ID, m.Client = c.ID, c.ClientID
	if access != m.Access {
		m.Access, m.Seen, m.Lifetime = access, time.Now(), 0
	}
	if refresh != m.Refresh {
		m.Refresh, m.RefreshExpiry, m.Dead = refresh, time.Time{}, time.Time{}
		m.Endpoint = c.Endpoint // another refresh token, and its client says where it is from
		if m.For != refresh {
			m.Settle() // the trouble was another refresh token's
		}
	}
	if lk.Save(*m) != nil || c.WatchOnly != "" || refresh == "" {
		return
	}
	kept.Good = ledger.Keep(c.Token, m.Lineage).In(c.Text)
	lk.SaveKept(kept)
}

// mode is what the user allows: where the credential was never seen, what was
// said while its client kept it in another place.
func (r *Refresher) mode(c credfiles.Credential, m ledger.Memory) (ledger.Mode, error) {
	mode, err := r.Ledger.Mode(c.Key)
	for i := 0; err == nil && mode == (ledger.Mode{}) && m.Access == "" && i < len(c.Beside); i++ {
		mode, err = r.Ledger.Mode(c.Beside[i])
	}
	return mode, err
}

// older reports that t ends before the token that stood in its place.
func older(t, before credfiles.Token) bool {
	return !t.Expiry.IsZero() && t.Expiry.Before(before.Expiry)
}
