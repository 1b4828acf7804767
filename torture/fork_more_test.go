package torture_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

func TestAForkThatAppearsWhileTheKeeperRunsIsNoticed(t *testing.T) {
	eachFork(t, time.Minute, func(f *fork) {
		f.put(f.b, f.s.Grant(authtest.GrantOptions{})) // of its own, so far
		f.Keep()
		f.soon(1)
		f.landed(f.a)
		f.is(f.a, "fresh", "next refresh")
		f.is(f.b, "fresh", "next refresh")

		// Somebody copies the one into the other's home.
		now := f.s.Current(f.g.ID)
		f.put(f.b, ending(now))
		f.put(f.a, ending(now))
		f.is(f.a, "watch-only", "the same refresh token is in "+f.b.ID)
		f.is(f.b, "watch-only", "the same refresh token is in "+f.a.ID)
		f.soon(1)

		// The owner may be the one that has had it for the shorter time.
		f.answers(0, f.b.ID+": keep", "mode", f.b.ID, "keep")
		f.soon(2)
		f.is(f.b, "fresh", "next refresh")
		f.is(f.a, "watch-only", "an old copy of "+f.b.ID)

		// And a copy of what was used up long ago is old at once.
		f.put(f.a, ending(f.g))
		f.is(f.a, "watch-only", "an old copy of "+f.b.ID)
		f.soon(2)
	})
}

func TestTwoOwnersAreNone(t *testing.T) {
	eachFork(t, time.Hour, func(f *fork) {
		f.answers(0, "keep", "mode", f.a.ID, "keep")
		f.answers(0, "keep", "mode", f.b.ID, "keep")
		f.answers(1, "the same refresh token is in "+f.b.ID, "refresh", f.a.ID)
		f.answers(1, "the same refresh token is in "+f.a.ID, "refresh", f.b.ID)
		f.sent(0)
		// Taking one back settles it.
		f.answers(0, "watch-only", "mode", f.b.ID, "watch-only")
		f.answers(0, "refreshed, good for", "refresh", f.a.ID)
		f.answers(1, "an old copy of "+f.a.ID, "refresh", f.b.ID)
		f.sent(1)
		f.landed(f.a)
	})
}

// A copy of which the owner is paused is still a copy.
func TestAPausedOwnerLeavesItsCopyAlone(t *testing.T) {
	eachFork(t, time.Hour, func(f *fork) {
		f.answers(0, "keep", "mode", f.a.ID, "keep")
		f.answers(0, "paused", "mode", f.a.ID, "paused")
		f.answers(1, "a copy of "+f.a.ID+", which is the one you keep", "refresh", f.b.ID)
		f.sent(0)
		f.answers(0, "refreshed, good for", "refresh", f.a.ID) // a person's word
		f.sent(1)
	})
}

func TestWhatACopyIsAfterItsOwnerIsGone(t *testing.T) {
	eachFork(t, time.Hour, func(f *fork) {
		f.answers(0, "keep", "mode", f.a.ID, "keep")
		f.answers(0, "refreshed, good for", "refresh", f.a.ID)
		f.is(f.b, "watch-only", "an old copy of "+f.a.ID)

		// The owner signs out: what the copy holds is used up all the same.
		f.write(f.a, "{}")
		f.is(f.b, "sign-in-needed", "used already")
		f.answers(4, "used already", "refresh", f.b.ID)
		f.sent(1)

		// The copy signs in anew: a lineage of its own.
		own := f.s.Grant(authtest.GrantOptions{AccessLeft: time.Minute})
		f.put(f.b, own)
		f.is(f.b, "fresh", "due")
		f.answers(0, "refreshed, good for", "refresh", f.b.ID)
		if n := f.s.TokenPosts(own.ID); n != 1 {
			f.t.Errorf("the new sign-in was sent %d times", n)
		}
		f.sent(1)
	})
}

func TestACopyThatSignsInAnewIsNoCopyAnyMore(t *testing.T) {
	eachFork(t, time.Minute, func(f *fork) {
		keeper := f.Keep()
		f.is(f.a, "watch-only", "the same refresh token is in "+f.b.ID)
		own := f.s.Grant(authtest.GrantOptions{AccessLeft: time.Minute})
		f.put(f.b, own)
		f.soon(1) // the fork is over: whoever is left is refreshed
		f.landed(f.a)
		f.is(f.a, "fresh", "next refresh")
		f.is(f.b, "fresh", "next refresh")
		if n := f.s.TokenPosts(own.ID); n != 1 {
			f.t.Errorf("the new sign-in was sent %d times", n)
		}
		f.Stop(keeper)
	})
}

// A third home holds a copy of the copy, and then one of what the owner has
// now.
func TestAForkOfAFork(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	g := s.Grant(authtest.GrantOptions{AccessLeft: time.Minute})
	f := &fork{Lab: lab.New(t), t: t, s: s, g: g}
	f.a, f.b = forks[0].pair(f.Lab, s, g)
	third := f.CodexIn(f.AddHome("codex", "third"), "codex/mcp/linear@third", "linear", s, g)
	for _, line := range []string{f.a.ID, f.b.ID, third.ID} {
		f.answers(1, "the same refresh token is in ", "refresh", line)
	}
	f.answers(0, "", "refresh", "--all")
	f.sent(0)
	keeper := f.Keep()
	f.answers(0, "keep", "mode", f.b.ID, "keep")
	f.soon(1)
	f.landed(f.b)
	f.is(f.a, "watch-only", "an old copy of "+f.b.ID)
	f.is(third, "watch-only", "an old copy of "+f.b.ID)

	f.put(third, s.Current(g.ID))
	f.is(third, "watch-only", "a copy of "+f.b.ID+", which is the one you keep")
	f.put(third, g)
	f.is(third, "watch-only", "an old copy of "+f.b.ID)
	f.answers(0, "refreshed, good for", "refresh", f.b.ID)
	f.soon(2)
	f.put(third, s.Current(g.ID))
	f.answers(0, "refreshed, good for", "refresh", f.b.ID)
	f.soon(3)
	f.is(third, "watch-only", "an old copy of "+f.b.ID)
	f.is(f.a, "watch-only", "an old copy of "+f.b.ID)
	f.Stop(keeper)
}

// The client of the one home refreshes by itself, which settles it too: the
// other holds what that used up.
func TestAClientThatRefreshesItsCopyBecomesItsOwner(t *testing.T) {
	eachFork(t, time.Hour, func(f *fork) {
		keeper := f.Keep()
		f.is(f.a, "watch-only", "the same refresh token is in "+f.b.ID)
		f.seen(f.a) // nobody knows of what came and went before
		f.client()
		f.put(f.a, f.s.Current(f.g.ID))
		f.is(f.a, "fresh", "next refresh")
		f.is(f.b, "watch-only", "an old copy of "+f.a.ID)
		f.sent(1) // the client's
		f.answers(0, "refreshed, good for", "refresh", f.a.ID)
		f.answers(1, "an old copy of "+f.a.ID, "refresh", f.b.ID)
		f.sent(2)
		f.Stop(keeper)
	})
}

// seen waits until the keeper has remembered what a store holds.
func (f *fork) seen(line *lab.Line) {
	f.t.Helper()
	if !lab.Until(5*time.Second, func() bool {
		m, err := f.Ledger().Memory(f.key(line.ID))
		return err == nil && m.Refresh != ""
	}) {
		f.t.Errorf("%s was not looked at", line.ID)
	}
}

// client refreshes the grant as one of its clients would.
func (f *fork) client() {
	f.t.Helper()
	res, err := http.PostForm(f.g.TokenURL, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {f.g.RefreshToken}, "client_id": {f.g.ClientID},
	})
	if err != nil || res.StatusCode != http.StatusOK {
		f.t.Fatal("the client cannot refresh", err)
	}
	res.Body.Close()
}
