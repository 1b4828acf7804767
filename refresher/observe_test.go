package refresher_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/ledger"
)

func (w *world) observe() {
	for _, row := range w.Scan(context.Background()).Rows {
		w.Observe(row)
	}
}

func (c *tenant) store() []string {
	return []string{"." + strings.SplitN(c.id, "/", 2)[0], ".credentials.json"}
}

func TestAValueThatItsClientRotatedIsNeverSentAndItsSuccessorComesBack(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		for _, c := range w.tenants(authtest.GrantOptions{}) {
			w.observe()
			before := w.read(c.store()...)
			time.Sleep(5 * minute)
			c.refresh()
			after := w.read(c.store()...)
			w.observe()
			w.write(before, c.store()...)
			w.observe()
			if out := w.refresh(c.id); out.Did != refresher.Restored || w.read(c.store()...) != after {
				t.Errorf("%s: did %s, %s, %s", c.id, out.Did, out.State, out.Why)
			}
			if n := c.posts() - c.own; n != 0 {
				t.Errorf("%s: %d POSTs of ours", c.id, n)
			}
		}
	})
}

// The newest token is of another registration, and no successor of what came
// back from a backup.
func TestATokenOfAnotherRegistrationIsNoSuccessor(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		c := w.tenants(authtest.GrantOptions{AccessLeft: minute})[0]
		before := w.read(c.store()...)
		if out := w.refresh(c.id); out.Did != refresher.Refreshed {
			t.Fatal(out.Did)
		}
		c.signIn(authtest.GrantOptions{})
		w.observe()
		w.write(before, c.store()...)
		if row := w.row(c.id); row.State != refresher.SignInNeeded || row.Why != refresher.WasSpent {
			t.Errorf("%s, %s", row.State, row.Why)
		}
		if w.refresh(c.id); w.read(c.store()...) != before {
			t.Error("the store was changed")
		}
	})
}

// wipe empties the entry as its client does when the server refused it.
func (c *tenant) wipe(clientToo bool) {
	text := c.w.read(c.store()...)
	swap := func(old, new string) {
		if !strings.Contains(text, old) {
			c.w.t.Fatal("the store has another shape")
		}
		text = strings.Replace(text, old, new, 1)
	}
	if strings.HasPrefix(c.id, "codex") {
		swap(`"refresh_token":"`+c.grant.RefreshToken+`"`, `"refresh_token":null`)
	} else {
		swap(`"refreshToken":"`+c.grant.RefreshToken+`",`, ``)
		swap(`"accessToken":"`+c.grant.AccessToken+`"`, `"accessToken":""`)
		swap(fmt.Sprintf(`"expiresAt":%d`, c.grant.Expiry.UnixMilli()), `"expiresAt":0`)
		if clientToo {
			swap(`"clientId":"`+c.grant.ClientID+`",`, ``)
		}
	}
	c.w.write(text, c.store()...)
}

func TestAValueThatItsClientWipedIsDeadWhereverItTurnsUp(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		for _, c := range w.tenants(authtest.GrantOptions{}) {
			w.observe()
			before := w.read(c.store()...)
			c.wipe(false)
			w.observe()
			if row := w.row(c.id); row.State != refresher.SignInNeeded || row.Why != refresher.WasBlanked {
				t.Errorf("%s wiped: %s, %s", c.id, row.State, row.Why)
			}
			if w.Observe(w.row(c.id)) {
				t.Errorf("%s: the same wipe is news again", c.id)
			}
			w.write(before, c.store()...)
			w.observe()
			if row := w.row(c.id); row.State != refresher.SignInNeeded || row.Why != refresher.WasRefused {
				t.Errorf("%s put back: %s, %s", c.id, row.State, row.Why)
			}
			w.Refresh(context.Background(), w.row(c.id), refresher.Options{Word: true, Force: true, Anyway: true})
			if n := c.posts(); n != 0 {
				t.Errorf("%s: %d POSTs", c.id, n)
			}
		}
	})
}

// Client and keeper sent one value at once, on a server that forgives it, and
// the client's answer was in the store when ours came. If that one is refused
// and emptied, ours takes its place.
func TestAnAnswerThatCameTooLateTakesThePlaceOfOneThatItsClientWiped(t *testing.T) {
	for i, client := range []string{"codex", "claude"} {
		t.Run(client, func(t *testing.T) {
			inWorld(t, authtest.Options{Policy: authtest.Policy{Reuse: authtest.PreviousUntilUsed}}, func(w *world) {
				c := w.tenants(authtest.GrantOptions{AccessLeft: minute})[i]
				w.s.Expect(authtest.Overlap, c.grant.ID) // by the client
				w.s.NextGrant(c.grant.ID, authtest.Behaviour{OnArrival: func() {
					c.post(c.grant.RefreshToken)
					c.put(map[string]authtest.Grant{"linear": w.s.Current(c.grant.ID)})
				}})
				if out := w.refresh(c.id); out.Did != refresher.Adopted {
					t.Fatalf("did %s, %s", out.Did, out.Why)
				}
				ours := w.s.Current(c.grant.ID)
				w.observe()
				row := w.row(c.id)
				c.grant.AccessToken, c.grant.RefreshToken, c.grant.Expiry = row.Token.Access.Reveal(), row.Token.Refresh.Reveal(), row.Expiry
				c.post(c.grant.RefreshToken) // refused: ours superseded it
				c.wipe(false)
				k := w.keep()
				time.Sleep(minute)
				row = k.shows(c.id)
				if row.State != refresher.Fresh || row.Token.Refresh.Reveal() != ours.RefreshToken {
					t.Errorf("%s, %s", row.State, row.Why)
				}
				time.Sleep(2 * hour)
				if row = k.shows(c.id); row.State != refresher.Fresh {
					t.Errorf("after two hours: %s, %s", row.State, row.Why)
				}
			})
		})
	}
}

// invalid_client takes the registration, and nobody refused the refresh token.
func TestAWipeThatTookTheRegistrationRefusedNoRefreshToken(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		c := w.tenants(authtest.GrantOptions{})[1]
		w.observe()
		before := w.read(c.store()...)
		// An unused answer of ours is of no use without the registration.
		lk, err := w.Ledger.Lock(context.Background(), w.row(c.id).Key)
		if err != nil {
			t.Fatal(err)
		}
		other := w.row(c.id).Token
		other.Refresh = credfiles.NewSecret("rt-EXAMPLE")
		if err := lk.SaveKept(ledger.Kept{Orphan: ledger.Keep(other, 0)}); err != nil {
			t.Fatal(err)
		}
		lk.Unlock()
		c.wipe(true)
		w.observe()
		if row := w.row(c.id); row.State != refresher.SignInNeeded || row.Why != refresher.WasBlanked {
			t.Errorf("wiped: %s, %s", row.State, row.Why)
		}
		w.write(before, c.store()...)
		if row := w.row(c.id); row.State != refresher.Fresh {
			t.Errorf("put back: %s, %s", row.State, row.Why)
		}
	})
}

func TestALoginThatBroughtNoRefreshTokenIsNoWipe(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		c := w.tenants(authtest.GrantOptions{})[0]
		w.observe()
		for range 3 {
			c.signIn(authtest.GrantOptions{NoRefreshToken: true})
			w.write(strings.Replace(w.read(c.store()...), `"refresh_token":""`, `"refresh_token":null`, 1), c.store()...)
			w.observe()
			if row := w.row(c.id); row.State != refresher.CannotRefresh || !row.At.Equal(row.Expiry) {
				t.Errorf("%s, %s, at %v", row.State, row.Why, row.At)
			}
		}
	})
}

// What stood there before we first looked may come back from a backup. Nobody
// can tell that it is spent; but what it replaced is not lost.
func TestAnOlderTokenThatComesBackCostsNotTheNewer(t *testing.T) {
	o := authtest.Options{Policy: authtest.Policy{Reuse: authtest.RefuseOnly}}
	inWorld(t, o, func(w *world) {
		c := w.tenants(authtest.GrantOptions{})[0]
		before := w.read(c.store()...)
		time.Sleep(20 * minute)
		c.refresh()
		w.observe()
		w.write(before, c.store()...)
		w.observe()
		time.Sleep(35 * minute)
		w.s.Expect(authtest.Spent, c.grant.ID) // by the older one
		w.keep()
		time.Sleep(minute)
		if row := w.row(c.id); row.State != refresher.Fresh || row.Token.Refresh.Reveal() != w.s.Current(c.grant.ID).RefreshToken {
			t.Errorf("%s, %s", row.State, row.Why)
		}
	})
}

// The look that finds a new token plans with what it just learned of it: ten
// minutes of lead, as for a lifetime that nobody knows, would be too late.
func TestANewTokenIsPlannedByItsOwnLifetimeAtOnce(t *testing.T) {
	inWorld(t, authtest.Options{Policy: authtest.Policy{AccessLifetime: 12 * hour}}, func(w *world) {
		c := w.tenants(authtest.GrantOptions{})[0]
		k := w.keep()
		for range 3 {
			time.Sleep(hour)
			settle()
			if row := k.shows(c.id); row.Expiry.Sub(row.At) < 30*minute {
				t.Errorf("%s, %s: to be refreshed %v ahead", row.State, row.Why, row.Expiry.Sub(row.At))
			}
			c.signIn(authtest.GrantOptions{})
		}
	})
}

func TestATroubleThatCameBeforeTheFirstLookIsNotForgotten(t *testing.T) {
	inWorld(t, authtest.Options{}, func(w *world) {
		c := w.tenants(authtest.GrantOptions{AccessLeft: minute})[0]
		w.s.SetReach(authtest.Refused)
		w.refresh(c.id)
		w.observe()
		if row := w.row(c.id); row.State != refresher.Retrying || row.Memory.Wait != ledger.Unsent || row.Memory.Refresh == "" {
			t.Errorf("%s, %s, wait %q", row.State, row.Why, row.Memory.Wait)
		}
	})
}
