package refresher_test

// What the next process does with what a crash left: every state of the
// journal on every state of the store.

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// crash is a refresh of the ID's credential that was killed: before it was sent
// for all that anybody knows, or with the answer in the journal.
func (l *lab) crash(id string, answered bool) (rec *ledger.Record) {
	l.t.Helper()
	row := l.row(id)
	l.Observe(row)
	ends, err := l.Finder.Find(context.Background(), row.Grant)
	if err != nil {
		l.t.Fatal(err)
	}
	post, err := exchange.Plan(row.Grant, exchange.Server{Issuer: ends.Issuer, TokenURL: ends.TokenURL, AuthMethods: ends.AuthMethods, Resource: ends.Resource})
	if err != nil {
		l.t.Fatal(err)
	}
	lk, err := l.Ledger.Lock(context.Background(), row.Key)
	if err != nil {
		l.t.Fatal(err)
	}
	defer lk.Unlock()
	if rec, err = lk.Begin(ledger.SentOf(row.Credential, post, row.Memory.Lineage, false)); err != nil {
		l.t.Fatal(err)
	}
	defer rec.Close()
	answer := exchange.Send(context.Background(), l.via, post, row.Refresh, row.ClientSecret)
	if answered {
		if err := rec.Answered(answer); err != nil {
			l.t.Fatal(err)
		}
	}
	l.restart()
	return rec
}

// lost is a killed refresh whose answer nobody has.
func (l *lab) lost(s *authtest.Server, g authtest.Grant, fault authtest.Fault) {
	l.t.Helper()
	s.NextGrant(g.ID, authtest.Behaviour{Fault: fault})
	l.crash(linear, false)
}

// The states of the store in which the next process may find it. wrote says
// that what was there before is gone.
var stores = map[string]func(l *lab, s *authtest.Server, g authtest.Grant){
	"same": func(*lab, *authtest.Server, authtest.Grant) {},
	"rotated": func(l *lab, s *authtest.Server, g authtest.Grant) {
		l.put(linear, s.Grant(authtest.GrantOptions{ClientID: g.ClientID}))
	},
	"blanked": func(l *lab, s *authtest.Server, g authtest.Grant) {
		l.edit(func(e map[string]any) { e["refresh_token"] = nil })
	},
	"entry gone": func(l *lab, s *authtest.Server, g authtest.Grant) {
		l.codex(map[string]authtest.Grant{"slack": s.Grant(authtest.GrantOptions{})})
	},
	"store gone":    func(l *lab, s *authtest.Server, g authtest.Grant) { os.Remove(l.path(codexStore...)) },
	"another login": func(l *lab, s *authtest.Server, g authtest.Grant) { l.one(s, authtest.GrantOptions{}) },
}

func TestAnAnswerInTheJournalOnEveryStateOfTheStore(t *testing.T) {
	for state, change := range stores {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			row := l.row(linear)
			l.crash(linear, true)
			ours := s.Current(g.ID)
			change(l, s, g)
			before, _ := os.ReadFile(l.path(codexStore...))
			if found := l.Scan(context.Background()).Rows; state != "entry gone" && state != "store gone" && (found[0].State != refresher.Unsaved || !found[0].Due) {
				t.Errorf("%s: status says %s, %s", state, found[0].State, found[0].Why)
			}
			out := l.Refresh(context.Background(), row, refresher.Options{})
			after, _ := os.ReadFile(l.path(codexStore...))
			switch state {
			case "same", "blanked":
				l.want(out, refresher.Refreshed, refresher.Fresh)
				l.wantStored(s, g.ID, linear)
			case "rotated":
				l.want(out, refresher.Adopted, refresher.Fresh)
				if k := l.kept(); k.Orphan == nil || k.Orphan.Reveal().Refresh.Reveal() != ours.RefreshToken {
					t.Error("ours is not kept")
				}
			case "entry gone", "store gone":
				if k := l.kept(); out.Did != refresher.Lost || k.Good == nil || k.Good.Reveal().Refresh.Reveal() != ours.RefreshToken {
					t.Errorf("%s: did %s, kept %v", state, out.Did, k)
				}
			case "another login":
				if out.Did != refresher.Lost {
					t.Errorf("%s: did %s", state, out.Did)
				}
			}
			if state != "same" && state != "blanked" && string(after) != string(before) {
				t.Errorf("%s: the store was written", state)
			}
			if got := l.marked(g.RefreshToken); got != "spent" {
				t.Errorf("%s: the used one is marked %s", state, got)
			}
			l.wantPosts(s, g.ID, 1)
			l.wantQuiet()
		})
	}
}

// It lands whatever the user allows by now, and without the server.
func TestAnAnswerInTheJournalLandsWhateverTheMode(t *testing.T) {
	for _, m := range []ledger.Mode{{Mode: "watch-only"}, {Paused: true}} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			l.crash(linear, true)
			if err := l.Ledger.SetMode(l.row(linear).Key, m); err != nil {
				t.Fatal(err)
			}
			s.SetReach(authtest.Refused)
			os.RemoveAll(l.Finder.Dir)
			if out := l.keep(linear); out.Did != refresher.Refreshed {
				t.Errorf("%+v: did %s, %v", m, out.Did, out.Err)
			}
			l.wantStored(s, g.ID, linear)
			l.wantQuiet()
		})
	}
}

// A killed process leaves the directories with which it locked Claude Code's
// store. They are its client's to take over first, and then ours.
func TestAnAnswerLandsPastTheLocksThatAKilledProcessLeft(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(due)
		l.put(linearC, g)
		l.crash(linearC, true)
		now := time.Now()
		for _, name := range []string{l.grantLockPath(linearC, g), l.path(".claude", ".storage-write.lock")} {
			if err := os.Mkdir(name, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(name, now, now); err != nil {
				t.Fatal(err)
			}
		}
		for {
			out := l.keep(linearC)
			if out.Did == refresher.Refreshed {
				break
			}
			if out.State != refresher.Unsaved || time.Since(now) > 3*time.Minute {
				t.Fatalf("after %v: did %s, %s", time.Since(now), out.Did, out.State)
			}
			time.Sleep(5 * time.Second)
		}
		if took := time.Since(now); took < time.Minute {
			t.Errorf("the locks were taken after %v", took)
		}
		l.wantStored(s, g.ID, linearC)
		l.wantPosts(s, g.ID, 1)
		l.wantQuiet()
	})
}

// Sent, and nobody knows what came. Where the store still holds that value it
// is sent again: the same request, at once, once.
func TestASentRequestIsRepeatedAsItWasOnceAndAtOnce(t *testing.T) {
	for _, fault := range []authtest.Fault{authtest.DropBefore, authtest.DropAfter} {
		bubble(t, authtest.Options{Policy: authtest.Policy{Reuse: authtest.PreviousUntilUsed}}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			l.lost(s, g, fault)
			first := s.Last(g.ID)
			// The metadata says something else by now, or nothing at all.
			s.Set(func(o *authtest.Options) { o.ResourceID = "https://mcp.example" })
			os.RemoveAll(l.Finder.Dir)
			s.Behave(authtest.Metadata, authtest.Behaviour{Answer: authtest.Status(503)})
			time.Sleep(time.Minute)
			if row := l.row(linear); row.State != refresher.Retrying || row.Why != refresher.Unfinished || !row.Due {
				t.Errorf("%s: status says %s, %s", fault, row.State, row.Why)
			}
			l.want(l.keep(linear), refresher.Refreshed, refresher.Fresh)
			l.wantPosts(s, g.ID, 2)
			l.wantStored(s, g.ID, linear)
			l.wantQuiet()
			second := s.Last(g.ID)
			if strings.Join(second.Keys, " ") != strings.Join(first.Keys, " ") || strings.Join(second.Resource, " ") != strings.Join(first.Resource, " ") || second.Scope != first.Scope || second.Auth != first.Auth {
				t.Errorf("%s: first %v for %v, then %v for %v", fault, first.Keys, first.Resource, second.Keys, second.Resource)
			}
		})
	}
}

func TestARepeatThatIsRefusedIsTheLast(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		l.lost(s, g, authtest.DropAfter) // rotated: a strict server takes the repeat for theft
		l.want(l.keep(linear), refresher.Failed, refresher.SignInNeeded)
		for range 3 {
			l.restart()
			l.want(l.Refresh(context.Background(), l.row(linear), refresher.Options{Word: true, Force: true}), refresher.Nothing, refresher.SignInNeeded)
			time.Sleep(time.Hour)
		}
		l.wantPosts(s, g.ID, 2)
	})
}

// A program that is killed at every repeat does not repeat at every start.
func TestARepeatThatIsKilledTooWaits(t *testing.T) {
	bubble(t, authtest.Options{Policy: authtest.Policy{Reuse: authtest.SameSuccessor}}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		l.lost(s, g, authtest.DropAfter)
		s.NextGrant(g.ID, authtest.Behaviour{Fault: authtest.DropAfter})
		if out := l.keep(linear); out.Did != refresher.Failed || out.Why != refresher.TroubleUnclear {
			t.Fatalf("the repeat: did %s, %s", out.Did, out.Why)
		}
		l.wantPosts(s, g.ID, 2) // it was the repeat: no second one at once
		// Killed once more, in the middle of the next attempt.
		time.Sleep(time.Minute)
		l.lost(s, g, authtest.DropAfter)
		time.Sleep(time.Minute)
		out := l.keep(linear)
		l.want(out, refresher.Failed, refresher.Retrying)
		if wait := time.Until(out.Memory.Until); wait < time.Minute || out.Why != refresher.TroubleUnclear {
			t.Errorf("it waits %v, %s", wait, out.Why)
		}
		l.wantPosts(s, g.ID, 3)
		if out := l.refresh(linear); out.Did != refresher.Nothing {
			t.Errorf("by a person's word: did %s", out.Did)
		}
		time.Sleep(time.Until(out.Memory.Until))
		l.want(l.keep(linear), refresher.Refreshed, refresher.Fresh)
		l.wantPosts(s, g.ID, 4)
	})
}

func TestASentRequestOnEveryOtherStateOfTheStoreIsNotRepeated(t *testing.T) {
	for state, change := range stores {
		if state == "same" {
			continue
		}
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			row := l.row(linear)
			l.lost(s, g, authtest.DropAfter)
			change(l, s, g)
			before, _ := os.ReadFile(l.path(codexStore...))
			out := l.Refresh(context.Background(), row, refresher.Options{})
			if state == "blanked" {
				l.want(out, refresher.Nothing, refresher.SignInNeeded)
			}
			if after, _ := os.ReadFile(l.path(codexStore...)); string(after) != string(before) {
				t.Errorf("%s: the store was written", state)
			}
			l.wantPosts(s, "", 1)
			l.wantQuiet()
		})
	}
}

// The same refresh token under another registration is another request.
func TestASentRequestOfAnotherClientIsNotRepeatedAsItWas(t *testing.T) {
	bubble(t, authtest.Options{Policy: authtest.Policy{Reuse: authtest.PreviousUntilUsed}}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		l.lost(s, g, authtest.DropBefore)
		s.AddClient("client-EXAMPLE", "")
		l.edit(func(e map[string]any) { e["client_id"] = "client-EXAMPLE" })
		l.keep(linear)
		if e := s.Last(g.ID); e.N == 0 || e.ClientID != "client-EXAMPLE" {
			t.Errorf("asked as %s", e.ClientID)
		}
		l.wantPosts(s, g.ID, 2)
	})
}

// While the store cannot be read nobody knows whether it holds that value
// still: the record stays, and tells it later.
func TestASentRequestWaitsForAStoreThatCanBeRead(t *testing.T) {
	bubble(t, authtest.Options{Policy: authtest.Policy{Reuse: authtest.PreviousUntilUsed}}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		row := l.row(linear)
		l.lost(s, g, authtest.DropAfter)
		whole := l.read(codexStore...)
		l.write(whole[:len(whole)/2], codexStore...)
		if out := l.Refresh(context.Background(), row, refresher.Options{Word: true, Force: true}); out.Did != refresher.Failed {
			t.Errorf("did %s", out.Did)
		}
		l.wantPosts(s, g.ID, 1)
		if n := len(l.pending()); n != 1 {
			t.Errorf("%d records in the journal", n)
		}
		l.write(whole, codexStore...)
		l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
		l.wantPosts(s, g.ID, 2)
	})
}

func TestAUserWhoForbadeItMeanwhileIsObeyed(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		row := l.row(linear)
		l.lost(s, g, authtest.DropBefore)
		if err := l.Ledger.SetMode(row.Key, ledger.Mode{Mode: "watch-only"}); err != nil {
			t.Fatal(err)
		}
		l.want(l.keep(linear), refresher.Nothing, refresher.WatchOnly)
		l.wantPosts(s, g.ID, 1)
	})
}

func TestATornAnswerCountsAsNotThere(t *testing.T) {
	bubble(t, authtest.Options{Policy: authtest.Policy{Reuse: authtest.PreviousUntilUsed}}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		l.crash(linear, true)
		s.NotJournaled(s.Last(g.ID).N)
		name := filepath.Join(l.state, "journal", l.Ledger.OwnerOf(l.row(linear).Key))
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		end := strings.IndexByte(string(text), 0)
		for i := end - 100; i < end; i++ {
			text[i] = 0
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		l.want(l.keep(linear), refresher.Refreshed, refresher.Fresh)
		l.wantPosts(s, g.ID, 2)
		l.wantStored(s, g.ID, linear)
		l.wantQuiet()
	})
}

// A journaled answer without a token finishes its verdict, without a POST.
func TestAVerdictInTheJournalIsFinished(t *testing.T) {
	for what, test := range map[string]struct {
		b     authtest.Behaviour
		kill  bool
		state refresher.State
		why   refresher.Why
	}{
		"dead":      {kill: true, state: refresher.SignInNeeded, why: refresher.WasRefused},
		"500":       {b: authtest.Behaviour{Answer: authtest.Status(500)}, state: refresher.Retrying, why: refresher.TroubleUnclear},
		"cut":       {b: authtest.Behaviour{Fault: authtest.Cut}, state: refresher.Retrying, why: refresher.TroubleUnclear},
		"429":       {b: authtest.Behaviour{Answer: authtest.RetryAfter(429, "600")}, state: refresher.Retrying, why: refresher.TroubleAsked},
		"404":       {b: authtest.Behaviour{Answer: authtest.Status(404)}, state: refresher.Misconfigured, why: refresher.BadSetup},
		"policy":    {b: authtest.Behaviour{Answer: authtest.Refusal{Code: "consent_required"}.Answer()}, state: refresher.SignInNeeded, why: refresher.PolicySays},
		"withdrawn": {b: authtest.Behaviour{Answer: authtest.Refusal{Code: "invalid_client"}.Answer()}, state: refresher.SignInNeeded, why: refresher.PolicySays},
	} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			before := l.read(codexStore...)
			s.NextGrant(g.ID, test.b)
			if test.kill {
				s.KillGrant(g.ID)
			}
			l.crash(linear, true)
			out := l.keep(linear)
			if out.Did != refresher.Failed || out.State != test.state || out.Why != test.why {
				t.Errorf("%s: did %s, %s, %s", what, out.Did, out.State, out.Why)
			}
			if out := l.keep(linear); out.Did != refresher.Nothing {
				t.Errorf("%s: asked again: did %s", what, out.Did)
			}
			l.wantPosts(s, g.ID, 1)
			if l.read(codexStore...) != before {
				t.Errorf("%s: the store was touched", what)
			}
			l.wantQuiet()
		})
	}
}

// The value was refused, and its client has another one by now: the refusal is
// remembered of that value, and is no death.
func TestARefusalInTheJournalIsNotHeldAgainstWhatTheStoreHasNow(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		s.KillGrant(g.ID)
		l.crash(linear, true)
		l.put(linear, s.Grant(authtest.GrantOptions{ClientID: g.ClientID}))
		l.want(l.keep(linear), refresher.Adopted, refresher.Fresh)
		if got := l.marked(g.RefreshToken); got != "dead" {
			t.Errorf("the refused one is marked %s", got)
		}
		l.wantPosts(s, "", 1)
		l.wantQuiet()
	})
}

// Killed after the write, the next process finds ours in the store; if its
// client has used it since, it is no orphan.
func TestAnAnswerThatIsInTheStoreAlready(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		l.crash(linear, true)
		l.put(linear, s.Current(g.ID))
		before := l.read(codexStore...)
		l.want(l.keep(linear), refresher.Refreshed, refresher.Fresh)
		if l.read(codexStore...) != before {
			t.Error("it was written again")
		}
		l.wantPosts(s, g.ID, 1)
		l.wantQuiet()
	})
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		l.crash(linear, true)
		ours := s.Current(g.ID)
		row := l.row(linear)
		lk, err := l.Ledger.Lock(context.Background(), row.Key)
		if err != nil {
			t.Fatal(err)
		}
		m := row.Memory
		m.Refresh, m.Access = l.Ledger.Fingerprint(credfiles.NewSecret(ours.RefreshToken)), l.Ledger.Fingerprint(credfiles.NewSecret(ours.AccessToken))
		if err := lk.Save(m); err != nil {
			t.Fatal(err)
		}
		lk.Unlock()
		l.put(linear, s.Grant(authtest.GrantOptions{ClientID: g.ClientID}))
		l.want(l.keep(linear), refresher.Adopted, refresher.Fresh)
		if l.kept().Orphan != nil {
			t.Error("what its client has used is kept for a try")
		}
		l.Observe(l.row(linear))
		if got := l.marked(ours.RefreshToken); got != "spent" {
			t.Errorf("what its client has used is marked %s", got)
		}
	})
}

// A write in place that was cut short leaves a store that is neither the one
// nor the other; the journal has it whole.
func TestAStoreThatWasHalfWrittenInPlaceIsMendedFromTheJournal(t *testing.T) {
	for _, own := range []bool{false, true} { // a refresh, and a write without a POST
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			old := l.read(codexStore...)
			var image string
			mended := g
			if own {
				row := l.row(linear)
				lk, err := l.Ledger.Lock(context.Background(), row.Key)
				if err != nil {
					t.Fatal(err)
				}
				sent := ledger.SentOf(row.Credential, exchange.Post{}, 0, false)
				sent.Write = true
				rec, err := lk.Begin(sent)
				if err != nil {
					t.Fatal(err)
				}
				mended = s.Grant(authtest.GrantOptions{ClientID: g.ClientID})
				image = strings.NewReplacer(g.RefreshToken, mended.RefreshToken, g.AccessToken, mended.AccessToken).Replace(old)
				if err := rec.Imaged([]byte(image)); err != nil {
					t.Fatal(err)
				}
				rec.Close()
				lk.Unlock()
				l.restart()
			} else {
				l.crash(linear, true)
				now := s.Current(g.ID)
				image = strings.NewReplacer(g.RefreshToken, now.RefreshToken, g.AccessToken, now.AccessToken).Replace(old)
				lk, err := l.Ledger.Lock(context.Background(), l.row(linear).Key)
				if err != nil {
					t.Fatal(err)
				}
				rec, err := lk.Unfinished()
				if err != nil {
					t.Fatal(err)
				}
				if err := rec.Imaged([]byte(image)); err != nil {
					t.Fatal(err)
				}
				rec.Close()
				lk.Unlock()
			}
			row := l.row(linear)
			for _, torn := range []string{image[:len(image)/2], "", image[:len(image)/2] + old[len(old)/3:]} {
				l.write(torn, codexStore...)
			}
			l.want(l.Refresh(context.Background(), row, refresher.Options{}), refresher.Refreshed, refresher.Fresh)
			l.wantStored(s, mended.ID, linear)
			l.wantPosts(s, mended.ID, 1)
			l.wantPosts(s, "", 1)
			l.wantQuiet()
		})
	}
}

// An image is for a torn store only: what somebody else wrote since stays.
func TestAnImageIsNotWrittenOverAStoreThatIsWhole(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		l.crash(linear, true)
		lk, err := l.Ledger.Lock(context.Background(), l.row(linear).Key)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := lk.Unfinished()
		if err != nil {
			t.Fatal(err)
		}
		if err := rec.Imaged([]byte(`{"old":{}}`)); err != nil {
			t.Fatal(err)
		}
		rec.Close()
		lk.Unlock()
		l.want(l.keep(linear), refresher.Refreshed, refresher.Fresh)
		l.wantStored(s, g.ID, linear)
	})
}

func TestARecordThatCannotBeTrustedStopsTheRefresh(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		l.claude(map[string]authtest.Grant{"other": s.Grant(due)})
		row, other := l.row(linear), l.row("claude/mcp/other")
		l.crash(linear, true)
		from := filepath.Join(l.state, "journal", l.Ledger.OwnerOf(row.Key))
		if err := os.Rename(from, filepath.Join(l.state, "journal", l.Ledger.OwnerOf(other.Key))); err != nil {
			t.Fatal(err)
		}
		n := s.TokenPosts("")
		if out := l.Refresh(context.Background(), other, refresher.Options{Word: true}); out.Did != refresher.Failed || out.Err == nil {
			t.Errorf("with another's record: did %s, %v", out.Did, out.Err)
		}
		l.wantPosts(s, "", n)
		_ = g
	})
}

// An answer that broke off behind its new refresh token: the one that was sent
// is spent, and the new one is sent next, whatever became of the store.
func TestARefreshTokenThatCameAloneIsTheOneToSendNext(t *testing.T) {
	for state, change := range stores {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			row := l.row(linear)
			next := s.Grant(authtest.GrantOptions{ClientID: g.ClientID}) // stands in for what a cut answer carried
			cut := *authtest.Status(200)
			cut.Header.Set("Content-Type", "application/json")
			cut.Body = []byte(`{"refresh_token":"` + next.RefreshToken + `","access_to`)
			s.NextGrant(g.ID, authtest.Behaviour{Answer: &cut, BeforeAnswer: func() { change(l, s, g) }})
			out := l.Refresh(context.Background(), row, refresher.Options{})
			l.wantQuiet()
			if got := l.marked(g.RefreshToken); got != "spent" {
				t.Errorf("%s: the one that was sent is marked %s", state, got)
			}
			l.wantPosts(s, g.ID, 1)
			switch state {
			case "same", "blanked":
				l.want(out, refresher.Refreshed, refresher.Fresh)
				l.wantPosts(s, next.ID, 1)
				l.wantStored(s, next.ID, linear)
			case "rotated":
				if k := l.kept(); k.Orphan == nil || k.Orphan.Reveal().Refresh.Reveal() != next.RefreshToken {
					t.Errorf("%s: it is not kept", state)
				}
				fallthrough
			default:
				l.wantPosts(s, next.ID, 0)
			}
		})
	}
}
