package refresher_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/processes"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/ledger"
)

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
)

// A world is a lab inside a bubble of testing/synctest: the stores and the
// ledger are real files, the server is reached through memory, and time passes
// when everybody waits.
//
// A suspended computer is one whose keepers do nothing while the clock goes
// on, so that their timers are hours late. What it does not show is a
// monotonic clock that stands still: a bubble has one clock.
type world struct {
	*lab
	s *authtest.Server

	mu      sync.Mutex
	asleep  time.Time // until when
	network string
	events  []ledger.Event
	keepers []*keeper
	running []processes.Process
	blind   error // why nobody can tell what runs
}

// A keeper is one process that keeps.
type keeper struct {
	*refresher.Refresher
	changed chan struct{}
	stop    context.CancelFunc
	stopped chan struct{}

	mu    sync.Mutex
	scans int
	last  refresher.Snapshot
}

// inWorld runs a test in a bubble, on a day after JSON web tokens were invented
// and before files were written.
func inWorld(t *testing.T, o authtest.Options, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)))
		o.Memory = true
		w := &world{s: authtest.New(t, o), network: "home"}
		w.lab = newLab(t)
		w.lab.Refresher = w.process()
		defer func() {
			for _, k := range w.keepers {
				k.end()
			}
		}()
		test(w)
	})
}

// process is another process's Refresher.
func (w *world) process() *refresher.Refresher {
	r := w.lab.keeper()
	stores := credfiles.Stores(credfiles.Host{
		OS: "linux", Home: w.home, Getenv: func(string) string { return "" },
		Processes: func(context.Context, func(string) bool) ([]processes.Process, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.Clone(w.running), w.blind
		},
		Own: w.owned(r.Ledger),
	}, nil)
	r.Stores = func() []*credfiles.Store { return stores }
	r.Transport = func(credfiles.Grant) http.RoundTripper { return w.s.Transport() }
	r.Finder.Transport = w.s.Transport()
	r.Tell = func(e ledger.Event) {
		w.mu.Lock()
		w.events = append(w.events, e)
		w.mu.Unlock()
	}
	return r
}

// keep starts a process that keeps.
func (w *world) keep() *keeper {
	k := &keeper{Refresher: w.process(), changed: make(chan struct{}, 1), stopped: make(chan struct{})}
	stores := k.Stores
	k.Stores = func() []*credfiles.Store {
		w.nap()
		k.mu.Lock()
		k.scans++
		k.mu.Unlock()
		return stores()
	}
	tell := k.Tell
	k.Tell = func(e ledger.Event) {
		tell(e)
		if e.What == "refreshed" || e.What == "restored" {
			w.signal() // as the watcher would
		}
	}
	k.Network = func() string {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.network
	}
	ctx, stop := context.WithCancel(context.Background())
	k.stop = stop
	publish := func(s refresher.Snapshot) {
		k.mu.Lock()
		k.last = s
		k.mu.Unlock()
	}
	go func() {
		k.Run(ctx, k.changed, w.nap, publish)
		close(k.stopped)
	}()
	w.mu.Lock()
	w.keepers = append(w.keepers, k)
	w.mu.Unlock()
	return k
}

// end is SIGTERM.
func (k *keeper) end() {
	k.stop()
	<-k.stopped
}

func (k *keeper) snapshot() refresher.Snapshot {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last
}

func (k *keeper) scanned() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.scans
}

// shows is the row that a keeper published last.
func (k *keeper) shows(id string) refresher.Row {
	for _, row := range k.snapshot().Rows {
		if row.ID == id {
			return row
		}
	}
	return refresher.Row{}
}

// run starts a client of that version.
func (w *world) run(name, version string) processes.Process {
	pkg := map[string]string{"codex": "@openai/codex", "claude": "@anthropic-ai/claude-code"}[name]
	w.write(fmt.Sprintf(`{"name":%q,"version":%q}`, pkg, version), "lib", version, "package.json")
	w.write("", "lib", version, name)
	p := processes.Process{
		PID: 4711, Name: name, Exe: w.path("lib", version, name), Started: time.Now(),
		Env: func(key string) (string, bool) { return map[string]string{"HOME": w.home}[key], true },
	}
	w.mu.Lock()
	w.running = append(w.running, p)
	w.mu.Unlock()
	return p
}

// quit ends every client.
func (w *world) quit() {
	w.mu.Lock()
	w.running = nil
	w.mu.Unlock()
}

// signal tells every keeper that a store changed.
func (w *world) signal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range w.keepers {
		select {
		case k.changed <- struct{}{}:
		default:
		}
	}
}

// suspend lets the computer sleep for so long.
func (w *world) suspend(d time.Duration) {
	w.mu.Lock()
	w.asleep = time.Now().Add(d)
	w.mu.Unlock()
	time.Sleep(d)
}

func (w *world) nap() {
	w.mu.Lock()
	until := w.asleep
	w.mu.Unlock()
	time.Sleep(time.Until(until))
}

func (w *world) connect(network string) {
	w.mu.Lock()
	w.network = network
	w.mu.Unlock()
	reach := authtest.Reachable
	if network == "" {
		reach = authtest.Refused
	}
	w.s.SetReach(reach)
}

// said counts events.
func (w *world) said(what, id string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.What == what && (id == "" || e.ID == id) {
			n++
		}
	}
	return n
}

// A tenant is a client with one server in its store.
type tenant struct {
	w         *world
	id        string
	put       func(map[string]authtest.Grant)
	grant     authtest.Grant
	threshold time.Duration
	own       int // refreshes by the client itself
	signedIn  []string
}

func (w *world) tenants(o authtest.GrantOptions) []*tenant {
	all := []*tenant{
		{w: w, id: "codex/mcp/linear", put: w.codex, threshold: 30 * time.Second},
		{w: w, id: "claude/mcp/linear", put: w.claude, threshold: 5 * minute},
	}
	for _, c := range all {
		c.signIn(o)
	}
	return all
}

// signIn is a new sign-in by the client.
func (c *tenant) signIn(o authtest.GrantOptions) {
	c.grant = c.w.s.Grant(o)
	c.signedIn = append(c.signedIn, c.grant.ID)
	c.put(map[string]authtest.Grant{"linear": c.grant})
	c.w.signal()
}

// refresh is one by the client itself, under its own lock.
func (c *tenant) refresh() {
	t := c.w.t
	row := c.w.row(c.id)
	for _, s := range c.w.Stores() {
		if s.Path() != row.Path {
			continue
		}
		hold, err := s.Hold(context.Background(), row.Credential)
		if err != nil {
			t.Fatal(err)
		}
		defer hold.Close()
		now, err := hold.Read(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		c.post(now.Token.Refresh.Reveal())
		c.own++
		c.put(map[string]authtest.Grant{"linear": c.w.s.Current(c.grant.ID)})
		c.w.signal()
	}
}

// post is the client's request.
func (c *tenant) post(refreshToken string) {
	client := http.Client{Transport: c.w.s.Transport()}
	res, err := client.PostForm(c.grant.TokenURL, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}, "client_id": {c.grant.ClientID},
		"resource": {c.grant.Resource},
	})
	if err != nil {
		c.w.t.Fatal(err)
	}
	res.Body.Close()
}

// usable reports what is wrong with what the client would find in its store if
// it started now; "" if nothing.
func (c *tenant) usable() string {
	row := c.w.row(c.id)
	now := c.w.s.Current(c.grant.ID)
	switch left := time.Until(now.Expiry); {
	case row.Token.Access.Reveal() != now.AccessToken:
		return fmt.Sprintf("another access token than the server's newest (%s, %s)", row.State, row.Why)
	case left <= c.threshold:
		return fmt.Sprintf("a token with %v left (%s, %s, at %v)", left, row.State, row.Why, time.Until(row.At))
	case time.Until(row.Expiry) <= c.threshold:
		return fmt.Sprintf("a token that says it has %v left", time.Until(row.Expiry))
	}
	return ""
}

// posts counts the refreshes that the server saw of all the client's grants.
func (c *tenant) posts() (n int) {
	for _, g := range c.signedIn {
		n += c.w.s.TokenPosts(g)
	}
	return n
}

// setBack sets the clock back by d, as far as a bubble can: whatever was
// written down with the old clock lies d later.
func (w *world) setBack(d time.Duration, all []*tenant) {
	for _, c := range all {
		row := w.row(c.id)
		g := w.s.Current(c.grant.ID)
		g.Expiry = row.Expiry.Add(d)
		c.put(map[string]authtest.Grant{"linear": g})
		w.remember(row, func(m *ledger.Memory) {
			for _, at := range []*time.Time{&m.Seen, &m.Refreshed, &m.Tried, &m.Until, &m.Dead} {
				if !at.IsZero() {
					*at = at.Add(d)
				}
			}
		})
	}
	w.signal()
}

// remember changes what is remembered of a credential.
func (w *world) remember(row refresher.Row, change func(*ledger.Memory)) {
	w.t.Helper()
	lk, err := w.Ledger.Lock(context.Background(), row.Key)
	if err != nil {
		w.t.Fatal(err)
	}
	defer lk.Unlock()
	m, err := lk.Memory(row.Key)
	if err != nil {
		w.t.Fatal(err)
	}
	change(&m)
	if err := lk.Save(m); err != nil {
		w.t.Fatal(err)
	}
}

// pass lets time go by, and looks every five minutes whether both clients
// could start.
func (w *world) pass(d time.Duration, all []*tenant) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(min(5*minute, time.Until(end)))
		for _, c := range all {
			if wrong := c.usable(); wrong != "" {
				w.t.Fatalf("%s, %s: %s", time.Now().Format("2 Jan 15:04:05"), c.id, wrong)
			}
		}
	}
}
