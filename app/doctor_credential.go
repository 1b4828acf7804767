package app

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lamplighter/doctor"
	"lamplighter/refresher"
	"lamplighter/refresher/discovery"
)

// A visit is what is wanted of the doctor about one credential.
type visit struct {
	id      string
	offline bool // nothing is sent
	refresh bool // one real refresh, after asking
	yes     bool // which a script says in advance
}

func (w *visit) flags(c *cobra.Command) {
	c.Flags().BoolVar(&w.refresh, "refresh", false, "refresh the credential first, after asking")
	c.Flags().BoolVar(&w.yes, "yes", false, "do not ask before --refresh")
}

// examineCredential is the report on one credential.
func (p *program) examineCredential(ctx context.Context, w visit) (doctor.Report, error) {
	if w.refresh && w.offline {
		return doctor.Report{}, usagef(saidOfflineRefresh)
	}
	local, x, err := p.local(ctx)
	if err != nil {
		return doctor.Report{}, err
	}
	if x == nil { // the state folder cannot be used, which says all
		return p.examineLocal(ctx)
	}
	rows, err := pick(local.Snapshot, []string{w.id})
	if err != nil {
		return doctor.Report{}, err
	}
	row := rows[0]
	o := doctor.Options{Announce: func(host string) { p.warnf(saidMadeUp, host) }}
	if w.refresh {
		out, err := p.refreshAsked(ctx, x, row, w.yes)
		if err != nil {
			return doctor.Report{}, err
		}
		o.Refreshed, row = &out, out.Row
		i := slices.IndexFunc(local.Snapshot.Rows, func(r refresher.Row) bool { return r.Key == row.Key })
		local.Snapshot.Rows = slices.Clone(local.Snapshot.Rows)
		local.Snapshot.Rows[i], local.Snapshot.At = row, time.Now()
	}
	rec := doctor.NewRecorder(row.ID, doctor.Transport(discovery.Anchor(row.Grant), x.current().AllowPrivate, w.offline))
	stop := p.working(workExamining)
	local.Credential(ctx, rec, row, o)
	stop()
	if ctx.Err() != nil {
		p.errorf(saidInterrupted)
		return *rec.Report, exit{exitLater}
	}
	return *rec.Report, nil
}

// refreshAsked is one real refresh. On a terminal a person is asked; a script
// has to say so in advance.
func (p *program) refreshAsked(ctx context.Context, x *parts, row refresher.Row, yes bool) (refresher.Outcome, error) {
	if !yes {
		if !term.IsTerminal(int(os.Stdin.Fd())) || !p.err.isTerminal() {
			return refresher.Outcome{}, usagef(saidNeedsYes)
		}
		yes, err := p.agreed(ctx, fmt.Sprintf(askRefresh, row.ID))
		if err == nil && !yes {
			p.warnf(saidNotAsked)
			err = exit{exitFailed}
		}
		if err != nil {
			return refresher.Outcome{}, err
		}
	}
	outs := p.refreshAll(ctx, x.refresher, []refresher.Row{row}, refresher.Options{Force: true, Word: true, Began: p.began})
	return outs[0], nil
}
