//go:build unix

package torture_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// A deed is what somebody does to a credential at a moment that nobody chose,
// and what may stand in the store when all have come to rest.
type deed struct {
	name string
	do   func(m *mess)
	ends func(m *mess) string // what is wrong with the end; empty: nothing
}

// A mess is one credential of a client that somebody meddles with.
type mess struct {
	*rivals
	c      client
	name   string
	g      authtest.Grant
	theirs authtest.Grant // where they signed in anew
	old    []byte         // the store's text of before
}

// holds says what is wrong where the newest tokens of a grant should be stored.
func (m *mess) holds(g authtest.Grant) string {
	now := m.s.Current(g.ID)
	access, refresh, ok := m.c.stored(m.name)
	if !ok || access != now.AccessToken || refresh != now.RefreshToken {
		return fmt.Sprintf("it holds %s, and the newest is %s", m.s.Serial(refresh), m.s.Serial(now.RefreshToken))
	}
	return ""
}

var deeds = []deed{
	{"puts an older value back", func(m *mess) {
		text := m.old
		temporary := m.c.file() + ".somebody"
		os.WriteFile(temporary, text, 0o600)
		os.Rename(temporary, m.c.file())
	}, func(m *mess) string { return m.holds(m.g) }},
	{"writes the entry as it read it", func(m *mess) {
		m.c.put(m.name, m.g.AccessToken, m.g.RefreshToken, m.g.Expiry)
	}, func(m *mess) string { return m.holds(m.g) }},
	{"wipes", func(m *mess) { m.c.wipe(m.name) }, func(m *mess) string {
		if _, refresh, ok := m.c.stored(m.name); ok && refresh == "" {
			return "" // the newest was refused, as far as anybody can tell
		}
		return m.holds(m.g)
	}},
	{"signs out", func(m *mess) { m.c.signOut(m.name) }, func(m *mess) string {
		if _, _, ok := m.c.stored(m.name); ok {
			return "the entry is there again"
		}
		return ""
	}},
	{"signs in anew", func(m *mess) {
		m.theirs = m.s.Grant(authtest.GrantOptions{})
		m.c.signIn(m.name, m.theirs)
	}, func(m *mess) string { return m.holds(m.theirs) }},
	{"signs in again with the same registration", func(m *mess) {
		m.theirs = m.s.Grant(authtest.GrantOptions{ClientID: m.g.ClientID})
		m.c.signIn(m.name, m.theirs)
	}, func(m *mess) string { return m.holds(m.theirs) }},
	{"replaces the file, and nothing in it", func(m *mess) {
		text, err := os.ReadFile(m.c.file())
		if err != nil {
			return
		}
		temporary := m.c.file() + ".somebody"
		os.WriteFile(temporary, text, 0o600)
		os.Rename(temporary, m.c.file())
	}, func(m *mess) string { return m.holds(m.g) }},
}

// meddle lets somebody meddle with a credential of each client while the
// keeper refreshes it, and adds up what came of it.
func (r *rivals) meddle(n int, rng *rand.Rand, ends map[string]int) {
	var all []*mess
	var what []deed
	name := fmt.Sprintf("s%d", n)
	for _, c := range r.models {
		m := &mess{rivals: r, c: c, name: name, g: r.s.Grant(authtest.GrantOptions{AccessLeft: 15 * time.Second})}
		d := deeds[rng.IntN(len(deeds))]
		r.s.BehaveGrant(m.g.ID, authtest.Behaviour{DelayAfter: time.Duration(rng.IntN(60)) * time.Millisecond})
		c.signIn(name, m.g)
		m.old, _ = os.ReadFile(c.file())
		all, what = append(all, m), append(what, d)
	}
	var group sync.WaitGroup
	for i, m := range all {
		// The keeper looks 200 ms after the sign-in; the refresh takes some
		// tens more.
		after := 200*time.Millisecond + time.Duration(rng.IntN(150_000))*time.Microsecond
		group.Go(func() {
			time.Sleep(after)
			what[i].do(m)
		})
	}
	group.Wait()
	for i, m := range all {
		wrong := ""
		if !lab.Until(15*time.Second, func() bool {
			wrong = what[i].ends(m)
			return wrong == "" && r.Quiet() == ""
		}) {
			r.T.Errorf("%s %s: %s %s", r.clients[i], what[i].name, wrong, r.Quiet())
		}
		sent := "before our request"
		if r.s.TokenPosts(m.g.ID) > 0 {
			sent = "during or after it"
		}
		ends[fmt.Sprintf("%s %s, %s", r.clients[i], what[i].name, sent)]++
		m.c.signOut(name)
	}
}

// Whenever somebody meddles with a store, the keeper sends nothing spent, and
// the store ends as the table of the design's section 4 has it.
func TestSomebodyMeddlesAtAnyTime(t *testing.T) {
	rounds := 18
	if everything {
		rounds = 600
	}
	t.Logf("-seed %d", *seed)
	ends := map[string]int{}
	var mu sync.Mutex
	const labs = 6
	atOnce(labs, labs, func(n int) {
		rng := rand.New(rand.NewPCG(*seed, uint64(n)))
		r := newRivals(t, setting{clients: sharers})
		keeper := r.Keep()
		own := map[string]int{}
		for i := n; i < rounds; i += labs {
			r.meddle(i, rng, own)
		}
		r.Stop(keeper)
		for _, wrong := range append(r.s.Check(), r.Leaks()) {
			if wrong != "" {
				t.Error(wrong)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for kind, count := range own {
			ends[kind] += count
		}
	})
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(ends)) {
		fmt.Fprintf(&b, "%-75s %d\n", kind, ends[kind])
	}
	t.Logf("%d rounds\n%s", rounds, b.String())
}

// The program itself never finds a store gone while clients and it replace the
// file: every look of a keeper at the stores, as the system answered it.
func TestTheProgramNeverFindsAStoreGone(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace")
	}
	rounds := 3
	if everything {
		rounds = 40
	}
	t.Logf("-seed %d", *seed)
	rng := rand.New(rand.NewPCG(*seed, 0))
	r := newRivals(t, setting{clients: lockers, sessions: 2, rounds: rounds})
	for i, c := range r.models {
		c.note(fmt.Sprintf("kept%d", i)) // from here on both stores are there
	}
	trace := r.Path("trace")
	keeper := r.By(exec.Command(strace, "-D", "-f", "-q", "-e", "trace=openat,newfstatat,stat,lstat,statx,readlink,readlinkat,rename,renameat,renameat2", "-o", trace, lab.Program(t), "keep"))
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	all := tallyOfRace{}
	for i := range rounds {
		for _, c := range r.round(i, rng, false) {
			all.add(c.kind(), c)
		}
	}
	r.Stop(keeper)
	var text []byte
	lab.Until(10*time.Second, func() bool { // the tracer ends after the traced
		text, err = os.ReadFile(trace)
		return err != nil || strings.Contains(string(text), "+++ exited with 0 +++")
	})
	if err != nil {
		t.Fatal(err)
	}
	looks, gone := 0, 0
	for line := range strings.Lines(string(text)) {
		// A store of mcp-remote goes with each sign-out.
		if !strings.Contains(line, `.credentials.json"`) {
			continue
		}
		looks++
		if strings.Contains(line, "ENOENT") {
			gone++
			t.Log(strings.TrimSpace(line))
		}
	}
	if looks == 0 {
		t.Error("it never looked")
	}
	if gone > 0 {
		t.Errorf("a store was not there %d times of %d", gone, looks)
	}
	t.Logf("%d looks at a store, none of which found it gone; by the clients %d\n%s", looks, r.gone.Load(), all)
}
