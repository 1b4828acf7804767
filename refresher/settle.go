package refresher

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// settle does what an answer asks for. The answer is in rec; a crash at any
// point brings us back here with the same record.
func (a *attempt) settle(ctx context.Context, rec *ledger.Record, v exchange.Verdict) Outcome {
	switch v.Kind {
	case exchange.Refreshed:
		return a.land(ctx, rec, v)
	case exchange.Dead:
		return a.bury(ctx, rec, v)
	}
	wait := map[exchange.Kind]ledger.Wait{
		exchange.NeedsUser:     ledger.User,
		exchange.ClientGone:    ledger.User,
		exchange.Misconfigured: ledger.Misconfigured,
		exchange.Later:         ledger.Unsent,
		exchange.Ambiguous:     ledger.Ambiguous,
	}[v.Kind]
	if wait == ledger.Unsent && v.RetryAfter > 0 {
		wait = ledger.Asked
	}
	out := a.wait(wait, v, nil)
	rec.Done()
	return out
}

// land puts a new token into the store.
func (a *attempt) land(ctx context.Context, rec *ledger.Record, v exchange.Verdict) Outcome {
	old := rec.Sent.Credential()
	oldPrint := a.r.Ledger.Fingerprint(old.Refresh)
	full := v.Token
	if full.Refresh.IsZero() {
		full.Refresh = old.Refresh
	}
	if full.RefreshExpiry.IsZero() {
		full.RefreshExpiry = old.RefreshExpiry
	}
	rotated := !full.Refresh.Equal(old.Refresh)
	result, err := a.write(ctx, rec, old, v.Token)
	if err != nil {
		if rotated {
			a.must(a.lk.MarkSpent(oldPrint, rec.Sent.Lineage))
		}
		return a.wait(ledger.Unsaved, v, err)
	}
	kept, _ := a.r.Ledger.Kept(a.row.Key)
	m := &a.mem
	switch result {
	case credfiles.Written:
		kept.Good, kept.Orphan = ledger.Keep(full, rec.Sent.Lineage), nil
	case credfiles.Theirs:
		if rotated {
			kept.Orphan = ledger.Keep(full, rec.Sent.Lineage)
		}
	case credfiles.Gone:
		kept.Good = ledger.Keep(full, rec.Sent.Lineage)
	}
	a.must(a.lk.SaveKept(kept))
	if rotated {
		a.must(a.lk.MarkSpent(oldPrint, rec.Sent.Lineage))
	}
	now := time.Now()
	if result == credfiles.Written {
		m.Refresh, m.Access = a.r.Ledger.Fingerprint(full.Refresh), a.r.Ledger.Fingerprint(full.Access)
		m.Seen, m.Lifetime, m.Refreshed, m.TokenURL = now, v.Lifetime, now, rec.Sent.Post.TokenURL
		m.RefreshExpiry = full.RefreshExpiry
		if rec.Sent.Unusable {
			m.Repaired = now
		}
	}
	m.Settle()
	a.must(a.lk.Save(*m))
	rec.Done()
	e := ledger.Event{What: "refreshed", Old: short8(oldPrint), New: short8(a.r.Ledger.Fingerprint(full.Refresh)), Expiry: full.Expiry, Host: hostOf(rec.Sent.Post.TokenURL)}
	out := Outcome{Row: a.row, Did: Refreshed, Answer: v}
	switch result {
	case credfiles.Theirs:
		e.What, out.Did = "adopted", Adopted
	case credfiles.Gone:
		e.What, out.Did = "gone", Lost
	default:
		out.Token = full
		if err := a.hold.ClearMark(a.row.Credential); err != nil {
			a.log(ledger.Event{What: "mark", Why: err.Error()})
		}
	}
	a.log(e)
	out.Row = a.reread(ctx, out.Row)
	return out
}

// write tries harder where the journal could not take the answer: then the
// store is the only place that can.
func (a *attempt) write(ctx context.Context, rec *ledger.Record, old credfiles.Credential, t credfiles.Token) (credfiles.Result, error) {
	for try := 0; ; try++ {
		result, err := a.hold.Write(ctx, old, t, rec.Imaged)
		if err == nil || rec.Answer != nil || try == 30 {
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
	print := a.r.Ledger.Fingerprint(old.Refresh)
	a.must(a.lk.MarkDead(print, rec.Sent.Lineage))
	a.mem.Settle()
	a.mem.For, a.mem.Verdict, a.mem.Code, a.mem.Detail = print, v.Kind.String(), v.Code, v.Detail
	a.mem.Dead = time.Now()
	a.must(a.lk.Save(a.mem))
	rec.Done()
	a.log(ledger.Event{What: "dead", Old: short8(print), Verdict: v.Kind.String(), Code: v.Code, Detail: v.Detail, Host: hostOf(rec.Sent.Post.TokenURL)})
	kept, _ := a.r.Ledger.Kept(a.row.Key)
	if kept.Orphan == nil {
		return Outcome{Row: a.reread(ctx, a.row), Did: Failed, Answer: v}
	}
	orphan := kept.Orphan.Reveal()
	kept.Orphan = nil
	if _, over, err := a.r.Ledger.Marked(a.r.Ledger.Fingerprint(orphan.Refresh)); err != nil || over {
		return Outcome{Row: a.reread(ctx, a.row), Did: Failed, Answer: v}
	}
	if result, err := a.put(ctx, old, orphan); err != nil || result != credfiles.Written {
		return Outcome{Row: a.reread(ctx, a.row), Did: Failed, Answer: v, Err: err}
	}
	a.must(a.lk.SaveKept(kept))
	a.log(ledger.Event{What: "restored", Old: short8(print), New: short8(a.r.Ledger.Fingerprint(orphan.Refresh))})
	return Outcome{Row: a.row} // to be decided anew
}

// giveBack restores the unspent successor to a store that went back to a
// value that we rotated away. No POST, no message.
func (a *attempt) giveBack(ctx context.Context) (Outcome, bool) {
	kept, err := a.r.Ledger.Kept(a.row.Key)
	if err != nil || kept.Good == nil {
		return a.fail(errors.New("the successor is not known any more")), true
	}
	good := kept.Good.Reveal()
	result, err := a.put(ctx, a.row.Credential, good)
	if err != nil {
		return a.unready(err), true
	}
	if result != credfiles.Written {
		return Outcome{Row: a.row}, false
	}
	now := time.Now()
	a.mem.Reverts = append(recent(a.mem.Reverts, now), now)
	a.must(a.lk.Save(a.mem))
	a.log(ledger.Event{What: "restored", Old: short8(a.row.input.Refresh), New: short8(a.r.Ledger.Fingerprint(good.Refresh)), Expiry: good.Expiry})
	a.row = a.reread(ctx, a.row)
	return Outcome{Row: a.row, Did: Restored}, !a.row.Wanted(a.o)
}

// put writes a token that we hold already, without a POST.
func (a *attempt) put(ctx context.Context, old credfiles.Credential, t credfiles.Token) (credfiles.Result, error) {
	s := ledger.SentOf(old, exchange.Post{}, a.mem.Lineage, false)
	s.Write = true
	rec, err := a.lk.Begin(s)
	if err != nil {
		return 0, err
	}
	defer rec.Done()
	return a.hold.Write(ctx, old, t, rec.Imaged)
}

// finish takes up what a crash or a refusing store left in the journal. done
// is false where the refresh goes on as usual.
func (a *attempt) finish(ctx context.Context, rec *ledger.Record) (out Outcome, done bool) {
	if rec.Image != nil {
		if err := a.hold.Restore(rec.Image); err != nil {
			return a.unready(err), true
		}
	}
	if rec.Sent.Write {
		rec.Done()
		return Outcome{}, false
	}
	if rec.Answer != nil {
		v := exchange.Judge(rec.Sent.Post, *rec.Answer)
		out = a.settle(ctx, rec, v)
		return out, out.Did != "" && !(v.Kind == exchange.Ambiguous || v.Kind == exchange.Later)
	}
	// Sent, and nobody knows what came. Where the store still holds that
	// value, nobody can have its successor: it is repeated once, at once.
	print := a.r.Ledger.Fingerprint(rec.Sent.Credential().Refresh)
	if now, err := a.hold.Read(ctx); err == nil && a.r.Ledger.Fingerprint(now.Refresh) == print {
		m := &a.mem
		m.For, m.Wait, m.Until, m.Tried = print, ledger.Ambiguous, time.Now(), rec.Sent.At
		m.Failures++
		a.must(a.lk.Save(*m))
		a.o.Force = true
	}
	a.log(ledger.Event{What: "unfinished", Old: short8(print)})
	rec.Done()
	return Outcome{}, false
}

// reread makes the row true after a write.
func (a *attempt) reread(ctx context.Context, row Row) Row {
	now, err := a.hold.Read(ctx)
	if err != nil {
		return row
	}
	return a.r.decide(now, row, nil)
}

// must tells of something that could not be remembered. Nothing can be done
// about it here; what matters most is in the journal and in the store.
func (a *attempt) must(err error) {
	if err != nil {
		a.log(ledger.Event{What: "ledger", Why: err.Error()})
	}
}

// note is wait for an attempt that holds no lock yet.
func (a *attempt) note(ctx context.Context, w ledger.Wait, code string, err error) Outcome {
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	lk, lerr := a.r.Ledger.Lock(short, a.row.Key)
	if lerr != nil {
		return a.fail(err) // somebody else is at it
	}
	defer lk.Unlock()
	a.lk = lk
	if a.mem, lerr = lk.Memory(a.row.Key); lerr != nil {
		return a.fail(lerr)
	}
	return a.wait(w, exchange.Verdict{Code: code}, err)
}

// wait remembers trouble and when to try again.
func (a *attempt) wait(w ledger.Wait, v exchange.Verdict, err error) Outcome {
	m := &a.mem
	print := a.row.input.Refresh
	if m.For != print || m.Wait != w {
		m.Failures = 0
	}
	m.For, m.Wait, m.Tried = print, w, time.Now()
	m.Failures++
	m.Until = m.Tried.Add(backoff(w, m.Failures, v.RetryAfter))
	m.Verdict, m.Code, m.Detail = "", v.Code, v.Detail
	if v.Kind != 0 {
		m.Verdict = v.Kind.String()
	}
	if err != nil {
		m.Detail = err.Error()
	}
	m.Setup, m.Request = "", ""
	if w == ledger.Misconfigured {
		m.Setup, m.Request = a.row.input.Setup, requestHash(a.post)
	}
	a.must(a.lk.Save(*m))
	e := ledger.Event{What: string(w), Verdict: m.Verdict, Code: v.Code, Detail: v.Detail, Old: short8(print)}
	if err != nil {
		e.Why = err.Error()
	}
	a.log(e)
	row := a.row
	row.input.M, row.Memory = *m, *m
	row.input.Now = m.Tried
	row.Decision = Decide(row.input)
	if w == ledger.Unsaved {
		row.Decision = Decision{State: Unsaved, Why: Waiting, At: m.Until}
	}
	return Outcome{Row: row, Did: Failed, Answer: v, Err: err}
}

// backoff is how long to wait after the nth failure in a row: 30 s, doubled
// each time up to the limit, and up to a tenth less so that many do not come
// back together.
func backoff(w ledger.Wait, n int, asked time.Duration) time.Duration {
	limit := 30 * time.Minute
	switch w {
	case ledger.Asked:
		return asked
	case ledger.Misconfigured:
		return time.Hour
	case ledger.User:
		return 24 * time.Hour
	case ledger.Unready, ledger.Unsaved:
		limit = 5 * time.Minute
	}
	d := min(limit, 30*time.Second<<min(n-1, 10))
	return d - time.Duration(rand.Int64N(int64(d/10)))
}

// requestHash tells whether a request would be the same as the last one.
func requestHash(p exchange.Post) string {
	text, _ := json.Marshal(p)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
