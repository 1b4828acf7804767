package app

import (
	"context"
	"slices"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

// A told is a teller whose lines are kept, over one state folder.
type told struct {
	*teller
	lines []string
}

func newTold(t *testing.T, l *ledger.Ledger) *told {
	k := &told{}
	p := &program{host: credfiles.Host{OS: "linux", Home: "/home/ada"}, say: func(s string) { k.lines = append(k.lines, s) }}
	k.teller = newTeller(p, &parts{ledger: l})
	return k
}

// look returns what one Snapshot makes it say, but for the summary at first.
func (k *told) look(rows ...refresher.Row) []string {
	first := !k.began
	k.lines = nil
	k.teller.look(context.Background(), refresher.Snapshot{At: noon, Rows: rows})
	k.wait()
	if first {
		return k.lines[1:]
	}
	return k.lines
}

func says(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
}

func rowIn(s refresher.State, w refresher.Why, at time.Time) refresher.Row {
	r := refresher.Row{Decision: refresher.Decision{State: s, Why: w, At: at}}
	r.ID, r.Client, r.Name, r.Kind = "codex/mcp/linear", "codex", "linear", "mcp"
	r.Path = "/home/ada/.codex/.credentials.json"
	r.Key = credfiles.Key{Store: r.Path, Entry: "linear"}
	r.Refresh = credfiles.NewSecret("rt1EXAMPLE")
	r.Expiry = noon.Add(time.Hour)
	r.SignIn = []string{"codex", "mcp", "login", "linear"}
	return r
}

func openLedger(t *testing.T) *ledger.Ledger {
	l, err := ledger.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestADeathIsToldOnceAfterTheLastLook(t *testing.T) {
	l := openLedger(t)
	const needs = "codex/mcp/linear needs you: the server refused the refresh token -> codex mcp login linear"
	suspect := rowIn(refresher.SignInNeeded, refresher.WasRefused, noon.Add(time.Minute))
	dead := rowIn(refresher.SignInNeeded, refresher.WasRefused, time.Time{})
	fresh := rowIn(refresher.Fresh, refresher.NotDue, noon.Add(time.Hour))

	k := newTold(t, l)
	says(t, k.look(fresh))
	says(t, k.look(suspect))
	says(t, k.look(dead), needs)
	says(t, k.look(dead))
	says(t, newTold(t, l).look(dead)) // another keeper, or the same after a restart
	says(t, k.look(fresh), "codex/mcp/linear: fresh again")

	again := dead
	again.Refresh = credfiles.NewSecret("rt2EXAMPLE")
	says(t, k.look(again), needs) // another token, another death

	unused := dead
	unused.Unused, unused.Refresh = true, credfiles.NewSecret("rt3EXAMPLE")
	says(t, newTold(t, l).look(unused))
}

func TestAPolicyThatWantsTheUserIsTold(t *testing.T) {
	k := newTold(t, openLedger(t))
	says(t, k.look(rowIn(refresher.SignInNeeded, refresher.PolicySays, noon.Add(time.Hour))),
		"codex/mcp/linear needs you: the server wants a sign-in -> codex mcp login linear")
}

func TestNetworkTroubleIsOneLineAndItsEndAnother(t *testing.T) {
	l := openLedger(t)
	k := newTold(t, l)
	row := func(name string, wait ledger.Wait) refresher.Row {
		r := rowIn(refresher.Fresh, refresher.NotDue, noon.Add(time.Hour))
		r.ID, r.Key.Entry = "codex/mcp/"+name, name
		if wait != "" {
			r.Decision = refresher.Decision{State: refresher.Retrying, Why: refresher.TroubleUnsent, At: noon.Add(29 * time.Second)}
			r.Memory.Wait, r.Memory.For, r.Memory.Detail = wait, l.Fingerprint(r.Refresh), "timeout"
		}
		return r
	}
	trying := row("a", ledger.Unsent)
	trying.Decision = refresher.Decision{State: refresher.Refreshing, Why: refresher.InFlight}

	says(t, k.look(row("a", ""), row("b", "")))
	says(t, k.look(row("a", ledger.Unsent), row("b", "")), "codex/mcp/a: the server does not answer in time; tried until it answers")
	says(t, k.look(trying, row("b", ledger.Ambiguous))) // while it is tried it is not over
	says(t, k.look(row("a", ledger.Unsent), row("b", ledger.Asked)))
	says(t, k.look(row("a", ""), row("b", ledger.Unsent)))
	says(t, k.look(row("a", ""), row("b", "")), "every server answers again")
	k.event(ledger.Event{ID: "codex/mcp/a", What: string(ledger.Unsent), Why: "timeout"})
	says(t, k.lines[1:])
}

func TestTroubleThatComesBackWithEachTryIsSaidOnce(t *testing.T) {
	l := openLedger(t)
	k := newTold(t, l)
	bad := rowIn(refresher.Misconfigured, refresher.BadSetup, noon.Add(time.Hour))
	bad.Memory.Code = "invalid_scope"
	trying := bad
	trying.Decision = refresher.Decision{State: refresher.Refreshing, Why: refresher.InFlight}
	fresh := rowIn(refresher.Fresh, refresher.NotDue, noon.Add(time.Hour))

	says(t, k.look(bad), "codex/mcp/linear: the server does not accept the request (invalid_scope); next try in 1 h -> codex mcp login linear")
	says(t, k.look(trying))
	says(t, k.look(bad))
	k.event(ledger.Event{ID: "codex/mcp/linear", What: "refreshed"})
	says(t, k.look(fresh)) // the event has said it
}

func TestAFailureThatRepeatsIsSaidOnce(t *testing.T) {
	k := newTold(t, openLedger(t))
	for range 3 {
		k.event(ledger.Event{ID: "codex/mcp/linear", What: "failed", Why: "no room"})
	}
	says(t, k.lines, "codex/mcp/linear: failed: no room")
}
