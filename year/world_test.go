package year

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/credfiles/processes"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
)

// A world is a computer, what runs on it, the people before it and the servers
// that it reaches. Stores, ledger and locks are real files; the network is
// memory, and time passes when everybody waits.
type world struct {
	t      *testing.T
	seed   uint64
	home   string
	state  string
	began  time.Time
	span   time.Duration
	ctx    context.Context
	actors sync.WaitGroup

	servers []*server
	homes   []*clientHome
	creds   []*cred
	via     http.RoundTripper // of the clients
	byID    map[string]*cred

	mu      sync.Mutex
	power   trouble // it sleeps, or is off
	wakes   time.Time
	network trouble
	place   string  // where it is connected
	keeping trouble // no keeper runs
	keepers []*keeper
	running []processes.Process
	pids    int
	events  map[string]int
	started int // keepers so far
	landed  int
	scans   int
	shots   int // Snapshots that keepers published
}

// inWorld builds a world and plays it for so long.
func inWorld(t *testing.T, seed uint64, span time.Duration, build func(w *world)) (w *world) {
	folder := ramFolder(t)
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // most of the heap is the servers' logs
	synctest.Test(t, func(t *testing.T) {
		// After JSON web tokens were invented, and all of it before the files
		// of the real folder are written: a lock in the future counts as young.
		time.Sleep(time.Until(time.Date(2025, 1, 1, 8, 0, 0, 0, time.UTC)))
		ctx, stop := context.WithCancel(context.Background())
		w = &world{
			t: t, seed: seed, home: filepath.Join(folder, "home"), state: filepath.Join(folder, "state"), began: time.Now(), span: span, ctx: ctx,
			byID: map[string]*cred{}, events: map[string]int{}, place: "home", pids: 4000,
		}
		w.via = w.transport()
		build(w)
		for left := span; left > 0; left -= 30 * day {
			time.Sleep(min(left, 30*day))
			w.t.Logf("%s: %d refreshes", time.Now().Format("2 January"), w.count("refreshed"))
		}
		for _, c := range w.creds {
			c.account()
		}
		stop()
		w.actors.Wait()
		w.endKeepers()
		for _, s := range w.servers {
			s.Close()
		}
	})
	w.t = t
	return w
}

// ramFolder is a folder in memory where the system has one: fsync on a disk
// would take most of the time, and what it promises is proved elsewhere.
func ramFolder(t *testing.T) string {
	const ram = "/dev/shm"
	if os.Getenv("TMPDIR") == "" {
		if folder, err := os.MkdirTemp(ram, "lamplighter-year-"); err == nil {
			t.Cleanup(func() { os.RemoveAll(folder) })
			return folder
		}
	}
	return t.TempDir()
}

// random is one actor's own chance: what others do changes nothing in it.
func (w *world) random(actor string) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, b := range []byte(actor) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(w.seed, h))
}

// act lets an actor live until the world ends.
func (w *world) act(name string, live func(r *rand.Rand)) {
	w.actors.Go(func() { live(w.random(name)) })
}

// wait lets time pass for an actor, whether the computer is awake or not. It
// reports false when the world ends.
func (w *world) wait(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-w.ctx.Done():
		return false
	}
}

// waitAwake is wait for who acts on the computer.
func (w *world) waitAwake(d time.Duration) bool {
	if !w.wait(d) {
		return false
	}
	for {
		w.mu.Lock()
		asleep := time.Until(w.wakes)
		w.mu.Unlock()
		if asleep <= 0 {
			return true
		}
		if !w.wait(asleep + time.Second) {
			return false
		}
	}
}

// between is a time from a to b, the short ones as likely as the long ones.
func between(r *rand.Rand, a, b time.Duration) time.Duration {
	return a + time.Duration(r.Int64N(int64(b-a)+1))
}

// sleep suspends the computer for so long: whatever runs on it stands still at
// its next step, and so do its timers, which are late by what they had left.
// What it does not show is a monotonic clock that stands still: a bubble has
// one clock.
func (w *world) sleep(d time.Duration) bool {
	w.mu.Lock()
	if until := time.Now().Add(d); until.After(w.wakes) {
		w.wakes = until
	}
	if !w.power.open {
		w.power.begin(asleep)
	}
	w.mu.Unlock()
	ok := w.wait(d)
	w.mu.Lock()
	if !time.Now().Before(w.wakes) {
		w.power.end()
	}
	w.mu.Unlock()
	return ok
}

// nap is a step of a program: it is not made while the computer sleeps.
func (w *world) nap() {
	w.mu.Lock()
	left := time.Until(w.wakes)
	w.mu.Unlock()
	if left > 0 {
		time.Sleep(left)
	}
}

// connect moves the computer to another network; "" is none.
func (w *world) connect(place string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.place = place
	if place == "" {
		w.network.begin(offline)
	} else {
		w.network.end()
	}
}

func (w *world) where() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.place
}

// transport is the computer's network: net/http's own, over memory.
func (w *world) transport() http.RoundTripper {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		w.nap()
		host, _, _ := strings.Cut(address, ":")
		i := slices.IndexFunc(w.servers, func(s *server) bool { return s.host == host || "mcp-"+s.host == host })
		switch {
		case w.where() == "":
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ENETUNREACH}
		case i < 0:
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		return w.servers[i].Dial(ctx, network, address)
	}
	return &http.Transport{DialContext: dial, DialTLSContext: dial, DisableKeepAlives: true}
}

// runs starts a program of a client's.
func (w *world) runs(h *clientHome) processes.Process {
	pkg := map[string]string{"codex": "@openai/codex", "claude": "@anthropic-ai/claude-code"}[h.client]
	lib := filepath.Join(w.home, "lib", h.client+h.version)
	if _, err := os.Stat(lib); err != nil {
		w.must(os.MkdirAll(lib, 0o755))
		w.must(os.WriteFile(filepath.Join(lib, "package.json"), fmt.Appendf(nil, `{"name":%q,"version":%q}`, pkg, h.version), 0o644))
		w.must(os.WriteFile(filepath.Join(lib, h.client), nil, 0o755))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pids++
	env := map[string]string{"HOME": w.home}
	if h.variable != "" {
		env[h.variable] = h.dir
	}
	p := processes.Process{
		PID: w.pids, Name: h.client, Exe: filepath.Join(lib, h.client), Started: time.Now(),
		Env: func(key string) (string, bool) { return env[key], true },
	}
	w.running = append(w.running, p)
	return p
}

func (w *world) quits(p processes.Process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = slices.DeleteFunc(w.running, func(q processes.Process) bool { return q.PID == p.PID })
}

func (w *world) processes(context.Context, func(string) bool) ([]processes.Process, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.running), nil
}

// changed is the watcher's signal, after the store was quiet for a while.
func (w *world) changed() {
	time.AfterFunc(200*time.Millisecond, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, k := range w.keepers {
			select {
			case k.changed <- struct{}{}:
			default:
			}
		}
	})
}

// told hears every step of every keeper.
func (w *world) told(e ledger.Event) {
	c := w.byID[e.ID]
	w.mu.Lock()
	w.events[e.What]++
	if e.Host != "" && slices.Contains([]string{"refreshed", "adopted", "gone", "successor"}, e.What) {
		w.landed++ // an answer with tokens, and what became of it
	}
	if c != nil {
		e.At = time.Now()
		c.heard = append(c.heard, e)
	}
	w.mu.Unlock()
	switch e.What {
	case "refreshed", "restored", "adopted", "successor", "gone":
		c.lives(e)
		if c.account() && e.What != "adopted" && e.What != "gone" {
			w.t.Errorf("%s: a keeper wrote an older sign-in over a newer one%s", c.id, c.story(span{from: e.At, to: e.At}))
		}
		w.changed()
	case "dead":
		c.died()
	case "ambiguous", "asked":
		c.suffered(lost)
	}
}

func (w *world) count(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events[what]
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Error(err)
		panic(err)
	}
}

var policy = refresher.Policy{
	Mode: "keep", LeadLeast: 10 * minute, LeadMost: 30 * minute, LeadShare: 0.1,
	LogSize: 1 << 20, LogKeep: 3,
}
