package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/credfiles"
	"lamplighter/refresher"
)

func (p *program) demoCommand() *cobra.Command {
	var span time.Duration
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show the keeper at work on a sample home, with servers of its own",
		Long:  demoHelp,
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := c.Context()
			if span > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, span)
				defer cancel()
			}
			return p.demo(ctx)
		},
		ValidArgsFunction: completeNothing,
	}
	timeFlag(c, &span, "for", "60s", "end by itself after this long")
	return c
}

func (p *program) demo(ctx context.Context) error {
	st, err := newStage()
	if err != nil {
		return err
	}
	defer st.close()
	q := *p
	q.host = credfiles.Host{OS: p.host.OS, Home: st.dir, Getenv: func(string) string { return "" }}
	q.config = ""
	x, err := q.open()
	if err != nil {
		return err
	}
	x.refresher.Policy = func() refresher.Policy {
		now := x.policy()
		now.Rest = demoLife / 2 // the usual minute is longer than these tokens live
		return now
	}
	t := newTeller(&q, x)
	stop := func() {}
	if live := newLive(&q, t.v); live != nil {
		q.say = live.say
		t.seen = live.seen
		stop = live.run(ctx)
	} else {
		p.printf(saidDemo, demoLife/time.Second)
	}
	go st.play(ctx, func(what string) { q.line("%s", what) })
	err = q.keep(ctx, x, t, newRest())
	stop()
	if err != nil {
		return err
	}
	return q.demoSummary(x, st)
}

// demoSummary says what the servers saw.
func (p *program) demoSummary(x *parts, st *stage) error {
	m := p.view(true).model(x.refresher.Scan(context.Background()), nil)
	t := table{w: p.out, pen: pen{p.out.canColour()}, now: m}
	t.width, _ = p.out.size()
	p.printf("\n")
	for _, text := range st.story() {
		t.text("", text)
	}
	for _, r := range m.Rows {
		if r.NeedsYou {
			t.text("", fmt.Sprintf(saidDemoSignIn, r.ID, r.Do))
		}
	}
	if broken := slices.Concat(st.well.Check(), st.weak.Check(), st.dies.Check()); len(broken) > 0 {
		return sayf(saidDemoBroken, strings.Join(broken, "; "))
	}
	t.text("", saidDemoClean)
	return nil
}
