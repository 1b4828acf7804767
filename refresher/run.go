package refresher

import (
	"context"
	"sync"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/ledger"
)

const (
	// tick is how often the wall clock is compared, whatever the timers say: a
	// computer that slept is at most a minute late. Slow polls hang on it too.
	tick = time.Minute
	// atOnce bounds how many credentials are refreshed at a time.
	atOnce = 8
	// settled is how long a credential rests whose refresh came to nothing and
	// left no wait of its own, so that no state can make us spin.
	settled = 30 * time.Second
)

// Run keeps everything fresh until ctx ends, and then waits for what is under
// way. One goroutine decides: it scans on every signal from changed, when
// something falls due, and when a refresh ended. poll is called once a minute
// and may send such a signal; publish gets every Snapshot.
func (r *Refresher) Run(ctx context.Context, changed <-chan struct{}, poll func(), publish func(Snapshot)) {
	k := keeper{r: r, ended: make(chan Outcome, atOnce), rests: map[credfiles.Key]time.Time{}}
	defer k.wait()
	r.Ledger.Prune()
	network := r.network()
	for {
		snap := r.Scan(ctx)
		for _, row := range snap.Rows {
			r.Observe(row)
		}
		k.start(ctx, snap)
		r.strays(ctx, snap)
		publish(r.refreshing(snap))
		next := k.next(snap)
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return
			case <-changed:
				waiting = false
			case out := <-k.ended:
				k.end(out)
				waiting = false
			case <-time.After(min(tick, max(time.Until(next), 0))):
				poll()
				if now := r.network(); now != network {
					network, k.retry, waiting = now, true, false
				}
				if !time.Now().Before(next) {
					waiting = false
				}
			}
		}
	}
}

func (r *Refresher) network() string {
	if r.Network == nil {
		return ""
	}
	return r.Network()
}

// refreshing shows what has just been started as such.
func (r *Refresher) refreshing(snap Snapshot) Snapshot {
	for i := range snap.Rows {
		if r.busy(snap.Rows[i].Key) {
			snap.Rows[i].Decision = Decision{State: Refreshing, Why: InFlight}
		}
	}
	return snap
}

// keeper is what Run remembers between two scans.
type keeper struct {
	r       *Refresher
	group   sync.WaitGroup
	ended   chan Outcome
	running int
	rests   map[credfiles.Key]time.Time
	retry   bool // the network changed
}

// start begins the refreshes that are due, a few at a time.
func (k *keeper) start(ctx context.Context, snap Snapshot) {
	o := Options{Retry: k.retry}
	k.retry = false
	for _, row := range snap.Rows {
		if k.running == atOnce {
			return // the next scan comes when one has ended
		}
		if !row.Wanted(o) || k.r.busy(row.Key) || time.Now().Before(k.rests[row.Key]) {
			continue
		}
		land, err := k.r.fly(ctx, row.Key)
		if err != nil {
			return
		}
		k.running++
		k.group.Go(func() {
			out := k.r.refresh(ctx, row, o)
			land()
			k.ended <- out
		})
	}
}

func (k *keeper) end(out Outcome) {
	k.running--
	delete(k.rests, out.Key)
	if out.Did == Failed || out.Due {
		k.rests[out.Key] = time.Now().Add(settled)
	}
}

// wait lets what is under way come to its end.
func (k *keeper) wait() {
	go func() {
		for range k.ended {
		}
	}()
	k.group.Wait()
	close(k.ended)
}

// next is when something falls due or has to be looked at again.
func (k *keeper) next(snap Snapshot) time.Time {
	next := snap.At.Add(24 * time.Hour)
	for _, row := range snap.Rows {
		at := row.At
		if row.Due && at.Before(snap.At) {
			at = snap.At
		}
		if rest := k.rests[row.Key]; rest.After(at) {
			at = rest
		}
		if at.IsZero() || k.r.busy(row.Key) {
			continue
		}
		if at.Before(next) {
			next = at
		}
	}
	return next
}

// strays lands answers whose entries are not there any more, as after a crash
// in the middle of a logout: they are kept for a restore, and the record ends.
func (r *Refresher) strays(ctx context.Context, snap Snapshot) {
	records, _ := r.Ledger.Pending()
	known := map[credfiles.Key]bool{}
	for _, row := range snap.Rows {
		known[row.Key] = true
	}
	for _, rec := range records {
		if !known[rec.Sent.Key] {
			r.stray(ctx, rec)
		}
	}
}

func (r *Refresher) stray(ctx context.Context, rec ledger.Record) {
	for _, s := range r.Stores() {
		if s.Real() != rec.Sent.Key.Store || !s.Exists() {
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
