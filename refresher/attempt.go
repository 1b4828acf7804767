package refresher

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// attempt is one run through the protocol.
type attempt struct {
	r    *Refresher
	row  Row
	o    Options
	post exchange.Post
	code bool // it is a sign-in: what goes wrong says nothing about the refresh token
	lk   *ledger.Locked
	hold *credfiles.Hold
	mem  ledger.Memory
}

// SecretTrouble is the code of trouble with a client's secret that a command has
// to tell.
const SecretTrouble = "secret"

// run goes through the protocol once. An Outcome that did nothing at all means
// that the store moved under us and everything has to be decided again.
func (a *attempt) run(ctx context.Context) Outcome {
	// Discovery comes before any lock: nobody waits for us while we look
	// something up. What is in the journal needs none.
	switch a.row.asked(a.o).Why {
	case WentBack, Waiting, Unfinished, InFlight:
	default:
		if out, ok := a.plan(ctx); !ok {
			return out
		}
	}
	if out, ok := a.lock(ctx); !ok {
		return out
	}
	defer a.lk.Unlock()
	defer a.hold.Close()
	rec, err := a.lk.Unfinished()
	var sealed *ledger.SealedError
	switch {
	case err == nil, a.lost(ctx, err):
	case errors.As(err, &sealed):
		return a.unready(err)
	default:
		return a.fail(err)
	}
	if rec != nil {
		defer rec.Close()
		if out, ok := a.finish(ctx, rec); !ok {
			return out
		}
	}
	now, err := a.hold.Read(ctx)
	if errors.Is(err, credfiles.ErrGone) {
		return Outcome{Row: a.row, Did: Lost}
	}
	if err != nil {
		return a.fail(err)
	}
	if now.Key != a.row.Key {
		return a.fail(fmt.Errorf("%s leads to another file than a moment ago, so nothing is sent; try again", a.row.Path))
	}
	a.lk.Protected = now.Protected // a store of our own may just have been made
	a.observe(now)
	planned := a.row
	a.row = a.r.decide(now, a.r.whoHolds(ctx, a.row), nil)
	moved := !now.Refresh.Equal(planned.Refresh) || setup(a.row.Grant) != setup(planned.Grant)
	fresher := !now.Access.Equal(planned.Access) && now.Expiry.After(clock()) && !a.row.input.Marked
	switch {
	case fresher && (!a.o.Began.IsZero() || !a.row.Wanted(a.o)):
		return a.r.adopted(a.row)
	case moved:
		return Outcome{Row: a.row}
	case a.refreshedSince():
		return a.r.adopted(a.row)
	case !a.row.Wanted(a.o):
		return Outcome{Row: a.row, Did: Nothing}
	case a.row.asked(a.o).Why == WentBack:
		return a.giveBack(ctx)
	case a.post.TokenURL == "":
		return Outcome{Row: a.row} // it was another case when we planned
	}
	return a.exchange(ctx)
}

// refreshedSince: a refresh that ended after the command began counts as the
// one that was asked for, even if it was read with its result already in.
func (a *attempt) refreshedSince() bool {
	return !a.o.Began.IsZero() && a.mem.Refreshed.After(a.o.Began) && a.row.Expiry.After(clock())
}

// plan finds the endpoint and settles the request. Nothing is locked or sent.
func (a *attempt) plan(ctx context.Context) (out Outcome, ok bool) {
	m := a.row.Memory
	grant := a.row.Grant
	if grant.Issuer == "" && m.Client == grant.ClientID {
		// The store binds the grant to no issuer (Codex before 0.149). The one
		// of the last refresh does: a server that changes its metadata must not
		// lead the refresh token elsewhere.
		grant.Issuer = m.Issuer
	}
	// Where the store alone says where it goes, it may not say another thing than
	// when this refresh token came.
	if bound := grant.TokenURL == "" && grant.MetadataURL == "" && m.Refresh == a.row.input.Refresh; bound && m.Endpoint != "" && grant.Endpoint != "" && grant.Endpoint != m.Endpoint {
		return a.note(ctx, ledger.Misconfigured, "endpoint",
			fmt.Errorf("%s, was %s; sign in again", discovery.Shown(grant.Endpoint), discovery.Shown(m.Endpoint))), false
	}
	if m.For == a.row.input.Refresh && (m.Wait == ledger.Misconfigured || m.Wait == ledger.User) {
		a.r.Finder.Forget(grant) // it may be the metadata that was wrong
	}
	// A client that asks for itself uses nothing up: it may just ask again.
	resting := !grant.ByClient() && m.Wait == ledger.Misconfigured && m.For == a.row.input.Refresh && m.Setup == a.row.input.Setup
	ends, err := a.r.Finder.Find(ctx, grant)
	var temporary *discovery.TemporaryError
	var issuer *discovery.IssuerError
	switch {
	case err == nil:
	case resting:
		return a.stay(ctx), false
	case errors.As(err, &temporary):
		return a.note(ctx, ledger.Unsent, "discovery", err), false
	case errors.As(err, &issuer):
		return a.note(ctx, ledger.Misconfigured, "issuer", err), false
	default:
		return a.note(ctx, ledger.Misconfigured, "discovery", err), false
	}
	a.post, err = exchange.Plan(a.row.Grant, exchange.Server{
		Issuer: ends.Issuer, TokenURL: ends.TokenURL, AuthMethods: ends.AuthMethods, Resource: ends.Resource,
	})
	switch {
	case err != nil:
		return a.note(ctx, ledger.Misconfigured, "request", err), false
	case resting && m.Request == requestHash(a.post):
		return a.stay(ctx), false // it would be the request that was refused
	}
	return Outcome{}, true
}

// lock takes our lock and then the client's. Where it returns false it holds
// neither.
func (a *attempt) lock(ctx context.Context) (out Outcome, ok bool) {
	ours, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	var err error
	if a.lk, err = a.r.Ledger.Lock(ours, a.row.Key); err != nil {
		return a.unlocked(ctx, err), false
	}
	defer func() {
		if !ok {
			a.lk.Unlock()
		}
	}()
	a.lk.Protected = a.row.Protected
	if a.mem, err = a.lk.Memory(a.row.Key); err != nil {
		return a.fail(err), false
	}
	theirs, cancel := context.WithTimeout(ctx, holdPatience)
	defer cancel()
	if a.hold, err = a.row.store.Hold(theirs, a.row.Credential); err != nil {
		switch {
		case ctx.Err() != nil:
			return a.gaveUp(ctx), false
		case errors.Is(err, credfiles.ErrGone):
			return Outcome{Row: a.row, Did: Lost}, false
		}
		return a.unready(err), false
	}
	return Outcome{}, true
}

// exchange is the part from which there is no way back: everything before the
// POST may stop, nothing after it.
func (a *attempt) exchange(ctx context.Context) Outcome {
	// No rule lets a spent or dead value come this far. It is looked up all the
	// same: nothing takes a POST back.
	if _, over, err := a.r.Ledger.Marked(a.row.input.Refresh); err != nil {
		return a.fail(fmt.Errorf("which refresh tokens are spent cannot be read, so nothing is sent: %w", err))
	} else if over {
		return a.fail(errors.New("the refresh token is spent or dead; nothing was sent"))
	}
	if err := a.hold.Ready(); errors.Is(err, credfiles.ErrGone) {
		return Outcome{Row: a.row, Did: Lost}
	} else if err != nil {
		return a.unready(err)
	}
	secret, err := a.row.store.Secret(ctx, a.row.Credential)
	if err != nil {
		return a.rest(ledger.Unsent, exchange.Verdict{Code: SecretTrouble}, err)
	}
	// Cut or timed out: grace windows run from the first use, so the one
	// repeat comes at once. Nobody can hold the successor.
	for repeated := a.ambiguous(); ; repeated = true {
		rec, err := a.lk.Begin(ledger.SentOf(a.row.Credential, a.post, a.mem.Lineage, a.unusable()))
		if err != nil {
			return a.fail(err)
		}
		if err := a.locked(); err != nil {
			return a.end(rec, a.unready(err), nil)
		}
		a.log(ledger.Event{What: "sent", Old: short8(a.row.input.Refresh)})
		answer := exchange.Send(ctx, a.r.transport(a.row.Grant), a.post, a.row.Refresh, secret)
		if !answer.Written {
			return a.unsent(ctx, rec, answer)
		}
		// Until this returns a crash loses the answer: nothing comes before it,
		// not even a look at what the answer says.
		if err := rec.Answered(answer); err != nil {
			// Preallocated and still refused. The store is the place left.
			a.log(ledger.Event{What: "journal", Why: err.Error()})
		}
		// A client may give up waiting, the user may quit: what came goes into
		// the store all the same.
		ctx = context.WithoutCancel(ctx)
		verdict := exchange.Judge(a.post, answer)
		a.took(answer)
		a.mem.Skew = verdict.Skew
		out := a.settle(ctx, rec, answer, verdict)
		if repeated || !verdict.RepeatAtOnce || verdict.Kind != exchange.Ambiguous || out.Err != nil {
			return out
		}
		now, err := a.hold.Read(ctx)
		if err != nil || !now.Refresh.Equal(a.row.Refresh) {
			return Outcome{Row: a.row}
		}
	}
}

// ambiguous reports that the last answer to this refresh token was no clear
// one.
func (a *attempt) ambiguous() bool {
	return a.mem.Wait == ledger.Ambiguous && a.mem.For == a.row.input.Refresh
}

// locked reports whether both locks are still ours.
func (a *attempt) locked() error {
	if err := a.lk.Check(); err != nil {
		return err
	}
	return a.hold.Check()
}

// unsent ends an attempt whose request never left: the refresh token is surely
// unspent.
func (a *attempt) unsent(ctx context.Context, rec *ledger.Record, answer exchange.Answer) Outcome {
	if answer.Failure == exchange.FailureCancelled {
		return a.end(rec, a.gaveUp(ctx), nil)
	}
	var why error
	if answer.Failure != "" {
		why = errors.New(answer.Failure)
	}
	v := exchange.Judge(a.post, answer)
	out, err := a.wait(rec.For, waitOf(v), v, why)
	return a.end(rec, out, err)
}

// unusable reports that no client could use the token as it is, so that
// sessions which gave up have to be told when it works again.
func (a *attempt) unusable() bool {
	expired := !a.row.Expiry.IsZero() && !a.row.Expiry.After(clock())
	return expired || a.row.NeedsAuth || a.row.State == SignInNeeded
}

// took remembers that a request was sent, and how long this server takes. The
// slowest of late decides whether a running client would lose its patience; it
// fades by a fifth with every faster answer.
func (a *attempt) took(answer exchange.Answer) {
	a.mem.Posts++
	a.mem.Slowest = max(min(answer.Took, underWay), a.mem.Slowest*4/5)
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
	if a.code {
		return a.fail(err)
	}
	wait := ledger.Unready
	var busy *clientlock.BusyError
	if errors.As(err, &busy) {
		wait = ledger.Unsent
	}
	return a.rest(wait, exchange.Verdict{}, err)
}

// unlocked is the end of an attempt that did not get our own lock.
func (a *attempt) unlocked(ctx context.Context, err error) Outcome {
	if ctx.Err() != nil {
		return a.gaveUp(ctx)
	}
	out := a.fail(err)
	var busy *clientlock.BusyError
	if errors.As(err, &busy) {
		out.Decision = Decision{State: Retrying, Why: InFlight, At: clock().Add(settled)} // by another process
	}
	return out
}

// gaveUp is the end of an attempt that the caller did not wait for. It says
// nothing about server or store, so nothing is remembered.
func (a *attempt) gaveUp(ctx context.Context) Outcome {
	return Outcome{Row: a.row, Did: Failed, Err: context.Cause(ctx)}
}

func (a *attempt) fail(err error) Outcome {
	a.r.log(ledger.Event{ID: a.row.ID, What: "failed", Why: err.Error()})
	return Outcome{Row: a.row, Did: Failed, Err: err}
}
