package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

func (p *program) forgetCommand() *cobra.Command {
	var all, yes, dry bool
	c := &cobra.Command{
		Use:     "forget ID...|--all",
		Short:   "Erase what we remember of a credential",
		Long:    forgetHelp,
		Example: forgetExample,
		RunE: func(c *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return usagef(saidAllOrIDs)
			}
			return p.forget(c.Context(), args, yes, dry)
		},
		ValidArgsFunction: p.completeRemembered,
	}
	c.Flags().BoolVar(&all, "all", false, "all credentials, also those that are gone")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask, and erase what stands nowhere else too")
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would be erased, and erase nothing")
	return c
}

func (p *program) forget(ctx context.Context, args []string, yes, dry bool) error {
	x, err := p.open()
	if err != nil {
		return err
	}
	snap, err := p.scan(ctx, x)
	if err != nil {
		return err
	}
	here, gone, err := x.traces(snap)
	if err != nil {
		return err
	}
	chosen := slices.Concat(here, gone)
	if len(args) > 0 {
		if chosen, err = chooseTraces(snap, here, gone, args); err != nil {
			return err
		}
	}
	switch {
	case dry:
		return p.wouldForget(x, chosen)
	case len(args) == 0 && !yes:
		if err := p.agreedToForget(ctx, len(chosen)); err != nil {
			return err
		}
		yes = true
	}
	return p.forgetAll(ctx, x, chosen, len(args) == 0, yes)
}

// agreedToForget asks a person; a script has to say so in advance.
func (p *program) agreedToForget(ctx context.Context, n int) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) || !p.err.isTerminal() {
		return usagef(saidForgetYes)
	}
	yes, err := p.agreed(ctx, fmt.Sprintf(askForget, n))
	if err == nil && !yes {
		p.warnf(saidNotForgotten)
		err = exit{exitFailed}
	}
	return err
}

func (p *program) forgetAll(ctx context.Context, x *parts, chosen []trace, all, yes bool) error {
	defer p.finishing(ctx)()
	code := exitDone
	var done []string
	for _, t := range chosen {
		if ctx.Err() != nil {
			break
		}
		if c := p.forgetOne(ctx, x, t, yes); c != exitDone {
			code = max(code, c)
			continue
		}
		done = append(done, t.id)
		if t.id != "" {
			p.printf(saidForgotten, t.id)
		}
	}
	var err error
	if all && ctx.Err() == nil {
		err = x.forgetNameless()
	}
	// What follows is told of by nobody: a keeper that runs reads all of it anew.
	_, logged := x.ledger.EraseEvents(done, false)
	if err := errors.Join(err, logged, x.ledger.Signal()); err != nil {
		return err
	}
	if ctx.Err() != nil {
		p.errorf(saidInterrupted)
		code = max(code, exitLater)
	}
	return ended(code)
}

// forgetOne erases all but the log.
func (p *program) forgetOne(ctx context.Context, x *parts, t trace, yes bool) int {
	for _, row := range t.rows {
		err := x.refresher.Forget(ctx, row, yes)
		if err == nil {
			err = x.forgetBeside(row)
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return exitLater // which is said once for all
		case err != nil:
			return p.notForgotten(x, row, err)
		}
	}
	if err := x.forgetDeliveries(ctx, t.id); err != nil {
		p.errorf(saidNotForgot, t.id, plainError(err.Error()))
		return exitFailed
	}
	return exitDone
}

// notForgotten says why, and what to do.
func (p *program) notForgotten(x *parts, row refresher.Row, err error) int {
	v := p.view(x.keeperRuns())
	var unfinished *refresher.UnfinishedError
	var busy *clientlock.BusyError
	why, do, code := v.tilde(plainError(err.Error())), "", exitFailed
	switch {
	case errors.As(err, &unfinished):
		out := unfinished.Outcome
		why, do = v.unfinished(unfinished)
		switch out.State {
		case refresher.Retrying, refresher.Deferred, refresher.Unsaved, refresher.Refreshing:
			code = exitLater
		}
	case errors.Is(err, refresher.ErrLastCopy):
		why, do = wordLastCopy, fmt.Sprintf(doForgetLast, row.ID)
		if back := v.restore(row); back != "" {
			do = fmt.Sprintf(doRestoreFirst, back, do)
		}
	case errors.As(err, &busy):
		code = exitLater
	}
	p.errorf(saidNotForgot, row.ID, why)
	if do != "" {
		p.warnf(saidDoThis, do)
	}
	return code
}

// unfinished says why a refresh in the journal could not be ended.
func (v view) unfinished(e *refresher.UnfinishedError) (why, do string) {
	out := e.Outcome
	switch {
	case e.Err != nil:
		why, do = plainError(e.Err.Error()), advice(e.Err.Error())
	case out.Did == refresher.Lost:
		why, do = fmt.Sprintf(wordStoreAway, shortPath(v.home, out.Path)), doStoreBack
	default:
		why, do = v.cause(out, time.Now())
		if out.State == refresher.WatchOnly {
			do = command(v.os, "", "lamplighter", "mode", out.ID, "keep")
		}
	}
	if do == "" {
		do = doForgetAgain
	}
	return fmt.Sprintf(wordUnfinished, why), do
}

// forgetBeside erases what is remembered for a credential outside its part of
// the ledger.
func (x *parts) forgetBeside(row refresher.Row) error {
	bound := row.Grant // by the issuer of the last refresh, where the store has none
	bound.Issuer = row.Memory.Issuer
	errs := []error{x.finder().Erase(row.Memory.TokenURL, row.Grant, bound)}
	if row.ClientID != "" {
		errs = append(errs, x.ledger.ForgetQuestions(row.ClientID))
	}
	if opener := x.opener(); opener != nil {
		errs = append(errs, opener.Forget(row.Path, row.Key.Store))
	}
	return errors.Join(errs...)
}

func (x *parts) opener() *credfiles.Opener {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.host.Opener
}

// forgetDeliveries erases what is remembered of the places that the config does
// not name any more. Of the others only the failures: by the fingerprint of what
// we put there we know that we may write over it.
func (x *parts) forgetDeliveries(ctx context.Context, id string) error {
	all, err := x.ledger.Deliveries()
	if err != nil {
		return err
	}
	named := map[ledger.Place]bool{}
	for _, d := range x.current().Deliveries {
		named[x.place(d)] = true
	}
	for _, d := range all {
		if d.ID != id {
			continue
		}
		short, cancel := context.WithTimeout(ctx, handOnTime)
		lk, err := x.ledger.LockDelivery(short, d.Place)
		cancel()
		if err != nil {
			return err
		}
		if named[d.Place] {
			lk.Failures, lk.Until, lk.Why = 0, time.Time{}, ""
			err = lk.Save()
		} else {
			err = lk.Forget()
		}
		if err = errors.Join(err, lk.Unlock()); err != nil {
			return err
		}
	}
	return nil
}

// forgetNameless erases what is remembered of nobody in particular, or of
// credentials whose names are not known.
func (x *parts) forgetNameless() error {
	_, nameless, err := x.ledger.Remembered()
	errs := []error{err, x.finder().Erase(""), x.ledger.ForgetQuestions()}
	for _, owner := range nameless {
		errs = append(errs, x.ledger.ForgetNameless(owner))
	}
	if opener := x.opener(); opener != nil {
		errs = append(errs, opener.Forget())
	}
	return errors.Join(errs...)
}
