package refresher

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/ledger"
)

const (
	// tick is how often the wall clock is compared, whatever the timers say: a
	// computer that slept is at most a minute late. Slow polls hang on it too, and
	// the look at the network. With an Alarm, which knows the wall clock, it may
	// be longer.
	tick = time.Minute
	// atOnce bounds how many credentials are refreshed at a time, for each holds
	// its client's store in memory. atServer is how many of them may be one
	// server's: so one that hangs holds up its own, and nobody else's.
	atOnce   = 32
	atServer = 8
	// settled is how long a credential rests whose refresh came to nothing and
	// left no wait of its own, so that no state can make us spin.
	settled = 30 * time.Second
	// daily is how often all is looked at though nothing happens.
	daily = 24 * time.Hour
)

// Run keeps everything fresh until ctx ends, and then waits for what is under
// way. One goroutine decides: it scans on every signal from changed, when
// something falls due, when an entry was lost, when the network or the clock is
// another one. A refresh that ended makes room for the next that is due, and
// what it brought comes back as a change. poll is called once a minute, or as
// often as Every says, and may send such a signal; publish gets every Snapshot.
func (r *Refresher) Run(ctx context.Context, changed <-chan struct{}, poll func(), publish func(Snapshot)) {
	k := keeper{
		r: r, ended: make(chan Outcome, atOnce),
		flying: map[credfiles.Key]string{}, began: map[credfiles.Key]time.Time{}, rests: map[credfiles.Key]rest{},
		network: r.network(), ticked: clock(),
	}
	defer k.group.Wait()
	k.alarm = r.Alarm
	if k.alarm == nil {
		timer := timer{time.NewTimer(tick)}
		defer timer.Stop()
		k.alarm = timer
	}
	for snap := k.look(ctx); ctx.Err() == nil; { // what was read may be half of it
		k.start(ctx, snap)
		k.strays(ctx, snap)
		publish(k.shown(snap))
		out, ended := k.wait(ctx, changed, poll, k.every(snap), k.next(snap))
		if ended && out.Did != Lost {
			snap = snap.with(out.Row)
		} else if ctx.Err() == nil {
			snap = k.look(ctx)
		}
	}
}

// wait returns when there is something to do: a refresh has ended, or all has
// to be looked at again.
func (k *keeper) wait(ctx context.Context, changed <-chan struct{}, poll func(), every time.Duration, next time.Time) (out Outcome, ended bool) {
	for {
		k.alarm.Set(earlier(next, k.ticked.Add(every)))
		select {
		case <-ctx.Done():
		case <-changed:
		case out := <-k.ended:
			k.end(out)
			return out, true
		case <-k.alarm.Rings():
			again := false
			if since := clock().Sub(k.ticked); since < 0 || since >= every {
				poll()
				again = k.tick(every)
			}
			if !again && clock().Before(next) {
				continue
			}
		}
		return Outcome{}, false
	}
}

// An Alarm rings at a time of the wall clock, and may ring before it, as where
// the clock was set.
type Alarm interface {
	Set(at time.Time) // in place of any time that was set before; at once where that is past
	Rings() <-chan time.Time
}

// timer is the Alarm that every system has. It does not count the time that
// the computer sleeps.
type timer struct{ *time.Timer }

func (t timer) Set(at time.Time)        { t.Reset(time.Until(at)) }
func (t timer) Rings() <-chan time.Time { return t.C }

// with is the Snapshot with one row as it became. What that means for others
// shows when the store's change is noticed.
func (s Snapshot) with(row Row) Snapshot {
	s.Rows = slices.Clone(s.Rows)
	for i := range s.Rows {
		if s.Rows[i].Key == row.Key {
			s.Rows[i] = row
		}
	}
	return s
}

// clock is the wall clock alone. A monotonic reading stands still while the
// computer sleeps.
func clock() time.Time { return time.Now().Round(0) }

func (r *Refresher) network() string {
	if r.Network == nil {
		return ""
	}
	return r.Network()
}

// keeper is what Run remembers between two scans. Nothing in it is needed to
// decide rightly: another process has none of it.
type keeper struct {
	r      *Refresher
	group  sync.WaitGroup
	ended  chan Outcome                // has room for all that run
	flying map[credfiles.Key]string    // refreshes of our own, and their servers
	began  map[credfiles.Key]time.Time // when each began last
	rests  map[credfiles.Key]rest

	alarm   Alarm
	network string
	moved   time.Time // when the network became this one
	ticked  time.Time // the wall clock at the last tick
}

// look scans, and once more where something was news: what is remembered of
// it belongs to what is decided.
func (k *keeper) look(ctx context.Context) Snapshot {
	snap := k.r.Scan(ctx)
	news := false
	for _, row := range snap.Rows {
		news = k.r.Observe(row) || news
	}
	for _, row := range snap.out {
		m, _ := k.r.Ledger.Memory(row.Key)
		row.input = Input{C: row.Credential, M: m}
		k.r.Observe(row)
	}
	if news {
		snap = k.r.Scan(ctx)
	}
	return snap
}

// tick looks at what no signal tells of. It reports whether to scan: the
// network is another one, the computer slept, the clock was set.
func (k *keeper) tick(every time.Duration) bool {
	now := clock()
	since := now.Sub(k.ticked)
	k.ticked = now
	k.r.Ledger.Prune()
	if network := k.r.network(); network != k.network {
		k.network, k.moved = network, now
		return true
	}
	return since < 0 || since > every+tick
}

// every is how often to tick: at least once a minute while somebody waits for
// the network.
func (k *keeper) every(snap Snapshot) time.Duration {
	waits := func(row Row) bool { return row.Memory.Wait == ledger.Unsent }
	switch {
	case k.r.Every == nil:
		return tick
	case slices.ContainsFunc(snap.Rows, waits):
		return min(tick, k.r.Every())
	}
	return k.r.Every()
}

// wanted reports whether to refresh, and how much that is wanted: a wait for a
// server that an attempt did not reach ends when the network changes after the
// attempt began.
func (k *keeper) wanted(row Row) (Options, bool) {
	began, ok := k.began[row.Key]
	if !ok {
		began = row.Memory.Tried
	}
	o := Options{Retry: began.Before(k.moved)}
	if o.Retry && row.Memory.Wait == ledger.Unsent || row.input.Busy {
		return o, row.Wanted(o)
	}
	return o, row.Due // it is decided already
}

// start begins the refreshes that are due, a few at a time.
func (k *keeper) start(ctx context.Context, snap Snapshot) {
	for _, row := range snap.Rows {
		if o, ok := k.wanted(row); ok && k.free(row) {
			k.fly(row, func() Outcome { return k.r.tend(ctx, row, o) })
		}
	}
}

// free reports that a flight may begin. Where there are too many, the next
// begins when one has ended.
func (k *keeper) free(row Row) bool {
	if len(k.flying) == atOnce || k.flies(row.Key) || k.r.busy(row.Key) || clock().Before(k.resting(row)) {
		return false
	}
	here, there := 0, server(row)
	for _, s := range k.flying {
		if s == there {
			here++
		}
	}
	return here < atServer
}

// server is where a refresh will go, as far as that is known before it.
func server(row Row) string {
	return hostOf(cmp.Or(row.TokenURL, row.Memory.TokenURL, row.Issuer, row.ServerURL))
}

func (k *keeper) flies(key credfiles.Key) bool {
	_, ok := k.flying[key]
	return ok
}

func (k *keeper) fly(row Row, refresh func() Outcome) {
	k.flying[row.Key], k.began[row.Key] = server(row), clock()
	k.group.Go(func() { k.ended <- refresh() })
}

func (k *keeper) end(out Outcome) {
	delete(k.flying, out.Key)
	delete(k.rests, out.Key)
	// What went back is put right at once: the rule against fights bounds that.
	// So is a token that ended before it was stored, as where the computer slept
	// meanwhile: how often a server is asked has its own rule.
	again := out.Did == Refreshed || out.Why == WentBack
	if out.Did == Failed || out.Did == Lost || out.Due && !again {
		k.rests[out.Key] = rest{clock().Add(settled), standing(out.Row)}
	}
}

// A rest is until when a credential is left alone, as long as it stands as it
// stood then.
type rest struct {
	until time.Time
	of    string
}

func (k *keeper) resting(row Row) time.Time {
	if r := k.rests[row.Key]; r.of == standing(row) {
		return r.until
	}
	return time.Time{}
}

// standing is another one where a person gave an own credential another secret,
// or signed in to it: nobody else writes its store, so that it cannot change
// without end.
func standing(row Row) string {
	if !row.Own {
		return ""
	}
	return row.input.Refresh + " " + row.input.Access + " " + row.input.Setup
}

// shown is the Snapshot with what has just been started.
func (k *keeper) shown(snap Snapshot) Snapshot {
	snap.At, snap.Rows = time.Now(), slices.Clone(snap.Rows)
	for i, row := range snap.Rows {
		if k.flies(row.Key) || k.r.busy(row.Key) {
			snap.Rows[i].Decision = Decision{State: Refreshing, Why: InFlight}
		}
	}
	return snap
}

// next is when something falls due or has to be looked at again, by the wall
// clock.
func (k *keeper) next(snap Snapshot) time.Time {
	now := snap.At.Round(0)
	next := now.Add(daily)
	for _, row := range snap.Rows {
		at := row.At
		_, wanted := k.wanted(row)
		switch {
		case k.flies(row.Key):
			continue // its end is a signal
		case k.r.busy(row.Key):
			at = now.Add(tick) // the end of somebody else's is none
		case wanted:
			at = k.resting(row)
		case row.By != nil && !(at.After(now) && at.Before(now.Add(tick))):
			at = now.Add(tick) // nor is a program's end
		case at.IsZero():
			continue
		}
		if !at.After(now) {
			at = now.Add(settled)
		}
		next = earlier(next, at.Round(0))
	}
	return next
}

// strays lands answers whose entries are not there any more, as after a crash
// in the middle of a logout: they are kept for a restore, and the record ends.
func (k *keeper) strays(ctx context.Context, snap Snapshot) {
	records, _ := k.r.Ledger.Pending()
	known := map[credfiles.Key]bool{}
	for _, row := range snap.Rows {
		known[row.Key] = true
	}
	for _, rec := range records {
		row := Row{Credential: rec.Sent.Credential()}
		if m, err := k.r.Ledger.Memory(row.Key); err != nil || known[row.Key] || clock().Before(m.Until) || !k.free(row) {
			continue
		}
		k.fly(row, func() Outcome {
			k.r.stray(ctx, rec)
			return Outcome{Row: row, Did: Lost}
		})
	}
}

func (r *Refresher) stray(ctx context.Context, rec ledger.Record) {
	for _, s := range r.Stores() {
		if !s.May(rec.Sent.Key) || !s.Exists() {
			continue
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		c := rec.Sent.Credential()
		a := attempt{r: r, row: Row{Credential: c, store: s, input: Input{C: c, Refresh: r.Ledger.Fingerprint(c.Refresh)}}}
		if _, ok := a.lock(short); !ok {
			return
		}
		defer a.lk.Unlock()
		defer a.hold.Close()
		if rec, err := a.lk.Unfinished(); err == nil && rec != nil {
			a.finish(ctx, rec)
		}
		return
	}
}
