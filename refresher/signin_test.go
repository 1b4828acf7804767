package refresher_test

// What becomes of a sign-in: the store, the marks, what is remembered, and
// what a crash leaves of it.

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"os"
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

const (
	verifier = "verifier-EXAMPLE-verifier-EXAMPLE-verifier-EXAMPLE"
	callback = "http://127.0.0.1:7777/callback"
)

// agreed is a sign-in to which a person agreed in the browser, as the client
// of that ID.
func (l *lab) agreed(s *authtest.Server, client string) refresher.SignIn {
	l.t.Helper()
	challenge := sha256.Sum256([]byte(verifier))
	r, err := http.NewRequest(http.MethodGet, s.URL(authtest.Authorize)+"?"+url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {callback}, "state": {"s"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
		"scope": {"read write offline_access"},
	}.Encode(), nil)
	if err != nil {
		l.t.Fatal(err)
	}
	resp, err := l.via.RoundTrip(r)
	if err != nil {
		l.t.Fatal(err)
	}
	resp.Body.Close()
	back, _ := url.Parse(resp.Header.Get("Location"))
	post, err := exchange.PlanCode(credfiles.Grant{ClientID: client}, exchange.Server{Issuer: s.Issuer(), TokenURL: s.URL(authtest.Token)})
	if err != nil {
		l.t.Fatal(err)
	}
	return refresher.SignIn{
		Registration: ledger.Registration{Issuer: s.Issuer(), ClientID: client, Redirect: callback},
		Post:         post,
		Code: exchange.Code{
			Value: credfiles.NewSecret(back.Query().Get("code")), Verifier: credfiles.NewSecret(verifier), Redirect: callback,
		},
	}
}

func (l *lab) signIn(id string, in refresher.SignIn) refresher.Outcome {
	l.t.Helper()
	return l.SignIn(context.Background(), l.row(id), in)
}

// newest is the grant of the last sign-in.
func newest(s *authtest.Server) authtest.Grant {
	all := s.Grants()
	return all[len(all)-1]
}

// dies makes a grant whose refresh token the server has refused.
func (l *lab) dies(s *authtest.Server, id string) authtest.Grant {
	l.t.Helper()
	g := s.Grant(authtest.GrantOptions{AccessLeft: -time.Minute})
	l.put(id, g)
	s.KillGrant(g.ID)
	l.want(l.refresh(id), refresher.Failed, refresher.SignInNeeded)
	return g
}

func TestASignInIsInTheStoreAndWhatWasBeforeIsOver(t *testing.T) {
	for _, id := range []string{linear, linearC} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.dies(s, id)
			if id == linearC {
				l.write(marshal(map[string]any{"linear": map[string]any{"timestamp": time.Now().UnixMilli()}}), ".claude", "mcp-needs-auth-cache.json")
			}
			before := l.read(storeOf(id)...)
			out := l.signIn(id, l.agreed(s, g.ClientID))
			l.want(out, refresher.SignedIn, refresher.Fresh)
			if id == linearC && l.read(".claude", "mcp-needs-auth-cache.json") != "{}" {
				t.Error("its client's own mark is still there")
			}
			now := newest(s)
			l.wantStored(s, now.ID, id)
			after := l.read(storeOf(id)...)
			for _, is := range [][2]string{{g.AccessToken, now.AccessToken}, {g.RefreshToken, now.RefreshToken}} {
				before = strings.ReplaceAll(before, is[0], is[1])
			}
			if strings.Count(after, g.ClientID) != 1 || len(after)-len(before) > len(`,"scope":"read write offline_access"`) {
				t.Errorf("%s: more than the token changed:\n%s\n%s", id, before, after)
			}
			if got := l.marked(g.RefreshToken); got != "spent" {
				t.Errorf("%s: the old one is marked %s", id, got)
			}
			m := l.row(id).Memory
			if !m.Dead.IsZero() || m.Verdict != "" || m.Wait != "" || m.Told != "" || m.Lifetime != time.Hour || m.Issuer != s.Issuer() || m.TokenURL == "" {
				t.Errorf("%s: remembered %+v", id, m)
			}
			l.wantQuiet()
			time.Sleep(51 * time.Minute)
			l.want(l.keep(id), refresher.Refreshed, refresher.Fresh)
			l.wantPosts(s, now.ID, 1)
			l.wantPosts(s, g.ID, 1)
		})
	}
}

func TestASignInWithAnotherClientWritesThatToo(t *testing.T) {
	for _, id := range []string{linear, linearC} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.dies(s, id)
			s.AddClient("client-new", "")
			out := l.signIn(id, l.agreed(s, "client-new"))
			l.want(out, refresher.SignedIn, refresher.Fresh)
			row := l.row(id)
			if row.ClientID != "client-new" || row.Issuer != s.Issuer() || id == linearC && row.RedirectURI != callback {
				t.Errorf("%s: client %q of %q, redirect %q", id, row.ClientID, row.Issuer, row.RedirectURI)
			}
			if strings.Contains(l.read(storeOf(id)...), g.ClientID) {
				t.Errorf("%s: the old client is still there", id)
			}
			l.wantStored(s, newest(s).ID, id)
			if m := row.Memory; m.Client != "client-new" || m.Lineage != 1 {
				t.Errorf("%s: remembered %+v", id, m)
			}
			l.want(l.Refresh(context.Background(), row, refresher.Options{Force: true}), refresher.Refreshed, refresher.Fresh)
			l.wantQuiet()
		})
	}
}

func TestASignInThatFailsLeavesEverythingAsItWas(t *testing.T) {
	page := authtest.Answer{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<html>")}
	for what, b := range map[string]authtest.Behaviour{
		"refused":    {Answer: authtest.Refusal{Code: "invalid_grant"}.Answer()},
		"client":     {Answer: authtest.Refusal{Code: "invalid_client"}.Answer()},
		"down":       {Answer: authtest.Status(503)},
		"dropped":    {Fault: authtest.DropAfter},
		"never came": {Fault: authtest.DropBefore},
		"a page":     {Answer: &page},
	} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			g := l.one(s, authtest.GrantOptions{AccessLeft: 8 * time.Hour})
			l.Observe(l.row(linear))
			before, was := l.read(codexStore...), l.row(linear)
			in := l.agreed(s, g.ClientID)
			s.Next(authtest.Token, b)
			out := l.signIn(linear, in)
			if out.Did != refresher.Failed || out.Answer.Kind == exchange.Refreshed {
				t.Errorf("%s: did %s, %v", what, out.Did, out.Answer)
			}
			if l.read(codexStore...) != before {
				t.Errorf("%s: the store changed", what)
			}
			if got := l.marked(g.RefreshToken); got != "not" {
				t.Errorf("%s: the refresh token, which was not sent, is marked %s", what, got)
			}
			if is := l.row(linear); is.State != was.State || is.Why != was.Why || is.Memory.Wait != "" {
				t.Errorf("%s: it is %s, %s", what, is.State, is.Why)
			}
			l.wantPosts(s, g.ID, 0)
			l.wantQuiet()
		})
	}
}

// halfway is a sign-in that was killed: after the code was sent, or with the
// answer in the journal.
func (l *lab) halfway(in refresher.SignIn, answered bool) {
	l.t.Helper()
	row := l.row(linear)
	l.Observe(row)
	lk, err := l.Ledger.Lock(context.Background(), row.Key)
	if err != nil {
		l.t.Fatal(err)
	}
	defer lk.Unlock()
	sent := ledger.SentOf(row.Credential, in.Post, row.Memory.Lineage, false)
	sent.SignIn = &in.Registration
	rec, err := lk.Begin(sent)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rec.Close()
	answer := exchange.Redeem(context.Background(), l.via, in.Post, in.Code, in.Registration.Secret)
	if answered {
		if err := rec.Answered(answer); err != nil {
			l.t.Fatal(err)
		}
	}
	l.restart()
}

func TestASignInWhoseAnswerIsInTheJournalLandsOnEveryStateOfTheStore(t *testing.T) {
	for _, client := range []string{"", "client-new"} {
		for state, change := range stores {
			bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
				g := l.one(s, due)
				row := l.row(linear)
				s.AddClient("client-new", "")
				to := client
				if to == "" {
					to = g.ClientID
				}
				l.halfway(l.agreed(s, to), true)
				ours := newest(s)
				change(l, s, g)
				before, _ := os.ReadFile(l.path(codexStore...))
				out := l.Refresh(context.Background(), row, refresher.Options{})
				after, _ := os.ReadFile(l.path(codexStore...))
				switch state {
				case "same", "blanked":
					l.want(out, refresher.SignedIn, refresher.Fresh)
					l.wantStored(s, ours.ID, linear)
					if got := l.row(linear).ClientID; got != to {
						t.Errorf("%s: client %q, want %q", state, got, to)
					}
				case "rotated":
					l.want(out, refresher.Adopted, refresher.Fresh)
				default:
					if out.Did != refresher.Lost {
						t.Errorf("%s: did %s", state, out.Did)
					}
				}
				if state != "same" && state != "blanked" && string(after) != string(before) {
					t.Errorf("%s: the store was written", state)
				}
				l.wantPosts(s, g.ID, 0)
				l.wantPosts(s, ours.ID, 0)
				l.wantQuiet()
			})
		}
	}
}

func TestASignInThatIsInTheStoreAlreadyIsNotWrittenAgain(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.one(s, due)
		s.AddClient("client-new", "")
		l.halfway(l.agreed(s, "client-new"), true)
		name := l.pendingFile()
		record, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		l.want(l.keep(linear), refresher.SignedIn, refresher.Fresh)
		landed := l.read(codexStore...)
		if err := os.WriteFile(name, record, 0o600); err != nil { // killed before the record ended
			t.Fatal(err)
		}
		l.restart()
		l.want(l.keep(linear), refresher.SignedIn, refresher.Fresh)
		if l.read(codexStore...) != landed {
			t.Error("the store was written again")
		}
		if m := l.row(linear).Memory; m.Lineage != 1 {
			t.Errorf("lineage %d, want 1", m.Lineage)
		}
		l.wantQuiet()
	})
}

func (l *lab) pendingFile() string {
	return l.state + "/journal/" + l.Ledger.OwnerOf(l.row(linear).Key)
}

// Nobody knows what became of the code; of the refresh token everybody does.
func TestASignInThatWasKilledBeforeItsAnswerRepeatsNothing(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, authtest.GrantOptions{AccessLeft: 8 * time.Hour})
		l.halfway(l.agreed(s, g.ClientID), false)
		time.Sleep(2 * time.Minute)
		out := l.keep(linear)
		if out.State != refresher.Fresh || out.Why != refresher.NotDue {
			t.Errorf("it is %s, %s: %v", out.State, out.Why, out.Err)
		}
		l.wantPosts(s, g.ID, 0)
		l.wantQuiet()
		l.want(l.Refresh(context.Background(), l.row(linear), refresher.Options{Force: true}), refresher.Refreshed, refresher.Fresh)
	})
}

func TestASignInWhoseStoreRefusesWaitsInTheJournalAndLands(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.dies(s, linear)
		before := l.read(codexStore...)
		in := l.agreed(s, g.ClientID)
		var lock *clientlock.Lock
		meanwhile(s, func() { lock = l.lock(l.storeLockPath()) })
		l.want(l.signIn(linear, in), refresher.Failed, refresher.Unsaved)
		if l.read(codexStore...) != before {
			t.Error("the store changed under somebody else's lock")
		}
		l.restart()
		lock.Release()
		time.Sleep(10 * time.Minute)
		l.want(l.keep(linear), refresher.SignedIn, refresher.Fresh)
		l.wantStored(s, newest(s).ID, linear)
		l.wantQuiet()
	})
}

func TestAStoreThatCannotBeWrittenIsFoundBeforeTheCodeIsSent(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.dies(s, linear)
		in := l.agreed(s, g.ClientID)
		asked, row := s.Requests(authtest.Token), l.row(linear)
		if err := os.Rename(l.path(codexStore...), l.path(".codex", "elsewhere")); err != nil {
			t.Fatal(err)
		}
		if out := l.SignIn(context.Background(), row, in); out.Did != refresher.Lost {
			t.Errorf("without a store: did %s, %v", out.Did, out.Err)
		}
		if err := os.Mkdir(l.path(codexStore...), 0o700); err != nil {
			t.Fatal(err)
		}
		var p *credfiles.Problem
		if out := l.SignIn(context.Background(), row, in); out.Did != refresher.Failed || !errors.As(out.Err, &p) {
			t.Errorf("with a folder in its place: did %s, %v", out.Did, out.Err)
		}
		if got := s.Requests(authtest.Token); got != asked {
			t.Errorf("the code was sent")
		}
		l.wantQuiet()
	})
}

func TestASignInThatCannotHaveTheLockSaysNothingOfTheRefreshToken(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.dies(s, linear)
		in, was, asked := l.agreed(s, g.ClientID), l.row(linear).Memory, s.Requests(authtest.Token)
		lock := l.lock(l.grantLockPath(linear, g))
		out := l.signIn(linear, in)
		var busy *clientlock.BusyError
		if out.Did != refresher.Failed || !errors.As(out.Err, &busy) {
			t.Errorf("did %s, %v", out.Did, out.Err)
		}
		if is := l.row(linear).Memory; is.Wait != was.Wait || is.Code != was.Code || !is.Tried.Equal(was.Tried) {
			t.Errorf("remembered %+v, was %+v", is, was)
		}
		if s.Requests(authtest.Token) != asked {
			t.Error("the code was sent")
		}
		lock.Release()
		l.want(l.signIn(linear, in), refresher.SignedIn, refresher.Fresh)
		l.wantQuiet()
	})
}

// Where the answer has no refresh token the one that works goes on, and the
// one that does not is gone.
func TestASignInWithoutARefreshToken(t *testing.T) {
	for _, id := range []string{linear, linearC} {
		for what, test := range map[string]struct {
			dead, other bool
			want        refresher.State
		}{
			"good":           {false, false, refresher.Fresh},
			"dead":           {true, false, refresher.CannotRefresh},
			"another client": {false, true, refresher.CannotRefresh},
		} {
			bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
				g := s.Grant(authtest.GrantOptions{AccessLeft: 8 * time.Hour})
				l.put(id, g)
				if test.dead {
					g = l.dies(s, id)
				}
				client := g.ClientID
				if test.other {
					client = "client-new"
					s.AddClient(client, "")
				}
				in := l.agreed(s, client)
				s.Next(authtest.Token, authtest.Behaviour{Shape: authtest.Shape{Refresh: authtest.AbsentRefresh}})
				out := l.signIn(id, in)
				l.want(out, refresher.SignedIn, test.want)
				row := l.row(id)
				if kept := row.Refresh.Reveal() == g.RefreshToken; kept != (what == "good") || !kept && !row.Refresh.IsZero() {
					t.Errorf("%s, %s: the refresh token before it is there: %v", id, what, kept)
				}
				if row.WatchOnly != "" || row.State != test.want {
					t.Errorf("%s, %s: it is %s, %s, %s", id, what, row.State, row.Why, row.WatchOnly)
				}
				l.wantQuiet()
			})
		}
	}
}

func TestASignInTakesTheTroubleOfARefreshAway(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.one(s, due)
		l.lost(s, g, authtest.DropBefore) // sent, and nobody knows what became of it
		out := l.signIn(linear, l.agreed(s, g.ClientID))
		l.want(out, refresher.SignedIn, refresher.Fresh)
		l.wantPosts(s, g.ID, 1)
		l.wantStored(s, newest(s).ID, linear)
		if m := l.row(linear).Memory; m.Wait != "" || !m.Until.IsZero() {
			t.Errorf("remembered %+v", m)
		}
		l.wantQuiet()
	})
}

func TestASignInOfSomebodyElseMeanwhileStays(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.dies(s, linear)
		row, in := l.row(linear), l.agreed(s, g.ClientID)
		theirs := l.one(s, authtest.GrantOptions{})
		asked := s.Requests(authtest.Token)
		l.want(l.SignIn(context.Background(), row, in), refresher.Adopted, refresher.Fresh)
		if s.Requests(authtest.Token) != asked {
			t.Error("the code was sent")
		}
		l.wantStored(s, theirs.ID, linear)
		l.wantQuiet()
	})
}

func TestRunningProgramsAreToldOfASignIn(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.dies(s, linear)
		row := l.row(linear)
		row.Holders = []credfiles.Process{{PID: 1, Started: time.Now().Add(-time.Hour), Rereads: credfiles.NearExpiry}}
		out := l.SignIn(context.Background(), row, l.agreed(s, g.ClientID))
		if len(out.Reconnect) != 1 || out.How == "" {
			t.Errorf("did %s, told %v, %q", out.Did, out.Reconnect, out.How)
		}
	})
}

func TestASignInByTheClientIsNoticed(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.dies(s, linear)
		row := l.row(linear)
		if out := l.SignedInByClient(context.Background(), row); out.Did != refresher.Nothing || out.State != refresher.SignInNeeded {
			t.Errorf("before: did %s, it is %s", out.Did, out.State)
		}
		row.Holders = []credfiles.Process{{PID: 1, Started: time.Now().Add(-time.Hour), Rereads: credfiles.NearExpiry}}
		l.one(s, authtest.GrantOptions{})
		out := l.SignedInByClient(context.Background(), row)
		l.want(out, refresher.SignedIn, refresher.Fresh)
		if len(out.Reconnect) != 1 {
			t.Errorf("told %v", out.Reconnect)
		}
	})
}

// Two homes hold the same value; whose sign-in ends whose is the server's
// secret.
func TestASignInOfACopyLeavesTheOtherAlone(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := s.Grant(authtest.GrantOptions{AccessLeft: 8 * time.Hour})
		l.put(linear, g)
		l.put(linearC, g)
		if row := l.row(linear); row.Why != refresher.Forked {
			t.Fatalf("it is %s, %s", row.State, row.Why)
		}
		l.want(l.signIn(linear, l.agreed(s, g.ClientID)), refresher.SignedIn, refresher.Fresh)
		if got := l.marked(g.RefreshToken); got != "not" {
			t.Errorf("the copy's is marked %s", got)
		}
		l.want(l.Refresh(context.Background(), l.row(linearC), refresher.Options{Force: true}), refresher.Refreshed, refresher.Fresh)
	})
}

// A store that is put back, as from a backup, gets what was signed in for.
func TestAStoreThatGoesBackBehindASignInGetsItAgain(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		g := l.dies(s, linear)
		before := l.read(codexStore...)
		l.want(l.signIn(linear, l.agreed(s, g.ClientID)), refresher.SignedIn, refresher.Fresh)
		l.write(before, codexStore...)
		l.want(l.keep(linear), refresher.Restored, refresher.Fresh)
		l.wantStored(s, newest(s).ID, linear)
		l.wantPosts(s, newest(s).ID, 0)
	})
}
