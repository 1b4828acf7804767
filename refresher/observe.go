package refresher

import (
	"context"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/ledger"
)

// observe remembers what a store was seen to hold: since when, and the token
// itself as the last good one.
func (a *attempt) observe(c credfiles.Credential) {
	a.r.observe(a.lk, &a.mem, c)
}

// Observe remembers a credential as it was read. It waits for nobody: who
// holds the lock observes for himself.
func (r *Refresher) Observe(row Row) {
	if row.input.Refresh == row.Memory.Refresh && row.input.Access == row.Memory.Access || row.Blanked {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	lk, err := r.Ledger.Lock(ctx, row.Key)
	if err != nil {
		return
	}
	defer lk.Unlock()
	if m, err := lk.Memory(row.Key); err == nil {
		r.observe(lk, &m, row.Credential)
	}
}

func (r *Refresher) observe(lk *ledger.Locked, m *ledger.Memory, c credfiles.Credential) {
	refresh, access := r.Ledger.Fingerprint(c.Refresh), r.Ledger.Fingerprint(c.Access)
	if c.Blanked || refresh == m.Refresh && access == m.Access {
		return
	}
	if refresh == "" && access == m.Access {
		return // wiped: what was there before tells
	}
	if _, over, err := r.Ledger.Marked(refresh); err != nil || over {
		return // a value that was rotated away is no news
	}
	switch {
	case m.Client != "" && m.Client != c.ClientID:
		m.Lineage++ // a new registration: nothing in it descends from what was before
	case m.Refresh != "" && refresh != "" && refresh != m.Refresh && c.WatchOnly == "":
		// The client rotated it. Whoever puts the old value back would have us
		// present it a second time.
		lk.MarkSpent(m.Refresh, m.Lineage)
	}
	m.ID, m.Client = c.ID, c.ClientID
	if access != m.Access {
		m.Access, m.Seen, m.Lifetime = access, time.Now(), 0
	}
	m.Refresh = refresh
	if lk.Save(*m) != nil || c.WatchOnly != "" || refresh == "" {
		return
	}
	if kept, err := r.Ledger.Kept(lk.Key); err == nil {
		kept.Good = ledger.Keep(c.Token, m.Lineage)
		lk.SaveKept(kept)
	}
}
