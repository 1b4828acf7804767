package app

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/credfiles/watch"
	"lamplighter/refresher/ledger"
)

func (p *program) keepCommand() *cobra.Command {
	var hidden bool
	var variables []string
	c := &cobra.Command{
		Use:   "keep",
		Short: "Keep everything fresh, until stopped",
		Long:  keepHelp,
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			if hidden {
				p.leaveConsole()
			}
			for _, v := range variables {
				name, value, _ := strings.Cut(v, "=")
				os.Setenv(name, value)
			}
			x, err := p.open()
			if err != nil {
				return err
			}
			t := newTeller(p, x)
			if err := p.keep(c.Context(), x, t, newRest()); err != nil {
				return err
			}
			p.line(saidStopped)
			return nil
		},
		ValidArgsFunction: completeNothing,
	}
	// For Windows' Task Scheduler, which gives a program a console and no
	// variables.
	c.Flags().BoolVar(&hidden, "at-login", false, "without a console")
	c.Flags().StringArrayVar(&variables, "set", nil, "set a variable, NAME=value")
	c.Flags().MarkHidden("at-login")
	c.Flags().MarkHidden("set")
	return c
}

// quiet is how long a store has to rest before it is read: clients write it
// in several steps.
const quiet = 200 * time.Millisecond

// keep runs the keeper until ctx ends, and idle with it.
func (p *program) keep(ctx context.Context, x *parts, t *teller, idle *rest) error {
	defer idle.stop()
	defer p.finishing(ctx)()
	w, err := watch.New(quiet)
	if err != nil {
		return err
	}
	defer w.Close()
	w.Set(x.watched())
	x.alive(ctx)
	boss := newSupervisor()
	defer context.AfterFunc(ctx, boss.stopping)()
	defer x.alarm(w, boss.pause())()
	x.refresher.Tell = func(e ledger.Event) {
		t.event(e)
		t.hooks.event(ctx, e)
	}
	defer t.wait()
	changed := make(chan struct{}, 1)
	post := newCourier(x, func() { again(changed) })
	defer post.wait()
	for ctx.Err() == nil {
		// What the finder is made of changes with the config only, and never
		// under a refresh.
		inner, anew := context.WithCancel(ctx)
		go x.follow(inner, p, w, changed, anew)
		x.refresher.Finder = x.finder()
		poll := func() {
			boss.turned()
			w.Poll()
			if x.ringMoved(inner) {
				again(changed)
			}
		}
		x.refresher.Run(inner, changed, poll, func(snap snapshot) {
			x.alive(ctx)
			t.eyes(w.Err())
			post.look(ctx, snap)
			boss.looked(t.look(ctx, snap))
			idle.looked()
		})
		anew()
	}
	return nil
}

// watched are the files whose change may change what there is to do.
func (x *parts) watched() []string {
	paths := append([]string{x.configFile, x.ledger.SignalFile()}, x.folders()...)
	for _, s := range x.currentStores() {
		paths = append(paths, s.Watched()...)
	}
	for _, d := range x.deliveries() {
		if d.File != "" {
			paths = append(paths, x.expand(d.File))
		}
	}
	return paths
}

// again makes a keeper look again, if it is not about to.
func again(changed chan<- struct{}) {
	select {
	case changed <- struct{}{}:
	default:
	}
}

// follow passes changes on, after reading the config again where that is what
// changed. It calls anew where the parts have to be made so.
func (x *parts) follow(ctx context.Context, p *program, w *watch.Watcher, changed chan<- struct{}, anew func()) {
	watched, ring := x.watched(), x.ringTells()
	for woken := false; ; woken = true {
		if woken {
			if now := x.watched(); !slices.Equal(now, watched) {
				watched = now
				w.Set(watched)
			}
		}
		if x.outdated() {
			before := x.allowed()
			x.load(p.host)
			watched = x.watched()
			w.Set(watched)
			if !slices.Equal(before, x.allowed()) {
				anew()
			}
			woken = true
		}
		if woken {
			again(changed)
		}
		select {
		case <-ctx.Done():
			return
		case <-w.Changed():
		case <-ring:
		case <-x.meets:
			watched = nil // what is watched may be the list of before
		}
	}
}

func (x *parts) allowed() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.settings.AllowPrivate
}
