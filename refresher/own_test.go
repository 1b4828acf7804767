package refresher_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/keyring"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

const graph = "own/graph"

// owned are the user's own credentials, in the state folder.
func (l *lab) owned(led *ledger.Ledger) *credfiles.Owned {
	if l.owns == nil {
		return nil
	}
	return &credfiles.Owned{Dir: filepath.Join(l.state, "own"), All: l.owns, Sealer: led, Still: func(string) bool { return !l.gone }}
}

// application makes own/graph a client of the server that asks for itself, with
// its secret in a file of the home.
func (l *lab) application(s *authtest.Server) {
	l.t.Helper()
	s.AddApplication("app", "cs-one-EXAMPLE", "read")
	l.write("cs-one-EXAMPLE\n", "secret")
	l.owns = []credfiles.Own{{
		Name: "graph", Grant: credfiles.ByClientCredentials, TokenURL: s.URL(authtest.Token), ClientID: "app",
		SecretFile: l.path("secret"), Scope: "read",
	}}
	l.restart()
}

func (w *world) application() {
	w.lab.application(w.s)
	w.lab.Refresher = w.process()
}

func force(r *refresher.Refresher, row refresher.Row) refresher.Outcome {
	return r.Refresh(context.Background(), row, refresher.Options{Word: true, Force: true})
}

func TestAClientThatAsksForItselfIsKeptFreshAheadOfItsEnd(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		w.application()
		w.keep()
		for range 24 * 60 {
			time.Sleep(minute)
			if row := w.row(graph); row.State != refresher.Fresh || time.Until(row.Expiry) < 9*minute {
				t.Fatalf("%s, %s with %v left", row.State, row.Why, time.Until(row.Expiry))
			}
		}
		if n := w.s.Asked("app"); n < 24 || n > 30 {
			t.Errorf("asked %d times in a day for tokens of an hour", n)
		}
	})
}

func TestATokenOfSecondsIsAlwaysThere(t *testing.T) {
	inWorld(t, authtest.Options{Policy: authtest.Policy{AccessLifetime: 5 * time.Second}}, func(w *world) {
		w.application()
		w.keep()
		time.Sleep(3 * time.Second)
		for range 600 {
			time.Sleep(100 * time.Millisecond)
			g, _ := w.s.Applied("app")
			row := w.row(graph)
			if left := time.Until(row.Expiry); left < time.Second || row.Token.Access.Reveal() != g.AccessToken {
				t.Fatalf("a token with %v left: %s, %s", left, row.State, row.Why)
			}
		}
		if n := w.s.Asked("app"); n > 40 {
			t.Errorf("asked %d times in a minute for tokens of 5 s", n)
		}
	})
}

func TestThirtyProcessesAskOnceForAnOwnCredential(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := newLab(t)
	l.application(s)
	began := time.Now()
	s.Behave(authtest.Token, authtest.Behaviour{Delay: 300 * time.Millisecond})
	var group sync.WaitGroup
	var mu sync.Mutex
	did := map[refresher.Did]int{}
	for range 30 {
		other := l.other()
		group.Go(func() {
			out := other.Refresh(t.Context(), other.row(graph), refresher.Options{Word: true, Force: true, Began: began})
			mu.Lock()
			did[out.Did]++
			mu.Unlock()
		})
	}
	group.Wait()
	if s.Asked("app") != 1 || did[refresher.Refreshed] != 1 || did[refresher.Adopted] != 29 {
		t.Errorf("asked %d times: %v", s.Asked("app"), did)
	}
}

func TestARefusedSecretIsLeftAloneUntilItIsAnother(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		w.application()
		w.keep()
		time.Sleep(minute)
		w.s.SetSecret("app", "cs-two-EXAMPLE")
		time.Sleep(3 * hour)
		asked := w.s.Asked("app")
		if row := w.row(graph); row.State != refresher.SignInNeeded || row.Why != refresher.PolicySays || row.Memory.Verdict != exchange.ClientGone.String() {
			t.Errorf("%s, %s (%s)", row.State, row.Why, row.Memory.Verdict)
		}
		time.Sleep(10 * day)
		if n := w.s.Asked("app") - asked; n > 11 {
			t.Errorf("a wrong secret was sent %d times in ten days", n)
		}
		w.write("cs-two-EXAMPLE\n", "secret")
		w.signal()
		time.Sleep(minute)
		if row := w.row(graph); row.State != refresher.Fresh {
			t.Errorf("with another secret: %s, %s", row.State, row.Why)
		}
	})
}

// Nothing that a client gets for itself is ever used up or dead, whatever the
// server says: a mark without a token would be everybody's.
func TestNoAnswerMarksAnApplicationsToken(t *testing.T) {
	for _, code := range []string{"invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope", "access_denied", "server_error"} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			l.application(s)
			s.Next(authtest.Token, authtest.Behaviour{Answer: authtest.Refusal{Code: code}.Answer()})
			out := force(l.Refresher, l.row(graph))
			if out.Did != refresher.Failed || out.Answer.Kind == exchange.Dead {
				t.Errorf("%s: %s, %v", code, out.Did, out.Answer.Kind)
			}
			if text, err := os.ReadFile(filepath.Join(l.state, "marks")); err != nil || len(text) > 0 {
				t.Errorf("%s: the marks are %q, %v", code, text, err)
			}
			// A person's word is enough to ask again.
			if out := force(l.Refresher, l.row(graph)); out.Did != refresher.Refreshed {
				t.Errorf("%s: asked again: %s, %v", code, out.Did, out.Err)
			}
		})
	}
}

// A refresh token that comes all the same is of no use (RFC 6749 section 4.4.3)
// and is not kept.
func TestARefreshTokenForAnApplicationIsNotKept(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.application(s)
		s.Next(authtest.Token, authtest.Behaviour{Answer: &authtest.Answer{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"access_token":"at-EXAMPLE","refresh_token":"rt-EXAMPLE","expires_in":3600}`)}})
		out := force(l.Refresher, l.row(graph))
		if out.Did != refresher.Refreshed || !out.Token.Refresh.IsZero() {
			t.Fatalf("%s, %v", out.Did, out.Err)
		}
		for _, folder := range []string{"own", "kept", "journal"} {
			filepath.WalkDir(filepath.Join(l.state, folder), func(path string, d fs.DirEntry, err error) error {
				if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), "rt-EXAMPLE") {
					t.Errorf("%s holds the refresh token", path)
				}
				return nil
			})
		}
	})
}

// Wherever a process dies in between, the next one just asks, or lands what came.
func TestNoCrashHurtsAnApplication(t *testing.T) {
	for _, answered := range []bool{false, true} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			l.application(s)
			row := l.row(graph)
			lk, err := l.Ledger.Lock(t.Context(), row.Key)
			if err != nil {
				t.Fatal(err)
			}
			post := exchange.Post{TokenURL: s.URL(authtest.Token), Auth: exchange.Basic, AuthBy: "default", ClientID: "app", Scope: "read", Accept: "application/json", Grant: exchange.ClientCredentials}
			rec, err := lk.Begin(ledger.SentOf(row.Credential, post, 0, true))
			if err != nil {
				t.Fatal(err)
			}
			want := 1
			if answered {
				a := exchange.Answer{Status: 200, Written: true, SentAt: time.Now(), At: time.Now(), Body: []byte(`{"access_token":"at-late-EXAMPLE","expires_in":3600}`)}
				if err := rec.Answered(a); err != nil {
					t.Fatal(err)
				}
				want = 0
			}
			rec.Close()
			lk.Unlock()
			l.restart()
			time.Sleep(minute)
			row = l.row(graph)
			if !row.Due {
				t.Fatalf("%s, %s", row.State, row.Why)
			}
			out := l.Refresh(t.Context(), row, refresher.Options{})
			if out.Did != refresher.Refreshed || s.Asked("app") != want {
				t.Errorf("answered %v: %s, %v; asked %d times", answered, out.Did, out.Err, s.Asked("app"))
			}
			if records, _ := l.Ledger.Pending(); len(records) > 0 {
				t.Errorf("answered %v: a record is left", answered)
			}
		})
	}
}

func TestWhatTheConfigNamesNowIsAskedForAnew(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.application(s)
		force(l.Refresher, l.row(graph))
		if row := l.row(graph); row.State != refresher.Fresh {
			t.Fatalf("%s, %s", row.State, row.Why)
		}
		s.AddApplication("app", "cs-one-EXAMPLE", "read write")
		l.owns[0].Scope = "write"
		l.restart()
		row := l.row(graph)
		if !row.Due || !row.Token.Access.IsZero() {
			t.Fatalf("with another scope: %s, %s", row.State, row.Why)
		}
		if out := l.Refresh(t.Context(), row, refresher.Options{}); out.Did != refresher.Refreshed {
			t.Errorf("with another scope: %s, %v", out.Did, out.Err)
		}
		l.owns[0].ClientID, l.owns[0].SecretFile = "other", ""
		l.restart()
		if row := l.row(graph); row.Why != refresher.NoSecret || !row.Token.Access.IsZero() {
			t.Errorf("with another client: %s, %s", row.State, row.Why)
		}
	})
}

// A vault is a keyring of ours that can be locked.
type vault struct {
	items map[string][]byte
	err   error
}

func (v *vault) Recall(_ context.Context, name string) ([]byte, error) {
	if v.err != nil {
		return nil, v.err
	}
	if secret, ok := v.items[name]; ok {
		return slices.Clone(secret), nil
	}
	return nil, fs.ErrNotExist
}

func (v *vault) Keep(_ context.Context, name string, secret []byte) error {
	if v.err == nil {
		v.items[name] = slices.Clone(secret)
	}
	return v.err
}

func TestALockedKeyringIsAStateAndNothingIsSentOrLost(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		v := &vault{items: map[string][]byte{}}
		l.vault = v
		s.AddClient("app", "")
		l.owns = []credfiles.Own{{Name: "graph", Grant: credfiles.ByRefreshToken, TokenURL: s.URL(authtest.Token), ClientID: "app"}}
		l.restart()
		g := s.Grant(authtest.GrantOptions{ClientID: "app"})
		if out := l.Entrust(t.Context(), l.row(graph), credfiles.Secret{}, credfiles.NewSecret(g.RefreshToken)); out.Err != nil {
			t.Fatal(out.Err)
		}
		if out := l.Refresh(t.Context(), l.row(graph), refresher.Options{}); out.Did != refresher.Refreshed || !out.Protected {
			t.Fatalf("%s, %v, protected %v", out.Did, out.Err, out.Protected)
		}
		now := s.Current(g.ID)
		text, err := os.ReadFile(filepath.Join(l.state, "own", "graph.json"))
		if err != nil || strings.Contains(string(text), now.RefreshToken) || strings.Contains(string(text), now.AccessToken) {
			t.Fatalf("the store is not sealed (%v)", err)
		}
		before := l.row(graph).Memory
		for _, trouble := range []error{keyring.ErrLocked, keyring.ErrAbsent, keyring.ErrSlow, fs.ErrNotExist} {
			v.err = trouble
			l.restart()
			time.Sleep(2 * hour) // it is due
			row := l.row(graph)
			if row.State != refresher.WatchOnly || !row.Unread {
				t.Errorf("%v: %s, %s", trouble, row.State, row.Why)
			}
			if out := force(l.Refresher, row); out.Did != refresher.Nothing && !errors.Is(out.Err, trouble) {
				t.Errorf("%v: %s, %v", trouble, out.Did, out.Err)
			}
			l.Observe(row)
		}
		v.err = nil
		l.restart()
		if row := l.row(graph); row.Token.Refresh.Reveal() != now.RefreshToken || row.Memory.Refresh != before.Refresh || row.Memory.Lifetime != before.Lifetime {
			t.Error("it came back as another than it was")
		}
		if n := s.TokenPosts(g.ID); n != 1 {
			t.Errorf("%d POSTs", n)
		}
		if out := l.Refresh(t.Context(), l.row(graph), refresher.Options{}); out.Did != refresher.Refreshed {
			t.Errorf("unlocked: %s, %v", out.Did, out.Err)
		}
	})
}

// Where the store was made plain, because no keyring ran, the journal is no
// plainer and no darker.
func TestWithoutAKeyringAnOwnCredentialIsInAFileOfItsOwners(t *testing.T) {
	for _, none := range []error{keyring.ErrAbsent, keyring.ErrVolatile} {
		synctest.Test(t, func(t *testing.T) {
			s := authtest.New(t, authtest.Options{Memory: true})
			l := newLab(t)
			l.vault = &vault{err: none}
			l.over(s.Transport())
			l.application(s)
			if out := force(l.Refresher, l.row(graph)); out.Did != refresher.Refreshed || out.Protected {
				t.Fatalf("%v: %s, %v, protected %v", none, out.Did, out.Err, out.Protected)
			}
			info, err := os.Stat(filepath.Join(l.state, "own", "graph.json"))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
			// A keyring that runs later seals the next token.
			l.vault = &vault{items: map[string][]byte{}}
			l.restart()
			if out := force(l.Refresher, l.row(graph)); out.Did != refresher.Refreshed || !out.Protected {
				t.Errorf("%s, %v, protected %v", out.Did, out.Err, out.Protected)
			}
		})
	}
}

// A keeper that does not know yet that a credential was removed makes nothing of
// it again.
func TestWhatWasRemovedIsNotMadeAgain(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.application(s)
		row := l.row(graph)
		l.gone = true
		if out := force(l.Refresher, row); out.Did != refresher.Lost {
			t.Errorf("%s, %v", out.Did, out.Err)
		}
		if _, err := os.Stat(filepath.Join(l.state, "own")); !errors.Is(err, fs.ErrNotExist) || s.Asked("app") != 0 {
			t.Errorf("%v; asked %d times", err, s.Asked("app"))
		}
	})
}

// Each end of a secret is told once, also a year after the one before.
func TestEachTroubleOfAnApplicationIsToldOnce(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.application(s)
		for round := range 2 {
			if out := force(l.Refresher, l.row(graph)); out.Did != refresher.Refreshed || out.NeedsPerson() {
				t.Fatalf("%s, %v", out.Did, out.Err)
			}
			s.ExpireSecret("app", true)
			out := force(l.Refresher, l.row(graph))
			if !out.NeedsPerson() {
				t.Fatalf("%s, %s", out.State, out.Why)
			}
			for i, want := range []bool{true, false} {
				if told := l.Ledger.FirstToTell(t.Context(), out.Key, out.Row.Token.Refresh); told != want {
					t.Errorf("round %d, keeper %d: %v", round, i, told)
				}
			}
			s.ExpireSecret("app", false)
		}
	})
}

// The answer to an own refresh token is the only copy of the next one, whoever
// dies before it is in our store.
func TestAnAnswerForAnOwnRefreshTokenLandsAfterACrash(t *testing.T) {
	for _, ring := range []ledger.Vault{nil, &vault{items: map[string][]byte{}}} {
		bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
			l.vault = ring
			s.AddClient("app", "")
			l.owns = []credfiles.Own{{Name: "graph", Grant: credfiles.ByRefreshToken, TokenURL: s.URL(authtest.Token), ClientID: "app"}}
			l.restart()
			g := s.Grant(authtest.GrantOptions{ClientID: "app"})
			if out := l.Entrust(t.Context(), l.row(graph), credfiles.Secret{}, credfiles.NewSecret(g.RefreshToken)); out.Err != nil {
				t.Fatal(out.Err)
			}
			row := l.row(graph)
			if row.Protected != (ring != nil) {
				t.Errorf("protected %v", row.Protected)
			}
			lk, err := l.Ledger.Lock(t.Context(), row.Key)
			if err != nil {
				t.Fatal(err)
			}
			post := exchange.Post{TokenURL: s.URL(authtest.Token), Auth: exchange.None, AuthBy: "public", ClientID: "app", Accept: "application/json"}
			rec, err := lk.Begin(ledger.SentOf(row.Credential, post, 0, true))
			if err != nil {
				t.Fatal(err)
			}
			answer := exchange.Send(t.Context(), s.Transport(), post, row.Token.Refresh, credfiles.Secret{})
			if err := rec.Answered(answer); err != nil {
				t.Fatal(err)
			}
			rec.Close()
			lk.Unlock()
			for _, folder := range []string{"own", "journal"} {
				filepath.WalkDir(filepath.Join(l.state, folder), func(path string, d fs.DirEntry, err error) error {
					if text, err := os.ReadFile(path); err == nil && ring != nil && (strings.Contains(string(text), g.RefreshToken) || strings.Contains(string(text), s.Current(g.ID).RefreshToken)) {
						t.Errorf("%s is plain", path)
					}
					return nil
				})
			}
			l.restart()
			out := l.Refresh(t.Context(), l.row(graph), refresher.Options{})
			if out.Did != refresher.Refreshed || s.TokenPosts(g.ID) != 1 {
				t.Errorf("%s, %v after %d POSTs", out.Did, out.Err, s.TokenPosts(g.ID))
			}
			if now := l.row(graph); now.Token.Refresh.Reveal() != s.Current(g.ID).RefreshToken {
				t.Error("the successor is not in the store")
			}
		})
	}
}

func TestAnotherSecretTakesThePlaceOnlyOfOneThatTheServerTakesLess(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.application(s)
		l.owns[0].SecretFile = ""
		l.restart()
		if out := l.Entrust(t.Context(), l.row(graph), credfiles.NewSecret("cs-one-EXAMPLE"), credfiles.Secret{}); out.Err != nil {
			t.Fatal(out.Err)
		}
		force(l.Refresher, l.row(graph))
		before := l.row(graph)
		out := l.Replace(t.Context(), before, credfiles.NewSecret("wrong-EXAMPLE"))
		after := l.row(graph)
		if out.Did != refresher.Failed || out.Answer.Kind != exchange.ClientGone || after.ClientSecret.Reveal() != "cs-one-EXAMPLE" || after.State != refresher.Fresh || after.Memory.Wait != "" {
			t.Errorf("a wrong one: %s, %v; then %s, %s", out.Did, out.Err, after.State, after.Why)
		}
		if records, _ := l.Ledger.Pending(); len(records) > 0 {
			t.Error("a record is left")
		}
		s.SetSecret("app", "cs-two-EXAMPLE")
		out = l.Replace(t.Context(), after, credfiles.NewSecret("cs-two-EXAMPLE"))
		if now := l.row(graph); out.Did != refresher.Refreshed || now.ClientSecret.Reveal() != "cs-two-EXAMPLE" || now.Token.Access.Equal(before.Token.Access) {
			t.Errorf("the right one: %s, %v", out.Did, out.Err)
		}
		if out := force(l.Refresher, l.row(graph)); out.Did != refresher.Refreshed {
			t.Errorf("after it: %s, %v", out.Did, out.Err)
		}
	})
}
