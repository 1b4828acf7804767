package refresher

import (
	"context"
	"errors"
	"net/url"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// Options say how much a refresh is wanted.
type Options struct {
	Force  bool          // whatever is left
	Within time.Duration // if less than this is left
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
	out := r.refresh(ctx, row, o)
	land()
	return out
}

func (r *Refresher) refresh(ctx context.Context, row Row, o Options) Outcome {
	began := row
	for range tries {
		row = r.look(ctx, row)
		if !row.Wanted(o) {
			return Outcome{Row: row, Did: Nothing}
		}
		if !o.Began.IsZero() && !row.Access.Equal(began.Access) && row.Expiry.After(time.Now()) {
			return r.adopted(row)
		}
		a := attempt{r: r, row: row, o: o}
		out, done := a.run(ctx)
		if out.Answer.Kind == exchange.Dead {
			out, done = r.confirm(ctx, out)
		}
		if done {
			return out
		}
		row = out.Row
	}
	return Outcome{Row: row, Did: Failed, Err: errors.New("the store changes faster than it can be refreshed")}
}

// look reads the credential's store again and decides anew.
func (r *Refresher) look(ctx context.Context, row Row) Row {
	creds, _ := row.store.Scan(ctx)
	for _, c := range creds {
		if c.Key == row.Key {
			pending := map[credfiles.Key]*ledger.Record{}
			if records, err := r.Ledger.Pending(); err == nil {
				for i := range records {
					pending[records[i].Sent.Key] = &records[i]
				}
			}
			return r.decide(c, row, pending)
		}
	}
	return row
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
	}
	next.Decision = Decide(next.input)
	return next
}

// Wanted reports whether a refresh is to be tried, given what is asked.
func (row Row) Wanted(o Options) bool {
	d := row.asked(o)
	switch {
	case d.Due:
		return true
	case d.State == Fresh || d.State == Unknown || d.State == Refreshing:
		left := time.Until(row.Expiry)
		return o.Force || o.Within > 0 && !row.Expiry.IsZero() && left < o.Within
	}
	return false
}

// asked is the decision given what is asked: a pause that a person's word ends
// may hide that the store went back.
func (row Row) asked(o Options) Decision { return Decide(row.input.asked(o)) }

// confirm looks once more at a store whose refresh token was refused: its
// client may have been between its answer and its write. Nobody is locked out
// meanwhile.
func (r *Refresher) confirm(ctx context.Context, out Outcome) (Outcome, bool) {
	select {
	case <-ctx.Done():
		return out, true
	case <-time.After(again):
	}
	row := r.look(ctx, out.Row)
	if row.Refresh.Equal(out.Refresh) {
		out.Row = row
		return out, true
	}
	if !row.Due {
		return r.adopted(row), true
	}
	return Outcome{Row: row}, false
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

// attempt is one run through the protocol.
type attempt struct {
	r    *Refresher
	row  Row
	o    Options
	post exchange.Post
	lk   *ledger.Locked
	hold *credfiles.Hold
	mem  ledger.Memory
}

// run goes through the protocol once. done is false where the store moved
// under us and everything has to be decided again.
func (a *attempt) run(ctx context.Context) (out Outcome, done bool) {
	// Discovery comes before any lock: nobody waits for us while we look
	// something up.
	if why := a.row.asked(a.o).Why; why != WentBack && why != Waiting {
		if out, ok := a.plan(ctx); !ok {
			return out, true
		}
	}
	if out, ok := a.lock(ctx); !ok {
		return out, true
	}
	defer a.lk.Unlock()
	defer a.hold.Close()
	rec, err := a.lk.Unfinished()
	if err != nil {
		return a.fail(err), true
	}
	if rec != nil {
		if out, done := a.finish(ctx, rec); done {
			return out, true
		}
	}
	now, err := a.hold.Read(ctx)
	if errors.Is(err, credfiles.ErrGone) {
		return Outcome{Row: a.row, Did: Lost}, true
	}
	if err != nil {
		return a.fail(err), true
	}
	a.observe(now)
	planned := a.row
	a.row = a.r.decide(now, a.row, nil)
	moved := !now.Refresh.Equal(planned.Refresh) || now.ClientID != planned.ClientID || now.Issuer != planned.Issuer || now.ServerURL != planned.ServerURL
	fresher := !now.Access.Equal(planned.Access) && now.Expiry.After(time.Now())
	switch {
	case fresher && (!a.o.Began.IsZero() || !a.row.Wanted(a.o)):
		return a.r.adopted(a.row), true
	case moved || setup(a.row.Grant) != setup(planned.Grant):
		return Outcome{Row: a.row}, false
	case a.refreshedSince(a.o.Began):
		return a.r.adopted(a.row), true
	case !a.row.Wanted(a.o):
		return Outcome{Row: a.row, Did: Nothing}, true
	}
	if a.row.asked(a.o).Why == WentBack {
		return a.giveBack(ctx)
	}
	if a.post.TokenURL == "" {
		return Outcome{Row: a.row}, false // it was another case when we planned
	}
	return a.exchange(ctx)
}

// refreshedSince: a refresh that ended after the command began counts as the
// one that was asked for, even if it was read with its result already in.
func (a *attempt) refreshedSince(began time.Time) bool {
	return !began.IsZero() && a.mem.Refreshed.After(began) && a.row.Expiry.After(time.Now())
}

// plan finds the endpoint and settles the request. Nothing is locked or sent.
func (a *attempt) plan(ctx context.Context) (Outcome, bool) {
	if a.row.Memory.Wait == ledger.Misconfigured && a.row.Memory.For == a.row.input.Refresh {
		a.r.Finder.Forget(a.row.Grant)
	}
	ends, err := a.r.Finder.Find(ctx, a.row.Grant)
	if err == nil {
		a.post, err = exchange.Plan(a.row.Grant, exchange.Server{
			Issuer: ends.Issuer, TokenURL: ends.TokenURL, AuthMethods: ends.AuthMethods, Resource: ends.Resource,
		})
		if err != nil {
			return a.note(ctx, ledger.Misconfigured, "request", err), false
		}
		if m := a.row.Memory; m.Wait == ledger.Misconfigured && m.For == a.row.input.Refresh &&
			m.Setup == a.row.input.Setup && m.Request == requestHash(a.post) && !a.o.Force {
			return a.note(ctx, ledger.Misconfigured, m.Code, errors.New(m.Detail)), false
		}
		return Outcome{}, true
	}
	var temporary *discovery.TemporaryError
	if errors.As(err, &temporary) || ctx.Err() != nil {
		return a.note(ctx, ledger.Unsent, "discovery", err), false
	}
	code := "discovery"
	var issuer *discovery.IssuerError
	if errors.As(err, &issuer) {
		code = "issuer"
	}
	return a.note(ctx, ledger.Misconfigured, code, err), false
}

// lock takes our lock and then the client's. Where it returns false it holds
// neither.
func (a *attempt) lock(ctx context.Context) (out Outcome, ok bool) {
	ours, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	var err error
	if a.lk, err = a.r.Ledger.Lock(ours, a.row.Key); err != nil {
		return a.fail(err), false
	}
	defer func() {
		if !ok {
			a.lk.Unlock()
		}
	}()
	if a.mem, err = a.lk.Memory(a.row.Key); err != nil {
		return a.fail(err), false
	}
	theirs, cancel := context.WithTimeout(ctx, holdPatience)
	defer cancel()
	if a.hold, err = a.row.store.Hold(theirs, a.row.Credential); err != nil {
		return a.unready(err), false
	}
	return Outcome{}, true
}

// exchange is the part from which there is no way back: everything before the
// POST may stop, nothing after it.
func (a *attempt) exchange(ctx context.Context) (Outcome, bool) {
	// No rule lets a spent or dead value come this far. It is looked up all the
	// same: nothing takes a POST back.
	if _, over, err := a.r.Ledger.Marked(a.row.input.Refresh); err != nil || over {
		return a.fail(errors.Join(errors.New("the refresh token is spent or dead, or nobody can tell; nothing was sent"), err)), true
	}
	if err := a.hold.Ready(); err != nil {
		return a.unready(err), true
	}
	for repeat := false; ; repeat = true {
		rec, err := a.lk.Begin(ledger.SentOf(a.row.Credential, a.post, a.mem.Lineage, a.unusable()))
		if err != nil {
			return a.fail(err), true
		}
		if err := a.hold.Check(); err != nil {
			rec.Done()
			return a.unready(err), true
		}
		a.log(ledger.Event{What: "sent", Old: short8(a.row.input.Refresh)})
		answer := exchange.Send(ctx, a.r.transport(a.row.Grant), a.post, a.row.Refresh, a.row.ClientSecret)
		verdict := exchange.Judge(a.post, answer)
		if !answer.Written {
			rec.Done()
			return a.wait(ledger.Unsent, verdict, errors.New(answer.Failure)), true
		}
		// A client may give up waiting, the user may quit: what came goes to
		// disk and into the store all the same.
		ctx = context.WithoutCancel(ctx)
		if err := rec.Answered(answer); err != nil {
			// Preallocated and still refused. The store is the place left.
			a.log(ledger.Event{What: "journal", Why: err.Error()})
		}
		a.took(answer)
		out := a.settle(ctx, rec, verdict)
		if verdict.Kind != exchange.Ambiguous || repeat || answer.Failure == "" && !answer.Cut {
			return out, out.Did != ""
		}
		// Cut or timed out: grace windows run from the first use, so the one
		// repeat comes at once. Nobody can hold the successor.
		now, err := a.hold.Read(ctx)
		if err != nil || !now.Refresh.Equal(a.row.Refresh) {
			return Outcome{Row: a.row}, false
		}
	}
}

// unusable reports that no client could use the token as it is, so that
// sessions which gave up have to be told when it works again.
func (a *attempt) unusable() bool {
	expired := !a.row.Expiry.IsZero() && !a.row.Expiry.After(time.Now())
	return expired || a.row.NeedsAuth || a.row.State == SignInNeeded
}

// took remembers how long this server takes. The slowest of late decides
// whether a running client would lose its patience; it fades by a fifth with
// every faster answer.
func (a *attempt) took(answer exchange.Answer) {
	// The times are the wall clock's: a computer that slept in between would
	// make the server slow for weeks.
	a.mem.Slowest = max(min(answer.At.Sub(answer.SentAt), underWay), a.mem.Slowest*4/5)
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

func (a *attempt) log(e ledger.Event) {
	e.ID = a.row.ID
	if e.Host == "" {
		e.Host = hostOf(a.post.TokenURL)
	}
	a.r.log(e)
}

// unready notes that the store cannot be written or its lock not be had: the
// refresh token stays unsent.
func (a *attempt) unready(err error) Outcome {
	wait := ledger.Unready
	var busy *clientlock.BusyError
	if errors.As(err, &busy) {
		wait = ledger.Unsent
	}
	return a.wait(wait, exchange.Verdict{}, err)
}

func (a *attempt) fail(err error) Outcome {
	a.r.log(ledger.Event{ID: a.row.ID, What: "failed", Why: err.Error()})
	return Outcome{Row: a.row, Did: Failed, Err: err}
}
