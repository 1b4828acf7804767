package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/credfiles"
	"lamplighter/refresher"
)

func (p *program) ensureCommand() *cobra.Command {
	var n need
	c := &cobra.Command{
		Use:     "ensure ID...",
		Short:   "Make sure that tokens live long enough for a job",
		Long:    ensureHelp,
		Example: ensureExample,
		RunE: func(c *cobra.Command, args []string) error {
			n.ids = args
			switch {
			case n.client != "" && len(args) > 0:
				return usagef(saidAllOfAndIDs)
			case n.client == "" && len(args) == 0:
				return usagef(saidEnsureWhat)
			}
			_, err := p.ensure(c.Context(), n)
			return err
		},
		ValidArgsFunction: p.completeIDs,
	}
	n.flags(c, "30m", "30m")
	c.Flags().Var(&flagValue{kind: "CLIENT", set: func(s string) error { n.client = s; return nil }}, "all-of", "every credential that this client uses")
	c.Flags().BoolVar(&n.dry, "dry-run", false, "say what would be done, and do nothing")
	c.RegisterFlagCompletionFunc("all-of", cobra.FixedCompletions(credfiles.ClientNames(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// ensure sees to it that everything that is needed has life enough, and returns
// it. Where one has not, it says why, and the error is the exit code.
func (p *program) ensure(ctx context.Context, n need) ([]refresher.Row, error) {
	if n.client == "" { // else it matters who runs: a client may have other homes
		if rows, err := p.stored(ctx, n); rows != nil || err != nil {
			return rows, err
		}
	}
	x, err := p.open()
	if err != nil {
		return nil, err
	}
	if all := x.clients(); n.client != "" && !slices.Contains(all, n.client) {
		return nil, usagef(saidNoClient, n.client, strings.Join(all, ", "))
	}
	snap, err := p.scan(ctx, x)
	if err != nil {
		return nil, err
	}
	if snap, err = n.narrow(snap); err != nil {
		return nil, err
	}
	if n.dry {
		p.wouldRefresh(p.view(x.keeperRuns()), snap, wish{ids: n.ids, Options: n.options()})
		return nil, nil
	}
	outs := p.bring(ctx, x, snap.Rows, n)
	code := exitDone
	var fresh []refresher.Row
	for _, out := range outs {
		if out.Did == refresher.Refreshed {
			fresh = append(fresh, out.Row)
		}
	}
	if !p.handOn(ctx, x, fresh...) && !n.lax { // who wants the token itself has it
		code = exitLater
	}
	v, now := p.view(x.keeperRuns()), time.Now()
	var rows []refresher.Row
	for _, out := range outs {
		if out.Did == refresher.Nothing && out.State == refresher.Paused { // which did not stop us
			out.Row = out.AskedFor(n.options())
		}
		if n.has(out.Row, now) {
			rows = append(rows, out.Row)
			if out.Did != refresher.Nothing && (p.loud || p.err.isTerminal()) {
				text, _ := v.outcome(out)
				p.warnf("%s", text)
			}
			continue
		}
		text, do, c := v.lacks(out, n, x.underWay(out.Key), now)
		if ctx.Err() != nil {
			c = exitLater
		}
		p.errorf(saidLacks, out.ID, text, do)
		code = max(code, c)
	}
	for _, problem := range snap.Problems {
		if n.client != "" && unread(problem) { // nobody knows what stands there
			p.errorf("%s", v.problem(problem))
			code = max(code, exitFailed)
		}
	}
	if ctx.Err() != nil {
		p.errorf(saidInterrupted)
		code = max(code, exitLater)
	}
	return rows, ended(code)
}

// stored is everything that is needed, if it stands in the stores with life
// enough: then nothing is decided, noted or asked for. Nil: not all of it does.
func (p *program) stored(ctx context.Context, n need) ([]refresher.Row, error) {
	x, err := p.openStores()
	if err != nil {
		return nil, err
	}
	snap, err := p.read(ctx, x, n.clients())
	if err != nil {
		return nil, err
	}
	narrowed, err := n.narrow(snap)
	now := time.Now()
	short := func(row refresher.Row) bool { return row.Expiry.IsZero() || !n.has(row, now) }
	if err != nil || slices.ContainsFunc(narrowed.Rows, short) {
		return nil, nil // why is for the rules to say
	}
	return narrowed.Rows, nil
}

// clients are all that there can be: also those that the settings describe.
func (x *parts) clients() []string {
	all := append(credfiles.ClientNames(), credfiles.OwnClient)
	for _, c := range x.current().Clients {
		all = append(all, c.Name)
	}
	return all
}

var errWaited = errors.New("waited long enough")

// bring refreshes what lacks life, and waits for others that are at it and for a
// server that named a time, as far as that is soon enough.
func (p *program) bring(ctx context.Context, x *parts, rows []refresher.Row, n need) []refresher.Outcome {
	ctx, stop := context.WithTimeoutCause(ctx, n.wait, errWaited)
	defer stop()
	end, _ := ctx.Deadline()
	o := n.options()
	o.Began = p.began
	outs := p.refreshAll(ctx, x.refresher, rows, o)
	for {
		again := map[credfiles.Key]int{}
		at := end
		for i, out := range outs {
			if t, ok := n.again(out); ok && t.Before(end) {
				again[out.Key], at = i, earlier(at, t)
			}
		}
		if len(again) == 0 {
			return outs
		}
		select {
		case <-ctx.Done():
			return outs
		case <-time.After(time.Until(at)):
		}
		rows := slices.DeleteFunc(x.refresher.Scan(ctx).Rows, func(row refresher.Row) bool {
			_, ok := again[row.Key]
			return !ok
		})
		if len(rows) == 0 {
			return outs // signed out meanwhile
		}
		for _, out := range p.refreshAll(ctx, x.refresher, rows, o) {
			outs[again[out.Key]] = out
		}
	}
}
