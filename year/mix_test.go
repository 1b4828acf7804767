package year

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// A mix is what there is in a world.
type mix struct {
	creds   int
	servers int
	lives   []share // of access tokens
	olds    int     // credentials of a Codex without locks
}

// A share is how many of a hundred credentials have a lifetime.
type share struct {
	percent int
	life    time.Duration
}

// common is what providers give, with some of the shortest and the longest.
var common = []share{
	{2, 5 * minute}, {2, 15 * minute}, {10, hour}, {28, 8 * hour}, {22, 12 * hour}, {24, day}, {6, 7 * day}, {6, 30 * day},
}

func (m mix) life(r *rand.Rand, i int) time.Duration {
	at := (i*100 + 50) / m.creds // evenly, so that every share is there
	for _, s := range m.lives {
		if at -= s.percent; at < 0 {
			return s.life
		}
	}
	return day
}

// build makes homes, servers and credentials, all signed in, and lets them live.
func (m mix) build(w *world) {
	r := w.random("mix")
	codex := w.newHome("codex", "0.169.0", "", ".codex", "")
	claude := w.newHome("claude", "2.1.329", "", ".claude", "")
	old := w.newHome("codex", oldCodex, "old", "old-codex", "CODEX_HOME")
	for i := range m.servers {
		w.newServer(i)
	}
	for i := range m.creds {
		h := []*clientHome{codex, claude}[i%2]
		if i%(m.creds/max(1, m.olds)+1) == 3 && m.olds > 0 {
			h = old
		}
		c := w.newCred(h, w.servers[r.IntN(len(w.servers))], fmt.Sprintf("mcp%d", i), m.life(r, i))
		switch n := r.IntN(10); {
		case n < 2:
			c.policy.AbsoluteLifetime = max(30*day, 3*c.life)
		case n < 3:
			c.policy.AbsoluteLifetime = 90 * day
		case n < 6:
			c.policy.IdleLifetime = max(30*day, 2*c.life)
		}
		if c.srv.kind.tells != "" {
			c.policy.AbsoluteLifetime, c.policy.IdleLifetime = 0, max(10*hour, 2*c.life)
		}
		if c.life == 7*day && r.IntN(2) == 0 && !c.policy.JWT {
			c.noEnd = true
		}
		c.signIn()
	}
	for _, h := range w.homes {
		if len(h.creds) > 0 {
			w.act("sessions "+h.client+h.profile, h.sessions)
		}
	}
	for _, s := range w.servers {
		w.act(s.host, s.live)
	}
	for _, c := range w.creds {
		w.act("person "+c.name, c.person)
		w.act("mishaps "+c.name, c.mishaps)
	}
	w.act("keeper", w.serve)
}

func (w *world) newHome(client, version, profile, dir, variable string) *clientHome {
	h := &clientHome{
		w: w, client: client, version: version, profile: profile, dir: filepath.Join(w.home, dir), variable: variable,
		seat: make(chan struct{}, 1),
	}
	w.must(os.MkdirAll(h.dir, 0o755))
	w.homes = append(w.homes, h)
	return h
}

func (w *world) newCred(h *clientHome, s *server, name string, life time.Duration) *cred {
	c := &cred{
		w: w, home: h, srv: s, name: name, life: life, policy: s.kind.policy,
		ask: make(chan struct{}, 1), notices: map[string]int{}, deaths: map[string]bool{}, diedAt: map[string]time.Time{}, hasty: map[string]bool{}, known: map[string]time.Time{},
	}
	c.policy.AccessLifetime = life
	c.id = h.client + "/mcp/" + name
	if h.profile != "" {
		c.id += "@" + h.profile
	}
	h.creds, s.creds = append(h.creds, c), append(s.creds, c)
	w.creds, w.byID[c.id] = append(w.creds, c), c
	return c
}
