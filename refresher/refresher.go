// Package refresher keeps credentials fresh: it decides when one is due, asks
// its server by exactly one POST, and lands the answer in the client's store
// under the client's own lock. It opens no client's file itself; that is
// credfiles. What it must not forget is in the ledger.
package refresher

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/ledger"
)

// A Refresher refreshes the credentials of some stores. Its fields are set
// once, before use.
type Refresher struct {
	Stores    func() []*credfiles.Store // asked at each scan: the config may change
	Policy    func() Policy             // the same
	Ledger    *ledger.Ledger
	Finder    *discovery.Finder
	Transport func(credfiles.Grant) http.RoundTripper // of the token request; nil: discovery's, with its rules
	Tell      func(ledger.Event)                      // is told each step; may be nil
	// Network describes how the computer is connected; when it changes, waits
	// for a server that was not reached end. It may be nil.
	Network func() string
	// Alarm wakes Run; nil: a timer of the runtime. Every is how often Run ticks,
	// asked each time; nil: once a minute, and anything longer needs an Alarm
	// that goes by the wall clock also while the computer sleeps.
	Alarm Alarm
	Every func() time.Duration

	// Elsewhere reports that programs were met in homes whose stores Stores did
	// not list before, and does now; nil: nobody looks.
	Elsewhere func() bool

	mu      sync.Mutex
	flights map[credfiles.Key]chan struct{}
	running running
	known   map[string]bool // stores of which something is remembered, as far as that was asked
}

// A Row is one credential with all that is known and decided about it.
type Row struct {
	credfiles.Credential
	Decision
	Memory ledger.Memory
	Mode   ledger.Mode
	// Reconnect are the running programs that cannot notice that this
	// credential works again, and How is what a person does in them.
	Reconnect []credfiles.Process
	How       string
	// Overridden: the user's settings stand in for what was found about it.
	Overridden bool

	store  *credfiles.Store
	input  Input
	listed time.Time // when the holders were, by the wall clock
	hidden bool      // its store cannot be read, so that nobody knows whether its entry is there
}

// DefaultMode is what may be done with it where the user said nothing about it
// alone: the config's mode.
func (row Row) DefaultMode() string { return row.input.Policy.Mode }

// transport carries a token request: to where discovery may go, and nowhere
// else.
func (r *Refresher) transport(g credfiles.Grant) http.RoundTripper {
	if r.Transport != nil {
		return r.Transport(g)
	}
	return discovery.NewTransport(discovery.Options{Server: discovery.Anchor(g), AllowPrivate: r.Finder.AllowPrivate})
}

// A Snapshot is what there is at one moment. It is a value: nothing in it
// changes afterwards.
type Snapshot struct {
	At       time.Time
	Rows     []Row
	Problems []credfiles.Problem

	out []Row // that a person logged out: known, and not shown
}

// Scan reads every store and decides about every credential. It changes
// nothing and takes no lock.
func (r *Refresher) Scan(ctx context.Context) Snapshot {
	now := time.Now()
	snap := Snapshot{At: now}
	stores := r.Stores()
	var held map[string][]credfiles.Process
	var listing sync.WaitGroup
	listing.Go(func() { held = r.holders(ctx, stores) }) // it takes as long as the stores do
	var all []credfiles.Credential
	var of []*credfiles.Store
	for _, s := range stores {
		creds, problems := s.Scan(ctx)
		snap.Problems = append(snap.Problems, slices.DeleteFunc(problems, r.idle)...)
		for _, c := range creds {
			switch {
			case c.Missing && !r.knew(c.Key):
				continue
			case c.Missing && r.loggedOut(c, s, now):
				snap.out = append(snap.out, Row{Credential: c, store: s})
				continue
			}
			all = append(all, c)
			of = append(of, s)
		}
	}
	snap.Problems = credfiles.Distinct(snap.Problems)
	if slices.ContainsFunc(all, func(c credfiles.Credential) bool { return c.Protected }) && r.Ledger.Unsealed() {
		snap.Problems = append(snap.Problems, credfiles.Problem{Store: r.Ledger.Dir(), Kind: credfiles.PlainState})
	}
	listing.Wait()
	if r.Elsewhere != nil && r.Elsewhere() {
		return r.Scan(ctx)
	}
	for i := range all {
		all[i].Holders = held[of[i].Path()]
	}
	credfiles.NameAll(all)
	view := r.view(all, now)
	snap.Rows = make([]Row, 0, len(all))
	for i, c := range all {
		row := view.row(c, of[i])
		row.listed = now.Round(0)
		snap.Rows = append(snap.Rows, row)
	}
	return snap
}

// idle reports that a Problem is nobody's: nothing was ever seen there.
func (r *Refresher) idle(p credfiles.Problem) bool {
	if !p.Perhaps {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	known, asked := r.known[p.Store]
	if !asked {
		if r.known == nil {
			r.known = map[string]bool{}
		}
		known = r.Ledger.Knows(p.Store)
		r.known[p.Store] = known // what comes to be known later, its Store knows
	}
	return !known
}

// knew reports that a refresh token was seen there once.
func (r *Refresher) knew(key credfiles.Key) bool {
	m, err := r.Ledger.Memory(key)
	return err == nil && m.Refresh != ""
}

// view is what one decision may have to know about all the others.
type view struct {
	r       *Refresher
	now     time.Time
	policy  Policy
	pending map[credfiles.Key]*ledger.Record
	twins   map[string][]credfiles.Credential // by fingerprint of the refresh token
	owners  map[string]string                 // the ledger's name of a credential to its ID
}

func (r *Refresher) view(all []credfiles.Credential, now time.Time) view {
	v := view{
		r: r, now: now, policy: r.Policy(),
		pending: map[credfiles.Key]*ledger.Record{},
		twins:   map[string][]credfiles.Credential{},
		owners:  map[string]string{},
	}
	records, _ := r.Ledger.Pending()
	for i := range records {
		v.pending[records[i].Sent.Key] = &records[i]
	}
	for _, c := range all {
		if !c.Refresh.IsZero() {
			print := r.Ledger.Fingerprint(c.Refresh)
			v.twins[print] = append(v.twins[print], c)
		}
		v.owners[r.Ledger.OwnerOf(c.Key)] = c.ID
	}
	return v
}

func (v view) row(c credfiles.Credential, s *credfiles.Store) Row {
	overridden := v.override(&c)
	in := v.input(c, s)
	row := Row{Credential: in.C, Decision: Decide(in), Memory: in.M, Mode: in.Mode, Overridden: overridden, store: s, input: in}
	for _, p := range c.Holders {
		if p.Started.Before(in.M.Repaired) {
			row.Reconnect = append(row.Reconnect, p)
			row.How = s.Reconnect()
		}
	}
	return row
}

// override puts the user's own knowledge over the store's, if there is any.
func (v view) override(c *credfiles.Credential) bool {
	o, ok := v.policy.Overrides[c.ID]
	if !ok {
		return false
	}
	set := func(to *string, from string) {
		if from != "" {
			*to = from
		}
	}
	set(&c.TokenURL, o.TokenURL)
	set(&c.MetadataURL, o.MetadataURL)
	set(&c.AuthMethod, o.AuthMethod)
	set(&c.Resource, o.Resource)
	c.NoResource = o.NoResource || c.NoResource && o.Resource == "" // some clients send none
	if o.Scope != "" {
		c.Scopes, c.Request.Scope = []string{o.Scope}, true
	}
	return true
}

func (v view) input(c credfiles.Credential, s *credfiles.Store) Input {
	l := v.r.Ledger
	in := Input{
		Now: v.now, C: c,
		Refresh: l.Fingerprint(c.Refresh), Access: l.Fingerprint(c.Access),
		Threshold: s.Threshold(), Patience: s.Patience(),
		Pending: v.pending[c.Key], Setup: setup(c.Grant), Policy: v.policy, Busy: v.r.busy(c.Key),
	}
	var err error
	if in.M, err = l.Memory(c.Key); err != nil {
		in.C.WatchOnly = credfiles.LedgerUnread
	}
	if in.Mode, err = v.r.mode(c, in.M); err != nil {
		in.C.WatchOnly = credfiles.LedgerUnread
	}
	if in.Mark, in.Marked, err = l.Marked(in.Refresh); err != nil {
		// Not knowing what is spent is no leave to send it.
		in.C.WatchOnly = credfiles.LedgerUnread
	}
	if in.C.RefreshExpiry.IsZero() && in.M.Refresh == in.Refresh {
		in.C.RefreshExpiry = in.M.RefreshExpiry // few clients store what the server said of it
	}
	if in.Marked && in.Mark.Owner != l.OwnerOf(c.Key) {
		in.Elsewhere = v.owners[in.Mark.Owner]
	} else if in.Marked || (in.C.Blanked || in.wiped()) && !in.C.Missing {
		if kept, err := l.Kept(c.Key); err == nil {
			spare, owner := v.r.spare(in, kept)
			in.Good, in.Elsewhere = spare != nil, v.owners[owner]
		}
	}
	if in.C.UnsureWipe && !in.Marked && (in.C.Blanked || in.wiped()) {
		if kept, err := l.Kept(c.Key); err == nil {
			in.Wiped = v.r.lastGood(in, kept) != nil
		}
	}
	in.Twin, in.TwinOwns = v.twin(c, in.Refresh)
	in.life = cmp.Or(in.stated(), -1)
	return in
}

// spare is the first of the spare tokens that is neither spent nor dead, and of
// the same lineage. Where another credential has used one up, owner is that
// one's name in the ledger.
func (r *Refresher) spare(in Input, kept ledger.Kept) (spare *ledger.KeptToken, owner string) {
	all, lineage := in.spares(kept)
	for _, t := range all {
		if t == nil || t.Lineage != lineage {
			continue
		}
		mark, over, err := r.Ledger.Marked(r.Ledger.Fingerprint(t.Reveal().Refresh))
		switch {
		case err != nil:
			return nil, ""
		case !over:
			return t, ""
		case mark.Spent && mark.Owner != r.Ledger.OwnerOf(in.C.Key):
			owner = mark.Owner
		}
	}
	return nil, owner
}

// twin is another credential with the same refresh token, and whether that one
// is to be kept: the user named it, or only its client still reads its entry.
func (v view) twin(c credfiles.Credential, refresh string) (id string, owns bool) {
	for _, t := range v.twins[refresh] {
		if t.Key == c.Key || t.Unused && !c.Unused {
			continue
		}
		mode, _ := v.r.Ledger.Mode(t.Key)
		if keep := mode.Mode == "keep" || c.Unused && !t.Unused; id == "" || keep {
			id, owns = t.ID, keep
		}
	}
	return id, owns
}

// setup is a hash of what a request is made of, apart from the token: when it
// changes, a misconfigured credential is worth another try.
func setup(g credfiles.Grant) string {
	secret := sha256.Sum256([]byte(g.ClientSecret.Reveal()))
	g.ClientSecret = credfiles.Secret{}
	text, _ := json.Marshal(g)
	sum := sha256.Sum256(append(text, secret[:]...))
	return hex.EncodeToString(sum[:8])
}

func (r *Refresher) tell(e ledger.Event) {
	if r.Tell != nil {
		r.Tell(e)
	}
}

// log writes an event down and tells it.
func (r *Refresher) log(e ledger.Event) {
	p := r.Policy()
	r.Ledger.Log(e, p.LogSize, p.LogKeep)
	r.tell(e)
}

func (r *Refresher) busy(key credfiles.Key) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.flights[key]
	return ok
}

// fly makes refreshes of one credential in this process wait for each other.
func (r *Refresher) fly(ctx context.Context, key credfiles.Key) (land func(), err error) {
	for {
		r.mu.Lock()
		other, busy := r.flights[key]
		if !busy {
			done := make(chan struct{})
			if r.flights == nil {
				r.flights = map[credfiles.Key]chan struct{}{}
			}
			r.flights[key] = done
			r.mu.Unlock()
			return func() {
				r.mu.Lock()
				delete(r.flights, key)
				r.mu.Unlock()
				close(done)
			}, nil
		}
		r.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
