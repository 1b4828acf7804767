package refresher

import (
	"context"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// lastGood is the token that a client wiped after an error and that may be put
// back: the one that the store was last seen to hold, or an answer to it that
// came while its client wiped; never one that is spent or was refused. It is
// nil where there is none, and where a wipe means that the server refused it.
func (r *Refresher) lastGood(in Input, kept ledger.Kept) *ledger.KeptToken {
	good := kept.Good
	switch {
	case !in.C.UnsureWipe || in.C.WatchOnly != "" || !in.C.Blanked && !in.wiped(),
		good == nil || good.Lineage != in.M.Lineage,
		in.C.Missing && good.Text().IsZero(),
		!in.C.Missing && in.C.ClientID != in.M.Client:
		return nil
	}
	print := r.Ledger.Fingerprint(good.Reveal().Refresh)
	if _, over, err := r.Ledger.Marked(print); err != nil || over || print == "" {
		return nil
	}
	if print != in.M.Refresh {
		mark, over, err := r.Ledger.Marked(in.M.Refresh)
		if err != nil || !over || !mark.Spent || mark.Lineage != good.Lineage || mark.Owner != r.Ledger.OwnerOf(in.C.Key) {
			return nil
		}
	}
	return good
}

// loggedOut reports that an entry which is not there any more was removed by a
// person, as far as can be known: its client has no reason to refresh a token,
// and so none to wipe it, before its end is near.
func (r *Refresher) loggedOut(c credfiles.Credential, s *credfiles.Store, now time.Time) bool {
	m, err := r.Ledger.Memory(c.Key)
	if err != nil || !c.UnsureWipe {
		return false
	}
	kept, err := r.Ledger.Kept(c.Key)
	if err != nil || kept.Good == nil {
		return false
	}
	if !m.Gone.IsZero() {
		now = m.Gone // when it was first looked for and not there
	}
	if r.Ledger.Fingerprint(kept.Good.Reveal().Refresh) != m.Refresh {
		return false // it is an answer of ours that found the entry gone: another one stood there
	}
	end := kept.Good.Reveal().Expiry
	return end.IsZero() || end.After(now.Add(s.Threshold()))
}

// Restorable reports that its client wiped this credential after an error, and
// that Restore can put it back.
func (row Row) Restorable() bool { return row.Why == WasWiped }

// Restore puts the last good token back into an entry that its client wiped
// after an error, the whole entry where that is gone too. Nothing is sent. The
// Outcome did Nothing where there is nothing to put back, and Adopted where
// somebody signed in meanwhile.
func (r *Refresher) Restore(ctx context.Context, row Row) Outcome {
	land, err := r.fly(ctx, row.Key)
	if err != nil {
		return Outcome{Row: row, Did: Failed, Err: err}
	}
	defer land()
	a := attempt{r: r, row: r.look(ctx, row), o: Options{Word: true}}
	leave, out, ok := a.enter(ctx)
	if !ok {
		return out
	}
	defer leave()
	a.row = r.look(ctx, a.row)
	kept, err := r.Ledger.Kept(a.row.Key)
	if err != nil {
		return a.fail(err)
	}
	good := r.lastGood(a.row.input, kept)
	if good == nil {
		return Outcome{Row: a.row, Did: Nothing}
	}
	t := good.Reveal()
	result, err := a.write(ctx, a.row.Credential, func(rec *ledger.Record) (credfiles.Result, error) {
		return a.hold.PutBack(ctx, a.row.Credential, good.Text(), t, rec.Imaged)
	})
	switch {
	case err != nil:
		return a.unready(err)
	case result == credfiles.Theirs:
		return r.adopted(r.look(ctx, a.row))
	case result == credfiles.Gone:
		return Outcome{Row: a.row, Did: Lost}
	}
	m := &a.mem
	m.Refresh, m.Access = r.Ledger.Fingerprint(t.Refresh), r.Ledger.Fingerprint(t.Access)
	m.Gone, m.Dead, m.Told, m.Repaired = time.Time{}, time.Time{}, "", clock()
	m.Settle()
	a.forgot(a.lk.Save(*m))
	a.log(ledger.Event{What: "restored", New: short8(m.Refresh), Expiry: t.Expiry})
	return Outcome{Row: r.look(ctx, a.row), Did: Restored}
}

// write does a write of a token that we hold already, without a POST. The
// journal holds an image where the store has to be written in place.
func (a *attempt) write(ctx context.Context, old credfiles.Credential, do func(*ledger.Record) (credfiles.Result, error)) (credfiles.Result, error) {
	s := ledger.SentOf(old, exchange.Post{}, a.mem.Lineage, false)
	s.Write = true
	rec, err := a.lk.Begin(s)
	if err != nil {
		return 0, err
	}
	result, err := do(rec)
	if err != nil && rec.Image != nil {
		rec.Close() // the store may be half written: whoever comes next mends it
		return 0, err
	}
	if err == nil && result == credfiles.Written {
		a.clearMark()
	}
	a.forgot(rec.Done())
	return result, err
}
