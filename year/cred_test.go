package year

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/ledger"
)

// A cred is one credential: an entry of a client's store, its server, and the
// person who signs in.
type cred struct {
	w      *world
	home   *clientHome
	srv    *server
	name   string
	id     string
	life   time.Duration
	policy authtest.Policy
	noEnd  bool // its answers do not say when the access token ends

	// Under w.mu.
	grant   authtest.Grant
	grants  []string
	notices map[string]int // by grant
	deaths  map[string]bool
	diedAt  map[string]time.Time
	hasty   map[string]bool // who was signed in again before anybody could be told
	hurt    []span          // from an unclear answer on, or while its client is left to refresh
	slowed  int             // for so many refreshes, this one included, its server counts as slow
	ask     chan struct{}   // a person was asked to sign in
	down    trouble
	holding trouble   // by an old client
	since   time.Time // what is stored has been there since
	stored  string
	good    time.Time            // until when it is valid
	known   map[string]time.Time // ends of access tokens that may come back
	bad     []span               // when what was stored was not valid
	before  map[string]any       // the entry as it was one refresh ago
	latest  map[string]any
	revived int
	logins  int
	heard   []ledger.Event
	served  int // times that its client found a token with time left
	tight   int // and one that it had to refresh itself
}

func (c *cred) key() string { return credfiles.EntryKey(c.name, c.srv.URL(authtest.Resource)) }

func (c *cred) count(n *int) {
	c.w.mu.Lock()
	*n++
	c.w.mu.Unlock()
}

// whole is its server in good health.
func (c *cred) whole() authtest.Behaviour {
	b := authtest.Behaviour{Delay: 120 * time.Millisecond, BeforeAnswer: c.deed}
	b.Shape.RefreshExpiresIn = c.srv.kind.tells
	if c.noEnd {
		b.Shape.ExpiresIn = authtest.Absent
	}
	return b
}

// signIn is a person in front of a browser.
func (c *cred) signIn() {
	c.w.mu.Lock()
	p := c.policy
	client := ""
	if len(c.grants)%2 == 1 {
		client = c.grant.ClientID
	}
	c.w.mu.Unlock()
	g := c.srv.Grant(authtest.GrantOptions{Policy: &p, ClientID: client})
	c.home.edit(func(all map[string]any) { all[c.key()] = c.home.entry(c, g) })
	c.w.mu.Lock()
	if n := len(c.down.spans); c.down.open && c.down.spans[n-1].why == dead && c.notices[c.grant.ID] == 0 && time.Since(c.down.spans[n-1].from) < 10*minute {
		c.hasty[c.grant.ID] = true
	}
	c.grant = g
	c.before, c.latest = nil, nil // an older sign-in's token, put back, would be a good one too
	c.logins++
	c.grants = append(c.grants, g.ID)
	c.down.end()
	c.w.mu.Unlock()
	c.srv.behave(c)
	c.hears("signed in")
	c.account()
	c.w.changed()
}

// deed is the moment at which its server has done what it was asked for, and
// not yet answered.
func (c *cred) deed() {
	if c.policy.RevokesAccess {
		c.account()
	}
}

// account closes the books on what was stored until now and opens them on what
// is stored now. It reports whether that is of another sign-in.
func (c *cred) account() (moved bool) {
	text := c.home.text()
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	now := time.Now()
	if !c.since.IsZero() && c.good.Before(now) {
		from := c.since
		if c.good.After(from) {
			from = c.good
		}
		if from.Before(now) {
			c.bad = append(c.bad, span{from: from, to: now})
		}
	}
	c.since = now
	if c.grant.ID == "" {
		return false
	}
	newest, there := c.living(text)
	if moved = newest.ID != c.grant.ID; moved {
		c.grant = newest
		c.before, c.latest = nil, nil
	}
	if there {
		if c.stored != newest.AccessToken {
			c.before, c.latest = c.latest, c.home.entry(c, newest)
			if c.slowed > 0 {
				c.hurt = append(c.hurt, span{now, newest.Expiry, slow})
			}
		}
		c.stored, c.good = newest.AccessToken, newest.Expiry
		c.known[c.stored] = c.good
		for old, end := range c.known {
			if end.Before(now) {
				delete(c.known, old)
			}
		}
	} else {
		c.stored, c.good = c.home.access(c), time.Time{}
		if !c.policy.RevokesAccess {
			c.good = c.known[c.stored]
		}
	}
	if c.down.open && (c.down.spans[len(c.down.spans)-1].why == revoked) {
		c.good = time.Time{}
	}
	return moved
}

// living is the sign-in whose newest tokens are stored: the last one, as a
// rule; an older one where a client had asked for new tokens before a person
// signed in, and wrote them afterwards. Where none is, it is that of before.
func (c *cred) living(text []byte) (g authtest.Grant, there bool) {
	is := func(id string) bool {
		g = c.srv.Current(id)
		return bytes.Contains(text, []byte(g.AccessToken))
	}
	if is(c.grant.ID) || slices.ContainsFunc(c.grants, is) {
		return g, true
	}
	return c.srv.Current(c.grant.ID), false
}

// takesOver is account for a client, which may write what belongs to an older
// sign-in over a newer one.
func (c *cred) takesOver() {
	if c.account() {
		c.hears("its older sign-in is back")
		c.srv.behave(c)
	}
}

// suffered is told of an attempt that came to nothing.
func (c *cred) suffered(why cause) {
	c.w.mu.Lock()
	c.hurt = append(c.hurt, span{time.Now(), time.Now().Add(time.Second), why})
	c.w.mu.Unlock()
}

// slows is told that its server takes 10 s for an answer, which Claude Code does
// not wait for. Of that a fifth is forgotten with each refresh.
func (c *cred) slows() {
	if c.home.client == "claude" {
		c.w.mu.Lock()
		c.slowed = 3
		c.w.mu.Unlock()
	}
}

// died is told when a refresh token was refused, which may be one of before a
// sign-in.
func (c *cred) died() {
	c.account()
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if !c.deaths[c.grant.ID] && c.srv.Last(c.grant.ID).Condemned {
		c.deaths[c.grant.ID], c.diedAt[c.grant.ID] = true, time.Now()
		c.down.begin(dead)
	}
}

// lives is told that it was refreshed, or got its unused successor: then what
// was refused was not the end.
func (c *cred) lives(e ledger.Event) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if e.What == "refreshed" && c.slowed > 0 {
		c.slowed--
	}
	if (e.What == "refreshed" || e.What == "restored") && c.deaths[c.grant.ID] {
		delete(c.deaths, c.grant.ID)
		c.revived++
		c.down.end()
	}
}

// notice is the one that a person gets.
func (c *cred) notice(row refresher.Row) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.notices[c.grant.ID]++
	select {
	case c.ask <- struct{}{}:
	default:
	}
}

// person signs in when asked to, some time later, and sometimes unasked.
func (c *cred) person(r *rand.Rand) {
	// A server of the shortest tokens is needed for a week or two at a time.
	often, away, brief := between(r, 20*day, 400*day), 3*day, c.life < 10*minute
	if brief {
		often, away = between(r, 5*day, 15*day), 40*day
	}
	next := time.After(often)
	for {
		select {
		case <-c.w.ctx.Done():
			return
		case <-c.ask:
			if !c.w.waitAwake(between(r, minute, 20*hour)) {
				return
			}
			c.signIn()
		case <-next:
			if !c.w.waitAwake(0) {
				return
			}
			what := r.IntN(3)
			if brief {
				what = 1
			}
			switch what {
			case 0:
				c.signIn()
			case 1: // logs out
				c.w.mu.Lock()
				gone := c.deaths[c.grant.ID]
				if !gone {
					c.down.begin(noEntry)
				}
				c.w.mu.Unlock()
				if gone { // he has been asked, or is just now
					next = time.After(often)
					continue
				}
				c.home.edit(func(all map[string]any) { delete(all, c.key()) })
				c.account()
				c.w.changed()
				if !c.w.waitAwake(between(r, minute, away)) {
					return
				}
				c.signIn()
			case 2: // an administrator revokes the grant
				c.w.mu.Lock()
				if !c.down.open {
					c.down.begin(revoked)
				}
				id := c.grant.ID
				c.w.mu.Unlock()
				c.srv.KillGrant(id)
				c.account()
			}
			if !brief {
				often = between(r, 20*day, 400*day)
			}
			next = time.After(often)
		}
	}
}

// mishaps are what happens to a single refresh, and to the entry.
func (c *cred) mishaps(r *rand.Rand) {
	for c.w.wait(between(r, day, 60*day)) {
		b := c.whole()
		switch n := r.IntN(20); {
		case n < 6:
			b.Fault = authtest.DropBefore
		case n < 8:
			b.Fault = authtest.DropAfter
		case n == 8:
			b.Fault = authtest.Cut
		case n < 11:
			b.Fault = authtest.CutAfterTokens
		case n < 14:
			b.Answer = authtest.Status(502)
		case n == 14: // the lid is closed in mid-refresh
			nap := between(r, minute, 3*hour)
			b.OnArrival = func() {
				c.slows()
				c.w.actors.Go(func() { c.w.sleep(nap) })
			}
			b.DelayAfter = 10 * time.Second
		case n == 15:
			b.Answer = authtest.RetryAfter(429, fmt.Sprint(10+r.IntN(600)))
		default:
			if !c.w.waitAwake(0) {
				return
			}
			c.putBack()
			continue
		}
		c.w.mu.Lock()
		id := c.grant.ID
		c.w.mu.Unlock()
		c.srv.NextGrant(id, b)
	}
}

// putBack is a program that puts an older value of the entry back, as one that
// synchronises folders.
func (c *cred) putBack() {
	free, ok := c.home.alone()
	if !ok {
		return
	}
	defer free()
	put := false
	c.home.edit(func(all map[string]any) {
		c.w.mu.Lock()
		defer c.w.mu.Unlock()
		if put = c.before != nil && !c.down.open && len(c.w.keepers) > 0; put {
			all[c.key()] = c.before
			c.down.begin(wentBack)
		}
	})
	if !put {
		return
	}
	c.hears("put back")
	c.account()
	c.w.changed()
	c.w.wait(2 * minute)
	c.w.mu.Lock()
	if c.down.open && c.down.spans[len(c.down.spans)-1].why == wentBack {
		c.down.end()
	}
	c.w.mu.Unlock()
}

func (c *cred) hears(what string) {
	c.w.mu.Lock()
	c.heard = append(c.heard, ledger.Event{At: time.Now(), What: what})
	c.w.mu.Unlock()
}

// story is what was heard of it around a gap.
func (c *cred) story(g span) string {
	var b strings.Builder
	for _, e := range c.heard {
		if e.At.After(g.from.Add(-c.life-c.lead()-hour)) && e.At.Before(g.to.Add(hour)) {
			fmt.Fprintf(&b, "\n\t%s %s %s %s %s %s", e.At.Format("2 Jan 15:04:05"), e.What, e.Code, e.Why, e.Old, e.New)
		}
	}
	return b.String()
}

func (c *cred) spans(now time.Time, of ...cause) (some []span) {
	for _, s := range c.down.all(now) {
		if slices.Contains(of, s.why) {
			some = append(some, s)
		}
	}
	return some
}
