package refresher

import (
	"context"
	"errors"
	"slices"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// A SignIn is a code that an authorization server gave, and all that it takes
// to exchange it and to keep what comes.
type SignIn struct {
	Registration ledger.Registration // that the code was given to
	Post         exchange.Post       // of [exchange.PlanCode]
	Code         exchange.Code
}

// SignedIn means that a sign-in's tokens are in the store.
const SignedIn Did = "signed-in"

// SignIn exchanges a code and puts what comes into the store of row, like a
// refresh: under our lock and the client's, the answer on disk before anything
// else happens to it. The entry stays as it is until the new token is in hand.
// Adopted means that somebody else signed in meanwhile; the code was not sent
// then.
func (r *Refresher) SignIn(ctx context.Context, row Row, s SignIn) Outcome {
	land, err := r.fly(ctx, row.Key)
	if err != nil {
		return Outcome{Row: row, Did: Failed, Err: err}
	}
	defer land()
	a := attempt{r: r, row: r.look(ctx, row), o: Options{Word: true}, post: s.Post, code: true}
	leave, out, ok := a.enter(ctx)
	if !ok {
		return out
	}
	defer leave()
	now, err := a.hold.Read(ctx)
	switch {
	case errors.Is(err, credfiles.ErrGone) && a.row.Anew:
		now = a.row.Credential // it is made with the token
	case errors.Is(err, credfiles.ErrGone):
		return Outcome{Row: a.row, Did: Lost}
	case err != nil:
		return a.fail(err)
	}
	a.observe(now)
	a.row = r.decide(now, a.row, nil)
	if now.ClientID != row.ClientID && now.ClientID != "" && !now.Access.Equal(row.Access) || now.ServerURL != row.ServerURL {
		return r.adopted(a.row)
	}
	if now.WatchOnly != "" {
		return a.fail(errors.New("its entry may only be watched by now; nothing was sent"))
	}
	return a.redeem(ctx, s)
}

// enter takes our lock and the client's for what is no refresh, and ends what an
// earlier attempt left in the journal. Where it returns false it holds neither.
func (a *attempt) enter(ctx context.Context) (leave func(), out Outcome, ok bool) {
	if out, ok = a.lock(ctx); !ok {
		return nil, out, false
	}
	leave = func() {
		a.hold.Close()
		a.lk.Unlock()
	}
	if out, ok = a.clear(ctx); !ok {
		leave()
		return nil, out, false
	}
	return leave, Outcome{}, true
}

// clear ends what an earlier attempt left in the journal, so that there is room
// for the sign-in. A refresh whose answer nobody knows is not repeated: what it
// asked for is about to be replaced.
func (a *attempt) clear(ctx context.Context) (out Outcome, ok bool) {
	rec, err := a.lk.Unfinished()
	if err != nil && !a.lost(ctx, err) {
		return a.fail(err), false
	}
	if rec == nil {
		return Outcome{}, true
	}
	defer rec.Close()
	out, _ = a.finish(ctx, rec)
	if out.Did == Failed && out.Err != nil {
		return out, false // the store refuses: it would refuse the sign-in too
	}
	return Outcome{}, true
}

// redeem is the part from which there is no way back: a code can be exchanged
// once.
func (a *attempt) redeem(ctx context.Context, s SignIn) Outcome {
	if err := a.hold.Ready(); errors.Is(err, credfiles.ErrGone) {
		return Outcome{Row: a.row, Did: Lost}
	} else if err != nil {
		return a.fail(err)
	}
	sent := ledger.SentOf(a.row.Credential, s.Post, a.mem.Lineage, a.unusable())
	reg := s.Registration
	if a.row.Own {
		reg.Secret = credfiles.Secret{} // its store is not written from here
	}
	sent.SignIn = &reg
	rec, err := a.lk.Begin(sent)
	if err != nil {
		return a.fail(err)
	}
	if err := a.locked(); err != nil {
		return a.end(rec, a.fail(err), nil)
	}
	if !s.Code.Device { // which is presented again and again
		a.log(ledger.Event{What: "code"})
	}
	answer := exchange.Redeem(ctx, a.r.transport(a.row.Grant), s.Post, s.Code, s.Registration.Secret)
	if !answer.Written {
		v := exchange.Judge(s.Post, answer)
		return a.end(rec, Outcome{Row: a.row, Did: Failed, Answer: v, Err: errors.New(answer.Failure)}, nil)
	}
	ctx = context.WithoutCancel(ctx) // it is the only copy
	if err := rec.Answered(answer); err != nil {
		a.log(ledger.Event{What: "journal", Why: err.Error()})
	}
	return a.settleSignIn(ctx, rec, answer)
}

// finishSignIn takes up what a crash left of a sign-in. Without an answer
// there is nothing to repeat: the code was exchanged, or has ended by now.
func (a *attempt) finishSignIn(ctx context.Context, rec *ledger.Record) (out Outcome, ok bool) {
	if rec.Answer == nil {
		a.row.input.Pending = nil
		out = a.end(rec, Outcome{}, nil)
		return out, out.Err == nil
	}
	return a.settleSignIn(ctx, rec, *rec.Answer), false
}

// settleSignIn lands the token of an answer. Whatever else came says nothing
// about the refresh token in the store.
func (a *attempt) settleSignIn(ctx context.Context, rec *ledger.Record, answer exchange.Answer) Outcome {
	a.row.input.Pending = nil
	v := exchange.Judge(rec.Sent.Post, answer)
	if v.Kind != exchange.Refreshed {
		if _, pending := v.Pending(); pending {
			return a.end(rec, Outcome{Row: a.row, Did: Failed, Answer: v}, nil)
		}
		a.log(ledger.Event{What: "no-sign-in", Verdict: v.Kind.String(), Code: v.Code, Detail: v.Detail})
		return a.end(rec, Outcome{Row: a.row, Did: Failed, Answer: v}, nil)
	}
	return a.landSignIn(ctx, rec, answer, v)
}

func (a *attempt) landSignIn(ctx context.Context, rec *ledger.Record, answer exchange.Answer, v exchange.Verdict) Outcome {
	old, to := rec.Sent.Credential(), *rec.Sent.SignIn
	same := to.ClientID == old.ClientID
	login := credfiles.Login{Token: v.Token, Issuer: to.Issuer, TokenURL: rec.Sent.Post.TokenURL, ClientID: to.ClientID, ClientSecret: to.Secret, RedirectURI: to.Redirect}
	if login.Refresh.IsZero() && same {
		// Some servers give one at the first sign-in only (Google). The one in
		// the store goes on, unless it is known not to work.
		if _, over, err := a.r.Ledger.Marked(rec.For); err == nil && !over {
			login.Refresh = old.Refresh
		}
	}
	result, err := a.insist(rec, answer, func() (credfiles.Result, error) { return a.hold.WriteLogin(ctx, old, login, rec.Imaged) })
	if err != nil {
		out, forgot := a.wait(rec.For, ledger.Unsaved, v, err)
		a.forgot(forgot)
		rec.Close()
		return out
	}
	fresh := a.r.Ledger.Fingerprint(login.Refresh)
	out := Outcome{Row: a.row, Did: SignedIn, Answer: v}
	e := ledger.Event{What: "signed-in", Old: short8(rec.For), New: short8(fresh), Expiry: login.Expiry, Host: hostOf(rec.Sent.Post.TokenURL)}
	kept, _ := a.r.Ledger.Kept(a.row.Key)
	a.mem.Settle()
	switch result {
	case credfiles.Written:
		if !same {
			a.mem.Lineage = rec.Sent.Lineage + 1
		} else if fresh != rec.For && rec.For != "" && a.row.input.Twin == "" {
			// A store that is put back gets the newer token again. Another store
			// that holds the same value, though, may still live by it.
			err = a.lk.MarkSpent(rec.For, rec.Sent.Lineage)
		}
		a.rememberSignIn(rec, login, answer, v)
		kept.Good, kept.Orphan = ledger.Keep(login.Token, a.mem.Lineage).In(a.reread(ctx, a.row).Text), nil
		a.clearMark()
	case credfiles.Theirs:
		e.What, out.Did = "adopted", Adopted
		if same {
			kept.Orphan = ledger.Keep(login.Token, rec.Sent.Lineage)
		}
	case credfiles.Gone:
		e.What, out.Did = "gone", Lost
	}
	err = errors.Join(err, a.lk.SaveKept(kept), a.lk.Save(a.mem))
	a.log(e)
	out.Row = a.reread(ctx, out.Row)
	if err := a.r.Finder.Forget(out.Grant); err != nil { // the sign-in saw newer metadata
		a.forgot(err)
	}
	return a.end(rec, out, err)
}

// rememberSignIn is what a sign-in means for what comes next: whatever was
// known of the refresh token before it is over.
func (a *attempt) rememberSignIn(rec *ledger.Record, l credfiles.Login, answer exchange.Answer, v exchange.Verdict) {
	m := &a.mem
	began := clock()
	if answer.At.Before(began) {
		began = answer.At
	}
	m.ID, m.Client = rec.Sent.ID, l.ClientID
	m.Refresh, m.Access = a.r.Ledger.Fingerprint(l.Refresh), a.r.Ledger.Fingerprint(l.Access)
	m.Seen, m.Lifetime, m.RefreshExpiry = began, v.Lifetime, l.RefreshExpiry
	m.TokenURL, m.Issuer, m.Endpoint = rec.Sent.Post.TokenURL, l.Issuer, ""
	if rec.Sent.Endpoint != "" {
		m.Endpoint = l.TokenURL
	}
	m.Dead, m.Told, m.Reverts = time.Time{}, "", nil
	if rec.Sent.Unusable || rec.Sent.Client != l.ClientID {
		m.Repaired = clock()
	}
}

// SignedInByClient takes notice of a sign-in by the client's own command. row
// is from before.
func (r *Refresher) SignedInByClient(ctx context.Context, row Row) Outcome {
	land, err := r.fly(ctx, row.Key)
	if err != nil {
		return Outcome{Row: row, Did: Failed, Err: err}
	}
	defer land()
	a := attempt{r: r, row: row}
	row.store.Anew()
	now := r.look(ctx, row)
	if now.WatchOnly == credfiles.KeychainOwn {
		return Outcome{Row: now, Did: SignedIn} // only the client sees the token, so that its word has to do
	}
	if now.Access.Equal(row.Access) && now.Refresh.Equal(row.Refresh) {
		moved, ok := r.moved(ctx, row)
		switch {
		case !ok:
			return Outcome{Row: now, Did: Nothing}
		case moved.WatchOnly == credfiles.KeychainOwn:
			return Outcome{Row: moved, Did: SignedIn}
		}
		a.row, now = moved, moved
	}
	a.briefly(ctx, func() Outcome {
		unusable := a.unusable()
		a.observe(now.Credential)
		if unusable || now.ClientID != row.ClientID {
			a.mem.Repaired = clock()
			a.forgot(a.lk.Save(a.mem))
		}
		a.log(ledger.Event{What: "signed-in", New: short8(r.Ledger.Fingerprint(now.Refresh)), Expiry: now.Expiry})
		return Outcome{}
	})
	return Outcome{Row: r.look(ctx, now), Did: SignedIn}
}

// moved is the entry of row in another place of its client's, with another
// token: a sign-in may go into the keyring although the entry before it was in
// the file, and the other way about.
func (r *Refresher) moved(ctx context.Context, row Row) (Row, bool) {
	for _, other := range r.Scan(ctx).Rows {
		if slices.Contains(row.Beside, other.Key) && (other.WatchOnly == credfiles.KeychainOwn || !other.Access.Equal(row.Access)) {
			return other, true
		}
	}
	return Row{}, false
}
