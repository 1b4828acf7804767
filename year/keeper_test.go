package year

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/ledger"
)

// A keeper is one process that keeps, wired as app wires it, but for the
// network, the list of programs and the watcher.
type keeper struct {
	*refresher.Refresher
	w       *world
	changed chan struct{}
	stop    context.CancelFunc
	stopped chan struct{}
	tellers sync.WaitGroup
	needs   map[credfiles.Key]bool
}

// keep starts a process that keeps.
func (w *world) keep() *keeper {
	led, err := ledger.Open(w.state)
	w.must(err)
	var extra []credfiles.Home
	for _, h := range w.homes {
		if h.profile != "" {
			extra = append(extra, credfiles.Home{Client: h.client, Path: h.dir, Name: h.profile})
		}
	}
	stores := credfiles.Stores(credfiles.Host{
		OS: "linux", Home: w.home, Getenv: func(string) string { return "" }, Processes: w.processes,
	}, extra)
	via := w.transport()
	ctx, stop := context.WithCancel(context.Background())
	k := &keeper{w: w, changed: make(chan struct{}, 1), stop: stop, stopped: make(chan struct{}), needs: map[credfiles.Key]bool{}}
	w.started++
	late := w.random(fmt.Sprint("lateness ", w.started))
	// A timer that had so much left when the computer fell asleep has it left
	// when it wakes.
	loop := func() {
		w.mu.Lock()
		left := time.Until(w.wakes)
		rest := between(late, 0, minute)
		w.mu.Unlock()
		if left > 0 {
			select {
			case <-time.After(left + rest):
			case <-ctx.Done():
			}
		}
	}
	k.Refresher = &refresher.Refresher{
		Stores: func() []*credfiles.Store {
			w.mu.Lock()
			w.scans++
			w.mu.Unlock()
			loop()
			return stores
		},
		Policy:    func() refresher.Policy { w.nap(); return policy },
		Ledger:    led,
		Finder:    &discovery.Finder{Dir: filepath.Join(w.state, "discovery"), Transport: via},
		Transport: func(credfiles.Grant) http.RoundTripper { return via },
		Tell:      w.told,
		Network:   w.where,
	}
	if late.IntN(2) == 0 { // as where the system reports all changes
		k.Every = func() time.Duration { return 8 * minute }
	}
	go func() {
		k.Run(ctx, k.changed, loop, k.look)
		k.tellers.Wait()
		close(k.stopped)
	}()
	w.mu.Lock()
	w.keepers = append(w.keepers, k)
	w.keeping.end()
	w.mu.Unlock()
	return k
}

// look tells what has to be told, as the teller of the app does.
func (k *keeper) look(snap refresher.Snapshot) {
	k.w.mu.Lock()
	k.w.shots++
	k.w.mu.Unlock()
	for _, row := range snap.Rows {
		needs := row.NeedsPerson()
		was := k.needs[row.Key]
		k.needs[row.Key] = needs
		if needs && !was {
			k.tellers.Go(func() {
				if k.Ledger.FirstToTell(context.Background(), row.Key, row.Refresh) {
					k.w.byID[row.ID].notice(row)
				}
			})
		}
	}
}

// end is SIGTERM.
func (k *keeper) end() {
	k.stop()
	<-k.stopped
	w := k.w
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, other := range w.keepers {
		if other == k {
			w.keepers = append(w.keepers[:i:i], w.keepers[i+1:]...)
			break
		}
	}
	if len(w.keepers) == 0 {
		w.keeping.begin(noKeeper)
	}
}

func (w *world) endKeepers() {
	for {
		w.mu.Lock()
		all := w.keepers
		w.mu.Unlock()
		if len(all) == 0 {
			return
		}
		all[0].end()
	}
}

// serve restarts the keeper now and then, as updates do, and lets a second one
// run beside it for a few days.
func (w *world) serve(r *rand.Rand) {
	first := w.keep()
	var second *keeper
	for w.waitAwake(between(r, day, 20*day)) {
		switch r.IntN(3) {
		case 0:
			first.end()
			if r.IntN(4) == 0 && !w.wait(between(r, minute, 3*hour)) {
				return
			}
			first = w.keep()
		case 1:
			first.end()
			first = w.keep()
		case 2:
			second = w.keep()
			if !w.waitAwake(between(r, hour, 5*day)) {
				return
			}
			second.end()
		}
	}
}
