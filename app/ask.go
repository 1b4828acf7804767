package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/keyring"
	"lamplighter/refresher"
)

// asked reads those of the rows that arguments name which the keychain keeps for
// their client. refused: of one at least nothing is known.
func (p *program) asked(ctx context.Context, x *parts, snap refresher.Snapshot, args []string) (_ refresher.Snapshot, refused bool, err error) {
	if len(args) == 0 {
		return snap, false, usagef(saidAskWhich)
	}
	rows, err := pick(snap, args)
	if err != nil {
		return snap, false, err
	}
	v := p.view(x.keeperRuns())
	for _, row := range rows {
		if row.WatchOnly != credfiles.KeychainOwn {
			p.warnf(saidAskNobody, row.ID)
			continue
		}
		p.warnf(saidAsking, row.ID)
		if err := x.ask(ctx, row); err != nil {
			p.errorf("%s", v.unread(row, err))
			refused = true
		}
	}
	snap, err = p.scan(ctx, x)
	return snap, refused, err
}

func (x *parts) ask(ctx context.Context, row refresher.Row) error {
	x.mu.Lock()
	host := x.host
	x.mu.Unlock()
	return host.Ask(ctx, row.Credential)
}

// ask does the same at a click.
func (d *desk) ask(ctx context.Context, row refresher.Row) {
	d.tell(upper(fmt.Sprintf(saidAsking, row.ID)) + ".")
	v, key := d.view(true), row.Key
	if err := d.x.ask(ctx, row); err != nil {
		d.tell(upper(v.unread(row, err)) + ".")
		return
	}
	d.tellErr(d.x.ledger.Signal())
	for _, row := range d.x.refresher.Scan(ctx).Rows {
		if row.Key == key {
			reason, do := v.sentence(row, time.Now())
			d.tell(withDo(fmt.Sprintf(saidAsked, row.ID, until(row.Expiry, time.Now()), reason), do))
		}
	}
}

// unread says why nothing is known of an item that somebody was asked for.
func (v view) unread(row refresher.Row, err error) string {
	why := v.tilde(plainError(err.Error()))
	switch {
	case errors.Is(err, keyring.ErrDenied):
		why = wordAskDenied
	case errors.Is(err, keyring.ErrSlow):
		why = wordAskSlow
	case errors.Is(err, keyring.ErrLocked):
		why = wordAskLocked
	case errors.Is(err, credfiles.ErrGone):
		why = wordAskGone
	}
	return fmt.Sprintf(saidUnasked, row.ID, why)
}
