package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

// A need is how much life of which credentials a command wants before it does
// its own work.
type need struct {
	ids    []string
	client string        // every credential of this client, in place of ids
	life   time.Duration // that each must have left
	wait   time.Duration // for others that are at it
	lax    bool          // a token whose end nobody says will do
	dry    bool          // only say what would be done
}

// flags adds those that every command with a need has.
func (n *need) flags(c *cobra.Command, life, example string) {
	n.life, _ = time.ParseDuration(life)
	n.wait = time.Minute
	timeFlag(c, &n.life, "min-ttl", example, "how much life the token must have left; without it "+life)
	timeFlag(c, &n.wait, "wait", "60s", "how long to wait for others that refresh it; without it 60s")
}

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

// clients are those whose stores have to be read; nil: all.
func (n need) clients() []string {
	var all []string
	for _, id := range n.ids {
		client, name, _ := strings.Cut(id, "/")
		whole := strings.Contains(name, "/") && slices.Contains(credfiles.ClientNames(), client) || client == credfiles.OwnClient && name != ""
		if !whole {
			return nil
		}
		all = append(all, client)
	}
	return all
}

// narrow leaves what is needed. Of a client that is what it uses, but for a
// login that it renews by itself whenever it runs.
func (n need) narrow(snap snapshot) (snapshot, error) {
	if n.client == "" {
		return narrow(snap, n.ids)
	}
	var left []refresher.Row
	for _, row := range snap.Rows {
		renewed := row.WatchOnly == credfiles.VendorLogin && !row.Refresh.IsZero() && !row.Blanked
		if row.Client == n.client && !row.Unused && !renewed {
			left = append(left, row)
		}
	}
	snap.Rows = left
	snap.Problems = slices.DeleteFunc(slices.Clone(snap.Problems), func(p credfiles.Problem) bool {
		return p.Client != "" && p.Client != n.client
	})
	if len(left) == 0 && !slices.ContainsFunc(snap.Problems, unread) {
		return snap, usagef(saidNothingOf, n.client)
	}
	return snap, nil
}

func (n need) options() refresher.Options { return refresher.Options{Life: n.life, Word: true} }

// has reports that a token lives long enough.
func (n need) has(row refresher.Row, now time.Time) bool {
	switch {
	case row.Access.IsZero():
		return false
	case row.Expiry.IsZero():
		return n.lax && row.State != refresher.SignInNeeded
	}
	return row.Expiry.Sub(now) >= n.life
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

// again is when to look again at what somebody else is refreshing, or has stored
// with too little life, or at what its server put off.
func (n need) again(out refresher.Outcome) (at time.Time, ok bool) {
	var busy *clientlock.BusyError
	now := time.Now()
	soon := now.Add(time.Second)
	switch {
	case out.Did == refresher.Adopted:
		return soon, !n.has(out.Row, now) && refresher.LongestLife(out.StatedLife()) >= n.life
	case out.State != refresher.Retrying && out.State != refresher.Refreshing:
		return at, false
	case errors.As(out.Err, &busy), out.Why == refresher.InFlight:
		return soon, true
	case out.Why == refresher.TroubleAsked:
		return later(out.At, soon), true
	}
	return at, false
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// underWay is when another process sent the request whose answer it waits for;
// zero: none did.
func (x *parts) underWay(key credfiles.Key) time.Time {
	records, _ := x.ledger.Pending()
	i := slices.IndexFunc(records, func(r ledger.Record) bool { return r.Sent.Key == key && r.Answer == nil })
	if i < 0 {
		return time.Time{}
	}
	return records[i].Sent.At
}

// lacks says why a credential has not as much life as is needed, what to do
// about it, and what that means to a script.
func (v view) lacks(out refresher.Outcome, n need, sent, now time.Time) (text, do string, code int) {
	switch {
	case out.Did == refresher.Lost:
		return wordLost, v.signIn(out.Row), exitFailed
	case errors.Is(out.Err, errWaited) && !sent.IsZero():
		return fmt.Sprintf(wordWaitedFor, span(now.Sub(sent)), plainSpan(n.wait)), wordTryAgain, exitLater
	case errors.Is(out.Err, errWaited):
		return fmt.Sprintf(wordWaited, plainSpan(n.wait)), wordTryAgain, exitLater
	}
	text, do = v.cause(out, now)
	switch {
	case slices.Contains([]refresher.Did{refresher.Refreshed, refresher.Adopted, refresher.Restored}, out.Did),
		out.Err == nil && slices.Contains([]refresher.State{refresher.Fresh, refresher.Unknown}, out.State):
		if out.Expiry.IsZero() {
			return fmt.Sprintf(wordNoPromise, plainSpan(n.life)), wordLeaveOut, exitFailed
		}
		whole := cmp.Or(out.StatedLife(), out.Expiry.Sub(now))
		return fmt.Sprintf(wordLivesShort, plainSpan(n.life), span(whole)), fmt.Sprintf(wordLongest, plainSpan(refresher.LongestLife(whole))), exitFailed
	case out.State == refresher.SignInNeeded:
		code = exitSignIn
	case out.State == refresher.CannotRefresh:
		do, code = cmp.Or(do, v.signIn(out.Row), out.SignInSession), exitSignIn
	case slices.Contains([]refresher.State{refresher.Retrying, refresher.Deferred, refresher.Unsaved, refresher.Paused}, out.State), out.Why == refresher.InFlight:
		code = exitLater
	default:
		code = exitFailed
		if out.State != refresher.WatchOnly {
			break
		}
		if out.WatchOnly == credfiles.VendorLogin && !out.Refresh.IsZero() {
			do = cmp.Or(do, fmt.Sprintf(wordStartClient, credfiles.Title(out.Client)))
		} else if out.WatchOnly == "" && out.Why == refresher.UserSays {
			do = command(v.os, "", "lamplighter", "mode", out.ID, "keep")
		}
	}
	if !out.Expiry.IsZero() {
		text = until(out.Expiry, now) + "; " + text
	}
	switch {
	case do == "" && code == exitLater:
		do = wordTryAgain
	case do == "":
		do = command(v.os, "", "lamplighter", "status", out.ID)
	}
	return text, do, code
}

// plainSpan writes a duration as a flag takes it: 4m50s, 30m.
func plainSpan(d time.Duration) string {
	if d >= time.Second {
		d = d.Truncate(time.Second)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
