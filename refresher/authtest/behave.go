package authtest

import (
	"math"
	"time"
)

// Forever as a delay means that no answer comes, ever.
const Forever time.Duration = math.MaxInt64

// A Behaviour is what happens to one request and its answer. The zero value
// is a server in good health.
type Behaviour struct {
	// Delay passes before the server looks at the request; with [Forever]
	// nothing of it ever happens.
	Delay time.Duration
	// DelayAfter passes between the deed and the answer; with [Forever] the
	// refresh token is used up and the answer never comes.
	DelayAfter time.Duration
	// OnArrival runs before the server looks at the request, BeforeAnswer
	// between the deed and the answer: what the rest of the world does
	// meanwhile.
	OnArrival    func()
	BeforeAnswer func()
	Fault        Fault
	// Hang leaves the connection open and silent where the fault would close
	// it.
	Hang bool
	// Answer is sent in place of the server's own, and nothing is done: the
	// refresh token stays as it is. With Consume it is done all the same and
	// only the answer is withheld.
	Answer  *Answer
	Consume bool
	Shape   Shape
	// Edit changes what the server is about to say; what it did is done. A
	// refresh token that is not in the body any more has not been told.
	Edit func(*Answer)
	// Wire changes the very bytes of the answer on its connection, which is
	// closed behind them, or stays open and silent with Hang.
	Wire func(Wired) (sent []byte, known Delivery)
}

// Wired is an answer as it is about to stand on its connection. Whoever
// changes it says how much of it a client can know from what is left.
type Wired struct {
	Whole     []byte
	Body      int // offset of the body
	TokensEnd int // offset behind the last token string and its closing quote; Body if it has none
}

// CutAt ends an answer before the byte at offset n.
func CutAt(n int) func(Wired) ([]byte, Delivery) {
	return func(w Wired) ([]byte, Delivery) {
		switch {
		case n >= len(w.Whole):
			return w.Whole, Whole
		case n >= w.TokensEnd && w.TokensEnd > w.Body:
			return w.Whole[:n], TokensOnly
		}
		return w.Whole[:n], CutShort
	}
}

// A Fault is what goes wrong with the connection or the answer.
type Fault string

// The faults. A client sees the first two alike: it had written its request,
// and the connection ended without an answer.
const (
	DropBefore     Fault = "drop before"      // nothing was done
	DropAfter      Fault = "drop after"       // done, and not answered
	Cut            Fault = "cut"              // the answer ends within the last of its token strings
	CutAfterTokens Fault = "cut after tokens" // both token strings are whole, the rest is missing
	Garble         Fault = "garble"           // the body is noise of the right length
)

// A Shape is how a successful token answer is written.
type Shape struct {
	Status int // zero is 200
	// ExpiresIn is the JSON value of expires_in, in which %d stands for the
	// true number of seconds: `"%d"`, `%d.5`, `null`, `0`, `-60`, `1e15`.
	// Empty is a number; [Absent] leaves it out.
	ExpiresIn string
	Refresh   RefreshField
	// RefreshExpiresIn names the member that tells the refresh token's
	// remaining seconds: refresh_token_expires_in (GitHub),
	// refresh_expires_in (Keycloak), x_refresh_token_expires_in (Intuit).
	RefreshExpiresIn string
	Scope            string // in place of the granted one; [Absent] leaves it out
	Nested           bool   // within authed_user, with ok:true (Slack)
	Form             bool   // form-encoded (GitHub without Accept: application/json)
	Pad              int    // so many bytes more, in a last member
}

// Absent as a [Shape] field leaves the member out.
const Absent = "-"

// A RefreshField is what a token answer says in refresh_token. All but AsIs
// leave the refresh token unrotated.
type RefreshField string

// The forms of refresh_token.
const (
	AsIs          RefreshField = "" // the new one; absent without rotation
	SameRefresh   RefreshField = "same"
	AbsentRefresh RefreshField = "absent"
	NullRefresh   RefreshField = "null"
	EmptyRefresh  RefreshField = "empty"
)

// A script is a standing behaviour and a queue of single ones before it.
type script struct {
	standing *Behaviour
	queue    []Behaviour
}

func (c *script) pop() (Behaviour, bool) {
	if c == nil || len(c.queue) == 0 {
		return Behaviour{}, false
	}
	b := c.queue[0]
	c.queue = c.queue[1:]
	return b, true
}

// Behave sets what happens at an endpoint from now on, until it is set again.
func (s *Server) Behave(e Endpoint, b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script(e).standing = &b
}

// Next queues behaviours for the next requests at an endpoint, one each. They
// come before the standing one and in its place, whole.
func (s *Server) Next(e Endpoint, b ...Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.script(e)
	c.queue = append(c.queue, b...)
}

// BehaveGrant is [Server.Behave] for the refreshes of one grant. It comes
// before what is set for the token endpoint.
func (s *Server) BehaveGrant(grant string, b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lineage(grant).script.standing = &b
}

// NextGrant is [Server.Next] for the refreshes of one grant. It comes before
// what is queued for the token endpoint.
func (s *Server) NextGrant(grant string, b ...Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.lineage(grant).script
	c.queue = append(c.queue, b...)
}

func (s *Server) script(e Endpoint) *script {
	if s.behaviours[e] == nil {
		s.behaviours[e] = &script{}
	}
	return s.behaviours[e]
}

// behaviour takes what is scripted for a request: queues first, then what
// stands, the grant's before the endpoint's.
func (s *Server) behaviour(e Endpoint, l *lineage) Behaviour {
	var own *script
	if l != nil {
		own = &l.script
	}
	if b, ok := own.pop(); ok {
		return b
	}
	if b, ok := s.behaviours[e].pop(); ok {
		return b
	}
	for _, c := range []*script{own, s.behaviours[e]} {
		if c != nil && c.standing != nil {
			return *c.standing
		}
	}
	return Behaviour{}
}
