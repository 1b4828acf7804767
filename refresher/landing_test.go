package refresher_test

// What becomes of an answer: the store, the marks, what is kept, and what is
// told. "Meanwhile" is between the server's deed and our write.

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// meanwhile lets the rest of the world act before the answer comes.
func meanwhile(s *authtest.Server, do func()) {
	s.Next(authtest.Token, authtest.Behaviour{BeforeAnswer: do})
}

func (l *lab) marked(refresh string) string {
	l.t.Helper()
	m, ok, err := l.Ledger.Marked(l.Ledger.Fingerprint(credfiles.NewSecret(refresh)))
	switch {
	case err != nil:
		return err.Error()
	case !ok:
		return "not"
	case m.Spent:
		return "spent"
	}
	return "dead"
}

func (l *lab) kept() ledger.Kept {
	l.t.Helper()
	k, err := l.Ledger.Kept(l.keyOf(codexStore))
	if err != nil {
		l.t.Fatal(err)
	}
	return k
}

func (l *lab) keyOf(store []string) credfiles.Key {
	return credfiles.Key{Store: l.path(store...), Entry: credfiles.EntryKey("linear", "https://mcp.example/mcp")}
}

func TestARefreshedTokenIsInTheStoreAndTheOldOneIsSpent(t *testing.T) {
	for _, id := range []string{linear, linearC} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := s.Grant(due)
			l.put(id, g)
			before := l.read(storeOf(id)...)
			out := l.refresh(id)
			l.want(out, refresher.Refreshed, refresher.Fresh)
			after := l.read(storeOf(id)...)
			if strings.Contains(after, g.RefreshToken) || len(after) != len(before) {
				t.Errorf("%s: the store has %d bytes, had %d", id, len(after), len(before))
			}
			if got := l.marked(g.RefreshToken); got != "spent" {
				t.Errorf("%s: the old one is %s marked", id, got)
			}
			if got := l.marked(s.Current(g.ID).RefreshToken); got != "not" {
				t.Errorf("%s: the new one is marked %s", id, got)
			}
			if m := out.Memory; !m.Refreshed.Equal(time.Now()) || m.Lifetime != time.Hour || m.TokenURL != g.TokenURL || !m.Repaired.IsZero() {
				t.Errorf("%s: remembered %+v", id, m)
			}
			l.wantStored(s, g.ID, id)
			l.wantQuiet()
		})
	}
}

func TestAServerThatDoesNotRotateSpendsNothing(t *testing.T) {
	for _, o := range []authtest.Options{
		{Policy: authtest.Policy{NoRotation: true}},
		{},
	} {
		for _, shape := range []authtest.RefreshField{authtest.AsIs, authtest.SameRefresh, authtest.AbsentRefresh, authtest.NullRefresh, authtest.EmptyRefresh} {
			if shape == authtest.AsIs && !o.NoRotation {
				continue
			}
			bubble(t, o, func(t *testing.T, l *lab, s *authtest.Server) {
				g := l.one(s, due)
				s.Behave(authtest.Token, authtest.Behaviour{Shape: authtest.Shape{Refresh: shape}})
				for range 3 {
					l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
					if got := l.marked(g.RefreshToken); got != "not" {
						t.Errorf("%q: it is marked %s", shape, got)
					}
					l.wantStored(s, g.ID, linear)
					time.Sleep(55 * time.Minute)
				}
				l.wantPosts(s, g.ID, 3)
			})
		}
	}
}

func TestAnAnswerThatDoesNotSayWhenItEnds(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.one(s, due)
		s.Behave(authtest.Token, authtest.Behaviour{Shape: authtest.Shape{ExpiresIn: authtest.Absent}})
		out := l.refresh(linear)
		l.want(out, refresher.Refreshed, refresher.Unknown)
		if !out.Expiry.IsZero() || strings.Contains(l.read(codexStore...), `"expires_at":0`) {
			t.Errorf("it ends at %v", out.Expiry)
		}
	})
	bubble(t, authtest.Options{Policy: authtest.Policy{JWT: true}}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.one(s, due)
		s.Behave(authtest.Token, authtest.Behaviour{Shape: authtest.Shape{ExpiresIn: authtest.Absent}})
		out := l.refresh(linear)
		l.want(out, refresher.Refreshed, refresher.Fresh)
		if left := time.Until(out.Expiry); left != time.Hour || out.Memory.Lifetime != time.Hour {
			t.Errorf("it ends in %v, lives %v", left, out.Memory.Lifetime)
		}
	})
}

// The store's own lock is held for the write only; while it cannot be had,
// the answer waits in the journal.
func TestAnAnswerWhoseStoreRefusesWaitsInTheJournalAndLands(t *testing.T) {
	for _, id := range []string{linear, linearC} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := s.Grant(due)
			l.put(id, g)
			before := l.read(storeOf(id)...)
			path := l.storeLockPath()
			if id == linearC {
				path = l.path(".claude", ".storage-write.lock")
			}
			var lock *clientlock.Lock
			meanwhile(s, func() { lock = l.lock(path) })
			out := l.refresh(id)
			l.want(out, refresher.Failed, refresher.Unsaved)
			if row := l.row(id); row.State != refresher.Unsaved || row.Why != refresher.Waiting {
				t.Errorf("%s: status says %s, %s", id, row.State, row.Why)
			}
			if l.read(storeOf(id)...) != before {
				t.Errorf("%s: the store changed under somebody else's lock", id)
			}
			if got := l.marked(g.RefreshToken); got != "spent" {
				t.Errorf("%s: the used one is marked %s", id, got)
			}
			if records := l.pending(); len(records) != 1 || records[0].Answer == nil {
				t.Errorf("%s: %d records in the journal", id, len(records))
			}
			// It is tried again, whatever the mode, in any process.
			if err := l.Ledger.SetMode(l.row(id).Key, ledger.Mode{Mode: "watch-only"}); err != nil {
				t.Fatal(err)
			}
			l.restart()
			for range 3 {
				time.Sleep(time.Until(l.row(id).At))
				l.want(l.keep(id), refresher.Failed, refresher.Unsaved)
			}
			if err := lock.Release(); err != nil {
				t.Errorf("%s: somebody else's lock: %v", id, err)
			}
			time.Sleep(10 * time.Minute)
			l.want(l.keep(id), refresher.Refreshed, refresher.WatchOnly)
			l.wantPosts(s, g.ID, 1)
			l.wantStored(s, g.ID, id)
			l.wantQuiet()
			if row := l.row(id); row.Memory.Wait != "" || time.Since(row.Memory.Refreshed) < 10*time.Minute {
				t.Errorf("%s: wait %q, refreshed %v ago", id, row.Memory.Wait, time.Since(row.Memory.Refreshed))
			}
		})
	}
}

// A token that waited in the journal for most of its life is refreshed in
// time all the same.
func TestATokenThatWaitedForItsStoreIsAsOldAsItsAnswer(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		var lock *clientlock.Lock
		meanwhile(s, func() { lock = l.lock(l.storeLockPath()) })
		l.want(l.refresh(linear), refresher.Failed, refresher.Unsaved)
		time.Sleep(50 * time.Minute)
		lock.Release()
		out := l.keep(linear)
		if out.Did != refresher.Refreshed || !out.Due {
			t.Errorf("did %s; it has %v left and is due %v", out.Did, time.Until(out.Expiry), out.Due)
		}
		l.want(l.keep(linear), refresher.Refreshed, refresher.Fresh)
		l.wantPosts(s, g.ID, 2)
	})
}

func TestAnotherEntryThatChangedMeanwhileStaysAsItIsNow(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		a, b := s.Grant(due), s.Grant(authtest.GrantOptions{})
		l.codex(map[string]authtest.Grant{"linear": a, "slack": b})
		next := s.Grant(authtest.GrantOptions{ClientID: b.ClientID})
		meanwhile(s, func() { l.codex(map[string]authtest.Grant{"linear": a, "slack": next, "more": s.Grant(due)}) })
		l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
		l.wantStored(s, a.ID, linear)
		l.wantStored(s, next.ID, "codex/mcp/slack")
		l.row("codex/mcp/more")
	})
}

// Other refresh token: theirs stays, ours is kept and tried only if theirs is
// refused.
func TestAnotherRefreshTokenStaysAndOursIsTriedOnlyWhenTheirsIsRefused(t *testing.T) {
	for _, within := range []bool{true, false} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			theirs := s.Grant(authtest.GrantOptions{ClientID: g.ClientID, AccessLeft: time.Hour})
			meanwhile(s, func() { l.put(linear, theirs) })
			l.want(l.refresh(linear), refresher.Adopted, refresher.Fresh)
			l.wantStored(s, theirs.ID, linear)
			ours := s.Current(g.ID)
			if k := l.kept(); k.Orphan == nil || k.Orphan.Reveal().Refresh.Reveal() != ours.RefreshToken {
				t.Error("ours is not kept")
			}
			if got := l.marked(g.RefreshToken); got != "spent" {
				t.Errorf("the one that ours replaced is marked %s", got)
			}
			l.wantQuiet()
			if !within {
				time.Sleep(25 * time.Hour)
			}
			l.restart()
			s.KillGrant(theirs.ID)
			l.edit(func(e map[string]any) { e["expires_at"] = time.Now().Add(time.Minute).UnixMilli() })
			out := l.keep(linear)
			if !within {
				l.want(out, refresher.Failed, refresher.SignInNeeded)
				l.wantPosts(s, g.ID, 1)
				return
			}
			l.want(out, refresher.Restored, refresher.Fresh) // it has an hour left
			l.wantPosts(s, theirs.ID, 1)
			l.wantPosts(s, g.ID, 1)
			l.wantStored(s, g.ID, linear)
			if got := l.marked(theirs.RefreshToken); got == "not" {
				t.Error("what was refused is not marked")
			}
			if l.kept().Orphan != nil {
				t.Error("what is in the store is still kept for a try")
			}
			l.wantQuiet()
			time.Sleep(time.Hour)
			l.want(l.keep(linear), refresher.Refreshed, refresher.Fresh)
			l.wantPosts(s, g.ID, 2)
		})
	}
}

// What they put there is used up: ours is the newest there is, and nobody has to
// refuse theirs first.
func TestAUsedUpTokenThatCameMeanwhileGivesWayToOurs(t *testing.T) {
	for name, o := range map[string]refresher.Options{
		"a keeper": {}, "a command": {Word: true, Force: true, Began: time.Now()},
	} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			backup := l.read(codexStore...)
			l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
			time.Sleep(time.Hour)
			meanwhile(s, func() { l.write(backup, codexStore...) })
			if o.Word {
				o.Began = time.Now()
			}
			if out := l.Refresh(context.Background(), l.row(linear), o); out.Did != refresher.Restored || out.State != refresher.Fresh {
				t.Errorf("%s: did %s, it is %s (%s), %v", name, out.Did, out.State, out.Why, out.Err)
			}
			l.wantStored(s, g.ID, linear)
			l.wantPosts(s, g.ID, 2)
			l.wantQuiet()
			time.Sleep(time.Hour)
			l.want(l.keep(linear), refresher.Refreshed, refresher.Fresh)
		})
	}
}

// An orphan of another registration, or one that was used, is no help.
func TestAnOrphanThatCannotBeGoodIsNotTried(t *testing.T) {
	for name, spoil := range map[string]func(lk *ledger.Locked, k *ledger.Kept){
		"another lineage": func(lk *ledger.Locked, k *ledger.Kept) { k.Orphan.Lineage++ },
		"spent":           func(lk *ledger.Locked, k *ledger.Kept) { lk.MarkSpent(lk.Fingerprint(k.Orphan.Reveal().Refresh), 0) },
		"dead":            func(lk *ledger.Locked, k *ledger.Kept) { lk.MarkDead(lk.Fingerprint(k.Orphan.Reveal().Refresh), 0) },
	} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			orphan := s.Grant(authtest.GrantOptions{ClientID: g.ClientID})
			row := l.row(linear)
			l.Observe(row)
			lk, err := l.Ledger.Lock(context.Background(), row.Key)
			if err != nil {
				t.Fatal(err)
			}
			k := ledger.Kept{Orphan: ledger.Keep(credfiles.Token{Access: credfiles.NewSecret(orphan.AccessToken), Refresh: credfiles.NewSecret(orphan.RefreshToken)}, 0)}
			spoil(lk, &k)
			if err := lk.SaveKept(k); err != nil {
				t.Fatal(err)
			}
			lk.Unlock()
			before := l.read(codexStore...)
			s.KillGrant(g.ID)
			l.want(l.refresh(linear), refresher.Failed, refresher.SignInNeeded)
			if l.read(codexStore...) != before {
				t.Errorf("%s: it was put into the store", name)
			}
			l.wantPosts(s, orphan.ID, 0)
		})
	}
}

// Same refresh token, other access token: ours if it brought a new refresh
// token, else the later expiry.
func TestAnotherAccessTokenWithTheSameRefreshToken(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		meanwhile(s, func() {
			l.edit(func(e map[string]any) {
				e["access_token"], e["expires_at"] = "at-EXAMPLE", time.Now().Add(9*time.Hour).UnixMilli()
			})
		})
		l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
		l.wantStored(s, g.ID, linear)
	})
	for _, left := range []time.Duration{9 * time.Hour, 10 * time.Minute} {
		bubble(t, authtest.Options{Policy: authtest.Policy{NoRotation: true}}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			meanwhile(s, func() {
				l.edit(func(e map[string]any) {
					e["access_token"], e["expires_at"] = "at-EXAMPLE", time.Now().Add(left).UnixMilli()
				})
			})
			out := l.refresh(linear)
			if left > time.Hour {
				l.want(out, refresher.Adopted, refresher.Fresh)
				if l.row(linear).Access.Reveal() != "at-EXAMPLE" {
					t.Error("the one that lives longer was overwritten")
				}
			} else {
				l.want(out, refresher.Refreshed, refresher.Fresh)
				l.wantStored(s, g.ID, linear)
			}
			l.wantQuiet()
		})
	}
}

func TestAnEntryThatWasBlankedMeanwhileGetsOurs(t *testing.T) {
	for _, id := range []string{linear, linearC} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := s.Grant(due)
			l.put(id, g)
			meanwhile(s, func() {
				if id == linear {
					l.edit(func(e map[string]any) { e["refresh_token"] = nil })
					return
				}
				entry := claudeEntry("linear", g)
				entry["accessToken"], entry["expiresAt"] = "", 0
				delete(entry, "refreshToken")
				l.write(marshal(map[string]any{"mcpOAuth": map[string]any{credfiles.EntryKey("linear", g.ServerURL): entry}}), claudeStore...)
			})
			l.want(l.refresh(id), refresher.Refreshed, refresher.Fresh)
			l.wantPosts(s, g.ID, 1)
			l.wantStored(s, g.ID, id)
			l.wantQuiet()
		})
	}
}

// A server that did not rotate gave us nothing newer than what was refused.
func TestABlankedEntryStaysBlankWhereTheRefreshTokenIsStillTheOneThatWasRefused(t *testing.T) {
	bubble(t, authtest.Options{Policy: authtest.Policy{NoRotation: true}}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.one(s, due)
		after := ""
		meanwhile(s, func() {
			l.edit(func(e map[string]any) { e["refresh_token"] = nil })
			after = l.read(codexStore...)
		})
		l.want(l.refresh(linear), refresher.Failed, refresher.SignInNeeded)
		if l.read(codexStore...) != after {
			t.Error("it was written")
		}
		l.wantQuiet()
	})
}

// An orphan that is due itself is used at once.
func TestAnOrphanThatIsDueIsRefreshedAtOnce(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		theirs := s.Grant(authtest.GrantOptions{ClientID: g.ClientID})
		meanwhile(s, func() { l.put(linear, theirs) })
		l.want(l.refresh(linear), refresher.Adopted, refresher.Fresh)
		s.KillGrant(theirs.ID)
		time.Sleep(2 * time.Hour)
		l.want(l.keep(linear), refresher.Refreshed, refresher.Fresh)
		l.wantPosts(s, theirs.ID, 1)
		l.wantPosts(s, g.ID, 2)
		l.wantStored(s, g.ID, linear)
	})
}

// Entry or store gone, or another login in its place: nothing is written.
func TestALogoutMeanwhileWritesNothing(t *testing.T) {
	for name, act := range map[string]func(l *lab, s *authtest.Server){
		"entry":  func(l *lab, s *authtest.Server) { l.codex(map[string]authtest.Grant{"slack": s.Grant(due)}) },
		"store":  func(l *lab, s *authtest.Server) { os.Remove(l.path(codexStore...)) },
		"client": func(l *lab, s *authtest.Server) { l.one(s, authtest.GrantOptions{}) },
		"issuer": func(l *lab, s *authtest.Server) {
			l.edit(func(e map[string]any) { e["issuer"] = "https://elsewhere.example" })
		},
	} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			after := ""
			meanwhile(s, func() {
				act(l, s)
				if text, err := os.ReadFile(l.path(codexStore...)); err == nil {
					after = string(text)
				}
			})
			if out := l.refresh(linear); out.Did != refresher.Lost {
				t.Errorf("%s: did %s, %v", name, out.Did, out.Err)
			}
			text, err := os.ReadFile(l.path(codexStore...))
			if string(text) != after || name == "store" && err == nil {
				t.Errorf("%s: something was written", name)
			}
			if got := l.marked(g.RefreshToken); got != "spent" {
				t.Errorf("%s: the used one is marked %s", name, got)
			}
			ours := s.Current(g.ID).RefreshToken
			gone := name == "entry" || name == "store"
			if k := l.kept(); gone != (k.Good != nil && k.Good.Reveal().Refresh.Reveal() == ours) || k.Orphan != nil {
				t.Errorf("%s: what is kept for a restore is %+v", name, k)
			}
			l.wantPosts(s, g.ID, 1)
			l.wantQuiet()
		})
	}
}

func TestALockThatWasLostAfterTheAnswerLosesNoToken(t *testing.T) {
	for _, id := range []string{linear, linearC} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := s.Grant(due)
			l.put(id, g)
			path := l.grantLockPath(id, g)
			meanwhile(s, func() { // somebody took it for abandoned
				if err := os.Remove(path); err != nil {
					t.Error(err)
				}
				if id == linearC {
					os.Mkdir(path, 0o755)
				}
			})
			l.want(l.refresh(id), refresher.Refreshed, refresher.Fresh)
			l.wantStored(s, g.ID, id)
			if _, err := os.Stat(path); id == linearC && err != nil {
				t.Error("another's lock was removed")
			}
			if n := len(l.pending()); n != 0 {
				t.Errorf("%d records in the journal", n)
			}
		})
	}
}

func TestARefusedTokenIsMarkedBeforeAnybodyElseCanSendIt(t *testing.T) {
	for _, id := range []string{linear, linearC} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := s.Grant(due)
			l.put(id, g)
			s.KillGrant(g.ID)
			before := l.read(storeOf(id)...)
			began := time.Now()
			done := make(chan refresher.Outcome)
			go func() { done <- l.refresh(id) }()
			time.Sleep(4 * time.Second) // of the five before the second look
			if got := l.marked(g.RefreshToken); got != "dead" {
				t.Errorf("%s: it is marked %s", id, got)
			}
			l.wantQuiet() // nobody is locked out meanwhile
			out := <-done
			l.want(out, refresher.Failed, refresher.SignInNeeded)
			if took := time.Since(began); took < 5*time.Second || out.Why != refresher.WasRefused || out.Answer.Kind != exchange.Dead {
				t.Errorf("%s: after %v: %s, %s", id, took, out.Why, out.Answer.Kind)
			}
			if look := out.At.Sub(began); look != time.Minute {
				t.Errorf("%s: looked at for the last time after %v", id, look)
			}
			for range 3 {
				l.restart()
				everything := refresher.Options{Word: true, Force: true, Anyway: true, Retry: true, Began: time.Now()}
				l.want(l.Refresh(context.Background(), l.row(id), everything), refresher.Nothing, refresher.SignInNeeded)
				time.Sleep(48 * time.Hour)
			}
			l.wantPosts(s, g.ID, 1)
			if l.read(storeOf(id)...) != before {
				t.Errorf("%s: the store was touched", id)
			}
		})
	}
}

// The client was between its answer and its write when ours was refused.
func TestARefusalOfAValueThatItsClientJustRotatedIsNoDeath(t *testing.T) {
	for left, did := range map[time.Duration]refresher.Did{time.Hour: refresher.Adopted, time.Minute: refresher.Refreshed} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			s.KillGrant(g.ID)
			next := s.Grant(authtest.GrantOptions{ClientID: g.ClientID, AccessLeft: left})
			time.AfterFunc(2*time.Second, func() { l.put(linear, next) })
			l.want(l.refresh(linear), did, refresher.Fresh)
			l.wantPosts(s, g.ID, 1)
		})
	}
}

// Both were refused, and the client wiped its entry first: that is no newer
// token.
func TestAClientThatWipesWhatWasRefusedHasAdoptedNothing(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		s.KillGrant(g.ID)
		time.AfterFunc(2*time.Second, func() { l.edit(func(e map[string]any) { e["refresh_token"] = nil }) })
		out := l.refresh(linear)
		l.want(out, refresher.Failed, refresher.SignInNeeded)
		if out.Answer.Kind != exchange.Dead {
			t.Errorf("the verdict is %s", out.Answer.Kind)
		}
		l.wantPosts(s, g.ID, 1)
	})
}

// What cannot be remembered is done again: the record stays, and nothing is
// sent before it was.
func TestARecordStaysUntilAllThatItStandsForIsRemembered(t *testing.T) {
	needed := map[string][]string{
		"refreshed": {"memory", "marks", "kept"}, "dead": {"memory", "marks"}, "ambiguous": {"memory"}, "user": {"memory"},
	}
	for verdict, act := range map[string]func(s *authtest.Server, g authtest.Grant, harm func()){
		"refreshed": func(s *authtest.Server, g authtest.Grant, harm func()) { meanwhile(s, harm) },
		"dead": func(s *authtest.Server, g authtest.Grant, harm func()) {
			s.KillGrant(g.ID)
			meanwhile(s, harm)
		},
		"ambiguous": func(s *authtest.Server, g authtest.Grant, harm func()) {
			s.Next(authtest.Token, authtest.Behaviour{OnArrival: harm, Fault: authtest.DropBefore})
		},
		"user": func(s *authtest.Server, g authtest.Grant, harm func()) {
			s.Next(authtest.Token, authtest.Behaviour{OnArrival: harm, Answer: authtest.Refusal{Code: "invalid_client"}.Answer()})
		},
	} {
		for _, what := range needed[verdict] {
			bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
				g := l.one(s, due)
				row := l.row(linear)
				name := filepath.Join(l.state, what)
				act(s, g, func() { os.Rename(name, name+".away") })
				out := l.Refresh(context.Background(), row, refresher.Options{Word: true})
				if out.Err == nil || out.Did != refresher.Failed {
					t.Errorf("%s without %s: did %s, %v", verdict, what, out.Did, out.Err)
				}
				if n := len(l.pending()); n != 1 {
					t.Errorf("%s without %s: %d records in the journal", verdict, what, n)
				}
				for range 2 {
					l.Refresh(context.Background(), l.row(linear), refresher.Options{Word: true, Force: true})
					l.wantPosts(s, g.ID, 1)
				}
				os.RemoveAll(name) // what may have been made in its place
				os.Rename(name+".away", name)
				l.restart()
				l.Refresh(context.Background(), l.row(linear), refresher.Options{Word: true})
				l.wantPosts(s, g.ID, 1)
				l.wantQuiet()
				switch verdict {
				case "refreshed":
					l.wantStored(s, g.ID, linear)
					if got := l.marked(g.RefreshToken); got != "spent" {
						t.Errorf("without %s: it is marked %s", what, got)
					}
				case "dead":
					if got := l.marked(g.RefreshToken); got != "dead" {
						t.Errorf("without %s: it is marked %s", what, got)
					}
				case "ambiguous":
					if row := l.row(linear); row.Memory.Wait != ledger.Ambiguous || row.Due {
						t.Errorf("without %s: the wait is %q", what, row.Memory.Wait)
					}
				case "user":
					if row := l.row(linear); row.Why != refresher.PolicySays {
						t.Errorf("without %s: %s", what, row.Why)
					}
				}
			})
		}
	}
}

func TestWhatTheClientRotatedStaysRememberedUntilItIsMarked(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, authtest.GrantOptions{})
		l.Observe(l.row(linear))
		l.put(linear, s.Grant(authtest.GrantOptions{ClientID: g.ClientID}))
		lock := l.lock(filepath.Join(l.state, "locks", "marks"))
		l.Observe(l.row(linear))
		lock.Release()
		if got := l.marked(g.RefreshToken); got != "not" {
			t.Fatalf("it is marked %s", got)
		}
		l.Observe(l.row(linear))
		if got := l.marked(g.RefreshToken); got != "spent" {
			t.Errorf("it is marked %s", got)
		}
	})
}

// The state folder vanishes while the server thinks: the store is the only
// place left for the token, and is tried for as long as it takes.
func TestAStateFolderThatVanishesTakesNoTokenWithIt(t *testing.T) {
	for _, busy := range []bool{false, true} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			row := l.row(linear)
			meanwhile(s, func() {
				if err := os.RemoveAll(l.state); err != nil {
					t.Error(err)
				}
				if busy {
					lock := l.lock(l.storeLockPath())
					time.AfterFunc(25*time.Second, func() { lock.Release() })
				}
			})
			out := l.Refresh(context.Background(), row, refresher.Options{})
			if out.Did != refresher.Failed || out.Err == nil {
				t.Errorf("did %s, %v", out.Did, out.Err)
			}
			l.restart()
			l.wantStored(s, g.ID, linear)
			l.wantPosts(s, g.ID, 1)
			l.wantQuiet()
		})
	}
}

func TestAStoreThatGoesBackGetsTheSuccessorWithoutAPOST(t *testing.T) {
	for _, id := range []string{linear, linearC} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := s.Grant(due)
			l.put(id, g)
			old := l.read(storeOf(id)...)
			l.want(l.refresh(id), refresher.Refreshed, refresher.Fresh)
			newest := l.read(storeOf(id)...)
			for n := range 2 {
				l.restart()
				l.write(old, storeOf(id)...)
				if row := l.row(id); row.Why != refresher.WentBack || !row.Due {
					t.Fatalf("%s, %s", row.State, row.Why)
				}
				l.want(l.keep(id), refresher.Restored, refresher.Fresh)
				if l.read(storeOf(id)...) != newest {
					t.Errorf("time %d: the successor is not back", n+1)
				}
				l.wantQuiet()
				time.Sleep(10 * time.Minute)
			}
			l.write(old, storeOf(id)...)
			if row := l.row(id); row.State != refresher.WatchOnly || row.Why != refresher.Fights {
				t.Errorf("the third time in an hour: %s, %s", row.State, row.Why)
			}
			everything := refresher.Options{Word: true, Force: true, Anyway: true, Retry: true}
			if out := l.Refresh(context.Background(), l.row(id), everything); out.Did != refresher.Nothing {
				t.Errorf("the third time in an hour: did %s", out.Did)
			}
			l.wantPosts(s, g.ID, 1)
			time.Sleep(55 * time.Minute)
			l.want(l.keep(id), refresher.Refreshed, refresher.Fresh) // back, and due as well
			l.wantPosts(s, g.ID, 2)
			l.wantStored(s, g.ID, id)
		})
	}
}

// A command is content with a token that was put back, and says what was done.
func TestACommandThatPutsATokenBackSaysSo(t *testing.T) {
	force := func() refresher.Options {
		return refresher.Options{Word: true, Force: true, Began: time.Now()}
	}
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		old := l.read(codexStore...)
		l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
		l.write(old, codexStore...)
		l.want(l.Refresh(context.Background(), l.row(linear), force()), refresher.Restored, refresher.Fresh)
		l.wantPosts(s, g.ID, 1)
	})
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		theirs := s.Grant(authtest.GrantOptions{ClientID: g.ClientID})
		meanwhile(s, func() { l.put(linear, theirs) })
		l.want(l.refresh(linear), refresher.Adopted, refresher.Fresh)
		s.KillGrant(theirs.ID)
		l.want(l.Refresh(context.Background(), l.row(linear), force()), refresher.Restored, refresher.Fresh)
		l.wantPosts(s, g.ID, 1)
	})
}

func TestTwoStoresWithOneRefreshTokenAreLeftAloneUntilOneIsNamed(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(due)
		l.put(linear, g)
		l.put(linearC, g)
		for _, id := range []string{linear, linearC} {
			if out := l.refresh(id); out.Did != refresher.Nothing || out.Why != refresher.Forked {
				t.Errorf("%s: did %s, %s", id, out.Did, out.Why)
			}
		}
		if err := l.Ledger.SetMode(l.row(linear).Key, ledger.Mode{Mode: "keep"}); err != nil {
			t.Fatal(err)
		}
		if out := l.refresh(linearC); out.Did != refresher.Nothing || out.Why != refresher.OtherOwner {
			t.Errorf("the copy: did %s, %s", out.Did, out.Why)
		}
		l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
		if row := l.row(linearC); row.State != refresher.WatchOnly || row.Why != refresher.OldCopy || row.Other != linear {
			t.Errorf("the copy afterwards: %s, %s of %q", row.State, row.Why, row.Other)
		}
	})
}

// The lineage moved on to the other store; then this one got a value back that
// it had used up itself.
func TestAnOldCopyStaysOneWhoeverUsedItUp(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
		l.put(linearC, s.Current(g.ID))
		if err := l.Ledger.SetMode(l.row(linearC).Key, ledger.Mode{Mode: "keep"}); err != nil {
			t.Fatal(err)
		}
		out := l.Refresh(context.Background(), l.row(linearC), refresher.Options{Word: true, Force: true})
		l.want(out, refresher.Refreshed, refresher.Fresh)
		l.put(linear, g)
		for _, row := range []refresher.Row{l.row(linear), l.refresh(linear).Row} {
			if row.State != refresher.WatchOnly || row.Why != refresher.OldCopy || row.Other != linearC {
				t.Errorf("%s, %s of %q", row.State, row.Why, row.Other)
			}
		}
		l.wantPosts(s, g.ID, 2)
	})
}

// After any write the client's own mark goes, also where the token was not
// asked for.
func TestTheClientsMarkGoesWithEveryWrite(t *testing.T) {
	mark := func(l *lab) {
		at := time.Now().UnixMilli()
		l.write(marshal(map[string]any{"linear": map[string]any{"timestamp": at}, "other": map[string]any{"timestamp": at}}), ".claude", "mcp-needs-auth-cache.json")
	}
	check := func(l *lab, what string) {
		l.t.Helper()
		if text := l.read(".claude", "mcp-needs-auth-cache.json"); strings.Contains(text, "linear") || !strings.Contains(text, "other") {
			l.t.Errorf("%s: the marks are %s", what, text)
		}
	}
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(due)
		l.put(linearC, g)
		old := l.read(claudeStore...)
		mark(l)
		if !l.row(linearC).NeedsAuth {
			t.Fatal("the mark is not seen")
		}
		l.want(l.refresh(linearC), refresher.Refreshed, refresher.Fresh)
		check(l, "refreshed")
		l.write(old, claudeStore...)
		mark(l)
		l.want(l.refresh(linearC), refresher.Restored, refresher.Fresh)
		check(l, "restored")
	})
}

// Sessions that gave up cannot notice that it works again; those that could
// use the token all the time need not be told.
func TestRunningProgramsAreToldToReconnectOnlyWhereTheTokenWasUnusable(t *testing.T) {
	for what, test := range map[string]struct {
		left time.Duration
		mark bool
		told bool
	}{
		"early":   {time.Minute, false, false},
		"expired": {-time.Minute, false, true},
		"marked":  {time.Minute, true, true},
	} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			l.put(linearC, s.Grant(authtest.GrantOptions{AccessLeft: test.left}))
			if test.mark {
				l.write(marshal(map[string]any{"linear": map[string]any{"timestamp": time.Now().UnixMilli()}}), ".claude", "mcp-needs-auth-cache.json")
			}
			time.Sleep(time.Minute / 2)
			row := l.row(linearC)
			row.Holders = []credfiles.Process{
				{PID: 1, Started: time.Now().Add(-time.Hour), Rereads: credfiles.EachUse},
				{PID: 2, Started: time.Now().Add(time.Hour), Rereads: credfiles.EachUse},
			}
			out := l.Refresh(context.Background(), row, refresher.Options{Word: true, Force: true})
			if out.Did != refresher.Refreshed {
				t.Fatalf("%s: did %s, %s", what, out.Did, out.Why)
			}
			switch {
			case !test.told && len(out.Reconnect) != 0:
				t.Errorf("%s: %v are told", what, out.Reconnect)
			case test.told && (len(out.Reconnect) != 1 || out.Reconnect[0].PID != 1 || out.How == ""):
				t.Errorf("%s: told %v, %q", what, out.Reconnect, out.How)
			}
		})
	}
}

func TestNoTokenIsInTheLogOrInWhatIsRemembered(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		var told strings.Builder
		l.Tell = func(e ledger.Event) { told.WriteString(marshal(e)) }
		for _, b := range []authtest.Behaviour{
			{}, {Fault: authtest.Cut}, {Fault: authtest.Garble}, {Answer: authtest.Refusal{Code: "invalid_scope"}.Answer()},
			{Consume: true, Answer: authtest.Status(404)},
		} {
			g := l.one(s, due)
			b2 := b
			if b.Answer != nil && b.Consume {
				b2.Answer.Body = []byte(`{"error":"rt ` + g.RefreshToken + `","error_description":"bad token ` + g.RefreshToken + `"}`)
			}
			s.NextGrant(g.ID, b2)
			out := l.refresh(linear)
			told.WriteString(marshal(out.Memory))
			if out.Err != nil {
				told.WriteString(out.Err.Error())
			}
			time.Sleep(time.Hour)
		}
		secrets := s.Secrets()
		err := filepath.WalkDir(l.state, func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() || filepath.Base(filepath.Dir(path)) == "kept" {
				return err
			}
			text, err := os.ReadFile(path)
			told.Write(text)
			return err
		})
		if err != nil || len(secrets) < 10 {
			t.Fatal(err, len(secrets))
		}
		for _, secret := range secrets {
			if strings.Contains(told.String(), secret) || strings.Contains(told.String(), secret[3:23]) {
				t.Error("a token is shown")
			}
		}
	})
}
