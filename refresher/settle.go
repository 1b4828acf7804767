package refresher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// settle does what an answer asks for. The answer is in rec; a crash at any
// point brings us back here with the same record, and so does whatever could
// not be remembered.
func (a *attempt) settle(ctx context.Context, rec *ledger.Record, answer exchange.Answer, v exchange.Verdict) Outcome {
	a.row.input.Pending = nil // it ends here
	old := rec.Sent.Credential().Token
	switch {
	case v.Kind == exchange.Refreshed:
		if life := a.row.input.lifetime(); v.Partial && v.Token.Expiry.IsZero() && life > 0 {
			// Its end was not cut off by the server's wish: it is that of the
			// token before. Without one it would lie there expired for a day.
			v.Lifetime, v.Token.Expiry = life, answer.SentAt.Add(life)
		}
		return a.land(ctx, rec, answer, v.Token, v)
	case v.Kind == exchange.Dead:
		return a.bury(ctx, rec, v)
	case !v.Successor.IsZero() && !v.Successor.Equal(old.Refresh):
		// It came whole and the access token did not: the one that was sent is
		// spent, and this one is to be sent next.
		old.Refresh = v.Successor
		return a.land(ctx, rec, answer, old, v)
	}
	out, err := a.wait(rec.For, waitOf(v), v, nil)
	return a.end(rec, out, err)
}

// end ends a record, if what it stands for is remembered elsewhere. If not, it
// stays, and whoever comes next does all of it again.
func (a *attempt) end(rec *ledger.Record, out Outcome, err error) Outcome {
	if err == nil {
		err = rec.Done()
	}
	if err != nil {
		rec.Close()
		a.forgot(err)
		out.Did, out.Err = Failed, fmt.Errorf("what was done is not noted, so the next run looks at it again: %w", err)
	}
	return out
}

// land puts the token that an answer brought into the store.
func (a *attempt) land(ctx context.Context, rec *ledger.Record, answer exchange.Answer, t credfiles.Token, v exchange.Verdict) Outcome {
	old := rec.Sent.Credential()
	full := t
	if full.Refresh.IsZero() {
		full.Refresh = old.Refresh
	}
	if full.RefreshExpiry.IsZero() {
		full.RefreshExpiry = old.RefreshExpiry
	}
	rotated := !full.Refresh.Equal(old.Refresh)
	result, err := a.insist(rec, answer, func() (credfiles.Result, error) { return a.hold.Write(ctx, old, t, rec.Imaged) })
	if err != nil {
		if rotated {
			a.forgot(a.lk.MarkSpent(rec.For, rec.Sent.Lineage))
		}
		out, forgot := a.wait(rec.For, ledger.Unsaved, v, err)
		a.forgot(forgot)
		rec.Close()
		return out
	}
	out := Outcome{Row: a.row, Did: Refreshed, Answer: v}
	e := ledger.Event{What: "refreshed", Old: short8(rec.For), New: short8(a.r.Ledger.Fingerprint(full.Refresh)), Expiry: full.Expiry, Host: hostOf(rec.Sent.Post.TokenURL)}
	kept, _ := a.r.Ledger.Kept(a.row.Key)
	switch result {
	case credfiles.Written:
		out.Token = full
		if kept.Orphan = nil; !full.Refresh.IsZero() { // else there is nothing to put back
			kept.Good = ledger.Keep(full, rec.Sent.Lineage).In(a.text(kept))
		}
		if v.Kind == exchange.Refreshed {
			a.remember(rec, full, answer.Since(), v.Lifetime)
		} else {
			a.mem.Refresh = a.r.Ledger.Fingerprint(full.Refresh)
			e.What, out.Did = "successor", "" // to be sent now
		}
		a.clearMark()
	case credfiles.Theirs:
		e.What, out.Did = "adopted", Adopted
		if rotated && a.mem.Refresh != a.r.Ledger.Fingerprint(full.Refresh) { // else it was in the store, and its client used it
			kept.Orphan = ledger.Keep(full, rec.Sent.Lineage)
		}
	case credfiles.Gone:
		e.What, out.Did = "gone", Lost
		if _, err := a.hold.Read(ctx); errors.Is(err, credfiles.ErrGone) { // else it is another login's place
			kept.Good = ledger.Keep(full, rec.Sent.Lineage).In(a.text(kept))
		}
	}
	a.mem.Settle()
	err = a.lk.SaveKept(kept)
	if rotated {
		err = errors.Join(err, a.lk.MarkSpent(rec.For, rec.Sent.Lineage))
	}
	err = errors.Join(err, a.lk.Save(a.mem))
	a.log(e)
	out.Row = a.reread(ctx, out.Row)
	switch {
	case out.Did == Adopted && out.State == SignInNeeded:
		out.Did = Failed // what stands there is a wipe
	case out.Did == Adopted && out.Why == WentBack:
		out.Did = "" // what stands there is used up: ours goes over it
	}
	return a.end(rec, out, err)
}

// text is the whole entry around the token that is kept.
func (a *attempt) text(kept ledger.Kept) credfiles.Secret {
	if a.row.Text.IsZero() && kept.Good != nil {
		return kept.Good.Text() // the entry is gone by now
	}
	return a.row.Text
}

// remember is what a token in the store means for the next one. An answer that
// waited for its store tells when its token began.
func (a *attempt) remember(rec *ledger.Record, t credfiles.Token, answered time.Time, lifetime time.Duration) {
	began := clock()
	if answered.Before(began) {
		began = answered
	}
	m := &a.mem
	m.Refresh, m.Access = a.r.Ledger.Fingerprint(t.Refresh), a.r.Ledger.Fingerprint(t.Access)
	m.Seen, m.Lifetime, m.Refreshed, m.TokenURL, m.Issuer = began, lifetime, began, rec.Sent.Post.TokenURL, rec.Sent.Post.Issuer
	m.RefreshExpiry = t.RefreshExpiry
	if a.row.ByClient() {
		m.Told = "" // its next trouble is another one, and no refresh token tells them apart
	}
	if rec.Sent.Unusable {
		m.Repaired = clock()
	}
}

// clearMark takes away what makes the client skip a server that works again.
func (a *attempt) clearMark() {
	if err := a.hold.ClearMark(a.row.Credential); err != nil {
		a.log(ledger.Event{What: "mark", Why: err.Error()})
	}
}

// insist puts an answer's token into the store. It tries harder where the
// journal could not take the answer: then nobody has it but this process.
func (a *attempt) insist(rec *ledger.Record, answer exchange.Answer, write func() (credfiles.Result, error)) (credfiles.Result, error) {
	for try := 0; ; try++ {
		result, err := write()
		if err == nil || rec.Answer != nil || rec.Answered(answer) == nil || try == 30 {
			return result, err
		}
		time.Sleep(time.Second)
	}
}

// bury marks a refused refresh token. The store is not touched, unless an
// answer of ours that came too late for it is still unused: that one is tried
// now, in its place.
func (a *attempt) bury(ctx context.Context, rec *ledger.Record, v exchange.Verdict) Outcome {
	old := rec.Sent.Credential()
	a.mem.Settle()
	a.mem.For, a.mem.Verdict, a.mem.Code, a.mem.Detail = rec.For, v.Kind.String(), v.Code, v.Detail
	a.mem.Dead = clock()
	err := errors.Join(a.lk.MarkDead(rec.For, rec.Sent.Lineage), a.lk.Save(a.mem))
	a.log(ledger.Event{What: "dead", Old: short8(rec.For), Verdict: v.Kind.String(), Code: v.Code, Detail: v.Detail, Host: hostOf(rec.Sent.Post.TokenURL)})
	out := a.end(rec, Outcome{Row: a.row, Did: Failed, Answer: v, sent: old.Refresh}, err)
	if out.Err != nil {
		return out
	}
	revived := a.revive(ctx, rec.Sent)
	out.Row = a.reread(ctx, a.row)
	switch {
	case revived && a.goesOn(out.Row):
		return Outcome{Row: out.Row} // it is due as well
	case revived:
		return Outcome{Row: out.Row, Did: Restored}
	}
	return out
}

// goesOn reports that what was put back has to be refreshed as well. A command
// is content with any token that came since it began and lives.
func (a *attempt) goesOn(row Row) bool {
	return row.Wanted(a.o) && (a.o.Began.IsZero() || !row.Expiry.After(clock()))
}

// revive puts an unused answer of ours in the place of the value that was
// refused.
func (a *attempt) revive(ctx context.Context, s ledger.Sent) bool {
	kept, err := a.r.Ledger.Kept(a.row.Key)
	if err != nil || kept.Orphan == nil || kept.Orphan.Lineage != s.Lineage {
		return false
	}
	orphan := kept.Orphan.Reveal()
	print := a.r.Ledger.Fingerprint(orphan.Refresh)
	if _, over, err := a.r.Ledger.Marked(print); err != nil || over {
		return false
	}
	result, err := a.put(ctx, s.Credential(), orphan)
	if err != nil || result != credfiles.Written {
		a.forgot(err)
		return false
	}
	kept.Good, kept.Orphan = kept.Orphan.In(a.text(kept)), nil
	a.forgot(a.lk.SaveKept(kept))
	a.log(ledger.Event{What: "restored", New: short8(print), Expiry: orphan.Expiry})
	return true
}

// reread makes the row true after a write.
func (a *attempt) reread(ctx context.Context, row Row) Row {
	now, err := a.hold.Read(ctx)
	if err != nil {
		return row
	}
	return a.r.decide(now, row, nil)
}
