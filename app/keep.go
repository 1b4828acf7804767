package app

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/credfiles/watch"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

func (p *program) keepCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "keep",
		Short: "Keep everything fresh, until stopped",
		Long:  keepHelp,
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			x, err := p.open()
			if err != nil {
				return err
			}
			p.keeping = true
			return p.keep(c.Context(), x)
		},
	}
}

// quiet is how long a store has to rest before it is read: clients write it
// in several steps.
const quiet = 200 * time.Millisecond

// keep runs the keeper until ctx ends.
func (p *program) keep(ctx context.Context, x *parts) error {
	w, err := watch.New(quiet)
	if err != nil {
		return err
	}
	defer w.Close()
	w.Set(x.watched())
	changed := make(chan struct{}, 1)
	go x.follow(ctx, p, w, changed)
	t := teller{p: p, x: x, states: map[string]refresher.State{}, problems: map[string]bool{}}
	x.refresher.Run(ctx, changed, w.Poll, t.look)
	return nil
}

// watched are the files whose change may change what there is to do.
func (x *parts) watched() []string {
	paths := []string{x.configFile, x.ledger.SignalFile()}
	for _, s := range x.currentStores() {
		paths = append(paths, s.Watched()...)
	}
	return paths
}

// follow passes changes on, after reading the config again where that is what
// changed.
func (x *parts) follow(ctx context.Context, p *program, w *watch.Watcher, changed chan<- struct{}) {
	seen := modified(x.configFile)
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.Changed():
		}
		if now := modified(x.configFile); now != seen {
			seen = now
			if err := x.load(p.host); err != nil {
				p.warnf(saidOldConfig, err)
			} else {
				w.Set(x.watched())
			}
		}
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}

func modified(name string) time.Time {
	info, err := os.Stat(name)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// teller says what is worth saying while the keeper runs: one line an event.
type teller struct {
	p        *program
	x        *parts
	states   map[string]refresher.State
	problems map[string]bool
}

func (t *teller) look(snap refresher.Snapshot) {
	m := modelOf(snap, t.p.host.Home)
	first := len(t.states) == 0
	if first {
		t.p.line("%s", m.Summary)
	}
	for i, row := range m.Rows {
		was := t.states[row.ID]
		t.states[row.ID] = row.State
		if row.State == was {
			continue
		}
		switch {
		case row.needsYou():
			if first || snap.Rows[i].At.IsZero() { // looked at for the last time
				t.p.line(saidNeeds, row.ID, row.Reason, row.Do)
			} else {
				t.states[row.ID] = was
			}
		case t.p.loud:
			t.p.line("%s: %s, %s", row.ID, row.State, row.Reason)
		}
	}
	now := map[string]bool{}
	for _, problem := range m.Problems {
		now[problem.Message] = true
		if !t.problems[problem.Message] {
			t.p.line("%s", problem.Message)
		}
	}
	t.problems = now
}

// line is one line of a keeper: the time, and what there is to say.
func (p *program) line(format string, args ...any) {
	p.warnf(time.Now().Format("15:04:05")+" "+format, args...)
}

// tell says what the refresher does. Steps on the way are only for those who
// asked why.
func (p *program) tell(e ledger.Event) {
	if p.loud || p.keeping && eventLoud[e.What] {
		p.line("%s", eventText(e, p.loud))
	}
}
