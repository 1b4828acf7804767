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
	"path/filepath"
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
	among           int // of the reuses, those of a token that only the client's own sessions had sent
	lost            int // tokens that were issued last and are not in the store
	notes           int // other entries that are missing
}

// A tally is what all contests of a kind came to.
type tallyOfRace map[string]*contest

func (all tallyOfRace) add(kind string, c contest) {
	t := all[kind]
	if t == nil {
		t = &contest{client: c.client, visits: map[visit]int{}}
		all[kind] = t
	}
	t.ours += c.ours
	t.theirs += c.theirs
	t.reuses += c.reuses
	t.revoked += c.revoked
	t.overlaps += c.overlaps
	t.among += c.among
	t.lost += c.lost
	t.notes += c.notes
	t.visits["contests"]++
	for v, n := range c.visits {
		t.visits[v] += n
	}
}

// kind tells contests apart by whether the client's patience lasted.
func (c contest) kind() string {
	switch {
	case c.beyond:
		return c.client + " beyond"
	case c.slow:
		return c.client + " slowed"
	}
	return c.client + " inside"
}

func (all tallyOfRace) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-46s %8s %5s %6s %8s %8s %9s %8s %8s %6s %6s %7s %8s %5s %5s\n", "client", "contests", "ours", "theirs",
		"adopted", "impat.", "unlocked", "dropped", "refused", "reuse", "among", "overlap", "revoked", "lost", "notes")
	for _, kind := range slices.SortedFunc(maps.Keys(all), cmp.Compare[string]) {
		c := all[kind]
		fmt.Fprintf(&b, "%-46s %8d %5d %6d %8d %8d %9d %8d %8d %6d %6d %7d %8d %5d %5d\n", kind, c.visits["contests"], c.ours, c.theirs,
			c.visits[adopted], c.visits[impatient], c.visits[unlocked], c.visits[dropped], c.visits[rejected], c.reuses, c.among, c.overlaps, c.revoked, c.lost, c.notes)
	}
	return b.String()
}

// A rivals is a lab with clients at work beside one keeper or two.
type rivals struct {
	*lab.Lab
	setting
	s      *authtest.Server
	models []client
	gone   atomic.Int32
	torn   atomic.Int32
}

// A setting is who takes part.
type setting struct {
	clients  []string
	keepers  int
	sessions int  // of each client
	seen     bool // there is a process of the client in the list
	rounds   int
}

var (
	lockers = []string{"codex", "claude", "mcp-remote"}
	sharers = []string{"codex", "claude"} // of one file for all their servers
)

func newRivals(t testing.TB, set setting) *rivals {
	s, err := authtest.Start(authtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	r := &rivals{Lab: lab.New(t), s: s, setting: set}
	common := func(dir, agent string) program {
		if err := os.MkdirAll(r.Path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
		return program{t: t, home: r.Path(dir), agent: agent, s: s, gone: &r.gone, torn: &r.torn}
	}
	for _, name := range set.clients {
		switch name {
		case "codex":
			r.models = append(r.models, &codex{program: common(".codex", "codex-model"), locks: true})
		case "claude":
			r.models = append(r.models, &claude{program: common(".claude", "claude-model")})
		case "codex before 0.145":
			r.models = append(r.models, &codex{program: common(".codex", "old-codex-model")})
		case "mcp-remote", "mcp-remote before 0.8.3":
			m := &mcpRemote{program: common(".mcp-auth", "mcp-remote-model"), lease: name == "mcp-remote"}
			names := []string{linear}
			for n := range set.rounds {
				names = append(names, fmt.Sprintf("s%d", n))
			}
			m.configure(names...)
			r.models = append(r.models, m)
		}
	}
	return r
}

// round is one contest of each client, at the same time.
func (r *rivals) round(n int, rng *rand.Rand, commands bool) []contest {
	contests := make([]contest, len(r.models))
	grants := make([]authtest.Grant, len(r.models))
	name := fmt.Sprintf("s%d", n)
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
	for i, c := range r.models {
		beyond := rng.IntN(4) == 0
		contests[i] = contest{client: r.clients[i], beyond: beyond, visits: map[visit]int{}}
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
		group.Go(func() { c.signIn(name, g) })
	}
	group.Wait()
	for i, c := range r.models {
		for range r.sessions {
			later(700*time.Millisecond, func() {
				did := c.visit(name)
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
	r.settle(name, grants)
	for i, c := range r.models {
		r.judge(&contests[i], grants[i])
		access, refresh, ok := c.stored(name)
		now := r.s.Current(grants[i].ID)
		if r.s.Dead(grants[i].ID) == "" && (!ok || access != now.AccessToken || refresh != now.RefreshToken) {
			contests[i].lost++
		}
		for k := range 2 {
			if !c.noted(note(k)) {
				contests[i].notes++
			}
		}
		c.signOut(name)
		for k := range 2 {
			c.signOut(note(k))
		}
	}
	return contests
}

// settle waits until nobody is at work on these grants any more: each has a
// token with time left, or is dead, and nothing is in flight or held. Where
// somebody put an older value over a newer one the keeper is given time to
// notice.
func (r *rivals) settle(name string, grants []authtest.Grant) {
	began := time.Now()
	settled := func() bool {
		for i, g := range grants {
			if r.s.Dead(g.ID) != "" {
				continue
			}
			now := r.s.Current(g.ID)
			_, stored, _ := r.models[i].stored(name)
			pending := slices.ContainsFunc(r.s.LogOf(g.ID), func(e authtest.Entry) bool { return e.Delivery == authtest.Pending })
			due := r.keepers > 0 && !r.seen && time.Until(now.Expiry) < time.Minute
			if pending || due || stored != now.RefreshToken && time.Since(began) < 5*time.Second {
				return false
			}
		}
		return r.Quiet() == ""
	}
	calm := 0
	if !lab.Until(45*time.Second, func() bool { // a keeper rests for 30 s after a failure
		if calm++; !settled() {
			calm = 0
			time.Sleep(10 * time.Millisecond)
		}
		return calm > 5
	}) {
		r.T.Errorf("%s does not come to rest: %s", name, r.Quiet())
	}
}

// judge counts what the server saw of a grant.
func (r *rivals) judge(c *contest, g authtest.Grant) {
	senders := map[string]map[bool]bool{} // of each refresh token: whether we, whether they sent it
	var lines []string
	for _, e := range r.s.LogOf(g.ID) {
		ours := strings.HasPrefix(e.Agent, "lamplighter")
		if ours {
			c.ours++
		} else {
			c.theirs++
		}
		if senders[e.Refresh] == nil {
			senders[e.Refresh] = map[bool]bool{}
		}
		senders[e.Refresh][ours] = true
		lines = append(lines, e.Agent+" "+e.String())
		if strings.HasPrefix(e.Verdict, "reuse") {
			c.reuses++
			if !senders[e.Refresh][true] {
				c.among++
			}
		}
		if len(e.Overlaps) > 0 {
			c.overlaps++
		}
	}
	if r.s.Dead(g.ID) != "" {
		c.revoked++
	}
	c.slow = !c.beyond && c.visits[impatient]+c.visits[unlocked]+c.visits[dropped] > 0
	if c.reuses > c.among && !c.beyond && !c.slow && !strings.Contains(c.client, "before") {
		r.T.Errorf("%s %v:\n\t%s", c.client, c.visits, strings.Join(lines, "\n\t"))
	}
}

// race runs rounds in several labs at once.
func race(t *testing.T, all tallyOfRace, rounds, labs int, set func(n int) setting, kind func(contest) string) (gone, torn int) {
	var mu sync.Mutex
	atOnce(labs, labs, func(n int) {
		rng := rand.New(rand.NewPCG(*seed, uint64(n)))
		r := newRivals(t, set(n))
		var keepers []*exec.Cmd
		for range r.keepers {
			keepers = append(keepers, r.Keep())
		}
		if r.seen {
			defer r.process("codex", "@openai/codex", "0.140.0")()
		}
		for i := n; i < rounds; i += labs {
			contests := r.round(i, rng, r.keepers > 0 && rng.IntN(4) == 0)
			mu.Lock()
			for _, c := range contests {
				all.add(kind(c), c)
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
		gone, torn = gone+int(r.gone.Load()), torn+int(r.torn.Load())
		if leak := r.Leaks(); leak != "" {
			t.Error(leak)
		}
		for _, e := range r.Events("") {
			if e.Event == "gone" || e.Event == "failed" || e.Event == "ledger" || e.Event == "journal" {
				t.Errorf("%s: %s %s", e.ID, e.Event, e.Why)
			}
		}
	})
	return gone, torn
}

// process starts one that the list of processes shows as a client's.
func (r *rivals) process(name, pkg, version string) (end func()) {
	dir := r.Path("node_modules", pkg)
	file := filepath.Join(dir, "bin", name)
	// A program that was just written cannot be started while a process that
	// was forked meanwhile has the file open: cp has it open alone.
	for _, err := range []error{os.MkdirAll(filepath.Dir(file), 0o755), exec.Command("cp", "/bin/sleep", file).Run(),
		os.WriteFile(filepath.Join(dir, "package.json"), fmt.Appendf(nil, `{"name":%q,"version":%q}`, pkg, version), 0o644)} {
		if err != nil {
			r.T.Fatal(err)
		}
	}
	cmd := exec.Command(file, "3600")
	cmd.Env = r.Environ()
	if err := cmd.Start(); err != nil {
		r.T.Fatal(err)
	}
	return func() { cmd.Process.Kill(); cmd.Wait() }
}

// Clients that take locks and the keeper take turns: as long as a client's
// patience lasts, nothing is sent twice, and nothing that anybody wrote is
// lost. Half of the labs have two keepers, and now and then a person calls
// "refresh".
func TestClientsThatLockAndTheKeeperTakeTurns(t *testing.T) {
	rounds := 16
	if everything {
		rounds = 1000
	}
	t.Logf("-seed %d", *seed)
	all := tallyOfRace{}
	gone, torn := race(t, all, rounds, 8, func(n int) setting {
		return setting{clients: lockers, keepers: 1 + n%2, sessions: 2, rounds: rounds}
	}, contest.kind)
	t.Logf("%d rounds\n%s", rounds, all)
	t.Logf("stores that a client did not find: %d, or not whole: %d", gone, torn)
	for kind, c := range all {
		if c.notes+c.lost > 0 {
			t.Errorf("%s: %d tokens and %d entries lost", kind, c.lost, c.notes)
		}
		// What a client's own sessions do to each other is no doing of ours.
		if strings.HasSuffix(kind, " inside") && max(c.reuses, c.revoked, c.overlaps) > c.among {
			t.Errorf("%s: %d reuses, %d of them among its own sessions, %d overlaps, %d revocations", kind, c.reuses, c.among, c.overlaps, c.revoked)
		}
	}
	if gone+torn > 0 {
		t.Errorf("clients that lock did not find their store %d times, and found it not whole %d times", gone, torn)
	}
}

// What a client without locks comes to is no promise of ours: whoever starts
// while another refreshes sends the same token. While such a client is seen to
// run, nothing of its is refreshed.
func TestAClientWithoutLocksIsLeftAloneWhileItRuns(t *testing.T) {
	rounds := 3
	if everything {
		rounds = 200
	}
	t.Logf("-seed %d", *seed)
	all := tallyOfRace{}
	old := []string{"codex before 0.145"}
	remote := []string{"mcp-remote before 0.8.3"}
	kinds := []struct {
		kind string
		setting
	}{
		{"1 session, no keeper", setting{clients: old, sessions: 1}},
		{"2 sessions, no keeper", setting{clients: old, sessions: 2}},
		{"1 session that runs, and the keeper", setting{clients: old, keepers: 1, sessions: 1, seen: true}},
		{"2 sessions that run, and the keeper", setting{clients: old, keepers: 1, sessions: 2, seen: true}},
		{"1 session that starts as the keeper refreshes", setting{clients: old, keepers: 1, sessions: 1}},
		{"2 of mcp-remote before 0.8.3, no keeper", setting{clients: remote, sessions: 2, rounds: rounds}},
		{"1 of mcp-remote before 0.8.3, and the keeper", setting{clients: remote, keepers: 1, sessions: 1, rounds: rounds}},
	}
	var mu sync.Mutex
	atOnce(3, len(kinds), func(i int) {
		one := tallyOfRace{}
		race(t, one, rounds, 3, func(int) setting { return kinds[i].setting }, func(contest) string { return kinds[i].kind })
		mu.Lock()
		defer mu.Unlock()
		maps.Copy(all, one)
	})
	t.Logf("clients without locks, %d rounds of each\n%s", rounds, all)
	if c := all["1 session that runs, and the keeper"]; c.ours+c.reuses+c.revoked > 0 {
		t.Errorf("beside a client that runs: %d requests of ours, %d reuses", c.ours, c.reuses)
	}
}
