package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/credfiles"
	"lamplighter/refresher"
)

// A wish is what a refresh command was asked for.
type wish struct {
	ids      []string
	all, dry bool
	refresher.Options
}

func (w wish) named() bool { return len(w.ids) > 0 }

func (p *program) refreshCommand() *cobra.Command {
	w := wish{Options: refresher.Options{Began: p.began, Word: true}}
	c := &cobra.Command{
		Use:     "refresh [ID...]",
		Short:   "Refresh what is due, or what you name",
		Long:    refreshHelp,
		Example: refreshExample,
		RunE: func(c *cobra.Command, args []string) error {
			w.ids = args
			switch within := c.Flags().Changed("within"); {
			case w.all && w.named():
				return usagef(saidAllAndIDs)
			case w.all && within:
				return usagef(saidAllAndWithin)
			case w.Anyway && !w.named():
				return usagef(saidAnyway)
			}
			w.Force = w.Within == 0 && (w.all || w.named())
			return p.refresh(c.Context(), w)
		},
		ValidArgsFunction: p.completeIDs,
	}
	timeFlag(c, &w.Within, "within", "15m", "refresh what has less than this left")
	c.Flags().BoolVar(&w.all, "all", false, "refresh everything that may be refreshed")
	c.Flags().BoolVar(&w.dry, "dry-run", false, "say what would be done, and do nothing")
	c.Flags().BoolVar(&w.Anyway, "anyway", false, "even beside a running client that would not notice")
	return c
}

func (p *program) refresh(ctx context.Context, w wish) error {
	x, err := p.open()
	if err != nil {
		return err
	}
	snap, err := p.scan(ctx, x)
	if err != nil {
		return err
	}
	if w.named() {
		if snap, err = narrow(snap, w.ids); err != nil {
			return err
		}
	}
	v := p.view(x.keeperRuns())
	if w.dry {
		p.wouldRefresh(v, snap, w)
		return nil
	}
	outs := p.refreshAll(ctx, x.refresher, snap.Rows, w.Options)
	code, said := exitDone, false
	for _, out := range outs {
		c := w.code(out)
		switch {
		case ctx.Err() != nil && out.Did == refresher.Failed && errors.Is(out.Err, context.Cause(ctx)):
			p.printf(saidNotDone, out.ID)
			c = exitLater
		case c != exitDone || out.Did != refresher.Nothing && out.Did != refresher.Failed && out.Did != refresher.Lost:
			p.printOutcome(v, out)
			said = true
		case p.loud && out.Did == refresher.Nothing:
			r := v.row(out.Row, time.Now())
			p.warnf(saidLeft, r.ID, r.State, r.Reason)
		}
		code = max(code, c)
	}
	if !p.handOn(ctx, x, snap.Rows...) {
		code, said = max(code, exitLater), true
	}
	unreadable := false
	for _, problem := range snap.Problems {
		if unread(problem) || problem.Kind == credfiles.BadConfig || w.named() {
			p.warnf("%s", v.problem(problem))
			said = true
		}
		unreadable = unreadable || unread(problem)
	}
	if unreadable && len(snap.Rows) == 0 {
		code = max(code, exitFailed) // nothing else could be done
	}
	if ctx.Err() != nil {
		p.errorf(saidInterrupted)
		code = max(code, exitLater)
	} else if !said && p.err.isTerminal() { // a script's log needs no such line
		if len(snap.Rows) == 0 {
			p.warnf(wordNothingFound)
		} else {
			p.warnf(saidNothingDue)
		}
	}
	return ended(code)
}

func (p *program) wouldRefresh(v view, snap refresher.Snapshot, w wish) {
	said := false
	for _, row := range snap.Rows {
		r := v.row(row, snap.At)
		switch {
		case row.Wanted(w.Options):
			p.printf(saidWould, r.ID, until(row.Expiry, snap.At))
		case w.named():
			p.printf(saidWouldNot, r.ID, r.State, r.Reason)
		default:
			continue
		}
		said = true
	}
	if !said && p.err.isTerminal() {
		p.warnf(saidNothingDue)
	}
}

// refreshAll refreshes several at a time; each waits for its own locks only.
func (p *program) refreshAll(ctx context.Context, r *refresher.Refresher, rows []refresher.Row, o refresher.Options) []refresher.Outcome {
	defer p.finishing(ctx)()
	defer p.working(workRefreshing)()
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
	p.acts.looked()
	return outs
}

// code is what one outcome means to a script. It speaks of what was named or
// due: what was neither counts for nothing, and what its client no longer uses
// counts only if it was named.
func (w wish) code(out refresher.Outcome) int {
	switch out.Did {
	case refresher.Refreshed, refresher.Adopted, refresher.Restored, refresher.SignedIn:
		return exitDone
	}
	near := out.NearEnd(w.Within)
	counts := w.named() || !out.Unused && (w.all || near || out.Did == refresher.Failed)
	switch {
	case !counts:
		return exitDone
	case out.Did == refresher.Lost:
		if w.named() {
			return exitFailed
		}
		return exitDone
	}
	switch out.State {
	case refresher.SignInNeeded:
		return exitSignIn
	case refresher.CannotRefresh, refresher.WatchOnly:
		// It may not be refreshed, so nothing is wrong unless it was asked for.
		switch {
		case !w.named() || w.Within > 0 && !near:
			return exitDone
		case out.State == refresher.CannotRefresh && !out.Expiry.IsZero() && !out.Expiry.After(time.Now()):
			return exitSignIn
		}
		return exitFailed
	case refresher.Misconfigured:
		return exitFailed
	case refresher.Retrying, refresher.Deferred, refresher.Unsaved, refresher.Paused:
		return exitLater
	}
	if out.Did == refresher.Failed {
		return exitFailed
	}
	return exitDone
}

func (p *program) printOutcome(v view, out refresher.Outcome) {
	reason, do := v.outcome(out)
	p.printf("%s\n", reason)
	if do != "" {
		p.printf(saidDo, do)
	}
}

// outcome says what a refresh came to, and what to do about it.
func (v view) outcome(out refresher.Outcome) (text, do string) {
	now := time.Now()
	switch out.Did {
	case refresher.Refreshed:
		return fmt.Sprintf(saidRefreshed, out.ID, until(out.Expiry, now)), ""
	case refresher.SignedIn:
		return fmt.Sprintf(saidSignedIn, out.ID, until(out.Expiry, now)), ""
	case refresher.Adopted:
		return fmt.Sprintf(saidAdopted, out.ID, until(out.Expiry, now)), ""
	case refresher.Restored:
		return fmt.Sprintf(saidRestored, out.ID), ""
	case refresher.Lost:
		return fmt.Sprintf(saidLost, out.ID), ""
	}
	text, do = v.cause(out, now)
	return out.ID + ": " + text, do
}

// cause says why a refresh brought nothing.
func (v view) cause(out refresher.Outcome, now time.Time) (text, do string) {
	r := v.row(out.Row, now)
	var store *credfiles.Problem
	// The state words the trouble that it comes from; one without a state
	// of its own is in the error only.
	told := slices.Contains([]refresher.State{refresher.Fresh, refresher.Refreshing, refresher.Unknown}, out.State)
	switch {
	case out.Err == nil || !told:
		return fmt.Sprintf(wordState, r.State, r.Reason), r.Do
	case errors.As(out.Err, &store):
		r.Reason, r.Do = v.trouble(*store)
	default:
		r.Reason = strings.ReplaceAll(plainError(v.tilde(out.Err.Error())), "\n", "; ")
		r.Do = advice(r.Reason)
	}
	return fmt.Sprintf(wordFailed, r.Reason), r.Do
}

// until says how long a token is good for.
func until(t, now time.Time) string {
	switch {
	case t.IsZero():
		return wordNoEnd
	case !t.After(now):
		return ends(t, now)
	}
	return fmt.Sprintf(wordGoodFor, span(t.Sub(now)))
}
