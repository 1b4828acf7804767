package refresher_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// one puts one grant into Codex's store under the name linear.
func (l *lab) one(s *authtest.Server, o authtest.GrantOptions) authtest.Grant {
	l.t.Helper()
	g := s.Grant(o)
	l.codex(map[string]authtest.Grant{"linear": g})
	return g
}

const linear = "codex/mcp/linear"

var due = authtest.GrantOptions{AccessLeft: time.Minute}

func (l *lab) pending() []ledger.Record {
	l.t.Helper()
	records, err := l.Ledger.Pending()
	if err != nil {
		l.t.Fatal(err)
	}
	return records
}

// taken reports that somebody holds one of the client's file locks.
func taken(t *testing.T, path string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	lock, err := clientlock.File(ctx, path, clientlock.FileOptions{Mode: 0o644, Retry: time.Millisecond})
	if err != nil {
		return true
	}
	lock.Release()
	return false
}

func (l *lab) storeLock() *clientlock.Lock {
	l.t.Helper()
	lock, err := clientlock.File(context.Background(), l.path(".codex", "mcp-oauth-locks", "file-store.lock"),
		clientlock.FileOptions{Mode: 0o644, FolderMode: 0o755, Retry: time.Millisecond})
	if err != nil {
		l.t.Fatal(err)
	}
	return lock
}

func TestTheJournalAndTheClientsLockComeBeforeThePOST(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := newLab(t)
	g := l.one(s, due)
	looked := false
	s.Next(authtest.Token, authtest.Behaviour{OnArrival: func() {
		looked = true
		records := l.pending()
		if len(records) != 1 || records[0].Answer != nil || records[0].Sent.Post.TokenURL != g.TokenURL {
			t.Errorf("the journal holds %d records before the server sees the request", len(records))
		}
		locks, _ := filepath.Glob(l.path(".codex", "mcp-oauth-locks", "????*.lock"))
		held := 0
		for _, lock := range locks {
			if filepath.Base(lock) != "file-store.lock" && taken(t, lock) {
				held++
			}
		}
		if held != 1 {
			t.Errorf("%d of the client's credential locks are held, want 1", held)
		}
		if taken(t, l.path(".codex", "mcp-oauth-locks", "file-store.lock")) {
			t.Error("the store lock is held over the network")
		}
	}})
	if out := l.refresh(linear); out.Did != refresher.Refreshed || !looked {
		t.Fatalf("did %s, looked %v", out.Did, looked)
	}
	if n := len(l.pending()); n != 0 {
		t.Errorf("%d records are left in the journal", n)
	}
}

func TestWithoutAJournalNothingIsSent(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := newLab(t)
	g := l.one(s, due)
	// A folder in the record's place: it can neither be created nor replaced.
	row := l.row(linear)
	if err := os.MkdirAll(filepath.Join(l.state, "journal", l.Ledger.OwnerOf(row.Key), "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if out := l.refresh(linear); out.Did != refresher.Failed || out.Err == nil {
		t.Errorf("did %s, err %v", out.Did, out.Err)
	}
	if n := s.TokenPosts(g.ID); n != 0 {
		t.Errorf("%d POSTs without a journal", n)
	}
}

func TestAnAnswerWhoseStoreRefusesWaitsInTheJournalAndLands(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := newLab(t)
	g := l.one(s, due)
	before := l.read(".codex", ".credentials.json")
	var lock *clientlock.Lock
	s.Next(authtest.Token, authtest.Behaviour{BeforeAnswer: func() { lock = l.storeLock() }})
	out := l.refresh(linear)
	if out.Did != refresher.Failed || out.State != refresher.Unsaved {
		t.Fatalf("did %s, %s", out.Did, out.State)
	}
	if row := l.row(linear); row.State != refresher.Unsaved {
		t.Errorf("status says %s, want unsaved", row.State)
	}
	if l.read(".codex", ".credentials.json") != before {
		t.Error("the store changed under somebody else's lock")
	}
	lock.Release()
	// Another process, after a restart.
	l.Refresher = l.keeper()
	if out := l.refresh(linear); out.Did != refresher.Refreshed {
		t.Fatalf("after the restart: did %s, %s", out.Did, out.State)
	}
	if !strings.Contains(l.read(".codex", ".credentials.json"), s.Current(g.ID).RefreshToken) {
		t.Error("the journaled token did not land")
	}
	if n := s.TokenPosts(g.ID); n != 1 {
		t.Errorf("%d POSTs, want 1", n)
	}
	if row := l.row(linear); row.State != refresher.Fresh || row.Memory.Wait != "" {
		t.Errorf("afterwards: %s, wait %q", row.State, row.Memory.Wait)
	}
}

func TestTwelveAtOnceSendOne(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := newLab(t)
	g := l.one(s, authtest.GrantOptions{AccessLeft: -time.Minute})
	s.Behave(authtest.Token, authtest.Behaviour{Delay: 50 * time.Millisecond})
	began := time.Now()
	var group sync.WaitGroup
	for range 12 {
		k := &lab{Refresher: l.keeper(), t: t, home: l.home, state: l.state}
		row := k.row(linear)
		group.Go(func() {
			out := k.Refresh(context.Background(), row, refresher.Options{Word: true, Force: true, Began: began})
			if out.Did != refresher.Refreshed && out.Did != refresher.Adopted {
				t.Errorf("did %s: %s, %s, %v", out.Did, out.State, out.Why, out.Err)
			}
		})
	}
	group.Wait()
	if n := s.TokenPosts(g.ID); n != 1 {
		t.Errorf("%d POSTs, want 1", n)
	}
}

func TestACutAnswerIsRepeatedOnceAtOnceAndThenWaits(t *testing.T) {
	s := authtest.New(t, authtest.Options{Policy: authtest.Policy{Reuse: authtest.PreviousUntilUsed}})
	l := newLab(t)
	g := l.one(s, due)
	s.Next(authtest.Token, authtest.Behaviour{Fault: authtest.DropAfter})
	if out := l.refresh(linear); out.Did != refresher.Refreshed {
		t.Fatalf("did %s, %s %s", out.Did, out.State, out.Answer.Kind)
	}
	if n := s.TokenPosts(g.ID); n != 2 {
		t.Errorf("%d POSTs, want the first and its repeat", n)
	}
	g2 := l.one(s, due)
	s.Next(authtest.Token, authtest.Behaviour{Fault: authtest.DropBefore}, authtest.Behaviour{Fault: authtest.DropBefore})
	out := l.refresh(linear)
	if out.State != refresher.Retrying || out.Why != refresher.TroubleUnclear {
		t.Fatalf("after two cuts: did %s, %s, %s, %v", out.Did, out.State, out.Why, s.Log())
	}
	// Not even a person's word overrides a wait after an unclear answer.
	if out := l.refresh(linear); out.Did != refresher.Nothing {
		t.Errorf("asked again: did %s", out.Did)
	}
	if n := s.TokenPosts(g2.ID); n != 2 {
		t.Errorf("%d POSTs, want 2", n)
	}
}

func TestARefusedTokenIsNeverSentAgainAndItsStoreStaysAsItIs(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := newLab(t)
	g := l.one(s, due)
	s.KillGrant(g.ID)
	before := l.read(".codex", ".credentials.json")
	out := l.refresh(linear)
	if out.State != refresher.SignInNeeded || out.Answer.Kind != exchange.Dead {
		t.Fatalf("%s, verdict %s", out.State, out.Answer.Kind)
	}
	for range 3 {
		l.Refresher = l.keeper()
		if out := l.Refresh(context.Background(), l.row(linear), refresher.Options{Word: true, Force: true, Anyway: true}); out.Did != refresher.Nothing {
			t.Errorf("asked again: did %s", out.Did)
		}
	}
	if n := s.TokenPosts(g.ID); n != 1 {
		t.Errorf("%d POSTs, want 1", n)
	}
	if l.read(".codex", ".credentials.json") != before {
		t.Error("the store was touched")
	}
}

// The client was between its answer and its write when ours was refused.
func TestARefusalOfAValueThatItsClientJustRotatedIsNoDeath(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := newLab(t)
	g := l.one(s, due)
	s.Next(authtest.Token, authtest.Behaviour{Answer: authtest.Refusal{}.Answer()})
	next := s.Grant(authtest.GrantOptions{ClientID: g.ClientID})
	time.AfterFunc(time.Second, func() { l.codex(map[string]authtest.Grant{"linear": next}) })
	out := l.refresh(linear)
	if out.Did != refresher.Adopted {
		t.Errorf("did %s, %s", out.Did, out.State)
	}
}

func TestAStoreThatGoesBackGetsTheSuccessorWithoutAPOST(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := newLab(t)
	g := l.one(s, due)
	old := l.read(".codex", ".credentials.json")
	if out := l.refresh(linear); out.Did != refresher.Refreshed {
		t.Fatal(out.Did)
	}
	newest := l.read(".codex", ".credentials.json")
	l.write(old, ".codex", ".credentials.json")
	if row := l.row(linear); row.Why != refresher.WentBack || !row.Due {
		t.Fatalf("%s, %s", row.State, row.Why)
	}
	if out := l.refresh(linear); out.Did != refresher.Restored {
		t.Fatalf("did %s, %s, %v", out.Did, out.Why, out.Err)
	}
	if l.read(".codex", ".credentials.json") != newest {
		t.Error("the successor is not back")
	}
	if n := s.TokenPosts(g.ID); n != 1 {
		t.Errorf("%d POSTs, want 1", n)
	}
	l.write(old, ".codex", ".credentials.json")
	l.refresh(linear)
	l.write(old, ".codex", ".credentials.json")
	if row := l.row(linear); row.State != refresher.WatchOnly || row.Why != refresher.Fights {
		t.Errorf("the third time in an hour: %s, %s", row.State, row.Why)
	}
}

func TestTwoStoresWithOneRefreshTokenAreLeftAloneUntilOneIsNamed(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := newLab(t)
	g := s.Grant(due)
	l.codex(map[string]authtest.Grant{"linear": g})
	l.claude(map[string]authtest.Grant{"linear": g})
	for _, id := range []string{linear, "claude/mcp/linear"} {
		if out := l.refresh(id); out.Did != refresher.Nothing || out.Why != refresher.Forked {
			t.Errorf("%s: did %s, %s", id, out.Did, out.Why)
		}
	}
	if err := l.Ledger.SetMode(l.row(linear).Key, ledger.Mode{Mode: "keep"}); err != nil {
		t.Fatal(err)
	}
	if out := l.refresh("claude/mcp/linear"); out.Did != refresher.Nothing || out.Why != refresher.OtherOwner {
		t.Errorf("the copy: did %s, %s", out.Did, out.Why)
	}
	if out := l.refresh(linear); out.Did != refresher.Refreshed {
		t.Errorf("the owner: did %s, %s", out.Did, out.Why)
	}
	if row := l.row("claude/mcp/linear"); row.State != refresher.WatchOnly || row.Why != refresher.OldCopy || row.Other != linear {
		t.Errorf("the copy afterwards: %s, %s of %q", row.State, row.Why, row.Other)
	}
}

func TestAHolderThatNeverLooksAgainDefersTheRefresh(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := newLab(t)
	g := l.one(s, due)
	row := l.row(linear)
	row.Holders = []credfiles.Process{{PID: 4711, Name: "codex", Rereads: credfiles.AtStart}}
	out := l.Refresh(context.Background(), row, refresher.Options{Word: true, Force: true})
	if out.Did != refresher.Nothing || out.State != refresher.Deferred || out.By == nil || out.By.PID != 4711 {
		t.Errorf("did %s, %s", out.Did, out.State)
	}
	if n := s.TokenPosts(g.ID); n != 0 {
		t.Errorf("%d POSTs", n)
	}
	if out := l.Refresh(context.Background(), row, refresher.Options{Word: true, Force: true, Anyway: true}); out.Did != refresher.Refreshed {
		t.Errorf("anyway: did %s", out.Did)
	}
}
