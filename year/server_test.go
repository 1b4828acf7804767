package year

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"lamplighter/refresher/authtest"
)

// A server is an authorization server with the MCP servers of its credentials
// behind it, and what is wrong with it at the moment.
type server struct {
	*authtest.Server
	w     *world
	host  string
	kind  kind
	creds []*cred

	down  trouble         // under w.mu
	wrong authtest.Answer // what it answers to every refresh; zero: its own
	drops bool            // it closes every connection unanswered
}

// A kind is how a server treats refresh tokens.
type kind struct {
	name   string
	policy authtest.Policy
	tells  string // the member that tells when a refresh token ends
}

// kinds are those of the providers that publish how they rotate.
var kinds = []kind{
	{name: "strict", policy: authtest.Policy{}},
	{name: "previous until used", policy: authtest.Policy{Reuse: authtest.PreviousUntilUsed, Resource: authtest.ExactResource}},
	{name: "grace 30 s", policy: authtest.Policy{Reuse: authtest.Grace, Grace: 30 * time.Second, JWT: true}},
	{name: "grace 30 min", policy: authtest.Policy{Reuse: authtest.Grace, Grace: 30 * minute}},
	{name: "same successor", policy: authtest.Policy{Reuse: authtest.SameSuccessor, Grace: 10 * time.Second, Dialect: authtest.GoTrue}},
	{name: "not rotating", policy: authtest.Policy{NoRotation: true}},
	{name: "strict, old access ends", policy: authtest.Policy{RevokesAccess: true}},
	{name: "tells the end", policy: authtest.Policy{JWT: true}, tells: "refresh_expires_in"},
}

func (w *world) newServer(i int) *server {
	s := &server{w: w, host: fmt.Sprintf("auth%d.example", i), kind: kinds[i%len(kinds)]}
	var err error
	s.Server, err = authtest.Start(authtest.Options{
		Memory: true, Origin: "https://" + s.host, ResourceOrigin: "https://mcp-" + s.host, Policy: s.kind.policy,
	})
	w.must(err)
	w.servers = append(w.servers, s)
	return s
}

// behave sets how a credential's next refreshes are answered.
func (s *server) behave(c *cred) {
	s.w.mu.Lock()
	b := c.whole()
	if s.wrong.Status != 0 {
		wrong := s.wrong
		b.Answer = &wrong
	}
	if s.drops {
		b.Fault = authtest.DropBefore
	}
	grant := c.grant.ID
	s.w.mu.Unlock()
	s.BehaveGrant(grant, b)
}

// begin and end are those of a trouble with the whole server.
func (s *server) begin(why cause, how func()) {
	s.w.mu.Lock()
	how()
	s.down.begin(why)
	s.w.mu.Unlock()
	for _, c := range s.creds {
		s.behave(c)
	}
}

func (s *server) end() {
	s.w.mu.Lock()
	s.down.end()
	s.wrong, s.drops = authtest.Answer{}, false
	s.w.mu.Unlock()
	s.SetReach(authtest.Reachable)
	for _, c := range s.creds {
		s.behave(c)
	}
}

// live is the troubles of a server: every few weeks one, mostly of minutes,
// now and then of days.
func (s *server) live(r *rand.Rand) {
	for s.w.wait(between(r, 2*day, 30*day)) {
		long := between(r, minute, hour)
		switch n := r.IntN(20); {
		case n == 0:
			long = between(r, day, 3*day)
		case n < 4:
			long = between(r, hour, 10*hour)
		}
		switch r.IntN(6) {
		case 0:
			s.SetReach(authtest.Refused)
			s.begin(refused, func() {})
		case 1:
			s.SetReach(authtest.Silent)
			s.begin(refused, func() {})
		case 2:
			s.SetReach(authtest.Broken)
			s.begin(errors5, func() {})
		case 3:
			s.begin(errors5, func() { s.drops = true })
		case 4:
			status := []int{500, 502, 503, 504}[r.IntN(4)]
			s.begin(errors5, func() { s.wrong = *authtest.Status(status) })
		case 5:
			long = min(long, 5*hour)
			wait := strconv.Itoa(30 + r.IntN(570))
			s.begin(asked, func() { s.wrong = *authtest.RetryAfter(429, wait) })
		}
		if !s.w.wait(long) {
			return
		}
		s.end()
	}
}
