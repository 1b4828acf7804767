package refresher

import (
	"context"
	"errors"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// finish takes up what a crash or a refusing store left in the journal. ok
// means that the refresh goes on as usual.
func (a *attempt) finish(ctx context.Context, rec *ledger.Record) (out Outcome, ok bool) {
	if rec.Image != nil {
		if err := a.hold.Restore(rec.Image); err != nil {
			return a.unready(err), false
		}
	}
	switch {
	case rec.Sent.Write:
		out = a.end(rec, Outcome{}, nil)
		return out, out.Err == nil
	case rec.Sent.SignIn != nil:
		return a.finishSignIn(ctx, rec)
	case rec.Answer == nil:
		return a.repeat(ctx, rec)
	}
	return a.settle(ctx, rec, *rec.Answer, exchange.Judge(rec.Sent.Post, *rec.Answer)), false
}

// lost ends a record that nobody will ever read, where the store does not hold
// the refresh token any more that it is about. While it does, that one may be
// spent, and the answer is not known: so it is left alone.
func (a *attempt) lost(ctx context.Context, err error) bool {
	var sealed *ledger.SealedError
	if !errors.As(err, &sealed) || !sealed.Lost {
		return false
	}
	now, err := a.hold.Read(ctx)
	other := err == nil && sealed.For != "" && a.r.Ledger.Fingerprint(now.Refresh) != sealed.For
	if !a.code && !other && !errors.Is(err, credfiles.ErrGone) {
		return false
	}
	a.log(ledger.Event{What: "ledger", Old: short8(sealed.For), Why: sealed.Error()})
	return a.lk.Drop() == nil
}

// repeat is for a record that says "sent" and no more. Where the store still
// holds that value, nobody can have its successor: it is sent again as it was,
// at once, but only once.
func (a *attempt) repeat(ctx context.Context, rec *ledger.Record) (out Outcome, ok bool) {
	a.log(ledger.Event{What: "unfinished", Old: short8(rec.For)})
	if rec.Sent.Post.Grant == exchange.ClientCredentials {
		// Nothing was used up, and the token that may have come is no loss.
		a.row.input.Pending = nil
		out = a.end(rec, Outcome{}, nil)
		return out, out.Err == nil
	}
	now, err := a.hold.Read(ctx)
	if err != nil && !errors.Is(err, credfiles.ErrGone) {
		return a.unready(err), false // the record stays: it is all that tells of it
	}
	old := rec.Sent.Credential()
	if err != nil || !now.Refresh.Equal(old.Refresh) || now.ClientID != old.ClientID || now.Issuer != old.Issuer || now.ServerURL != old.ServerURL {
		out = a.end(rec, Outcome{}, nil) // somebody else rotated it, or signed out
		return out, out.Err == nil
	}
	second := a.ambiguous()
	a.row.input.Pending = nil
	out, err = a.wait(rec.For, ledger.Ambiguous, exchange.Verdict{Kind: exchange.Ambiguous, Code: "unfinished"}, nil)
	if err == nil && !second {
		a.mem.Until = a.mem.Tried
		err = a.lk.Save(a.mem)
	}
	out = a.end(rec, out, err)
	a.post, a.o.Force = rec.Sent.Post, true
	return out, out.Err == nil && !second
}

// giveBack restores the unspent token to a store that went back to a value that
// was rotated away, or that its client emptied. No POST, no message.
func (a *attempt) giveBack(ctx context.Context) Outcome {
	kept, err := a.r.Ledger.Kept(a.row.Key)
	if err != nil {
		return a.fail(err)
	}
	spare, _ := a.r.spare(a.row.input, kept)
	if spare == nil {
		return a.fail(errors.New("the successor is not known any more"))
	}
	good := spare.Reveal()
	result, err := a.put(ctx, a.row.Credential, good)
	if err != nil {
		return a.unready(err)
	}
	if result != credfiles.Written {
		return Outcome{Row: a.row}
	}
	if spare == kept.Orphan {
		kept.Good, kept.Orphan = spare.In(a.text(kept)), nil
		a.forgot(a.lk.SaveKept(kept))
	}
	now := clock()
	a.mem.Reverts = append(recent(a.mem.Reverts, now), now)
	a.mem.Settle()
	a.forgot(a.lk.Save(a.mem))
	a.log(ledger.Event{What: "restored", Old: short8(a.row.input.Refresh), New: short8(a.r.Ledger.Fingerprint(good.Refresh)), Expiry: good.Expiry})
	a.row = a.reread(ctx, a.row)
	if a.goesOn(a.row) {
		return Outcome{Row: a.row} // it is due as well
	}
	return Outcome{Row: a.row, Did: Restored}
}

// put writes a token that we hold already, without a POST.
func (a *attempt) put(ctx context.Context, old credfiles.Credential, t credfiles.Token) (credfiles.Result, error) {
	return a.write(ctx, old, func(rec *ledger.Record) (credfiles.Result, error) { return a.hold.Write(ctx, old, t, rec.Imaged) })
}
