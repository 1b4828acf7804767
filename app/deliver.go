package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"lamplighter/app/settings"
	"lamplighter/credfiles"
	"lamplighter/deliver"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

// handOnTime is how long a command waits for all that it delivers.
const handOnTime = 10 * time.Second

// handOn puts the access tokens of these credentials where the config says, for
// a command: whatever a place waited for before, a person asked now. It reports
// whether all of them are there.
func (p *program) handOn(ctx context.Context, x *parts, rows ...refresher.Row) (done bool) {
	ctx, cancel := context.WithTimeout(ctx, handOnTime)
	defer cancel()
	all := slices.DeleteFunc(x.deliveries(), func(d settings.Delivery) bool {
		return !slices.ContainsFunc(rows, func(r refresher.Row) bool { return r.Own && r.ID == d.ID })
	})
	failed := make([]error, len(all))
	var group sync.WaitGroup
	for i, d := range all {
		group.Go(func() { _, failed[i] = x.deliver(ctx, d, true) })
	}
	group.Wait()
	done = true
	for i, err := range failed {
		if err == nil {
			continue
		}
		done = false
		what, do := p.view(false).undelivered(all[i].ID, err)
		p.errorf("%s", what)
		if do != "" {
			p.warnf(saidDoThis, do)
		}
	}
	return done
}

// A courier delivers beside a keeper, whom it never keeps waiting.
type courier struct {
	x    *parts
	wake func() // makes the keeper look again

	group   sync.WaitGroup
	mu      sync.Mutex
	busy    map[ledger.Place]bool // true: something came meanwhile
	refuses map[ledger.Place]bool
	later   map[ledger.Place]*time.Timer
}

func newCourier(x *parts, wake func()) *courier {
	return &courier{x: x, wake: wake, busy: map[ledger.Place]bool{}, refuses: map[ledger.Place]bool{}, later: map[ledger.Place]*time.Timer{}}
}

// look begins to deliver what is not where it should be.
func (c *courier) look(ctx context.Context, snap snapshot) {
	if c.x.waits() != "" {
		return // nobody said yet that anything may be written
	}
	for _, d := range c.x.deliveries() {
		for _, row := range snap.Rows {
			if row.Own && row.ID == d.ID && !c.x.delivered(d, row.Credential) {
				c.send(ctx, d)
			}
		}
	}
}

func (c *courier) send(ctx context.Context, d settings.Delivery) {
	place := c.x.place(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, flies := c.busy[place]; flies {
		c.busy[place] = true
		return
	}
	c.busy[place] = false
	c.group.Go(func() {
		next, err := c.x.deliver(ctx, d, false)
		c.mu.Lock()
		defer c.mu.Unlock()
		again, refused := c.busy[place], c.refuses[place]
		delete(c.busy, place)
		if t := c.later[place]; t != nil {
			t.Stop()
		}
		if ctx.Err() != nil {
			return
		}
		if !next.IsZero() {
			c.later[place] = time.AfterFunc(time.Until(next), c.wake)
		}
		if c.refuses[place] = err != nil || !next.IsZero(); again || c.refuses[place] != refused {
			c.wake() // what is wrong, or no longer, is to be said
		}
	})
}

// wait ends with what is under way. A file takes milliseconds; what waits for a
// server ends with the keeper's context.
func (c *courier) wait() {
	c.group.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.later {
		t.Stop()
	}
}

// delivered reports that a token is where a delivery puts it, as far as we
// remember and a look at the file tells.
func (x *parts) delivered(d settings.Delivery, c credfiles.Credential) bool {
	target, err := x.target(d)
	if err != nil {
		return false
	}
	text, wrong := target.Text(tokenOf(c))
	was, err := x.ledger.Delivery(x.place(d))
	return wrong == nil && err == nil && was.Is(d.ID, x.ledger.Fingerprint(text)) && !target.Gone()
}

// deliver puts a token where it belongs, unless it is there already. next is
// when to try again; a word ends a wait. Whoever else delivers to this place
// waits for the other, and finds what he did.
func (x *parts) deliver(ctx context.Context, d settings.Delivery, word bool) (next time.Time, err error) {
	target, err := x.target(d)
	if err != nil {
		return next, err
	}
	lk, err := x.ledger.LockDelivery(ctx, x.place(d))
	if err != nil {
		return next, err
	}
	defer lk.Unlock()
	c, ok := x.ownNow(ctx, d.ID)
	if !ok || x.outdated() { // it may not be delivered any more
		return next, nil
	}
	t := tokenOf(c)
	text, err := target.Text(t)
	print := x.ledger.Fingerprint(text)
	switch now := time.Now(); {
	case err == nil && lk.Is(d.ID, print) && !target.Gone(), !t.Lives():
		return next, nil
	case !word && now.Before(lk.Until) && lk.Until.Before(now.Add(2*mostWait)): // else the clock was set
		return lk.Until, nil
	}
	lk.ID = d.ID
	if err == nil {
		lk.Begin(print) // what a crash leaves there is ours
		err = lk.Save()
	}
	if err == nil {
		err = target.Put(ctx, t, func(there credfiles.Secret) bool { return lk.Ours(x.ledger.Fingerprint(there)) })
	}
	switch {
	case errors.Is(err, deliver.ErrEnding):
		return next, nil
	case err != nil && ctx.Err() != nil && !word:
		return next, err // says nothing of the place
	case err != nil:
		return x.failed(lk, err)
	}
	lk.Done(print)
	x.note(ledger.Event{ID: d.ID, What: "delivered", Why: target.String(), Expiry: t.Expiry})
	return next, lk.Save()
}

// takeBack erases the access tokens of an own credential from where they were
// delivered, as far as they are ours to erase, and says of each place what became
// of it. What cannot be erased is no reason to keep the rest; left says that
// there is some.
func (p *program) takeBack(ctx context.Context, x *parts, id string) (left bool, err error) {
	all, err := x.ledger.Deliveries()
	if err != nil {
		return false, err
	}
	v := p.view(false)
	for _, d := range all {
		if d.ID != id {
			continue
		}
		where := v.place(d.Place)
		switch err := x.erase(ctx, d.Place); {
		case errors.Is(err, errRemote):
			p.warnf(saidStays, where)
		case err != nil:
			left = left || !errors.Is(err, deliver.ErrForeign)
			p.warnf(saidNotErased, where, v.tilde(err.Error()))
		default:
			p.warnf(saidErased, where)
		}
	}
	return left, nil
}

// errRemote says that a place is not ours alone: by now another machine may have
// put its token there.
var errRemote = errors.New("it is for others too")

// erase erases what we delivered to a place.
func (x *parts) erase(ctx context.Context, place ledger.Place) (err error) {
	ctx, cancel := context.WithTimeout(ctx, handOnTime)
	defer cancel()
	lk, err := x.ledger.LockDelivery(ctx, place)
	if err != nil {
		return err
	}
	defer lk.Unlock()
	ours := func(there credfiles.Secret) bool { return lk.Ours(x.ledger.Fingerprint(there)) }
	switch {
	case place.Vault != "":
		return errors.Join(errRemote, lk.Forget())
	case place.File != "":
		err = deliver.File{Path: place.File}.Erase(ours)
	default:
		err = deliver.Item{Service: place.Service, Account: place.Account, Keyring: itemRing(x.getenv)}.Erase(ctx, ours)
	}
	if err == nil {
		err = lk.Forget()
	}
	return err
}

// mostWait is how long a place that refuses is left alone at most.
const mostWait = 5 * time.Minute

// failed notes a failure. The log gets the first of several.
func (x *parts) failed(lk *ledger.LockedDelivery, err error) (next time.Time, why error) {
	lk.Until = time.Now().Add(min(mostWait, 5*time.Second<<min(lk.Failures, 10))).Round(0)
	lk.Failures++
	lk.Why = err.Error()
	if lk.Failures == 1 {
		x.note(ledger.Event{ID: lk.ID, What: "undelivered", Why: lk.Why})
	}
	return lk.Until, errors.Join(err, lk.Save())
}

func (x *parts) note(e ledger.Event) {
	p := x.policy()
	x.ledger.Log(e, p.LogSize, p.LogKeep)
	x.refresher.Tell(e)
}

// withDeliveries adds to the problems of a Snapshot those of its credentials
// that could not be delivered.
func (x *parts) withDeliveries(snap snapshot) snapshot {
	snap.Problems = slices.Clone(snap.Problems)
	for _, d := range x.deliveries() {
		was, _ := x.ledger.Delivery(x.place(d))
		if was.Failures > 0 && slices.ContainsFunc(snap.Rows, func(r refresher.Row) bool { return r.ID == d.ID }) {
			target, _ := x.target(d)
			snap.Problems = append(snap.Problems, credfiles.Problem{Store: target.String(), Client: credfiles.OwnClient, Entry: d.ID, Kind: undelivered, Err: errors.New(was.Why)})
		}
	}
	return snap
}
