//go:build unix

package torture_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of what is random in a race")

// A contest is one credential for which the keeper and its client race: a
// token near its end, two sessions that want it, and a server that takes its
// time.
type contest struct {
	client string
	beyond bool // the server takes longer than the client's patience
	slow   bool // it was to answer within it, and a session lost it all the same

	ours, theirs    int           // token requests
	visits          map[visit]int // of the sessions
	reuses, revoked int
	overlaps        int
	lost            int // tokens that were issued last and are not in the store
	notes           int // other entries that are missing
}

// A tally is what all contests of a kind came to.
type tallyOfRace map[string]*contest

func (all tallyOfRace) add(c contest) {
	kind := "inside"
	switch {
	case c.beyond:
		kind = "beyond"
	case c.slow:
		kind = "slowed"
	}
	t := all[c.client+" "+kind]
	if t == nil {
		t = &contest{client: c.client, visits: map[visit]int{}}
		all[c.client+" "+kind] = t
	}
	t.ours += c.ours
	t.theirs += c.theirs
	t.reuses += c.reuses
	t.revoked += c.revoked
	t.overlaps += c.overlaps
	t.lost += c.lost
	t.notes += c.notes
	t.visits["contests"]++
	for v, n := range c.visits {
		t.visits[v] += n
	}
}

func (all tallyOfRace) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-22s %8s %5s %6s %8s %8s %9s %8s %6s %7s %8s %5s %5s\n", "client, patience", "contests", "ours", "theirs",
		"adopted", "impat.", "unlocked", "refused", "reuse", "overlap", "revoked", "lost", "notes")
	for _, kind := range slices.SortedFunc(maps.Keys(all), cmp.Compare[string]) {
		c := all[kind]
		fmt.Fprintf(&b, "%-22s %8d %5d %6d %8d %8d %9d %8d %6d %7d %8d %5d %5d\n", kind, c.visits["contests"], c.ours, c.theirs,
			c.visits[adopted], c.visits[impatient], c.visits[unlocked], c.visits[refusal], c.reuses, c.overlaps, c.revoked, c.lost, c.notes)
	}
	return b.String()
}

// A rivals is a lab with clients at work beside one keeper or two.
type rivals struct {
	*lab.Lab
	s       *authtest.Server
	clients []client
	names   []string // of the clients
	gone    atomic.Int32
	torn    atomic.Int32
}

func newRivals(t testing.TB, locks bool) *rivals {
	s, err := authtest.Start(authtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	r := &rivals{Lab: lab.New(t), s: s}
	common := func(dir, agent string) program {
		return program{t: t, home: r.Path(dir), agent: agent, s: s, gone: &r.gone, torn: &r.torn}
	}
	if locks {
		r.add("codex", &codex{program: common(".codex", "codex-model"), locks: true}, ".codex")
		r.add("claude", &claude{program: common(".claude", "claude-model")}, ".claude")
	} else {
		r.add("codex before 0.145", &codex{program: common(".codex", "old-codex-model")}, ".codex")
	}
	return r
}

func (r *rivals) add(name string, c client, dir string) {
	r.names, r.clients = append(r.names, name), append(r.clients, c)
	if err := os.MkdirAll(r.Path(dir), 0o755); err != nil {
		r.T.Fatal(err)
	}
}

// round is one contest of each client, at the same time.
func (r *rivals) round(n int, rng *rand.Rand, commands bool) []contest {
	contests := make([]contest, len(r.clients))
	grants := make([]authtest.Grant, len(r.clients))
	name := func(i int) string { return fmt.Sprintf("s%d", n) }
	note := func(k int) string { return fmt.Sprintf("n%d-%d", n, k) }
	var mu sync.Mutex
	var group sync.WaitGroup
	later := func(most time.Duration, do func()) {
		after := time.Duration(rng.Int64N(int64(most)))
		group.Go(func() {
			time.Sleep(after)
			do()
		})
	}
	for i, c := range r.clients {
		beyond := rng.IntN(4) == 0
		contests[i] = contest{client: r.names[i], beyond: beyond, visits: map[visit]int{}}
		delay := time.Duration(rng.Float64() * 0.5 * float64(c.patience()))
		if beyond {
			delay = time.Duration((1.2 + rng.Float64()) * float64(c.patience()))
		}
		before := time.Duration(rng.Float64() * float64(delay))
		// Both are near enough to the end for everybody; the second is over,
		// so that a client cannot go on with what it has.
		left := 15 * time.Second
		if rng.IntN(2) == 0 {
			left = -time.Minute
		}
		g := r.s.Grant(authtest.GrantOptions{AccessLeft: left})
		grants[i] = g
		r.s.BehaveGrant(g.ID, authtest.Behaviour{Delay: before, DelayAfter: delay - before})
		group.Go(func() { c.signIn(name(i), g) })
	}
	group.Wait()
	for i, c := range r.clients {
		for range 2 {
			later(700*time.Millisecond, func() {
				did := c.visit(name(i))
				mu.Lock()
				defer mu.Unlock()
				contests[i].visits[did]++
			})
		}
		for k := range 2 {
			later(900*time.Millisecond, func() { c.note(note(k)) })
		}
	}
	if commands {
		later(500*time.Millisecond, func() { r.Run("refresh", "--within", "15m") })
	}
	group.Wait()
	r.settle(grants)
	for i, c := range r.clients {
		r.judge(&contests[i], grants[i])
		access, refresh, ok := c.stored(name(i))
		now := r.s.Current(grants[i].ID)
		if r.s.Dead(grants[i].ID) == "" && (!ok || access != now.AccessToken || refresh != now.RefreshToken) {
			contests[i].lost++
		}
		for k := range 2 {
			if !c.noted(note(k)) {
				contests[i].notes++
			}
		}
		c.signOut(name(i))
		for k := range 2 {
			c.signOut(note(k))
		}
	}
	return contests
}

// settle waits until nobody is at work on these grants any more: each has a
// token with time left, or is dead, and nothing is in flight or held.
func (r *rivals) settle(grants []authtest.Grant) {
	settled := func() bool {
		for _, g := range grants {
			unsettled := r.s.Dead(g.ID) == "" && time.Until(r.s.Current(g.ID).Expiry) < time.Minute
			if unsettled || slices.ContainsFunc(r.s.LogOf(g.ID), func(e authtest.Entry) bool { return e.Delivery == authtest.Pending }) {
				return false
			}
		}
		return r.Quiet() == ""
	}
	calm := 0
	if !lab.Until(20*time.Second, func() bool {
		if calm++; !settled() {
			calm = 0
			time.Sleep(10 * time.Millisecond)
		}
		return calm > 5
	}) {
		r.T.Errorf("it does not come to rest: %s", r.Quiet())
	}
}

// judge counts what the server saw of a grant.
func (r *rivals) judge(c *contest, g authtest.Grant) {
	for _, e := range r.s.LogOf(g.ID) {
		if strings.HasPrefix(e.Agent, "lamplighter") {
			c.ours++
		} else {
			c.theirs++
		}
		if strings.HasPrefix(e.Verdict, "reuse") {
			c.reuses++
		}
		if len(e.Overlaps) > 0 {
			c.overlaps++
		}
	}
	if r.s.Dead(g.ID) != "" {
		c.revoked++
	}
	c.slow = !c.beyond && c.visits[impatient]+c.visits[unlocked]+c.visits[dropped] > 0
}

// race runs rounds in several labs at once, half of them with two keepers.
func race(t *testing.T, rounds, labs int, locks bool) {
	t.Logf("-seed %d", *seed)
	all := tallyOfRace{}
	var gone, torn int32
	var mu sync.Mutex
	atOnce(labs, labs, func(n int) {
		rng := rand.New(rand.NewPCG(*seed, uint64(n)))
		r := newRivals(t, locks)
		keepers := []*exec.Cmd{r.Keep()}
		if n%2 == 1 {
			keepers = append(keepers, r.Keep())
		}
		for i := n; i < rounds; i += labs {
			contests := r.round(i, rng, rng.IntN(4) == 0)
			mu.Lock()
			for _, c := range contests {
				all.add(c)
			}
			mu.Unlock()
		}
		for _, k := range keepers {
			if code := r.Stop(k); code != 0 {
				t.Errorf("a keeper ended with %d", code)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		gone, torn = gone+r.gone.Load(), torn+r.torn.Load()
		if leak := r.Leaks(); leak != "" {
			t.Error(leak)
		}
		for _, e := range r.Events("") {
			if e.Event == "gone" || e.Event == "failed" || e.Event == "ledger" || e.Event == "journal" {
				t.Errorf("%s: %s %s", e.ID, e.Event, e.Why)
			}
		}
	})
	t.Logf("%d rounds\n%s", rounds, all)
	t.Logf("stores that a client did not find: %d, or not whole: %d", gone, torn)
	for kind, c := range all {
		if !strings.HasSuffix(kind, " inside") || !locks {
			continue
		}
		if c.reuses+c.revoked+c.overlaps+c.lost+c.notes > 0 {
			t.Errorf("%s: %d reuses, %d overlaps, %d revocations, %d tokens and %d entries lost", kind, c.reuses, c.overlaps, c.revoked, c.lost, c.notes)
		}
	}
	if locks && gone+torn > 0 {
		t.Errorf("clients that lock did not find their store %d times, and found it not whole %d times", gone, torn)
	}
}

// Clients that take locks and the keeper take turns: as long as a client's
// patience lasts, nothing is sent twice, and nothing that anybody wrote is
// lost.
func TestClientsThatLockAndTheKeeperTakeTurns(t *testing.T) {
	rounds := 24
	if everything {
		rounds = 1000
	}
	race(t, rounds, 6, true)
}
