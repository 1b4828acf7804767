package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/credfiles"
	"lamplighter/refresher"
)

func (p *program) refreshCommand() *cobra.Command {
	var within time.Duration
	var all, dry, anyway bool
	c := &cobra.Command{
		Use:   "refresh [ID...]",
		Short: "Refresh what is due, or what you name",
		Long:  refreshHelp,
		RunE: func(c *cobra.Command, args []string) error {
			if all && len(args) > 0 {
				return usagef(saidAllAndIDs)
			}
			if within < 0 {
				return usagef(saidNegative, "--within")
			}
			o := refresher.Options{Within: within, Began: p.began, Word: true, Anyway: anyway}
			o.Force = within == 0 && (all || len(args) > 0)
			return p.refresh(c.Context(), args, o, dry)
		},
		ValidArgsFunction: p.completeIDs,
	}
	c.Flags().DurationVar(&within, "within", 0, "refresh what has less than this left, such as `15m`")
	c.Flags().BoolVar(&all, "all", false, "refresh every credential that may be refreshed")
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would be done, and do nothing")
	c.Flags().BoolVar(&anyway, "anyway", false, "even beside a running client that would not notice")
	return c
}

func (p *program) refresh(ctx context.Context, args []string, o refresher.Options, dry bool) error {
	x, err := p.open()
	if err != nil {
		return err
	}
	snap := x.refresher.Scan(ctx)
	rows := snap.Rows
	named := len(args) > 0
	if named {
		if rows, err = pick(snap.Rows, args); err != nil {
			return err
		}
	}
	if dry {
		for _, row := range rows {
			if row.Wanted(o) {
				p.printf(saidWould, row.ID, until(row.Expiry, snap.At))
			}
		}
		return nil
	}
	stop := p.working("refreshing")
	outs := refreshAll(ctx, x.refresher, rows, o)
	stop()
	code, said := exitDone, false
	for _, out := range outs {
		c := p.codeOf(out, o, named)
		if c != exitDone || out.Did != refresher.Nothing {
			p.printOutcome(out)
			said = true
		}
		code = max(code, c)
	}
	if !said && terminal(p.err) > 0 {
		p.warnf(saidNothingDue) // a script's log needs no such line
	}
	for _, problem := range snap.Problems {
		p.warnf("%s", problemText(problem, p.host.Home))
	}
	if code == exitDone && len(snap.Problems) > 0 && (len(snap.Rows) == 0 || broken(snap, rows, named)) {
		code = exitFailed
	}
	if code == exitDone && ctx.Err() != nil {
		code = exitLater
	}
	if code != exitDone {
		return exit{code}
	}
	return nil
}

// broken reports that nothing at all could be done because stores could not
// be read.
func broken(snap refresher.Snapshot, rows []refresher.Row, named bool) bool {
	bad := map[string]bool{}
	for _, p := range snap.Problems {
		bad[p.Store] = true
	}
	for _, row := range rows {
		if !bad[row.Path] {
			return false
		}
	}
	return named || len(rows) == 0
}

// refreshAll refreshes several at a time; each waits for its own locks only.
func refreshAll(ctx context.Context, r *refresher.Refresher, rows []refresher.Row, o refresher.Options) []refresher.Outcome {
	outs := make([]refresher.Outcome, len(rows))
	var group sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i, row := range rows {
		if !row.Wanted(o) {
			outs[i] = refresher.Outcome{Row: row, Did: refresher.Nothing}
			r.Observe(row)
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			outs[i] = r.Refresh(ctx, row, o)
			<-slots
		})
	}
	group.Wait()
	return outs
}

// codeOf is what one outcome means to a script. What was neither named nor
// due counts for nothing.
func (p *program) codeOf(out refresher.Outcome, o refresher.Options, named bool) int {
	switch out.Did {
	case refresher.Refreshed, refresher.Adopted, refresher.Restored:
		return exitDone
	case refresher.Lost:
		return exitFailed
	}
	counts := named || !out.Unused && out.NearEnd(o.Within)
	switch out.State {
	case refresher.SignInNeeded:
		if counts {
			return exitSignIn
		}
	case refresher.CannotRefresh:
		if named && !out.Expiry.IsZero() && !out.Expiry.After(time.Now()) {
			return exitSignIn
		}
	case refresher.WatchOnly:
		if named {
			return exitFailed
		}
	case refresher.Misconfigured:
		if counts || out.Did == refresher.Failed {
			return exitFailed
		}
	case refresher.Retrying, refresher.Deferred, refresher.Unsaved, refresher.Paused:
		if counts || out.Did == refresher.Failed {
			return exitLater
		}
	default:
		if out.Did == refresher.Failed {
			return exitFailed
		}
	}
	return exitDone
}

func (p *program) printOutcome(out refresher.Outcome) {
	m := rowOf(out.Row, time.Now())
	switch out.Did {
	case refresher.Refreshed:
		p.printf(saidRefreshed, out.ID, until(out.Expiry, time.Now()))
	case refresher.Adopted:
		p.printf(saidAdopted, out.ID, until(out.Expiry, time.Now()))
	case refresher.Restored:
		p.printf(saidRestored, out.ID)
	case refresher.Lost:
		p.printf(saidLost, out.ID)
	default:
		text := m.Reason
		var problem *credfiles.Problem
		if errors.As(out.Err, &problem) {
			text = problemText(*problem, p.host.Home)
		}
		p.printf("%s: %s, %s\n", out.ID, out.State, text)
		if m.Do != "" {
			p.printf("  -> %s\n", m.Do)
		}
	}
}

// until says when a token ends.
func until(t, now time.Time) string {
	if t.IsZero() {
		return "nobody says until when"
	}
	if !t.After(now) {
		return "ended " + span(now.Sub(t)) + " ago"
	}
	return "good for " + span(t.Sub(now))
}
