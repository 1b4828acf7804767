package app

import (
	"context"
	"slices"
	"sync"

	"lamplighter/app/model"
	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

type snapshot = refresher.Snapshot

// A teller says what is worth saying while a keeper runs: one line for each
// thing that happens, and for each that begins and ends.
type teller struct {
	p *program
	x *parts
	v view

	seen    func(snapshot)      // gets every one; may be nil
	needs   func(refresher.Row) // is told of each death that nobody told before; may be nil
	hooks   *hooks
	tellers sync.WaitGroup // those who wait for a lock to tell of a death

	began    bool
	troubles map[credfiles.Key]string          // what was said of each, but the network's
	offline  map[credfiles.Key]bool            // whose server cannot be reached
	states   map[credfiles.Key]refresher.State // for who wants to hear everything
	problems map[string]string                 // message to store
	blind    bool

	mu   sync.Mutex
	last map[string]string // what was last said of an ID
}

func newTeller(p *program, x *parts) *teller {
	return &teller{
		p: p, x: x, v: p.view(true), hooks: newHooks(p, x),
		troubles: map[credfiles.Key]string{}, offline: map[credfiles.Key]bool{},
		states: map[credfiles.Key]refresher.State{}, problems: map[string]string{},
		last: map[string]string{},
	}
}

// wait lets those who still tell of a death come to an end.
func (t *teller) wait() {
	t.tellers.Wait()
	t.hooks.wait()
}

// event is told what the refresher does, from several goroutines.
func (t *teller) event(e ledger.Event) {
	if !t.p.loud && !eventLoud[e.What] {
		return
	}
	t.mu.Lock()
	again := t.last[e.ID] == e.What && e.What != "refreshed"
	t.last[e.ID] = e.What
	t.mu.Unlock()
	if t.p.loud || !again {
		t.p.line("%s", t.v.event(e, t.p.loud))
	}
}

// look says what a Snapshot has that the ones before had not, and returns how
// things are.
func (t *teller) look(ctx context.Context, snap snapshot) (summary string) {
	m := t.v.model(t.x.withDeliveries(snap), t.x.trouble())
	if !t.began {
		t.began = true
		if len(m.Rows) == 0 && len(m.Problems) == 0 {
			t.p.line(saidWaiting)
		} else {
			t.p.line("%s", m.Summary)
		}
	}
	if t.seen != nil {
		t.seen(snap)
	}
	t.hooks.look(ctx, snap, refresher.Row.NeedsPerson)
	t.network(snap)
	for i, row := range snap.Rows {
		r := m.Rows[i]
		if t.p.loud && t.states[row.Key] != row.State {
			t.states[row.Key] = row.State
			t.p.line(saidIs, r.ID, r.State, r.Reason)
		}
		t.row(ctx, row, r)
	}
	t.stores(m)
	return m.Summary
}

// row says what only a person can end, when it begins and when it is over.
func (t *teller) row(ctx context.Context, row refresher.Row, r model.Row) {
	was := t.troubles[row.Key]
	now := ""
	switch {
	case row.NeedsPerson():
		now = string(row.State)
	case row.Unused:
	case row.State == refresher.SignInNeeded:
		return // it is looked at once more
	case row.State == refresher.Refreshing || row.Due:
		return // until it is known what comes of it
	case row.State == refresher.Misconfigured || row.State == refresher.Unsaved || row.Why == refresher.TroubleStore || row.Why == refresher.Fights:
		now = string(row.Why)
	}
	if now == was {
		return
	}
	t.troubles[row.Key] = now
	switch {
	case now == "":
		t.mu.Lock()
		said := t.last[row.ID] == "refreshed" || t.last[row.ID] == "adopted" || t.last[row.ID] == "restored"
		t.mu.Unlock()
		if !said {
			t.p.line(saidAgain, row.ID, row.State)
		}
	case row.State == refresher.SignInNeeded:
		t.heard(row.ID, now)
		t.tellers.Go(func() {
			if t.x.ledger.FirstToTell(ctx, row.Key, row.Refresh) {
				t.p.trouble(saidNeeds, row.ID, r.Reason, r.Do)
				if t.needs != nil {
					t.needs(row)
				}
			}
		})
	default:
		t.heard(row.ID, now)
		if r.Do == "" {
			t.p.trouble(saidTrouble, row.ID, r.Reason)
		} else {
			t.p.trouble(saidTroubleDo, row.ID, r.Reason, r.Do)
		}
	}
}

func (t *teller) heard(id, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last[id] = what
}

// network says when servers begin to be out of reach, and when all of them
// answer again: whatever comes in between ends by itself.
func (t *teller) network(snap snapshot) {
	was := len(t.offline) > 0
	clear(t.offline)
	var first refresher.Row
	for _, row := range snap.Rows {
		passing := slices.Contains([]ledger.Wait{ledger.Unsent, ledger.Asked, ledger.Ambiguous}, row.Memory.Wait)
		if passing && !row.Unused && row.Memory.For == t.x.ledger.Fingerprint(row.Refresh) {
			if len(t.offline) == 0 {
				first = row
			}
			t.offline[row.Key] = true
		}
	}
	switch is := len(t.offline) > 0; {
	case is && !was:
		t.p.line(saidOffline, first.ID, passing(first))
	case was && !is:
		t.p.line(saidOnline)
	}
}

// stores says which stores, and whether our config, have come into disorder
// or order.
func (t *teller) stores(m model.Model) {
	now := map[string]string{}
	broken := map[string]bool{}
	for _, p := range m.Problems {
		now[p.Message], broken[p.Store] = p.Store, true
		if _, said := t.problems[p.Message]; !said {
			t.p.trouble("%s", p.Message)
		}
	}
	for message, store := range t.problems {
		if _, still := now[message]; !still && !broken[store] {
			broken[store] = true // one line is enough
			t.p.line(saidInOrder, shortPath(t.v.home, store))
		}
	}
	t.problems = now
}

// eyes says why changes are noticed late.
func (t *teller) eyes(err error) {
	if err != nil && !t.blind {
		t.p.trouble(saidSlowEyes, err)
	}
	t.blind = err != nil
}
