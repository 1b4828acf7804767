package refresher

import (
	"context"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// Entrust puts into the store of an own credential what a person hands over: the
// client's secret, a refresh token, or both; one that is zero stays as it is.
// Nothing is sent. What was remembered of trouble with those before is over.
func (r *Refresher) Entrust(ctx context.Context, row Row, secret, refresh credfiles.Secret) Outcome {
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
	if err := a.hold.Entrust(secret, refresh); err != nil {
		return a.fail(err)
	}
	a.mem.Settle()
	a.forgot(a.lk.Save(a.mem))
	now, err := a.hold.Read(ctx)
	if err != nil {
		return a.fail(err)
	}
	a.observe(now)
	a.log(ledger.Event{What: "entrusted", New: short8(r.Ledger.Fingerprint(now.Refresh))})
	return Outcome{Row: r.decide(now, a.row, nil), Did: Adopted}
}

// Replace asks for a token with another client secret than that in the store of
// an own credential, and puts both there if the server gives one. Else the secret
// of before stays, and nothing is remembered against it. Answer says what the
// server made of the new one.
func (r *Refresher) Replace(ctx context.Context, row Row, secret credfiles.Secret) Outcome {
	land, err := r.fly(ctx, row.Key)
	if err != nil {
		return Outcome{Row: row, Did: Failed, Err: err}
	}
	defer land()
	a := attempt{r: r, row: r.look(ctx, row), o: Options{Word: true, Force: true}}
	a.row.ClientSecret = secret
	if out, ok := a.plan(ctx); !ok {
		return out
	}
	leave, out, ok := a.enter(ctx)
	if !ok {
		return out
	}
	defer leave()
	now, err := a.hold.Read(ctx)
	if err != nil {
		return a.fail(err)
	}
	if err := a.hold.Ready(); err != nil {
		return a.fail(err)
	}
	a.lk.Protected = now.Protected
	a.row = r.decide(now, a.row, nil)
	rec, err := a.lk.Begin(ledger.SentOf(now, a.post, a.mem.Lineage, a.unusable()))
	if err != nil {
		return a.fail(err)
	}
	a.log(ledger.Event{What: "sent"})
	answer := exchange.Send(ctx, r.transport(now.Grant), a.post, credfiles.Secret{}, secret)
	ctx = context.WithoutCancel(ctx)
	v := exchange.Judge(a.post, answer)
	if v.Kind != exchange.Refreshed {
		return a.end(rec, Outcome{Row: a.row, Did: Failed, Answer: v}, nil)
	}
	if err := rec.Answered(answer); err != nil {
		a.log(ledger.Event{What: "journal", Why: err.Error()})
	}
	if err := a.hold.Entrust(secret, credfiles.Secret{}); err != nil {
		return a.end(rec, a.fail(err), nil)
	}
	a.log(ledger.Event{What: "entrusted"})
	return a.settle(ctx, rec, answer, v)
}

// WithSecret is a row with its client's secret, for a sign-in: a command of the
// user's may have to be asked for it.
func (r *Refresher) WithSecret(ctx context.Context, row Row) (Row, error) {
	secret, err := row.store.Secret(ctx, row.Credential)
	row.ClientSecret = secret
	return row, err
}

// Erase forgets an own credential and removes its store: its tokens, its
// secret, its journal record, and what is remembered of it. The marks of refresh
// tokens that were used up stay, which are fingerprints: one that is handed over
// again is known then.
//
// erase removes the store, and undefine what makes it a credential: that comes
// last, so that what a crash leaves can be removed again.
func (r *Refresher) Erase(ctx context.Context, row Row, erase, undefine func() error) error {
	land, err := r.fly(ctx, row.Key)
	if err != nil {
		return err
	}
	defer land()
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	lk, err := r.Ledger.Lock(ctx, row.Key)
	if err != nil {
		return err
	}
	defer lk.Unlock()
	for _, step := range []func() error{erase, lk.Erase, undefine} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
