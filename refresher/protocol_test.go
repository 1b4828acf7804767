package refresher_test

// The sentences of one credential's trip up to the answer, each with a test
// that says it in its name. What comes after the answer is in landing_test.go,
// what comes after a crash in recovery_test.go.

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/ledger"
)

func TestAStoreThatIsBeingWrittenIsReadAgainBeforeItCounts(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.one(s, due)
		l.row(linear)
		whole := l.read(codexStore...)
		for _, torn := range []func(){
			func() { l.write("", codexStore...) },
			func() { l.write(whole[:len(whole)/2], codexStore...) },
			func() { os.Remove(l.path(codexStore...)) },
		} {
			torn()
			time.AfterFunc(1500*time.Millisecond, func() { l.write(whole, codexStore...) })
			if snap := l.Scan(context.Background()); len(snap.Rows) != 1 || len(snap.Problems) != 0 {
				t.Errorf("it counted before it was whole: %d rows, %v", len(snap.Rows), snap.Problems)
			}
			l.restart()
			l.row(linear)
		}
	})
}

func TestAStoreThatStaysTornIsAProblemAndNeverAWrite(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		row := l.row(linear)
		for _, text := range []string{"", "{", "\xff\xfe", "[]", `{"x":`} {
			l.write(text, codexStore...)
			if snap := l.Scan(context.Background()); len(snap.Problems) != 1 {
				t.Errorf("%q: problems %v", text, snap.Problems)
			}
			if out := l.Refresh(context.Background(), row, refresher.Options{Word: true, Force: true}); out.Did != refresher.Failed || out.Err == nil {
				t.Errorf("%q: did %s, %v", text, out.Did, out.Err)
			}
			if got := l.read(codexStore...); got != text {
				t.Errorf("%q became %q", text, got)
			}
		}
		l.wantPosts(s, g.ID, 0)
		l.wantQuiet()
	})
}

func TestOnlyOneRefreshOfACredentialIsUnderWayInAProcess(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		s.Behave(authtest.Metadata, authtest.Behaviour{Delay: time.Second})
		row := l.row(linear)
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				out := l.Refresh(context.Background(), row, refresher.Options{Force: true, Began: time.Now()})
				if out.Did != refresher.Refreshed && out.Did != refresher.Adopted {
					t.Errorf("did %s, %v", out.Did, out.Err)
				}
			})
		}
		time.Sleep(500 * time.Millisecond)
		if row := l.row(linear); row.State != refresher.Refreshing || row.Why != refresher.InFlight {
			t.Errorf("meanwhile it is %s, %s", row.State, row.Why)
		}
		group.Wait()
		l.wantPosts(s, g.ID, 1)
		if n := s.Requests(authtest.Metadata); n != 1 {
			t.Errorf("%d looked for the endpoint, want 1: the others wait", n)
		}
	})
}

func TestTwelveProcessesSendOne(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := newLab(t)
	g := l.one(s, authtest.GrantOptions{AccessLeft: -time.Minute})
	s.Behave(authtest.Token, authtest.Behaviour{Delay: 50 * time.Millisecond})
	began := time.Now()
	var group sync.WaitGroup
	for range 12 {
		k := l.other()
		row := k.row(linear)
		group.Go(func() {
			out := k.Refresh(context.Background(), row, refresher.Options{Word: true, Force: true, Began: began})
			if out.Did != refresher.Refreshed && out.Did != refresher.Adopted {
				t.Errorf("did %s: %s, %s, %v", out.Did, out.State, out.Why, out.Err)
			}
		})
	}
	group.Wait()
	l.wantPosts(s, g.ID, 1)
	l.wantQuiet()
}

func TestDiscoveryComesBeforeAnyLockAndOnlyOnce(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		looked := 0
		s.Behave(authtest.Metadata, authtest.Behaviour{OnArrival: func() {
			looked++
			if held := l.held(); len(held) != 0 {
				t.Errorf("while looking for the endpoint %v are held", held)
			}
		}})
		for range 2 {
			l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
			l.restart()
			time.Sleep(55 * time.Minute)
		}
		l.wantPosts(s, g.ID, 2)
		if looked != 1 {
			t.Errorf("looked for the endpoint %d times, want 1", looked)
		}
	})
}

// What holds when the server sees the request, for both clients.
func TestLocksAndJournalComeBeforeThePOST(t *testing.T) {
	for _, id := range []string{linear, linearC} {
		bubble(t, authtest.Options{Registration: authtest.Registration{}}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := s.Grant(authtest.GrantOptions{AccessLeft: time.Minute, Confidential: true})
			l.put(id, g)
			if id == linear {
				l.write("[mcp_servers.linear]\nurl = \""+g.ServerURL+"\"\n[mcp_servers.linear.oauth]\nclient_id = \""+g.ClientID+"\"\nclient_secret = \""+g.ClientSecret+"\"\n", ".codex", "config.toml")
			} else {
				entry := claudeEntry("linear", g)
				entry["clientSecret"] = g.ClientSecret
				l.write(marshal(map[string]any{"mcpOAuth": map[string]any{credfiles.EntryKey("linear", g.ServerURL): entry}}), claudeStore...)
			}
			looked := false
			s.Next(authtest.Token, authtest.Behaviour{OnArrival: func() {
				looked = true
				records := l.pending()
				if len(records) != 1 || records[0].Answer != nil {
					t.Fatalf("%s: the journal holds %d records", id, len(records))
				}
				sent := records[0].Sent
				if p := sent.Post; p.TokenURL != g.TokenURL || p.Auth != "client_secret_basic" || p.ClientID != g.ClientID || p.Resource != g.Resource || id == linear && p.Scope == "" {
					t.Errorf("%s: the record says %+v", id, p)
				}
				if c := sent.Credential(); c.Refresh.Reveal() != g.RefreshToken || c.ClientID != g.ClientID || c.Issuer != g.Issuer || c.ServerURL != g.ServerURL {
					t.Errorf("%s: the record is of %+v", id, c)
				}
				info, err := os.Stat(filepath.Join(l.state, "journal", l.Ledger.OwnerOf(sent.Key)))
				if err != nil || info.Size() < 4<<20/3 {
					t.Errorf("%s: no room is reserved for the answer", id)
				}
				if !taken(l.ourLockPath(id)) {
					t.Errorf("%s: our lock is not held", id)
				}
				if grant := l.grantLockPath(id, g); id == linear && !taken(grant) {
					t.Errorf("%s: the client's lock is not held", id)
				} else if _, err := os.Stat(grant); err != nil {
					t.Errorf("%s: the client's lock is not held: %v", id, err)
				}
				if _, err := os.Stat(l.path(".claude", ".storage-write.lock")); taken(l.storeLockPath()) || err == nil {
					t.Errorf("%s: the store's lock is held over the network", id)
				}
			}})
			l.want(l.refresh(id), refresher.Refreshed, refresher.Fresh)
			if !looked {
				t.Error("the server saw nothing")
			}
			l.wantPosts(s, g.ID, 1)
			l.wantStored(s, g.ID, id)
			l.wantQuiet()
		})
	}
}

func TestOurLockComesBeforeTheClients(t *testing.T) {
	for _, id := range []string{linear, linearC} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := s.Grant(due)
			l.put(id, g)
			ours := l.ourLockPath(id)
			theirs := l.lock(l.grantLockPath(id, g))
			done := make(chan refresher.Outcome)
			go func() { done <- l.refresh(id) }()
			time.Sleep(2 * time.Second)
			if !taken(ours) {
				t.Errorf("%s: it waits for the client's lock without ours", id)
			}
			theirs.Release()
			<-done
			// And the other way round.
			s.ExpireAccess(g.ID)
			l.put(id, s.Grant(due))
			lk, err := l.other().Ledger.Lock(context.Background(), l.row(id).Key)
			if err != nil {
				t.Fatal(err)
			}
			go func() { done <- l.refresh(id) }()
			time.Sleep(2 * time.Second)
			if _, err := os.Stat(l.grantLockPath(id, g)); id == linearC && err == nil || id == linear && taken(l.grantLockPath(id, g)) {
				t.Errorf("%s: it waits for our lock with the client's in hand", id)
			}
			lk.Unlock()
			<-done
			l.wantQuiet()
		})
	}
}

// A lock that cannot be had in time is "later": never stolen, never done
// without.
func TestALockOfALiveClientIsWaitedForAndNeverStolen(t *testing.T) {
	for _, id := range []string{linear, linearC} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := s.Grant(due)
			l.put(id, g)
			lock := l.lock(l.grantLockPath(id, g))
			for range 10 { // much longer than the client's stale age
				out := l.refresh(id)
				l.want(out, refresher.Failed, refresher.Retrying)
				if out.Why != refresher.TroubleUnsent {
					t.Errorf("%s: %s", id, out.Why)
				}
			}
			l.wantPosts(s, g.ID, 0)
			if err := lock.Check(); err != nil {
				t.Errorf("%s: it was stolen: %v", id, err)
			}
			time.AfterFunc(10*time.Second, func() { lock.Release() })
			l.want(l.refresh(id), refresher.Refreshed, refresher.Fresh)
			l.wantPosts(s, g.ID, 1)
			l.wantQuiet()
		})
	}
}

func TestAnAbandonedLockOfClaudeIsTakenOverPastItsAge(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(due)
		l.put(linearC, g)
		lock, began := l.grantLockPath(linearC, g), time.Now()
		if err := os.Mkdir(lock, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(lock, began, began); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if out := l.keep(linearC); out.Did == refresher.Refreshed {
				break
			}
			l.wantPosts(s, g.ID, 0)
			time.Sleep(5 * time.Second)
		}
		if age := time.Since(began); age < 65*time.Second {
			t.Errorf("taken over after %v", age)
		}
		l.wantPosts(s, g.ID, 1)
		l.wantQuiet()
	})
}

// whileWaiting runs a refresh that has to wait for the client's lock, and lets
// the client change the store meanwhile.
func (l *lab) whileWaiting(g authtest.Grant, o refresher.Options, change func()) refresher.Outcome {
	lock := l.lock(l.grantLockPath(linear, g))
	row := l.row(linear)
	done := make(chan refresher.Outcome)
	go func() { done <- l.Refresh(context.Background(), row, o) }()
	time.Sleep(2 * time.Second)
	change()
	lock.Release()
	return <-done
}

func TestANewerTokenIsAdoptedWithoutAPOST(t *testing.T) {
	for _, o := range []refresher.Options{{}, {Word: true}, {Word: true, Force: true, Began: time.Now().Add(-time.Hour)}} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			if !o.Began.IsZero() {
				o.Began = time.Now()
			}
			g := l.one(s, due)
			newer := s.Grant(authtest.GrantOptions{ClientID: g.ClientID})
			out := l.whileWaiting(g, o, func() { l.put(linear, newer) })
			l.want(out, refresher.Adopted, refresher.Fresh)
			l.wantPosts(s, "", 0)
			l.wantStored(s, newer.ID, linear)
			l.wantQuiet()
		})
	}
}

func TestWhatTheUserForbadeMeanwhileIsNotSent(t *testing.T) {
	for _, m := range []ledger.Mode{{Mode: "watch-only"}, {Paused: true}} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			out := l.whileWaiting(g, refresher.Options{}, func() {
				if err := l.other().Ledger.SetMode(l.row(linear).Key, m); err != nil {
					t.Error(err)
				}
			})
			if out.Did != refresher.Nothing {
				t.Errorf("%+v: did %s, %s", m, out.Did, out.State)
			}
			l.wantPosts(s, g.ID, 0)
			l.wantQuiet()
		})
	}
}

func TestARefreshThatEndedSinceTheCommandBeganCounts(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		began := time.Now()
		time.Sleep(time.Second)
		l.want(l.refresh(linear), refresher.Refreshed, refresher.Fresh)
		out := l.Refresh(context.Background(), l.row(linear), refresher.Options{Word: true, Force: true, Began: began})
		l.want(out, refresher.Adopted, refresher.Fresh)
		l.wantPosts(s, g.ID, 1)
		out = l.Refresh(context.Background(), l.row(linear), refresher.Options{Word: true, Force: true, Began: time.Now()})
		l.want(out, refresher.Refreshed, refresher.Fresh)
		l.wantPosts(s, g.ID, 2)
	})
}

// What was planned for another grant than the one in the store is planned
// anew, endpoint and all.
func TestAnotherGrantInTheStoreStartsTheRefreshOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := authtest.New(t, authtest.Options{Memory: true})
		two := authtest.New(t, authtest.Options{Memory: true, Origin: "https://auth2.example", ResourceOrigin: "https://mcp2.example"})
		for name, change := range map[string]func(l *lab, g authtest.Grant) (*authtest.Server, authtest.Grant){
			"refresh token": func(l *lab, g authtest.Grant) (*authtest.Server, authtest.Grant) {
				next := one.Grant(authtest.GrantOptions{ClientID: g.ClientID, AccessLeft: time.Minute})
				l.edit(func(e map[string]any) { e["refresh_token"] = next.RefreshToken })
				return one, next
			},
			"client": func(l *lab, g authtest.Grant) (*authtest.Server, authtest.Grant) {
				next := one.Grant(due)
				l.edit(func(e map[string]any) { e["refresh_token"], e["client_id"] = next.RefreshToken, next.ClientID })
				return one, next
			},
			"issuer": func(l *lab, g authtest.Grant) (*authtest.Server, authtest.Grant) {
				next := two.Grant(due)
				l.edit(func(e map[string]any) {
					e["refresh_token"], e["client_id"], e["issuer"] = next.RefreshToken, next.ClientID, next.Issuer
				})
				return two, next
			},
			"server": func(l *lab, g authtest.Grant) (*authtest.Server, authtest.Grant) {
				next := two.Grant(due)
				l.edit(func(e map[string]any) {
					e["refresh_token"], e["client_id"], e["issuer"], e["server_url"] = next.RefreshToken, next.ClientID, next.Issuer, next.ServerURL
				})
				return two, next
			},
		} {
			l := newLab(t)
			l.over(authtest.Network(one, two))
			g := l.one(one, due)
			var s *authtest.Server
			var next authtest.Grant
			out := l.whileWaiting(g, refresher.Options{}, func() { s, next = change(l, g) })
			if out.Did != refresher.Refreshed {
				t.Errorf("%s: did %s, %s, %v", name, out.Did, out.Why, out.Err)
			}
			l.wantPosts(one, g.ID, 0)
			l.wantPosts(s, next.ID, 1)
			resource := g.Resource // of the server that the entry names
			if name == "server" {
				resource = next.Resource
			}
			if e := s.Last(next.ID); e.ClientID != next.ClientID || !slices.Equal(e.Resource, []string{resource}) {
				t.Errorf("%s: asked as %s for %v", name, e.ClientID, e.Resource)
			}
			l.wantQuiet()
		}
	})
}

func TestAnotherRequestForTheSameRefreshTokenStartsTheRefreshOver(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		out := l.whileWaiting(g, refresher.Options{}, func() { l.edit(func(e map[string]any) { e["scopes"] = []string{"read"} }) })
		l.want(out, refresher.Refreshed, refresher.Fresh)
		l.wantPosts(s, g.ID, 1)
		if scope := s.Last(g.ID).Scope; scope != "read" {
			t.Errorf("asked for %q", scope)
		}
	})
}

func TestAStoreThatNeverRestsIsGivenUp(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		pol := l.Policy
		l.Policy = func() refresher.Policy { // asked at every decision
			next := s.Grant(authtest.GrantOptions{ClientID: g.ClientID, AccessLeft: time.Minute})
			l.edit(func(e map[string]any) { e["refresh_token"] = next.RefreshToken })
			return pol()
		}
		out := l.Refresh(context.Background(), l.row(linear), refresher.Options{})
		if out.Did != refresher.Failed || out.Err == nil {
			t.Errorf("did %s, %v", out.Did, out.Err)
		}
		l.wantPosts(s, "", 0)
		l.wantQuiet()
	})
}

// Right before the POST both locks are looked at once more. The policy is
// asked after the locks were taken, so it is where this test takes them away.
func TestALockThatWasLostMeansNoPOST(t *testing.T) {
	for _, id := range []string{linear, linearC} {
		for _, which := range []string{"ours", "theirs"} {
			bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
				g := s.Grant(due)
				l.put(id, g)
				row := l.row(id)
				path := l.grantLockPath(id, g)
				if which == "ours" {
					path = l.ourLockPath(id)
				}
				pol, lost := l.Policy, false
				l.Policy = func() refresher.Policy {
					if info, err := os.Stat(path); err == nil && (info.IsDir() || taken(path)) {
						os.Remove(path)
						lost = true
						if info.IsDir() {
							os.Mkdir(path, 0o755) // another's
						}
					}
					return pol()
				}
				out := l.Refresh(context.Background(), row, refresher.Options{Word: true})
				if !lost || out.Did != refresher.Failed || out.State != refresher.Retrying {
					t.Errorf("%s, %s: lost %v, did %s, %s, %v", id, which, lost, out.Did, out.State, out.Err)
				}
				l.wantPosts(s, g.ID, 0)
				if n := len(l.pending()); n != 0 {
					t.Errorf("%s, %s: %d records are in the journal", id, which, n)
				}
				if _, err := os.Stat(path); id == linearC && which == "theirs" && err != nil {
					t.Error("another's lock was removed")
				}
			})
		}
	}
}

func TestWithoutAJournalNothingIsSent(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		// A folder in the record's place: it can neither be created nor replaced.
		if err := os.MkdirAll(filepath.Join(l.state, "journal", l.Ledger.OwnerOf(l.row(linear).Key), "x"), 0o700); err != nil {
			t.Fatal(err)
		}
		if out := l.refresh(linear); out.Did != refresher.Failed || out.Err == nil {
			t.Errorf("did %s, err %v", out.Did, out.Err)
		}
		l.wantPosts(s, g.ID, 0)
	})
}

func TestWithoutTheLedgerNothingIsSent(t *testing.T) {
	for name, harm := range map[string]func(state string){
		"marks gone": func(state string) { os.Remove(filepath.Join(state, "marks")) },
		"all gone":   func(state string) { os.RemoveAll(state) },
		"newer":      func(state string) { os.WriteFile(filepath.Join(state, "format"), []byte("2\n"), 0o600) },
		"begun anew": func(state string) { os.Remove(filepath.Join(state, "salt")) },
		"unreadable": func(state string) {
			os.RemoveAll(filepath.Join(state, "memory"))
			os.WriteFile(filepath.Join(state, "memory"), nil, 0o600)
		},
		"modes": func(state string) {
			os.RemoveAll(filepath.Join(state, "modes"))
			os.WriteFile(filepath.Join(state, "modes"), nil, 0o600)
		},
	} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, due)
			row := l.row(linear)
			before := l.read(codexStore...)
			harm(l.state)
			out := l.Refresh(context.Background(), row, refresher.Options{Word: true, Force: true, Anyway: true})
			if sent := s.TokenPosts(g.ID); sent != 0 || out.Did == refresher.Refreshed {
				t.Errorf("%s: did %s, %d POSTs", name, out.Did, sent)
			}
			if l.read(codexStore...) != before {
				t.Errorf("%s: the store changed", name)
			}
		})
	}
}

// countingListener counts the connections that were made.
type countingListener struct {
	net.Listener
	n atomic.Int32
}

func (c *countingListener) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}

func TestEachPOSTHasAConnectionOfItsOwn(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := &countingListener{Listener: inner}
	s := authtest.StartOn(listener, authtest.Options{Policy: authtest.Policy{Reuse: authtest.PreviousUntilUsed}})
	defer s.Close()
	l := newLab(t)
	g := l.one(s, due)
	for range 3 {
		l.want(l.Refresh(context.Background(), l.row(linear), refresher.Options{Word: true, Force: true}), refresher.Refreshed, refresher.Fresh)
	}
	l.wantPosts(s, g.ID, 3)
	if n := len(s.Log()); int(listener.n.Load()) != n {
		t.Errorf("%d connections for %d requests", listener.n.Load(), n)
	}
	if broken := s.Check(); broken != nil {
		t.Error(strings.Join(broken, "\n"))
	}
}
