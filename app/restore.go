package app

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/credfiles"
	"lamplighter/refresher"
)

func (p *program) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "restore ID",
		Short:   "Put back what a client erased after an error",
		Long:    restoreHelp,
		Example: restoreExample,
		Args:    arguments(1, 1, "one ID"),
		RunE: func(c *cobra.Command, args []string) error {
			x, err := p.open()
			if err != nil {
				return err
			}
			snap, err := p.scan(c.Context(), x)
			if err != nil {
				return err
			}
			rows, err := pick(snap, args)
			if err != nil {
				return err
			}
			return ended(p.restore(c.Context(), x, rows[0]))
		},
		ValidArgsFunction: p.completeIDs,
	}
}

func (p *program) restore(ctx context.Context, x *parts, row refresher.Row) int {
	defer p.finishing(ctx)()
	v := p.view(x.keeperRuns())
	out := x.refresher.Restore(ctx, row)
	if out.Did != refresher.Restored {
		text, do := v.restored(out)
		p.errorf("%s", text)
		if do != "" {
			p.warnf(saidDoThis, do)
		}
		if out.Did == refresher.Adopted {
			return exitDone
		}
		return exitFailed
	}
	text, _ := v.restored(out)
	p.printf("%s\n", text)
	// Its client put it away because it wanted a newer one.
	if o := (refresher.Options{Word: true}); out.Wanted(o) {
		out = x.refresher.Refresh(ctx, out.Row, o)
		p.printOutcome(v, out)
		if out.State == refresher.SignInNeeded {
			return exitSignIn
		}
	}
	return exitDone
}

// restored says what came of putting a credential back, and what to do.
func (v view) restored(out refresher.Outcome) (text, do string) {
	now := time.Now()
	switch out.Did {
	case refresher.Restored:
		return fmt.Sprintf(saidPutBack, out.ID, credfiles.Title(out.Client), until(out.Expiry, now)), ""
	case refresher.Nothing:
		r := v.row(out.Row, now)
		return fmt.Sprintf(saidNothingBack, out.ID, r.State, r.Reason), r.Do
	}
	return v.outcome(out)
}

// restore is the command line that puts a credential back; empty where nothing
// is to be put back.
func (v view) restore(row refresher.Row) string {
	if !row.Restorable() {
		return ""
	}
	return command(v.os, "", "lamplighter", "restore", row.ID)
}
