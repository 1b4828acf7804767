package refresher_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/ledger"
)

// many puts n grants into Codex's store.
func (w *world) many(n int, o authtest.GrantOptions) []authtest.Grant {
	put := map[string]authtest.Grant{}
	var all []authtest.Grant
	for i := range n {
		g := w.s.Grant(o)
		all = append(all, g)
		put[fmt.Sprintf("s%02d", i)] = g
	}
	w.codex(put)
	return all
}

// settle lets everything that is under way come to rest, without time passing.
func settle() { synctest.Wait() }

func TestWhoStopsTheKeeperInMidRefreshStillGetsTheAnswerStored(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		g := w.one(w.s, due)
		arrived := make(chan struct{})
		w.s.Next(authtest.Token, authtest.Behaviour{OnArrival: func() { close(arrived) }, DelayAfter: 40 * time.Second})
		k := w.keep()
		<-arrived
		k.stop()
		time.Sleep(39 * time.Second)
		settle()
		select {
		case <-k.stopped:
			t.Fatal("it ended before the answer came")
		default:
		}
		<-k.stopped
		if !strings.Contains(w.read(".codex", ".credentials.json"), w.s.Current(g.ID).RefreshToken) {
			t.Error("the answer is not in the store")
		}
		if n := len(w.pending()); n != 0 {
			t.Errorf("%d records are left in the journal", n)
		}
	})
}

func TestWhoStopsTheKeeperBeforeTheTokenLeftSendsNothing(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		g := w.one(w.s, due)
		w.s.SetReach(authtest.Silent)
		k := w.keep()
		time.Sleep(time.Second)
		asked := time.Now()
		k.end()
		if took := time.Since(asked); took > time.Second {
			t.Errorf("it ended after %v", took)
		}
		if n := w.s.TokenPosts(g.ID); n != 0 {
			t.Errorf("%d POSTs", n)
		}
	})
}

func TestADeathIsToldOnceLookedAtTwiceAndThenLeftAlone(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		g := w.one(w.s, authtest.GrantOptions{AccessLeft: 20 * minute})
		w.s.KillGrant(g.ID)
		k := w.keep()
		for w.said("dead", "") == 0 {
			time.Sleep(time.Second)
		}
		settle()
		died := time.Now()
		// Any other process sees it at once, the keeper after a second look.
		row := w.row(linear)
		if row.State != refresher.SignInNeeded || row.Why != refresher.WasRefused || !row.At.After(died) {
			t.Errorf("at once: %s, %s, at %v", row.State, row.Why, row.At.Sub(died))
		}
		time.Sleep(6 * time.Second)
		row = k.shows(linear)
		if left := row.At.Sub(died); row.State != refresher.SignInNeeded || left < 55*time.Second || left > minute {
			t.Errorf("after 5 s: %s, %s, at %v", row.State, row.Why, left)
		}
		scans := k.scanned()
		time.Sleep(minute)
		if row = k.shows(linear); row.State != refresher.SignInNeeded || !row.At.IsZero() {
			t.Errorf("after a minute: %s, %s, at %v", row.State, row.Why, row.At)
		}
		if n := k.scanned() - scans; n < 1 || n > 3 {
			t.Errorf("%d scans in the first minute", n)
		}
		scans = k.scanned()
		time.Sleep(7 * day)
		if n := k.scanned() - scans; n > 8 {
			t.Errorf("%d scans in a week for a dead credential", n)
		}
		if n := w.said("dead", ""); n != 1 {
			t.Errorf("told %d times", n)
		}
		if n := w.s.TokenPosts(g.ID); n != 1 {
			t.Errorf("%d POSTs", n)
		}

		next := w.one(w.s, authtest.GrantOptions{ClientID: g.ClientID})
		w.signal()
		time.Sleep(time.Second)
		row = k.shows(linear)
		if row.State != refresher.Fresh || row.Memory.Wait != "" || row.Memory.Verdict != "" {
			t.Errorf("after a new sign-in: %s, %s, remembered %q %q", row.State, row.Why, row.Memory.Wait, row.Memory.Verdict)
		}
		time.Sleep(2 * hour)
		if n := w.s.TokenPosts(next.ID); n != 2 {
			t.Errorf("%d refreshes of the new sign-in in two hours, want 2", n)
		}
	})
}

func TestManyThatAreDueAtOnceAreRefreshedAFewAtATimeWithoutSpinning(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		const n = 30
		w.many(n, due)
		at, most := 0, 0
		w.s.Behave(authtest.Token, authtest.Behaviour{
			OnArrival:    func() { w.mu.Lock(); at++; most = max(most, at); w.mu.Unlock() },
			Delay:        20 * time.Second,
			BeforeAnswer: func() { w.mu.Lock(); at--; w.mu.Unlock() },
		})
		k := w.keep()
		time.Sleep(5 * time.Second)
		if scans := k.scanned(); scans > 5 {
			t.Errorf("%d scans while all the places are taken", scans)
		}
		time.Sleep(2 * minute)
		if got := w.said("refreshed", ""); got != n || most != 8 {
			t.Errorf("%d refreshed, up to %d at a time", got, most)
		}
		if scans := k.scanned(); scans > 4*n {
			t.Errorf("%d scans for %d refreshes", scans, n)
		}
	})
}

// After a weekend all of them are due: that must not cost a look at all of them
// for each of them.
func TestWhatIsDueAtOnceIsLookedAtOnce(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		const n = 100
		w.many(n, due)
		w.s.Behave(authtest.Token, authtest.Behaviour{Delay: time.Second})
		r := w.process()
		stores, scans := r.Stores, 0
		r.Stores = func() []*credfiles.Store { scans++; return stores() }
		ctx, stop := context.WithTimeout(context.Background(), 25*time.Second)
		defer stop()
		r.Run(ctx, nil, func() {}, func(refresher.Snapshot) {})
		if got := w.said("refreshed", ""); got != n {
			t.Errorf("%d refreshed in the time that %d take a few at a time", got, n)
		}
		if scans > 2 {
			t.Errorf("%d scans", scans)
		}
	})
}

// byHost is a network of several servers.
type byHost map[string]*authtest.Server

func (n byHost) RoundTrip(req *http.Request) (*http.Response, error) {
	return n[req.URL.Host].Transport().RoundTrip(req)
}

// A computer that slept costs at most a minute, half of which its timers may
// take: so many are due at once, and neither a server that takes a request and
// says nothing nor refused ones, each of which is looked at again, may keep the
// others waiting.
func TestNeitherAServerThatHangsNorRefusalsHoldUpWhatElseIsDue(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		const n = 100
		net := byHost{}
		put := map[string]authtest.Grant{}
		var servers []*authtest.Server
		for i := range 4 {
			host := fmt.Sprintf("auth%d.example", i)
			s := authtest.New(w.t, authtest.Options{Memory: true, Origin: "https://" + host, ResourceOrigin: "https://mcp-" + host})
			net[host], net["mcp-"+host] = s, s
			servers = append(servers, s)
			for j := range n {
				g := s.Grant(due)
				put[fmt.Sprintf("s%d-%02d", i, j)] = g
				if i == 2 && j < n/2 {
					s.KillGrant(g.ID)
				}
			}
		}
		w.codex(put)
		servers[0].Behave(authtest.Token, authtest.Behaviour{Delay: authtest.Forever})
		servers[1].SetReach(authtest.Silent)
		for _, s := range servers[2:] {
			s.Behave(authtest.Token, authtest.Behaviour{Delay: time.Second})
		}
		r := w.process()
		r.Transport = func(credfiles.Grant) http.RoundTripper { return net }
		r.Finder.Transport = net
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.Run(ctx, nil, func() {}, func(refresher.Snapshot) {})
		}()
		time.Sleep(30 * time.Second)
		if refreshed, refused := w.said("refreshed", ""), w.said("dead", ""); refreshed != n+n/2 || refused != n/2 {
			t.Errorf("after half a minute %d are refreshed and %d refused, of %d each", refreshed, refused, n+n/2)
		}
		stop()
		<-ended
	})
}

// The lid is closed in mid-refresh, and the answer's token ends before anybody
// can store it.
func TestATokenThatEndedWhileItsRefreshSleptIsRefreshedAtOnce(t *testing.T) {
	inWorld(t, authtest.Options{Policy: authtest.Policy{AccessLifetime: hour}}, func(w *world) {
		g := w.one(w.s, due)
		var woke time.Time
		w.s.Next(authtest.Token, authtest.Behaviour{
			OnArrival: func() {
				go func() { w.suspend(3 * hour); woke = time.Now() }()
			},
			DelayAfter: time.Second,
		})
		k := w.process()
		k.Policy = func() refresher.Policy { w.nap(); return policy }
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			k.Run(ctx, nil, w.nap, func(refresher.Snapshot) {})
		}()
		for woke.IsZero() {
			time.Sleep(minute)
		}
		time.Sleep(time.Until(woke.Add(minute + time.Second)))
		if n := w.s.TokenPosts(g.ID); n != 2 {
			t.Errorf("%d refreshes", n)
		}
		if at := w.s.Last(g.ID).At; at.After(woke.Add(5 * time.Second)) {
			t.Errorf("the second came %v after the wake", at.Sub(woke))
		}
		stop()
		<-ended
	})
}

// What fails without leaving a wait of its own must not be tried in a loop.
func TestAFailureThatCannotBeRememberedIsNoLoop(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		g := w.one(w.s, due)
		// A folder in the record's place: it can neither be created nor replaced.
		if err := os.MkdirAll(filepath.Join(w.state, "journal", w.Ledger.OwnerOf(w.row(linear).Key), "x"), 0o700); err != nil {
			t.Fatal(err)
		}
		k := w.keep()
		time.Sleep(hour)
		if n := w.said("failed", ""); n < 60 || n > 121 {
			t.Errorf("failed %d times in an hour", n)
		}
		if n := k.scanned(); n > 250 {
			t.Errorf("%d scans in an hour", n)
		}
		if n := w.s.TokenPosts(g.ID); n != 0 {
			t.Errorf("%d POSTs", n)
		}
	})
}

func TestAnIdleDayCostsAHandfulOfLooks(t *testing.T) {
	inWorld(t, authtest.Options{Policy: authtest.Policy{AccessLifetime: 3 * day}}, func(w *world) {
		w.many(10, authtest.GrantOptions{})
		k := w.keep()
		time.Sleep(day)
		if n := k.scanned(); n > 4 {
			t.Errorf("%d scans", n)
		}
	})
}

// What a keeper holds in memory decides nothing: a process that starts now
// comes to the same result, to the second.
func TestAProcessThatStartsNowDecidesTheSame(t *testing.T) {
	inWorld(t, authtest.Options{Policy: authtest.Policy{AccessLifetime: 2 * hour}}, func(w *world) {
		all := w.tenants(authtest.GrantOptions{})
		w.many(3, authtest.GrantOptions{AccessLeft: 25 * minute})
		k := w.keep()
		for i := range 200 {
			time.Sleep(7 * minute)
			switch i % 40 {
			case 10:
				w.connect("")
			case 15:
				w.connect("x")
			case 20:
				all[1].refresh()
			}
			w.signal()
			time.Sleep(time.Second)
			settle()
			fresh := w.process().Scan(context.Background())
			shown := k.snapshot()
			if len(fresh.Rows) != len(shown.Rows) {
				t.Fatalf("%d rows, shown %d", len(fresh.Rows), len(shown.Rows))
			}
			for j, row := range shown.Rows {
				other := fresh.Rows[j]
				if row.Why == refresher.InFlight {
					continue
				}
				if row.State != other.State || row.Why != other.Why || !row.At.Equal(other.At) && row.At.After(shown.At) {
					t.Errorf("%s: %s, %s, %v; a process that starts now: %s, %s, %v", row.ID, row.State, row.Why, row.At, other.State, other.Why, other.At)
				}
			}
		}
	})
}

// A click refreshes in the same process, without the loop. If it fails, the
// loop takes over.
func TestTheKeeperLooksAgainAfterAFailureThatWasNotItsOwn(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		g := w.one(w.s, authtest.GrantOptions{AccessLeft: 12 * minute})
		w.s.Next(authtest.Token, authtest.Behaviour{Answer: authtest.RetryAfter(429, "60"), Delay: 5 * time.Second})
		k := w.keep()
		time.Sleep(time.Second)
		row := k.shows(linear)
		clicked := make(chan refresher.Outcome)
		go func() { clicked <- k.Refresh(context.Background(), row, refresher.Options{Word: true, Force: true}) }()
		time.Sleep(time.Second)
		w.signal()
		settle()
		if row := k.shows(linear); row.State != refresher.Refreshing {
			t.Errorf("during the click: %s, %s", row.State, row.Why)
		}
		if out := <-clicked; out.Did != refresher.Failed {
			t.Errorf("did %s", out.Did)
		}
		time.Sleep(8 * minute) // half of what was left when it was first seen
		if n := w.s.TokenPosts(g.ID); n != 2 {
			t.Errorf("%d POSTs, want the click's and the keeper's", n)
		}
	})
}

func TestTwoKeepersAndACommandAtOnceSendOne(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		g := w.one(w.s, authtest.GrantOptions{})
		w.s.Behave(authtest.Token, authtest.Behaviour{Delay: 3 * time.Second})
		w.keep()
		w.keep()
		time.Sleep(time.Until(w.row(linear).At))
		out := w.Refresh(context.Background(), w.row(linear), refresher.Options{Word: true, Force: true, Began: time.Now()})
		if out.Did != refresher.Refreshed && out.Did != refresher.Adopted {
			t.Errorf("did %s", out.Did)
		}
		time.Sleep(minute)
		if n := w.s.TokenPosts(g.ID); n != 1 {
			t.Errorf("%d POSTs", n)
		}
	})
}

func TestARecordWhoseEntryIsGoneIsFinishedAndNotTriedForEver(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		g := w.one(w.s, due)
		// The store is full of something else when the answer comes, and the
		// entry is gone when it can be written again.
		w.s.Next(authtest.Token, authtest.Behaviour{BeforeAnswer: func() { w.write("{", ".codex", ".credentials.json") }})
		if out := w.refresh(linear); out.Did != refresher.Failed || len(w.pending()) != 1 {
			t.Fatalf("did %s, %d records", out.Did, len(w.pending()))
		}
		w.keep()
		for range 360 {
			time.Sleep(10 * time.Second)
			w.signal()
		}
		if n := len(w.pending()); n != 1 {
			t.Fatalf("%d records while the store cannot be read", n)
		}
		if n := w.said(string(ledger.Unsaved), ""); n > 20 {
			t.Errorf("%d attempts in an hour", n)
		}
		w.codex(map[string]authtest.Grant{"other": w.s.Grant(authtest.GrantOptions{})})
		w.signal()
		time.Sleep(10 * minute)
		w.signal()
		time.Sleep(minute)
		if n := len(w.pending()); n != 0 {
			t.Errorf("%d records when the entry is gone", n)
		}
		if n := w.s.TokenPosts(g.ID); n != 1 {
			t.Errorf("%d POSTs", n)
		}
	})
}

// A client that stores a value it had read before we wrote puts the spent one
// back, and would send it at its next look.
func TestAValueThatComesBackRightAfterOurWriteIsReplacedAtOnce(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		g := w.one(w.s, due)
		old := w.read(codexStore...)
		r, changed := w.process(), make(chan struct{}, 1)
		tell, first := r.Tell, true
		r.Tell = func(e ledger.Event) {
			tell(e)
			if e.What == "refreshed" && first {
				first = false
				w.write(old, codexStore...)
				changed <- struct{}{}
			}
		}
		ctx, stop := context.WithCancel(context.Background())
		stopped := make(chan struct{})
		go func() {
			r.Run(ctx, changed, func() {}, func(refresher.Snapshot) {})
			close(stopped)
		}()
		defer func() {
			stop()
			<-stopped
		}()
		time.Sleep(time.Second)
		w.wantStored(w.s, g.ID, linear)
		w.wantPosts(w.s, g.ID, 1)
	})
}

// The race detector sees who changes what was published.
func TestASnapshotIsNotChangedAfterItWasPublished(t *testing.T) {
	inWorld(t, authtest.Options{Policy: authtest.Policy{AccessLifetime: 15 * minute}}, func(w *world) {
		w.many(5, authtest.GrantOptions{})
		w.run("codex", "0.169.0")
		k := w.process()
		seen := make(chan refresher.Snapshot, 100)
		readers := make(chan struct{})
		go func() {
			defer close(readers)
			var all []refresher.Snapshot
			var texts []string
			for s := range seen {
				all, texts = append(all, s), append(texts, fmt.Sprintf("%+v", s))
				for i := range all {
					if fmt.Sprintf("%+v", all[i]) != texts[i] {
						t.Error("a published snapshot changed")
						return
					}
				}
			}
		}()
		ctx, stop := context.WithTimeout(context.Background(), hour)
		defer stop()
		k.Run(ctx, nil, func() {}, func(s refresher.Snapshot) {
			select {
			case seen <- s:
			default:
			}
		})
		close(seen)
		<-readers
	})
}

func TestWhatAServerSaysOfTheRefreshTokensEndIsRemembered(t *testing.T) {
	o := authtest.Options{Policy: authtest.Policy{AccessLifetime: 12 * hour, IdleLifetime: 2 * hour}}
	inWorld(t, o, func(w *world) {
		g := w.one(w.s, due)
		w.s.Behave(authtest.Token, authtest.Behaviour{Shape: authtest.Shape{RefreshExpiresIn: "refresh_expires_in"}})
		k := w.keep()
		time.Sleep(day + 10*minute)
		row := k.shows(linear)
		if left := time.Until(row.RefreshExpiry); row.State != refresher.Fresh || left <= 0 || left > 2*hour {
			t.Errorf("%s, %s, the refresh token ends in %v", row.State, row.Why, left)
		}
		if n := w.s.TokenPosts(g.ID); n < 14 || n > 20 {
			t.Errorf("%d refreshes in a day of a refresh token that rests for two hours at most", n)
		}
	})
}

func TestWhatIsKeptIsThrownAwayInTimeByAKeeperThatRunsForMonths(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		w.one(w.s, authtest.GrantOptions{})
		w.keep()
		time.Sleep(2 * day)
		w.write("{}", ".codex", ".credentials.json") // a logout
		w.signal()
		time.Sleep(6 * day)
		left, _ := os.ReadDir(filepath.Join(w.state, "kept"))
		if len(left) != 1 {
			t.Errorf("%d kept after six days", len(left))
		}
		time.Sleep(2 * day)
		if left, _ = os.ReadDir(filepath.Join(w.state, "kept")); len(left) != 0 {
			t.Errorf("%d kept after eight days", len(left))
		}
	})
}

// An exactAlarm rings at the time that was set, also where the computer slept.
type exactAlarm struct{ *time.Timer }

func (a exactAlarm) Set(at time.Time)        { a.Reset(time.Until(at)) }
func (a exactAlarm) Rings() <-chan time.Time { return a.C }

// What is looked at every few minutes is looked at every minute while somebody
// waits for the network.
func TestAKeeperTicksAsOftenAsItsAlarmAllows(t *testing.T) {
	inWorld(t, authtest.Options{Policy: authtest.Policy{AccessLifetime: 24 * hour}}, func(w *world) {
		w.one(w.s, authtest.GrantOptions{})
		r := w.process()
		r.Alarm, r.Every = exactAlarm{time.NewTimer(hour)}, func() time.Duration { return 5 * minute }
		var polls, looks atomic.Int64
		ctx, stop := context.WithCancel(context.Background())
		stopped, changed := make(chan struct{}), make(chan struct{}, 1)
		go func() {
			defer close(stopped)
			r.Run(ctx, changed, func() { polls.Add(1) }, func(refresher.Snapshot) { looks.Add(1) })
		}()
		time.Sleep(hour + time.Second)
		if p, l := polls.Load(), looks.Load(); p != 12 || l != 1 {
			t.Errorf("%d polls and %d looks in an hour, want 12 and 1", p, l)
		}
		w.remember(w.row(linear), func(m *ledger.Memory) {
			m.For, m.Wait, m.Failures = m.Refresh, ledger.Unsent, 9
			m.Tried, m.Until = time.Now(), time.Now().Add(2*hour)
		})
		changed <- struct{}{}
		time.Sleep(time.Second)
		polls.Store(0)
		time.Sleep(hour)
		if p := polls.Load(); p < 59 || p > 61 {
			t.Errorf("%d polls in an hour of waiting, want 60", p)
		}
		stop()
		<-stopped
	})
}
