package doctor

import (
	"context"
	"errors"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/doctor/dialect"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/signin"
)

// An Endpoint is a token endpoint, and with what it is asked whether it
// honours grant_type=refresh_token.
type Endpoint struct {
	Client dialect.Client // its TokenURL is the endpoint
	Secret credfiles.Secret
	Ways   []dialect.Dialect

	// Place is where to sign in; its RevocationURL, where there is one, is where
	// to sign out. A zero one can only be asked with a refresh token of Spend.
	Place     discovery.SignIn
	Auth      string // token_endpoint_auth_method of the sign-in; empty: as the metadata says, else in the body
	PasteOnly bool   // nobody may come back to this computer by himself
	// Show brings a person to a sign-in, which is over when ctx ends. It does not
	// wait. giveUp is for where nobody is left to bring the answer.
	Show func(ctx context.Context, giveUp context.CancelCauseFunc, f *signin.Flow)

	// Spend is a refresh token that was handed over to be spent.
	Spend credfiles.Secret

	// Wait lies between a sign-in and its refresh: some registrations and
	// tokens are forgotten after a while.
	Wait time.Duration
	// Reuse asks whether the refresh token that this way has just replaced may be
	// sent once more: the server may take it for theft and end the sign-in, or
	// all of its user's. Nil: it is not done.
	Reuse func(way string) bool
	// Tell is told what is about to happen; it may be nil.
	Tell func(Happening)
}

// A Happening is what a person should know of before it happens.
type Happening struct {
	SignIn  int // the number of the sign-in that is about to begin; zero: none
	Way     string
	Waits   time.Duration
	Refresh bool // a refresh token is about to be sent
}

// Plan is what an examination would do.
type Plan struct {
	Ways    []Planned
	SignIns int
}

// Planned is one way to ask, and its request. Missing says why it is not sent.
type Planned struct {
	dialect.Dialect
	Post    exchange.Post
	Missing error
}

// Plan says which requests would be made, and after how many sign-ins.
func (e *Endpoint) Plan() Plan {
	var p Plan
	for _, d := range e.Ways {
		post, err := d.Post(e.Client)
		p.Ways = append(p.Ways, Planned{d, post, err})
		if err == nil && e.Spend.IsZero() {
			p.SignIns++
		}
	}
	return p
}

// Check refuses what no secret may travel to: all but https, and http to this
// computer. The error is for people.
func (e *Endpoint) Check() error {
	for _, raw := range []string{e.Client.TokenURL, e.Place.AuthorizationURL, e.Place.RevocationURL, e.Client.Server} {
		if raw == "" {
			continue
		}
		if _, err := discovery.CheckURL(raw, raw); err != nil {
			return err
		}
	}
	return nil
}

// ErrInterrupted is Examine's error where it was told to end. What was signed
// in is signed out as far as it can be.
var ErrInterrupted = errors.New("interrupted")

// Examine asks the endpoint in each way and writes down what came of it. No
// refresh token is sent twice, but where Reuse allows it.
func (e *Endpoint) Examine(ctx context.Context, x *Recorder) error {
	if err := e.Check(); err != nil {
		return err
	}
	x.Keep(Secret{Name: "CLIENT_SECRET", Value: e.Secret.Reveal()})
	x.Keep(Secret{Name: "REFRESH_TOKEN", Value: e.Spend.Reveal()})
	if !e.Secret.IsZero() {
		for _, raw := range []bool{false, true} {
			p := exchange.Post{Auth: exchange.Basic, RawBasic: raw, ClientID: e.Client.ID}
			_, pair, _ := strings.Cut(exchange.Authorization(p, e.Secret), " ")
			x.Keep(Secret{Name: "CLIENT_ID_AND_SECRET", Value: pair})
		}
	}
	if e.Tell == nil {
		e.Tell = func(Happening) {}
	}
	r := &round{e: e, x: x, over: map[string]bool{}, refused: map[string]bool{}}
	if x.Via == nil {
		r.offline()
		return nil
	}
	err := r.ask(ctx)
	r.conclude()
	return err
}

// A round is one examination of an endpoint.
type round struct {
	e       *Endpoint
	x       *Recorder
	ways    []*way
	over    map[string]bool // refresh tokens that must not be sent: spent, dead, perhaps spent
	refused map[string]bool // answers whose words stand in the report
	first   *signed         // the first sign-in
	probed  bool            // reuse was asked about
	out     bool            // a sign-out is in the report
	bound   bool            // a sign-in that names the resource fails
	stop    bool            // every sign-in fails
	left    string          // why sign-ins were not signed out; empty while all were
}

// A way is one dialect and what came of it.
type way struct {
	Planned
	asked    bool
	status   int
	verdict  exchange.Verdict
	rotated  bool
	audience string
	resource trial
	from     *signed // what the refresh token came with
	reuse    string
}

func (w *way) ok() bool { return w.asked && w.verdict.Kind == exchange.Refreshed }

func (r *round) ask(ctx context.Context) error {
	handed := &signed{refresh: r.e.Spend, handed: true}
	n := 0
	for _, p := range r.e.Plan().Ways {
		w := &way{Planned: p}
		r.ways = append(r.ways, w)
		r.x.Saw(p.Name, "%s. %s.", described(p.Dialect), upper(p.Known.String()))
		if p.Missing != nil {
			r.x.Saw(p.Name, "not sent: %s", missingWords(p.Missing))
			continue
		}
		if r.stop || r.bound && p.Post.Resource != "" {
			r.x.Saw(p.Name, "not sent: its sign-in would be the one that just failed")
			continue
		}
		s := handed
		if r.e.Spend.IsZero() {
			n++
			var err error
			if s, err = r.signIn(ctx, n, p); err != nil {
				return err
			}
			if s == nil {
				r.bound, r.stop = true, p.Post.Resource == ""
				continue
			}
		}
		if s.refresh.IsZero() {
			r.x.Saw(p.Name, "not sent: there is no refresh token that may be")
			continue
		}
		r.refresh(ctx, w, s)
		if !s.handed {
			r.signOut(ctx, s)
		}
		if ctx.Err() != nil {
			r.rest(ctx, handed)
			return ErrInterrupted
		}
	}
	r.rest(ctx, handed)
	return nil
}

// rest deals with what a handed token came to: what nobody else holds is
// signed out, what its owner still holds is left alone.
func (r *round) rest(ctx context.Context, handed *signed) {
	if r.e.Spend.IsZero() {
		return
	}
	switch {
	case !handed.newest.IsZero():
		r.signOut(ctx, handed)
		left := "and signed out"
		if r.left != "" {
			left = "and what the server keeps of it is left there: " + r.left
		}
		r.x.Saw("tokens", "The refresh token that you handed over is spent; what came for it was thrown away, %s", left)
	case handed.unsure:
		r.x.Saw("tokens", "The refresh token that you handed over may be spent: do not use it again.")
	default:
		r.x.Saw("tokens", "The refresh token that you handed over was not replaced by another.")
	}
}

func described(d dialect.Dialect) string {
	s := d.Title + ": " + string(d.Auth)
	more := func(yes bool, what string) {
		if yes {
			s += ", with " + what
		} else {
			s += ", no " + what
		}
	}
	more(d.Scope, "scope")
	switch d.Resource {
	case dialect.AlwaysResource:
		s += ", with resource"
	case dialect.OfMetadata:
		s += ", with resource where the server has metadata"
	}
	if d.Redirect {
		s += ", with redirect_uri"
	}
	return s
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
