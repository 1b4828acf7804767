package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"lamplighter/app/hook"
	"lamplighter/app/settings"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

// hooks run the user's commands when something happened to credentials: once,
// whichever process notices first, and one call for what happens together.
type hooks struct {
	p     *program
	x     *parts
	quiet time.Duration // what comes within is one call

	mu     sync.Mutex
	group  sync.WaitGroup
	snap   snapshot            // the newest
	happen map[string][]string // IDs by event, that wait for their call
	last   time.Time           // when one was added
	first  time.Time           // and the first of those that wait
	runs   bool                // somebody waits for the quiet
	told   map[string]bool     // of deaths and recoveries, where it cannot be remembered
	failed map[string]bool     // which commands did last
}

const (
	hookQuiet  = 2 * time.Second
	hookLatest = 10 * time.Second // after the first of them, whatever still comes
	hookGrace  = 5 * time.Second  // for commands under way when the keeper is told to end
)

func newHooks(p *program, x *parts) *hooks {
	return &hooks{p: p, x: x, quiet: hookQuiet, happen: map[string][]string{}, told: map[string]bool{}, failed: map[string]bool{}}
}

// wanted reports whether there is a hook for one of these events.
func (h *hooks) wanted(events ...string) bool {
	return slices.ContainsFunc(h.x.current().Hooks, func(k settings.Hook) bool {
		return slices.ContainsFunc(events, func(e string) bool { return slices.Contains(k.On, e) })
	})
}

// look notices who died and who recovered. sure are IDs whose death needs no
// second look.
func (h *hooks) look(ctx context.Context, snap snapshot, sure func(refresher.Row) bool) {
	if len(h.x.current().Hooks) == 0 {
		return
	}
	h.mu.Lock()
	h.snap = snap
	h.mu.Unlock()
	if !h.wanted(settings.OnSignInNeeded, settings.OnRecovered) {
		return
	}
	for _, row := range snap.Rows {
		switch {
		case row.State == refresher.SignInNeeded && !row.Unused && sure(row):
			if !h.x.ledger.ToldHooks(row.Memory, row.Refresh) {
				h.add(ctx, settings.OnSignInNeeded, row.ID)
			}
		case row.Memory.Hooked != "" && h.recovered(row):
			h.add(ctx, settings.OnRecovered, row.ID)
		}
	}
}

// recovered reports that a credential whose death was told can be used again.
func (h *hooks) recovered(row refresher.Row) bool {
	switch row.State {
	case refresher.Fresh:
		return true
	case refresher.SignInNeeded, refresher.Refreshing, refresher.Retrying, refresher.Misconfigured, refresher.Unsaved:
		return false
	}
	// Somebody signed in, and it is not refreshed for another reason.
	alive := row.Expiry.IsZero() || row.Expiry.After(time.Now())
	return alive && !row.Refresh.IsZero() && !h.x.ledger.ToldHooks(row.Memory, row.Refresh)
}

// event takes what the refresher tells.
func (h *hooks) event(ctx context.Context, e ledger.Event) {
	if e.What == "refreshed" && h.wanted(settings.OnRefreshed) {
		h.add(ctx, settings.OnRefreshed, e.ID)
	}
}

// add puts down what happened. The call comes when nothing more does.
func (h *hooks) add(ctx context.Context, event, id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.Contains(h.happen[event], id) {
		return
	}
	if h.last = time.Now(); len(h.happen) == 0 {
		h.first = h.last
	}
	h.happen[event] = append(h.happen[event], id)
	if !h.runs {
		h.runs = true
		h.group.Go(func() { h.run(ctx) })
	}
}

// wait returns when no call waits or runs.
func (h *hooks) wait() { h.group.Wait() }

// run makes the calls that are due, until none is. It ends soon after ctx does;
// what nobody was told of then is told after the next start.
func (h *hooks) run(ctx context.Context) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(hookGrace, cancel) })()
	for {
		h.mu.Lock()
		rest := min(time.Until(h.last.Add(h.quiet)), time.Until(h.first.Add(hookLatest)))
		if len(h.happen) == 0 {
			h.runs = false
			h.mu.Unlock()
			return
		}
		if rest > 0 && ctx.Err() == nil {
			h.mu.Unlock()
			select {
			case <-ctx.Done():
			case <-time.After(rest):
			}
			continue
		}
		happened, snap := h.happen, h.snap
		h.happen = map[string][]string{}
		h.mu.Unlock()
		for _, event := range []string{settings.OnSignInNeeded, settings.OnRecovered, settings.OnRefreshed} {
			h.call(ctx, late, event, h.claim(ctx, event, happened[event], snap))
		}
	}
}

// claim leaves the rows that nobody else tells of.
func (h *hooks) claim(ctx context.Context, event string, ids []string, snap snapshot) (rows []refresher.Row) {
	for _, row := range snap.Rows {
		if !slices.Contains(ids, row.ID) {
			continue
		}
		once := fmt.Sprint(row.Key, event, row.Memory.Hooked, h.x.ledger.Fingerprint(row.Refresh))
		mine := true
		switch event {
		case settings.OnSignInNeeded:
			mine = row.State == refresher.SignInNeeded && !h.told[once] && h.x.ledger.FirstToHook(ctx, row.Key, row.Refresh)
		case settings.OnRecovered:
			mine = row.State != refresher.SignInNeeded && !h.told[once] && h.x.ledger.FirstToRecover(ctx, row.Key)
		}
		if mine {
			rows = append(rows, row)
			h.told[once] = event != settings.OnRefreshed
		}
	}
	return rows
}

// A hookJSON is what a hook reads.
type hookJSON struct {
	Version     int              `json:"version"`
	Event       string           `json:"event"`
	At          stamp            `json:"at"`
	Credentials []credentialJSON `json:"credentials"`
}

// call runs the commands for one event.
func (h *hooks) call(ctx, late context.Context, event string, rows []refresher.Row) {
	if len(rows) == 0 {
		return
	}
	now := time.Now()
	all := jsonOf(h.p.view(true).model(snapshot{At: now, Rows: rows}, nil))
	text, err := json.Marshal(hookJSON{Version: 1, Event: event, At: stamp(now), Credentials: all.Credentials})
	if err != nil {
		h.p.trouble("%v", err) // no credential is such
		return
	}
	s := h.x.current()
	for _, k := range s.Hooks {
		if !slices.Contains(k.On, event) {
			continue
		}
		name := strings.Join(k.Command, " ")
		e := ledger.Event{What: "hook", ID: rows[0].ID, Detail: fmt.Sprintf("%s, %s", event, k.Command[0])}
		if len(rows) > 1 {
			e.ID, e.Detail = "", fmt.Sprintf("%s of %d credentials, %s", event, len(rows), k.Command[0])
		}
		err := hook.Run(late, k.Command, append(text, '\n'), h.p.host.Home, k.Timeout)
		if err != nil {
			e.What, e.Why = "hook-failed", err.Error()
			if !h.failed[name] {
				h.p.trouble(saidHookFailed, k.Command[0], event, err)
			}
		}
		h.failed[name] = err != nil
		h.x.ledger.Log(e, s.Log.MaxSize, s.Log.Keep)
	}
}

// acts are what a command did, for the hooks.
type acts struct {
	mu        sync.Mutex
	any       bool
	refreshed []string // IDs
	dead      []string // that were refused, and looked at once more
}

// looked: what a command decided about is told of too.
func (a *acts) looked() {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.any = true
}

func (a *acts) event(e ledger.Event) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.any = true
	switch e.What {
	case "refreshed":
		a.refreshed = append(a.refreshed, e.ID)
	case "dead":
		a.dead = append(a.dead, e.ID)
	}
}

// runHooks runs the hooks for what a command did and found, before it ends. One
// that did nothing, or was interrupted, leaves them to the next.
func (p *program) runHooks(ctx context.Context) {
	if p.acts == nil {
		return
	}
	p.acts.mu.Lock()
	defer p.acts.mu.Unlock()
	if !p.acts.any || ctx.Err() != nil {
		return
	}
	p.acts.any = false
	x, err := p.open()
	if err != nil || len(x.current().Hooks) == 0 {
		return
	}
	h := newHooks(p, x)
	h.quiet = 0
	defer h.wait()
	h.mu.Lock()
	h.runs = true // all in one call
	h.mu.Unlock()
	h.look(ctx, x.refresher.Scan(ctx), func(row refresher.Row) bool { return row.NeedsPerson() || slices.Contains(p.acts.dead, row.ID) })
	for _, id := range p.acts.refreshed {
		h.event(ctx, ledger.Event{What: "refreshed", ID: id})
	}
	h.run(ctx)
}
