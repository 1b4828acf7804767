package refresher

import (
	"context"
	"errors"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// Options say how much a refresh is wanted.
type Options struct {
	Force  bool          // whatever is left
	Within time.Duration // if less than this is left
	Life   time.Duration // if less than this is left and a refresh brings more; then it counts, not whether it is due
	Began  time.Time     // a token stored by anyone since counts as done; zero: never
	Word   bool          // a person's word: overrides a pause and a wait for trouble that came before sending
	Retry  bool          // the network is another one: a wait for a server that was not reached is over
	Anyway bool          // overrides a holder that never looks at its store again
}

// A Did says what a refresh came to.
type Did string

// What a refresh came to.
const (
	Refreshed Did = "refreshed" // a new token is in the store
	Adopted   Did = "adopted"   // somebody else had put a new one there
	Restored  Did = "restored"  // the store had gone back and holds the successor again
	Nothing   Did = "nothing"   // not due, or not allowed: the state says
	Failed    Did = "failed"    // the state says what kind of failure
	Lost      Did = "gone"      // the entry was logged out or replaced meanwhile
)

// An Outcome is what became of one refresh.
type Outcome struct {
	Row    // as it is afterwards
	Did    Did
	Answer exchange.Verdict // where a server answered
	Err    error            // where no server was reached, or the store refused

	sent credfiles.Secret // the refresh token that Answer is about
}

const (
	lockPatience = 2 * time.Minute  // for our own lock: another keeper may be in an exchange
	holdPatience = 20 * time.Second // for the client's lock
	again        = 5 * time.Second  // when a refused value is looked at once more before it counts
	confirmAfter = time.Minute      // and when for the last time, before anybody is told
	tries        = 3                // how often a refresh starts over because the store moved
)

// Refresh brings one credential up to date, if it is due or asked for. It may
// be called at any time from any process.
func (r *Refresher) Refresh(ctx context.Context, row Row, o Options) Outcome {
	land, err := r.fly(ctx, row.Key)
	if err != nil {
		return Outcome{Row: row, Did: Failed, Err: err}
	}
	defer land()
	for {
		out := r.refresh(ctx, row, o)
		if out.Answer.Kind == exchange.Dead && out.Err == nil {
			out = r.confirm(ctx, out)
		}
		if out.Did != "" {
			return out
		}
		row = out.Row
	}
}

// tend is Refresh for who looks at the store later by himself: he does not wait
// for what a refusal may turn into.
func (r *Refresher) tend(ctx context.Context, row Row, o Options) Outcome {
	land, err := r.fly(ctx, row.Key)
	if err != nil {
		return Outcome{Row: row, Did: Failed, Err: err}
	}
	defer land()
	return r.refresh(ctx, row, o)
}

func (r *Refresher) refresh(ctx context.Context, row Row, o Options) Outcome {
	began := row
	for range tries {
		row = r.look(ctx, row)
		if !row.Wanted(o) {
			return Outcome{Row: row, Did: Nothing}
		}
		if !o.Began.IsZero() && !row.Access.Equal(began.Access) && row.Expiry.After(time.Now()) && !row.input.Marked {
			return r.adopted(row)
		}
		a := attempt{r: r, row: row, o: o}
		out := a.run(ctx)
		if out.Did != "" {
			return out
		}
		row = out.Row
	}
	return Outcome{Row: row, Did: Failed, Err: errors.New("the store changes faster than it can be refreshed")}
}

// look reads the credential's store again and decides anew. Where it is not
// found it stays as it was: what became of it shows under the lock.
func (r *Refresher) look(ctx context.Context, row Row) Row {
	c, ok := row.store.Find(ctx, row.Key)
	if !ok {
		c = row.Credential
	}
	pending := map[credfiles.Key]*ledger.Record{}
	if records, err := r.Ledger.Pending(); err == nil {
		for i := range records {
			pending[records[i].Sent.Key] = &records[i]
		}
	}
	return r.decide(c, row, pending)
}

// decide makes a Row of a credential just read, with what row knows of the
// others: IDs, holders and copies do not change within one refresh.
func (r *Refresher) decide(c credfiles.Credential, row Row, pending map[credfiles.Key]*ledger.Record) Row {
	c.ID, c.Holders = row.ID, row.Holders
	v := view{r: r, now: time.Now(), policy: r.Policy(), pending: pending, owners: map[string]string{}}
	if row.input.Elsewhere != "" {
		v.owners[row.input.Mark.Owner] = row.input.Elsewhere
	}
	next := v.row(c, row.store)
	next.input.Busy = false // that is us
	if next.input.Refresh == row.input.Refresh {
		next.input.Twin, next.input.TwinOwns = row.input.Twin, row.input.TwinOwns
		next.input.Elsewhere = row.input.Elsewhere
	}
	next.listed = row.listed
	next.Decision = Decide(next.input)
	return next
}

// Wanted reports whether a refresh is to be tried, given what is asked.
func (row Row) Wanted(o Options) bool {
	d := row.asked(o)
	switch {
	case d.State == Fresh && o.Life > 0:
		return row.input.wantsLife(o.Life)
	case d.Due:
		return true
	case d.State == Refreshing && o.Life > 0:
		return row.input.wantsLife(o.Life)
	case d.State == Fresh || d.State == Unknown || d.State == Refreshing:
		left := time.Until(row.Expiry)
		return o.Force || o.Within > 0 && !row.Expiry.IsZero() && left < o.Within
	}
	return false
}

// asked is the decision given what is asked: a pause that a person's word ends
// may hide that the store went back.
func (row Row) asked(o Options) Decision { return Decide(row.input.asked(o)) }

// AskedFor is the row with what the rules decide where that is asked.
func (row Row) AskedFor(o Options) Row {
	row.Decision = row.asked(o)
	return row
}

// confirm looks once more at a store whose refresh token was refused: its
// client may have been between its answer and its write. Nobody is locked out
// meanwhile.
func (r *Refresher) confirm(ctx context.Context, out Outcome) Outcome {
	select {
	case <-ctx.Done():
		return out
	case <-time.After(again):
	}
	row := r.look(ctx, out.Row)
	switch {
	case row.Refresh.IsZero(), row.Refresh.Equal(out.sent), row.input.Marked:
		out.Row = row
		return out
	case row.Due:
		return Outcome{Row: row}
	}
	return r.adopted(row)
}

// NearEnd reports that the access token has less than within left, or than its
// lead where within is zero. One without a known end counts as near it.
func (row Row) NearEnd(within time.Duration) bool {
	if within == 0 {
		within = row.input.lead()
	}
	return row.Expiry.IsZero() || time.Until(row.Expiry) < within
}

func (r *Refresher) adopted(row Row) Outcome {
	r.log(ledger.Event{ID: row.ID, What: "adopted", New: short8(r.Ledger.Fingerprint(row.Refresh)), Expiry: row.Expiry})
	return Outcome{Row: row, Did: Adopted}
}

func short8(print string) string { return print[:min(8, len(print))] }
