package app

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/refresher"
)

// A need is how much life of which credentials a command wants before it does
// its own work.
type need struct {
	ids    []string
	client string        // every credential of this client, in place of ids
	life   time.Duration // that each must have left
	wait   time.Duration // for others that are at it
	lax    bool          // a token whose end nobody says will do
	dry    bool          // only say what would be done
}

// flags adds those that every command with a need has.
func (n *need) flags(c *cobra.Command, life, example string) {
	n.life, _ = time.ParseDuration(life)
	n.wait = time.Minute
	timeFlag(c, &n.life, "min-ttl", example, "how much life the token must have left; without it "+life)
	timeFlag(c, &n.wait, "wait", "60s", "how long to wait for others that refresh it; without it 60s")
}

// clients are those whose stores have to be read; nil: all.
func (n need) clients() []string {
	var all []string
	for _, id := range n.ids {
		client, name, _ := strings.Cut(id, "/")
		whole := strings.Contains(name, "/") && slices.Contains(credfiles.ClientNames(), client) || client == credfiles.OwnClient && name != ""
		if !whole {
			return nil
		}
		all = append(all, client)
	}
	return all
}

// narrow leaves what is needed. Of a client that is what it uses, but for a
// login that it renews by itself whenever it runs.
func (n need) narrow(snap snapshot) (snapshot, error) {
	if n.client == "" {
		return narrow(snap, n.ids)
	}
	var left []refresher.Row
	for _, row := range snap.Rows {
		renewed := row.WatchOnly == credfiles.VendorLogin && !row.Refresh.IsZero() && !row.Blanked
		if row.Client == n.client && !row.Unused && !renewed {
			left = append(left, row)
		}
	}
	snap.Rows = left
	snap.Problems = slices.DeleteFunc(slices.Clone(snap.Problems), func(p credfiles.Problem) bool {
		return p.Client != "" && p.Client != n.client
	})
	if len(left) == 0 && !slices.ContainsFunc(snap.Problems, unread) {
		return snap, usagef(saidNothingOf, n.client)
	}
	return snap, nil
}

func (n need) options() refresher.Options { return refresher.Options{Life: n.life, Word: true} }

// has reports that a token lives long enough.
func (n need) has(row refresher.Row, now time.Time) bool {
	switch {
	case row.Access.IsZero():
		return false
	case row.Expiry.IsZero():
		return n.lax && row.State != refresher.SignInNeeded
	}
	return row.Expiry.Sub(now) >= n.life
}

// again is when to look again at what somebody else is refreshing, or has stored
// with too little life, or at what its server put off.
func (n need) again(out refresher.Outcome) (at time.Time, ok bool) {
	var busy *clientlock.BusyError
	now := time.Now()
	soon := now.Add(time.Second)
	switch {
	case out.Did == refresher.Adopted:
		return soon, !n.has(out.Row, now) && refresher.LongestLife(out.StatedLife()) >= n.life
	case out.State != refresher.Retrying && out.State != refresher.Refreshing:
		return at, false
	case errors.As(out.Err, &busy), out.Why == refresher.InFlight:
		return soon, true
	case out.Why == refresher.TroubleAsked:
		return later(out.At, soon), true
	}
	return at, false
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
