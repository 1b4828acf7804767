package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"lamplighter/credfiles/watch"
	"lamplighter/refresher"
)

// A hope is what status waits for.
type hope struct {
	state   refresher.State // Fresh or SignInNeeded; empty: nothing
	timeout time.Duration   // zero: as long as it takes
}

// met reports that rows are as was hoped: fresh are all of them, a sign-in is
// needed by any. What is not kept is as good as fresh while its token lives.
func (h hope) met(rows []refresher.Row, named bool, now time.Time) bool {
	if h.state == refresher.SignInNeeded {
		return slices.ContainsFunc(rows, func(row refresher.Row) bool { return needsYou(row, now) })
	}
	if !named {
		rows = slices.DeleteFunc(slices.Clone(rows), func(row refresher.Row) bool { return !kept(row) })
	}
	return len(rows) > 0 && !slices.ContainsFunc(rows, func(row refresher.Row) bool {
		if kept(row) {
			return row.State != refresher.Fresh
		}
		return !row.Expiry.After(now)
	})
}

var errHoped = errors.New("hoped long enough")

// look is scan, for who may hope for something.
func (p *program) look(ctx context.Context, x *parts, h hope, ids []string) (snap snapshot, late bool, err error) {
	if h.state != "" {
		return p.await(ctx, x, h, ids)
	}
	snap, err = p.scan(ctx, x)
	return snap, false, err
}

// await scans until what is hoped for is there. It looks again when a store or
// what we remember changes, and once a minute. late: it is not there yet.
func (p *program) await(ctx context.Context, x *parts, h hope, ids []string) (snap snapshot, late bool, err error) {
	defer p.working(workWaiting)()
	outer := ctx
	if h.timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, h.timeout, errHoped)
		defer stop()
	}
	w, err := watch.New(quiet)
	if err != nil {
		return snap, false, err
	}
	defer w.Close()
	for {
		w.Set(append(x.watched(), x.ledger.LogFile()))
		snap = x.refresher.Scan(outer)
		rows := snap.Rows
		if len(ids) > 0 {
			if rows, err = pick(snap, ids); err != nil {
				return snap, false, err
			}
		}
		if h.met(rows, len(ids) > 0, snap.At) {
			return snap, false, nil
		}
		next := snap.At.Add(time.Minute)
		for _, row := range rows {
			if row.Expiry.After(snap.At) {
				next = earlier(next, row.Expiry)
			}
		}
		select {
		case <-w.Changed():
		case <-time.After(time.Until(next)):
			w.Poll()
		case <-ctx.Done():
			if outer.Err() != nil {
				p.errorf(saidInterrupted)
				return snap, false, exit{exitLater}
			}
			return snap, true, nil
		}
	}
}
