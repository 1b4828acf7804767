package refresher

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"time"

	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// waitOf is what to wait for after a verdict that brought no token.
func waitOf(v exchange.Verdict) ledger.Wait {
	switch v.Kind {
	case exchange.NeedsUser, exchange.ClientGone:
		return ledger.User
	case exchange.Misconfigured:
		return ledger.Misconfigured
	case exchange.Ambiguous:
		return ledger.Ambiguous
	}
	if v.RetryAfter > 0 {
		return ledger.Asked
	}
	return ledger.Unsent
}

// backoff is how long to wait after the nth failure in a row: 30 s, doubled
// each time up to the limit, and up to a tenth less so that many do not come
// back together; never less than the server asks for.
func backoff(w ledger.Wait, n int, asked time.Duration) time.Duration {
	limit := 30 * time.Minute
	switch w {
	case ledger.Misconfigured:
		return restsFor
	case ledger.User:
		return 24 * time.Hour
	case ledger.Unready, ledger.Unsaved:
		limit = 5 * time.Minute
	}
	d := min(limit, 30*time.Second<<min(n-1, 10))
	return max(asked, d-time.Duration(rand.Int64N(int64(d/10))))
}

// restsFor is how often the metadata of a misconfigured credential is looked
// up anew.
const restsFor = time.Hour

// wait remembers trouble with a refresh token, given by its fingerprint, and
// when to try again. The error says that it could not be remembered.
func (a *attempt) wait(print string, w ledger.Wait, v exchange.Verdict, why error) (Outcome, error) {
	m := &a.mem
	if m.For != print || m.Wait != w {
		m.Failures = 0
	}
	m.For, m.Wait, m.Tried = print, w, clock()
	m.Failures++
	m.Until = m.Tried.Add(backoff(w, m.Failures, v.RetryAfter))
	if w == ledger.User && a.row.SecretLater {
		m.Until = m.Tried.Add(restsFor) // only the command knows whether there is another secret
	}
	m.Verdict, m.Code, m.Detail = "", v.Code, v.Detail
	if v.Kind != 0 {
		m.Verdict = v.Kind.String()
	}
	e := ledger.Event{What: string(w), Verdict: m.Verdict, Code: v.Code, Detail: v.Detail, Old: short8(print)}
	if why != nil {
		m.Detail, e.Why = why.Error(), why.Error()
	}
	m.Setup, m.Request = "", ""
	if w == ledger.Misconfigured || w == ledger.User {
		m.Setup, m.Request = a.row.input.Setup, requestHash(a.post)
	}
	a.log(e)
	err := a.lk.Save(*m)
	row := a.waiting()
	if w == ledger.Unsaved {
		row.Decision = Decision{State: Unsaved, Why: Waiting, At: m.Until}
	}
	return Outcome{Row: row, Did: Failed, Answer: v, Err: why, sent: a.row.Refresh}, err
}

// waiting is the row as what is remembered now makes it.
func (a *attempt) waiting() Row {
	row := a.row
	row.input.M, row.Memory = a.mem, a.mem
	row.input.Now = clock()
	row.Decision = Decide(row.input)
	return row
}

// rest is wait where nothing depends on its being remembered: nothing was sent.
func (a *attempt) rest(w ledger.Wait, v exchange.Verdict, why error) Outcome {
	out, err := a.wait(a.row.input.Refresh, w, v, why)
	a.forgot(err)
	return out
}

// forgot tells of something that could not be remembered.
func (a *attempt) forgot(err error) {
	if err != nil {
		a.log(ledger.Event{What: "ledger", Why: err.Error()})
	}
}

// note is rest for an attempt that holds no lock yet.
func (a *attempt) note(ctx context.Context, w ledger.Wait, code string, why error) Outcome {
	return a.briefly(ctx, func() Outcome { return a.rest(w, exchange.Verdict{Code: code}, why) })
}

// stay leaves a misconfigured credential at rest for another while: nothing has
// changed, as far as can be seen.
func (a *attempt) stay(ctx context.Context) Outcome {
	return a.briefly(ctx, func() Outcome {
		a.mem.Tried = clock()
		a.mem.Until = a.mem.Tried.Add(restsFor)
		a.forgot(a.lk.Save(a.mem))
		return Outcome{Row: a.waiting(), Did: Failed}
	})
}

// briefly does something under our lock, unless somebody else had it since the
// row was read: then his word is the newer one.
func (a *attempt) briefly(ctx context.Context, do func() Outcome) Outcome {
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	lk, err := a.r.Ledger.Lock(short, a.row.Key)
	if err != nil {
		return a.unlocked(ctx, err)
	}
	defer lk.Unlock()
	a.lk = lk
	if a.mem, err = lk.Memory(a.row.Key); err != nil {
		return a.fail(err)
	}
	if was := a.row.Memory; !a.mem.Tried.Equal(was.Tried) || a.mem.Wait != was.Wait || !a.mem.Refreshed.Equal(was.Refreshed) {
		return Outcome{Row: a.row}
	}
	return do()
}

// requestHash tells whether a request would be the same as the last one.
func requestHash(p exchange.Post) string {
	text, _ := json.Marshal(p)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
