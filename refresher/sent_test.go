package refresher_test

// What happens from the POST to the verdict, and how long to wait after each.

import (
	"context"
	"os"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// Ctrl-C, SIGTERM, quit and a client that is tired of waiting all end ctx.
func TestOnceWrittenAPOSTIsNeverCutShort(t *testing.T) {
	for _, when := range []string{"on arrival", "after the deed"} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			ctx, cancel := context.WithCancel(context.Background())
			b := authtest.Behaviour{Delay: time.Second, DelayAfter: 30 * time.Second}
			if when == "on arrival" {
				b.OnArrival = cancel
			} else {
				b.BeforeAnswer = cancel
			}
			s.Next(authtest.Token, b)
			l.want(l.Refresh(ctx, l.row(linear), refresher.Options{}), refresher.Refreshed, refresher.Fresh)
			l.wantPosts(s, g.ID, 1)
			l.wantStored(s, g.ID, linear)
			l.wantQuiet()
		})
	}
}

func TestACallerThatGivesUpEarlierSendsNothingAndLeavesNoTrace(t *testing.T) {
	for name, slow := range map[string]func(l *lab, s *authtest.Server, g authtest.Grant) (undo func()){
		"while looking for the endpoint": func(l *lab, s *authtest.Server, g authtest.Grant) func() {
			s.Next(authtest.Metadata, authtest.Behaviour{Delay: 20 * time.Second})
			return func() {}
		},
		"while waiting for our lock": func(l *lab, s *authtest.Server, g authtest.Grant) func() {
			lk, err := l.other().Ledger.Lock(context.Background(), l.row(linear).Key)
			if err != nil {
				t.Fatal(err)
			}
			return func() { lk.Unlock() }
		},
		"while waiting for the client's lock": func(l *lab, s *authtest.Server, g authtest.Grant) func() {
			lock := l.lock(l.grantLockPath(linear, g))
			return func() { lock.Release() }
		},
		"while connecting": func(l *lab, s *authtest.Server, g authtest.Grant) func() {
			l.Finder.Find(context.Background(), l.row(linear).Grant)
			s.SetReach(authtest.Silent)
			return func() { s.SetReach(authtest.Reachable) }
		},
	} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			undo := slow(l, s, g)
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			began := time.Now()
			out := l.Refresh(ctx, l.row(linear), refresher.Options{})
			if out.Did != refresher.Failed || out.Err == nil || time.Since(began) > 4*time.Second {
				t.Errorf("%s: did %s after %v, %v", name, out.Did, time.Since(began), out.Err)
			}
			undo()
			if row := l.row(linear); row.Memory.Wait != "" || !row.Due {
				t.Errorf("%s: afterwards it is %s, wait %q", name, row.State, row.Memory.Wait)
			}
			l.wantPosts(s, g.ID, 0)
			l.wantQuiet()
		})
	}
}

// A server that never answers is waited for for 45 s, and once more; the
// client's lock is kept alive meanwhile as the client does it.
func TestADeadlineEndsAPOSTAndHeartbeatsGoOnUntilThen(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(due)
		l.put(linearC, g)
		s.Behave(authtest.Token, authtest.Behaviour{Delay: authtest.Forever})
		began := time.Now()
		done := make(chan refresher.Outcome)
		go func() { done <- l.refresh(linearC) }()
		for range 8 {
			time.Sleep(10*time.Second + time.Millisecond)
			info, err := os.Stat(l.grantLockPath(linearC, g))
			if err != nil || time.Since(info.ModTime()) > 6*time.Second {
				t.Errorf("after %v the client's lock is %v", time.Since(began), err)
			}
		}
		out := <-done
		l.want(out, refresher.Failed, refresher.Retrying)
		if took := time.Since(began); took != 90*time.Second || out.Why != refresher.TroubleUnclear {
			t.Errorf("it took %v, %s", took, out.Why)
		}
		l.wantPosts(s, g.ID, 2)
		l.wantQuiet()
	})
}

// What fails before the body was written is surely unspent: a keeper waits a
// little, a person's word or another network does not.
func TestWhatWasNotWrittenIsUnspentAndConnectingIsBounded(t *testing.T) {
	for reach, most := range map[authtest.Reach]time.Duration{authtest.Refused: 0, authtest.Silent: 5 * time.Second} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			if _, err := l.Finder.Find(context.Background(), l.row(linear).Grant); err != nil {
				t.Fatal(err)
			}
			s.SetReach(reach)
			began := time.Now()
			out := l.keep(linear)
			l.want(out, refresher.Failed, refresher.Retrying)
			if took := time.Since(began); took > most || out.Why != refresher.TroubleUnsent {
				t.Errorf("%s: after %v it is %s", reach, took, out.Why)
			}
			l.wantQuiet()
			s.SetReach(authtest.Reachable)
			l.want(l.keep(linear), refresher.Nothing, refresher.Retrying)
			l.wantPosts(s, g.ID, 0)
			l.want(l.Refresh(context.Background(), l.row(linear), refresher.Options{Retry: true}), refresher.Refreshed, refresher.Fresh)
			l.wantPosts(s, g.ID, 1)

			time.Sleep(time.Second)
			g = l.one(s, due)
			s.SetReach(reach)
			l.keep(linear)
			s.SetReach(authtest.Reachable)
			l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
			l.wantPosts(s, g.ID, 1)
		})
	}
}

func TestACutAnswerIsRepeatedOnceAtOnceInTheSameHold(t *testing.T) {
	for _, fault := range []authtest.Fault{authtest.DropBefore, authtest.DropAfter, authtest.Cut} {
		bubble(t, authtest.Options{Policy: authtest.Policy{Reuse: authtest.PreviousUntilUsed}}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			waited := 0
			s.Next(authtest.Token, authtest.Behaviour{Fault: fault}, authtest.Behaviour{OnArrival: func() {
				if taken(l.grantLockPath(linear, g)) {
					waited++
				}
			}})
			began := time.Now()
			l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
			if took := time.Since(began); took > time.Second || waited != 1 {
				t.Errorf("%s: repeated after %v, in the same hold %d", fault, took, waited)
			}
			l.wantPosts(s, g.ID, 2)
			l.wantStored(s, g.ID, linear)
			l.wantQuiet()
		})
	}
}

func TestAnAnswerCutBehindItsTokensIsASuccess(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		s.Next(authtest.Token, authtest.Behaviour{Fault: authtest.CutAfterTokens})
		if out := l.refresh(linear); out.Did != refresher.Refreshed {
			t.Errorf("did %s", out.Did)
		}
		l.wantPosts(s, g.ID, 1)
		l.wantStored(s, g.ID, linear)
	})
}

// Where the end of the answer is missing, so is how long the token lives. It
// must not lie there expired until its daily turn.
func TestATokenWhoseAnswerWasCutLivesAsLongAsTheOneBefore(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		l.refresh(linear)
		s.Next(authtest.Token, authtest.Behaviour{Fault: authtest.CutAfterTokens})
		out := l.Refresh(context.Background(), l.row(linear), refresher.Options{Force: true})
		l.want(out, refresher.Refreshed, refresher.Fresh)
		if row := l.row(linear); !row.Expiry.Equal(s.Current(g.ID).Expiry) {
			t.Errorf("it ends at %v, at its server at %v", row.Expiry, s.Current(g.ID).Expiry)
		}
		// A server that says nothing of it is another matter: nothing is made up.
		s.Next(authtest.Token, authtest.Behaviour{Shape: authtest.Shape{ExpiresIn: authtest.Absent}})
		out = l.Refresh(context.Background(), l.row(linear), refresher.Options{Force: true})
		l.want(out, refresher.Refreshed, refresher.Unknown)
	})
}

// tries refreshes as a keeper does until n attempts were made, and returns how
// long each wait was.
func (l *lab) tries(n int) (waits []time.Duration) {
	l.t.Helper()
	for range n {
		began := time.Now()
		out := l.keep(linear)
		if out.Did != refresher.Failed {
			l.t.Fatalf("did %s, %s", out.Did, out.State)
		}
		waits = append(waits, time.Until(out.Memory.Until))
		if out := l.keep(linear); out.Did != refresher.Nothing {
			l.t.Fatalf("asked again at once: did %s after %v", out.Did, time.Since(began))
		}
		time.Sleep(time.Until(out.Memory.Until))
	}
	return waits
}

// wantDoubling checks waits of 30 s, doubled each time up to the limit, and up
// to a tenth less.
func (l *lab) wantDoubling(what string, waits []time.Duration, first, limit time.Duration) {
	l.t.Helper()
	for i, d := range waits {
		most := min(limit, first<<i)
		if d > most || d < most*9/10-time.Second {
			l.t.Errorf("%s: wait %d is %v, want up to %v", what, i+1, d, most)
		}
	}
}

func TestAfterTroubleTheWaitDoublesToItsLimit(t *testing.T) {
	for what, test := range map[string]struct {
		b     authtest.Behaviour
		posts int // of nine attempts
		why   refresher.Why
		first time.Duration
	}{
		"cut":                 {authtest.Behaviour{Fault: authtest.DropBefore}, 10, refresher.TroubleUnclear, time.Minute},
		"garbled":             {authtest.Behaviour{Fault: authtest.Garble}, 9, refresher.TroubleUnclear, 30 * time.Second},
		"500":                 {authtest.Behaviour{Answer: authtest.Status(500)}, 9, refresher.TroubleUnclear, 30 * time.Second},
		"503":                 {authtest.Behaviour{Answer: authtest.Status(503)}, 9, refresher.TroubleUnclear, 30 * time.Second},
		"a page of a portal":  {authtest.Behaviour{Answer: authtest.HTML()}, 9, refresher.TroubleUnclear, 30 * time.Second},
		"429":                 {authtest.Behaviour{Answer: authtest.Status(429)}, 9, refresher.TroubleUnsent, 30 * time.Second},
		"a redirect":          {authtest.Behaviour{Answer: authtest.Redirect(307, "https://elsewhere.example/token")}, 9, refresher.TroubleUnsent, 30 * time.Second},
		"unavailable for now": {authtest.Behaviour{Answer: authtest.Refusal{Code: "temporarily_unavailable"}.Answer()}, 9, refresher.TroubleUnsent, 30 * time.Second},
	} {
		bubble(t, authtest.Options{Policy: authtest.Policy{Reuse: authtest.SameSuccessor}}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			before := l.read(codexStore...)
			s.Behave(authtest.Token, test.b)
			waits := l.tries(9)
			l.wantDoubling(what, waits, test.first, 30*time.Minute)
			l.wantPosts(s, g.ID, test.posts)
			if l.read(codexStore...) != before {
				t.Errorf("%s: the store was touched", what)
			}
			l.wantQuiet()
			s.Behave(authtest.Token, authtest.Behaviour{})
			l.want(l.keep(linear), refresher.Refreshed, refresher.Fresh)
			if row := l.row(linear); row.Memory.Wait != "" || row.Memory.Failures != 0 {
				t.Errorf("%s: it is still remembered: %q, %d", what, row.Memory.Wait, row.Memory.Failures)
			}
		})
	}
}

func TestAnotherTroubleBeginsItsOwnWaits(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.one(s, due)
		s.Behave(authtest.Token, authtest.Behaviour{Answer: authtest.Status(500)})
		l.wantDoubling("500", l.tries(4), 30*time.Second, 30*time.Minute)
		s.Behave(authtest.Token, authtest.Behaviour{Answer: authtest.Status(429)})
		l.wantDoubling("then 429", l.tries(3), 30*time.Second, 30*time.Minute)
		time.Sleep(time.Second)
		l.one(s, due)
		l.wantDoubling("then another refresh token", l.tries(2), 30*time.Second, 30*time.Minute)
	})
}

// Two are at it: one finds no endpoint, after the other had an unclear answer.
// The wait for that is the one that counts.
func TestWhatAnotherProcessRememberedMeanwhileIsNotOverwritten(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		slow := l.other()
		slow.Finder.Dir = t.TempDir()
		s.Next(authtest.Metadata, authtest.Behaviour{Delay: 20 * time.Second, Answer: authtest.Status(503)})
		done := make(chan refresher.Outcome)
		row := slow.row(linear)
		go func() { done <- slow.Refresh(context.Background(), row, refresher.Options{Word: true}) }()
		time.Sleep(time.Second)
		s.Next(authtest.Token, authtest.Behaviour{Answer: authtest.Status(500)})
		l.want(l.refresh(linear), refresher.Failed, refresher.Retrying)
		l.want(<-done, refresher.Nothing, refresher.Retrying)
		if m := l.row(linear).Memory; m.Wait != ledger.Ambiguous {
			t.Errorf("the wait is %q", m.Wait)
		}
		l.wantPosts(s, g.ID, 1)
	})
}

func TestAWaitForTheClientsLockOrStoreIsShort(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		if err := os.Mkdir(l.grantLockPath(linear, g)+".d", 0o755); err == nil {
			t.Fatal("the client's folder is there already")
		}
		l.write("not a folder", ".codex", "mcp-oauth-locks")
		waits := l.tries(9)
		l.wantDoubling("no lock can be made", waits, 30*time.Second, 5*time.Minute)
		l.wantPosts(s, g.ID, 0)
	})
}

// What a person says ends a wait only where the refresh token is surely
// unspent and the server asked for nothing.
func TestAPersonsWordDoesNotEndAWaitThatTheServerOrAnUnclearAnswerAskedFor(t *testing.T) {
	for what, b := range map[string]authtest.Behaviour{
		"Retry-After": {Answer: authtest.RetryAfter(429, "120")},
		"busy":        {Answer: authtest.RetryAfter(503, "120")},
		"500":         {Answer: authtest.Status(500)},
		"cut":         {Fault: authtest.DropBefore},
	} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			s.Behave(authtest.Token, b)
			out := l.refresh(linear)
			l.want(out, refresher.Failed, refresher.Retrying)
			if wait := time.Until(out.Memory.Until); b.Answer != nil && what != "500" && (wait > 2*time.Minute || wait < 119*time.Second) {
				t.Errorf("%s: the wait is %v", what, wait)
			}
			n := s.TokenPosts(g.ID)
			everything := refresher.Options{Word: true, Force: true, Anyway: true, Retry: true, Within: time.Hour, Began: time.Now()}
			for time.Until(out.Memory.Until) > 10*time.Second {
				l.restart()
				if again := l.Refresh(context.Background(), l.row(linear), everything); again.Did != refresher.Nothing {
					t.Errorf("%s: did %s", what, again.Did)
				}
				time.Sleep(5 * time.Second)
			}
			l.wantPosts(s, g.ID, n)
			time.Sleep(time.Until(out.Memory.Until))
			s.Behave(authtest.Token, authtest.Behaviour{})
			l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
		})
	}
}

// A server that always says "in a second" is not asked every second.
func TestRetryAfterIsNoLeaveToAskMoreOften(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.one(s, due)
		s.Behave(authtest.Token, authtest.Behaviour{Answer: authtest.RetryAfter(429, "1")})
		l.wantDoubling("Retry-After: 1", l.tries(5), 30*time.Second, 30*time.Minute)
		// And with an unclear answer it counts too.
		s.Behave(authtest.Token, authtest.Behaviour{Answer: authtest.RetryAfter(500, "3600")})
		if wait := l.tries(1)[0]; wait < 3599*time.Second {
			t.Errorf("a 500 with Retry-After waits %v", wait)
		}
	})
}

func TestAMisconfiguredCredentialRestsUntilSomethingChanges(t *testing.T) {
	for what, refusal := range map[string]*authtest.Answer{
		"404":            authtest.Status(404),
		"invalid_scope":  authtest.Refusal{Code: "invalid_scope"}.Answer(),
		"invalid_target": authtest.Refusal{Code: "invalid_target"}.Answer(),
	} {
		for change, do := range map[string]func(l *lab, s *authtest.Server, g authtest.Grant){
			"nothing": func(*lab, *authtest.Server, authtest.Grant) {},
			"metadata": func(l *lab, s *authtest.Server, g authtest.Grant) {
				s.Set(func(o *authtest.Options) { o.ResourceID = "https://mcp.example" })
			},
			"config": func(l *lab, s *authtest.Server, g authtest.Grant) {
				l.Policy = func() refresher.Policy {
					p := policy
					p.Overrides = map[string]refresher.Override{linear: {Scope: "read"}}
					return p
				}
			},
			"store": func(l *lab, s *authtest.Server, g authtest.Grant) {
				l.edit(func(e map[string]any) { e["scopes"] = []string{"read"} })
			},
		} {
			bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
				what := what + ", changed: " + change
				g := l.one(s, due)
				s.Next(authtest.Token, authtest.Behaviour{Answer: refusal})
				l.want(l.refresh(linear), refresher.Failed, refresher.Misconfigured)
				looked := s.Requests(authtest.Metadata)
				everything := refresher.Options{Word: true, Force: true, Anyway: true, Retry: true}
				for minute := range 6 * 60 { // as a keeper, and now and then a person
					o := refresher.Options{}
					if minute%30 == 7 {
						o = everything
					}
					row := l.row(linear)
					if row.State != refresher.Misconfigured {
						t.Fatalf("%s: it is %s, %s", what, row.State, row.Why)
					}
					if row.Wanted(o) {
						l.want(l.Refresh(context.Background(), row, o), refresher.Failed, refresher.Misconfigured)
					}
					time.Sleep(time.Minute)
				}
				l.wantPosts(s, g.ID, 1)
				if n := s.Requests(authtest.Metadata) - looked; n < 5 || n > 6 {
					t.Errorf("%s: the metadata was looked up %d times in 6 hours", what, n)
				}
				do(l, s, g)
				time.Sleep(time.Hour)
				out := l.keep(linear)
				if change == "nothing" {
					l.want(out, refresher.Failed, refresher.Misconfigured)
					return
				}
				if out.Did != refresher.Refreshed {
					t.Errorf("%s: did %s, %s %s, %v", what, out.Did, out.State, out.Why, out.Err)
				}
				l.wantPosts(s, g.ID, 2)
			})
		}
	}
}

// A client secret that was put right is no part of what is compared of a
// request, but it is a change.
func TestAnotherClientSecretEndsTheRest(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, authtest.GrantOptions{AccessLeft: time.Minute, Confidential: true})
		config := func(secret string) {
			l.write("[mcp_servers.linear]\nurl = \""+g.ServerURL+"\"\n[mcp_servers.linear.oauth]\nclient_id = \""+g.ClientID+"\"\nclient_secret = \""+secret+"\"\n", ".codex", "config.toml")
		}
		config("cs-wrong-EXAMPLE")
		s.Next(authtest.Token, authtest.Behaviour{Answer: authtest.Refusal{Code: "invalid_request"}.Answer()})
		l.want(l.refresh(linear), refresher.Failed, refresher.Misconfigured)
		time.Sleep(time.Hour)
		l.want(l.keep(linear), refresher.Failed, refresher.Misconfigured)
		config(g.ClientSecret)
		l.want(l.keep(linear), refresher.Refreshed, refresher.Fresh)
		l.wantPosts(s, g.ID, 2)
	})
}

// The metadata may be down when it is looked up anew. That is no change.
func TestAMisconfiguredCredentialRestsThroughTroubleWithTheMetadata(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		s.Next(authtest.Token, authtest.Behaviour{Answer: authtest.Status(404)})
		l.refresh(linear)
		for _, trouble := range []*authtest.Answer{authtest.Status(503), authtest.Status(404), authtest.HTML(), nil} {
			for _, e := range []authtest.Endpoint{authtest.Metadata, authtest.ResourceMetadata} {
				if os.RemoveAll(l.Finder.Dir) != nil { // nor is what was found before
					t.Fatal("cannot clear the cache")
				}
				s.Behave(e, authtest.Behaviour{Answer: trouble})
				time.Sleep(time.Hour)
				l.want(l.keep(linear), refresher.Failed, refresher.Misconfigured)
				s.Behave(e, authtest.Behaviour{})
				l.want(l.keep(linear), refresher.Nothing, refresher.Misconfigured)
			}
		}
		l.wantPosts(s, g.ID, 1)
	})
}

func TestARefreshTokenNeverGoesToAnotherIssuer(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		s.Set(func(o *authtest.Options) { o.Issuer = "https://elsewhere.example" })
		for range 3 {
			out := l.refresh(linear)
			if out.State != refresher.Misconfigured || out.Memory.Code != "issuer" {
				t.Errorf("it is %s, %s", out.State, out.Memory.Code)
			}
			time.Sleep(time.Hour)
		}
		l.wantPosts(s, g.ID, 0)
		s.Set(func(o *authtest.Options) { o.Issuer = "" })
		l.want(l.keep(linear), refresher.Refreshed, refresher.Fresh)
	})
}

// The refresh token may be good: it stays, and a person signs in or waits.
func TestWhereOnlyTheUserCanHelpTheRefreshTokenIsKept(t *testing.T) {
	for what, refusal := range map[string]authtest.Refusal{
		"policy":      {Dialect: authtest.Entra, Extra: map[string]any{"suberror": "basic_action"}},
		"client gone": {Code: "invalid_client"},
		"consent":     {Code: "consent_required"},
	} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			before := l.read(codexStore...)
			s.Next(authtest.Token, authtest.Behaviour{Answer: refusal.Answer()})
			out := l.refresh(linear)
			l.want(out, refresher.Failed, refresher.SignInNeeded)
			if out.Why != refresher.PolicySays {
				t.Errorf("%s: %s", what, out.Why)
			}
			for range 23 {
				l.want(l.refresh(linear), refresher.Nothing, refresher.SignInNeeded)
				time.Sleep(time.Hour)
			}
			l.wantPosts(s, g.ID, 1)
			if l.read(codexStore...) != before {
				t.Errorf("%s: the store was touched", what)
			}
			if _, over, err := l.Ledger.Marked(l.Ledger.Fingerprint(l.row(linear).Refresh)); over || err != nil {
				t.Errorf("%s: it counts as dead, %v", what, err)
			}
			// A new sign-in ends it at once.
			next := l.one(s, authtest.GrantOptions{})
			if row := l.row(linear); row.State != refresher.Fresh || row.Refresh.Reveal() != next.RefreshToken {
				t.Errorf("%s: signed in again, it is %s", what, row.State)
			}
		})
	}
}

func TestAHolderThatNeverLooksAgainDefersTheRefresh(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		row := l.row(linear)
		row.Holders = []credfiles.Process{{PID: 4711, Name: "codex", Rereads: credfiles.AtStart}}
		out := l.Refresh(context.Background(), row, refresher.Options{Word: true, Force: true})
		l.want(out, refresher.Nothing, refresher.Deferred)
		if out.By == nil || out.By.PID != 4711 {
			t.Errorf("held by %v", out.By)
		}
		l.wantPosts(s, g.ID, 0)
		if out := l.Refresh(context.Background(), row, refresher.Options{Word: true, Force: true, Anyway: true}); out.Did != refresher.Refreshed {
			t.Errorf("anyway: did %s", out.Did)
		}
	})
}

// A client's patience decides whether we start: a server that was slower than
// it is left to the client as long as one runs and the token lives.
func TestASlowServerIsAskedOnlyWhileNoClientRuns(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(due)
		l.put(linearC, g)
		s.Next(authtest.Token, authtest.Behaviour{DelayAfter: 10 * time.Second})
		if out := l.refresh(linearC); out.Did != refresher.Refreshed || out.Memory.Slowest < 10*time.Second {
			t.Fatalf("did %s, it took %v", out.Did, out.Memory.Slowest)
		}
		time.Sleep(55 * time.Minute)
		row := l.row(linearC)
		row.Holders = []credfiles.Process{{PID: 4711, Name: "claude", Rereads: credfiles.EachUse}}
		if out := l.Refresh(context.Background(), row, refresher.Options{}); out.Did != refresher.Nothing || out.Why != refresher.ClientDoes {
			t.Errorf("beside a client: did %s, %s", out.Did, out.Why)
		}
		l.wantPosts(s, g.ID, 1)
		time.Sleep(5 * time.Minute)
		l.want(l.Refresh(context.Background(), row, refresher.Options{}), refresher.Refreshed, refresher.Fresh)
	})
}

func TestAVerdictIsWrittenDownForPeopleWithoutTheToken(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.one(s, due)
		s.Next(authtest.Token, authtest.Behaviour{Answer: authtest.Refusal{Code: "invalid_scope", Description: "no such scope"}.Answer()})
		out := l.refresh(linear)
		if out.Answer.Kind != exchange.Misconfigured || out.Memory.Code != "invalid_scope" || out.Memory.Detail != "no such scope" {
			t.Errorf("%s, %s, %s", out.Answer.Kind, out.Memory.Code, out.Memory.Detail)
		}
		events, err := l.Ledger.Events(1)
		if err != nil || len(events) != 2 || events[0].What != "sent" || events[1].What != string(ledger.Misconfigured) || events[1].Code != "invalid_scope" || len(events[1].Old) != 8 {
			t.Errorf("%+v, %v", events, err)
		}
	})
}
