package refresher

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lamplighter/credfiles"
	"lamplighter/refresher/ledger"
)

// ErrLastCopy says that what would be forgotten holds a refresh token that
// stands nowhere else.
var ErrLastCopy = errors.New("it would erase the last copy of a refresh token")

// An UnfinishedError says that the journal holds a refresh that cannot be ended
// now, maybe with the only copy of a refresh token. Outcome is what the attempt
// to end it came to.
type UnfinishedError struct {
	Outcome Outcome
	Err     error // what was found in the journal then; may be nil
}

func (e *UnfinishedError) Error() string {
	text := "the journal holds a refresh that is not finished"
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *UnfinishedError) Unwrap() error { return e.Err }

var errUnfinished = errors.New("a refresh is not finished")

// Remembered are the credentials of which something is remembered, and whose
// entries are not in snap: those that were logged out, and those whose store is
// gone or cannot be read. Nothing is known of them but what the ledger says.
func (r *Refresher) Remembered(snap Snapshot) ([]Row, error) {
	all, _, err := r.Ledger.Remembered()
	if err != nil {
		return nil, err
	}
	records, err := r.Ledger.Pending()
	if err != nil {
		return nil, err
	}
	known := map[credfiles.Key]bool{}
	for _, row := range snap.Rows {
		known[row.Key] = true
	}
	stores := r.Stores()
	var rows []Row
	add := func(c credfiles.Credential, m ledger.Memory) {
		if known[c.Key] {
			return
		}
		known[c.Key] = true
		rows = append(rows, Row{Credential: c, Memory: m, hidden: slices.ContainsFunc(stores, func(s *credfiles.Store) bool {
			unread := func(p credfiles.Problem) bool { return p.Store == s.Path() }
			return s.May(c.Key) && slices.ContainsFunc(snap.Problems, unread)
		})})
	}
	for _, m := range all {
		c := credfiles.Credential{Key: credfiles.Key{Store: m.Store, Entry: m.Entry}, ID: m.ID, Path: m.Store}
		c.ClientID = m.Client
		add(c, m)
	}
	for _, rec := range records {
		add(rec.Sent.Credential(), ledger.Memory{})
	}
	return rows, nil
}

// Forget erases what the ledger remembers of a credential, but its mode and the
// marks of its refresh tokens; and, as long as its entry is in the store, what
// [ledger.Memory.Guard] says. Nothing is written in the store, unless a refresh
// token has to be put where it belongs first: by the same means as in a refresh.
//
// The error is an *UnfinishedError where that cannot be done now, and ErrLastCopy
// where what is kept stands nowhere else; the latter not if last is true.
func (r *Refresher) Forget(ctx context.Context, row Row, last bool) error {
	err := r.forget(ctx, row, true, last)
	if !errors.Is(err, errUnfinished) {
		return err
	}
	out := r.takeUp(ctx, row)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err = r.forget(ctx, row, false, last); errors.Is(err, errUnfinished) {
		var sealed *ledger.SealedError
		errors.As(err, &sealed)
		unfinished := &UnfinishedError{Outcome: out}
		if sealed != nil {
			unfinished.Err = sealed
		}
		return unfinished
	}
	return err
}

// takeUp ends what the journal holds, and puts back what the store lost.
func (r *Refresher) takeUp(ctx context.Context, row Row) Outcome {
	if row.store != nil {
		return r.Refresh(ctx, row, Options{Word: true})
	}
	records, _ := r.Ledger.Pending()
	for _, rec := range records {
		if rec.Sent.Key == row.Key {
			r.stray(ctx, rec)
		}
	}
	return Outcome{Row: row, Did: Lost}
}

func (r *Refresher) forget(ctx context.Context, row Row, first, last bool) error {
	land, err := r.fly(ctx, row.Key)
	if err != nil {
		return err
	}
	defer land()
	ours, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	lk, err := r.Ledger.Lock(ours, row.Key)
	if err != nil {
		return err
	}
	defer lk.Unlock()
	lk.Protected = row.Protected
	rec, err := lk.Unfinished()
	if rec != nil {
		rec.Close()
		return errUnfinished
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errUnfinished, err)
	}
	there := row.hidden
	if row.store != nil {
		c, ok := row.store.Find(ctx, row.Key)
		if !ok && !row.Missing {
			return fmt.Errorf("%s changed a moment ago, or cannot be read; try again", row.Path)
		}
		if ok {
			there, c.ID = !c.Missing, row.ID
			m, err := lk.Memory(row.Key)
			if err != nil {
				return err
			}
			r.observe(lk, &m, c) // what its client rotated away is marked before that is forgotten
			row = r.decide(c, row, nil)
		}
	}
	if first && row.asked(Options{Word: true}).Why == WentBack {
		return errUnfinished
	}
	if !last && r.lastCopy(row) {
		return ErrLastCopy
	}
	return lk.Forget(there)
}

// lastCopy reports that what is kept of a credential holds a refresh token that
// stands nowhere else and may be good. Where it cannot be read, it may.
func (r *Refresher) lastCopy(row Row) bool {
	in := row.input
	gone := row.store == nil
	kept, err := r.Ledger.Kept(row.Key)
	switch {
	case err != nil:
		return gone || in.Marked || in.C.Blanked || in.wiped()
	case in.Good || in.Wiped || r.good(kept.Orphan):
		return true
	}
	// One that its owner logged out of is no loss; an answer of ours that found
	// the entry gone is, and who knows what became of a store that cannot be read.
	return gone && r.good(kept.Good) && (row.hidden || r.Ledger.Fingerprint(kept.Good.Reveal().Refresh) != row.Memory.Refresh)
}

// good reports that there is a refresh token, neither spent nor dead.
func (r *Refresher) good(t *ledger.KeptToken) bool {
	if t == nil || t.Reveal().Refresh.IsZero() {
		return false
	}
	_, over, err := r.Ledger.Marked(r.Ledger.Fingerprint(t.Reveal().Refresh))
	return err != nil || !over
}
