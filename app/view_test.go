package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is now:\n%s", file, got)
	}
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// everything is a Snapshot of every state for every reason.
func everything() refresher.Snapshot {
	codex := credfiles.Process{PID: 4711, Name: "codex", Started: noon.Add(-time.Hour), Version: "0.140.0", Rereads: credfiles.AtStart}
	claude := credfiles.Process{PID: 815, Name: "claude", Started: noon.Add(-time.Hour), Rereads: credfiles.EachUse}
	snap := refresher.Snapshot{At: noon}
	type change = func(*refresher.Row)
	add := func(client, name string, d refresher.Decision, left time.Duration, changes ...change) {
		row := refresher.Row{Decision: d, Mode: ledger.Mode{Mode: "keep"}}
		row.Client, row.Kind, row.Name = client, "mcp", name
		row.ID = client + "/mcp/" + name
		row.Path = "/home/ada/." + client + "/.credentials.json"
		row.Key = credfiles.Key{Store: row.Path, Entry: name}
		row.ServerURL = "https://" + client + ".example/mcp"
		row.Expiry = noon.Add(left)
		row.SignIn = []string{client, "mcp", "login", name}
		for _, c := range changes {
			c(&row)
		}
		snap.Rows = append(snap.Rows, row)
	}
	is := func(s refresher.State, w refresher.Why, at time.Duration) refresher.Decision {
		d := refresher.Decision{State: s, Why: w}
		if at != 0 {
			d.At = noon.Add(at)
		}
		return d
	}
	with := func(d refresher.Decision, by *credfiles.Process, other string) refresher.Decision {
		d.By, d.Other = by, other
		return d
	}
	memory := func(w ledger.Wait, k exchange.Kind, code, detail string) change {
		return func(r *refresher.Row) {
			r.Memory.Wait, r.Memory.Code, r.Memory.Detail = w, code, detail
			if k != 0 {
				r.Memory.Verdict = k.String()
			}
		}
	}
	watchOnly := func(why credfiles.Reason) change { return func(r *refresher.Row) { r.WatchOnly = why } }
	const h, m, s = time.Hour, time.Minute, time.Second

	add("codex", "fresh", is(refresher.Fresh, refresher.NotDue, 7*h+30*m), 8*h, func(r *refresher.Row) { r.Memory.Refreshed = noon.Add(-4 * h) })
	add("claude", "last days", is(refresher.Fresh, refresher.NotDue, 7*h+30*m), 8*h, func(r *refresher.Row) { r.RefreshExpiry = noon.Add(50 * h) })
	add("codex", "due", is(refresher.Fresh, refresher.DueNow, -m), 9*m)
	add("codex", "expired", is(refresher.Refreshing, refresher.DueNow, -3*h), -90*m)
	add("codex", "in flight", is(refresher.Refreshing, refresher.InFlight, 0), 5*m)
	add("codex", "unfinished", is(refresher.Retrying, refresher.Unfinished, 40*s), 5*m)
	add("codex", "unsaved", is(refresher.Unsaved, refresher.Waiting, 2*m), 5*m, memory(ledger.Unsaved, exchange.Refreshed, "", "/home/ada/.codex/.credentials.json: read-only: read-only file system"))
	add("codex", "locked", is(refresher.Unsaved, refresher.Waiting, 2*m), 5*m, memory(ledger.Unsaved, exchange.Refreshed, "", "/home/ada/.codex/mcp-oauth-locks/file-store.lock is locked by another program, at least since 2026-11-21 11:59:00"))
	add("codex", "went back", is(refresher.Refreshing, refresher.WentBack, 0), 5*m)
	add("codex", "fights", is(refresher.WatchOnly, refresher.Fights, 40*m), 5*m)
	add("codex", "login", is(refresher.WatchOnly, refresher.LiteralSays, 0), 9*24*h, watchOnly(credfiles.VendorLogin), func(r *refresher.Row) {
		r.ID, r.Kind, r.Name, r.ServerURL = "codex/login", "login", "", ""
		r.SignIn = []string{"codex", "login"}
	})
	add("codex", "foreign owner", is(refresher.WatchOnly, refresher.LiteralSays, 0), h, watchOnly(credfiles.ForeignOwner))
	add("codex", "foreign system", is(refresher.WatchOnly, refresher.LiteralSays, 0), h, watchOnly(credfiles.ForeignSystem))
	add("codex", "odd", is(refresher.WatchOnly, refresher.LiteralSays, 0), h, watchOnly(credfiles.OddFormat))
	add("codex", "keychain", is(refresher.WatchOnly, refresher.LiteralSays, 0), 0, watchOnly(credfiles.KeychainOwn), func(r *refresher.Row) {
		r.Expiry, r.Access, r.Refresh = time.Time{}, credfiles.Secret{}, credfiles.Secret{}
		r.SignIn = []string{"codex", "mcp", "login", "keychain"}
	})
	add("codex", "seen", is(refresher.WatchOnly, refresher.LiteralSays, 0), h, watchOnly(credfiles.KeychainSeen), func(r *refresher.Row) {
		r.ToFile, r.Refresh = `acme_store = "file"`, credfiles.NewSecret("rt_EXAMPLE")
	})
	add("codex", "seen, ended", is(refresher.WatchOnly, refresher.LiteralSays, 0), -h, watchOnly(credfiles.KeychainSeen), func(r *refresher.Row) {
		r.Refresh = credfiles.Secret{}
	})
	add("codex", "config", is(refresher.WatchOnly, refresher.LiteralSays, 0), h, watchOnly(credfiles.ClientConfig))
	add("codex", "ledger", is(refresher.WatchOnly, refresher.LiteralSays, 0), h, watchOnly(credfiles.LedgerUnread))
	add("codex", "watched", is(refresher.WatchOnly, refresher.UserSays, 0), h, func(r *refresher.Row) { r.Mode.Mode = "watch-only" })
	add("codex", "paused", is(refresher.Paused, refresher.UserSays, 0), h)
	add("codex", "paused for", is(refresher.Paused, refresher.UserSays, 2*h), h)
	add("codex", "all paused", is(refresher.Paused, refresher.AllPaused, 3*h), h)
	add("codex", "all paused for good", is(refresher.Paused, refresher.AllPaused, 100*365*24*h), h)
	add("gemini", "wiped", is(refresher.SignInNeeded, refresher.WasWiped, 0), 0, func(r *refresher.Row) { r.Missing, r.UnsureWipe = true, true })
	add("claude", "blanked", is(refresher.SignInNeeded, refresher.WasBlanked, 0), 0, func(r *refresher.Row) { r.Expiry = time.UnixMilli(0) })
	add("claude", "no refresh", is(refresher.CannotRefresh, refresher.NoRefreshToken, 0), 3*h)
	add("claude", "no refresh, no end", is(refresher.CannotRefresh, refresher.NoRefreshToken, 0), 0, func(r *refresher.Row) { r.Expiry = time.Time{} })
	add("claude", "no refresh, ended", is(refresher.CannotRefresh, refresher.NoRefreshToken, 0), -3*h)
	add("claude", "dead", is(refresher.SignInNeeded, refresher.WasRefused, 0), -50*m, memory("", exchange.Dead, "invalid_grant", ""))
	add("claude", "spent", is(refresher.SignInNeeded, refresher.WasSpent, 0), -50*m)
	add("claude", "policy", is(refresher.SignInNeeded, refresher.PolicySays, 20*h), -50*m, memory(ledger.User, exchange.NeedsUser, "interaction_required", "AADSTS50076"))
	add("claude", "client gone", is(refresher.SignInNeeded, refresher.PolicySays, 20*h), -50*m, memory(ledger.User, exchange.ClientGone, "invalid_client", ""))
	add("codex", "forked", with(is(refresher.WatchOnly, refresher.Forked, 0), nil, "codex/mcp/forked@work"), h)
	add("codex", "old copy", with(is(refresher.WatchOnly, refresher.OldCopy, 0), nil, "codex/mcp/fresh"), -h)
	add("codex", "other owner", with(is(refresher.WatchOnly, refresher.OtherOwner, 0), nil, "codex/mcp/fresh"), h)
	add("codex", "no metadata", is(refresher.Misconfigured, refresher.BadSetup, 50*m), h, memory(ledger.Misconfigured, 0, "discovery", "https://codex.example: no authorization server metadata"))
	add("codex", "issuer", is(refresher.Misconfigured, refresher.BadSetup, 50*m), h, memory(ledger.Misconfigured, 0, "issuer", "https://a.example: the metadata is for another issuer, https://b.example; sign in again"))
	add("codex", "request", is(refresher.Misconfigured, refresher.BadSetup, 50*m), h, memory(ledger.Misconfigured, 0, "request", "the store holds no client ID: sign in again"))
	add("codex", "scope", is(refresher.Misconfigured, refresher.BadSetup, 50*m), h, memory(ledger.Misconfigured, exchange.Misconfigured, "invalid_scope", "Unknown scope: offline"))
	add("codex", "not there", is(refresher.Misconfigured, refresher.BadSetup, 50*m), h, memory(ledger.Misconfigured, exchange.Misconfigured, "http-404", ""))
	add("codex", "held", with(is(refresher.Deferred, refresher.Held, m), &codex, ""), h)
	add("codex", "client does", with(is(refresher.Fresh, refresher.ClientDoes, 5*m), &codex, ""), 5*m)
	add("codex", "refused", is(refresher.Retrying, refresher.TroubleUnsent, 29*s), h, memory(ledger.Unsent, 0, "discovery", "https://codex.example/.well-known/oauth-authorization-server: dial tcp 192.0.2.1:443: connect: connection refused"))
	add("codex", "no name", is(refresher.Retrying, refresher.TroubleUnsent, 29*s), h, memory(ledger.Unsent, exchange.Later, "dns", "dns"))
	add("codex", "slow", is(refresher.Retrying, refresher.TroubleAsked, 20*m), h, memory(ledger.Asked, exchange.Later, "http-429", ""))
	add("codex", "unclear", is(refresher.Retrying, refresher.TroubleUnclear, 29*s), h, memory(ledger.Ambiguous, exchange.Ambiguous, "http-503", ""))
	add("codex", "cut", is(refresher.Retrying, refresher.TroubleUnclear, -s), h, memory(ledger.Ambiguous, exchange.Ambiguous, "cut", ""))
	add("codex", "store", is(refresher.Retrying, refresher.TroubleStore, 4*m), h, memory(ledger.Unready, 0, "", "/home/ada/.codex/.credentials.json: folder: permission denied"))
	add("codex", "no end", is(refresher.Unknown, refresher.NoEnd, 20*h), 0, func(r *refresher.Row) { r.Expiry = time.Time{} })
	add("codex", "no end, held", with(is(refresher.Unknown, refresher.NoEnd, m), &codex, ""), 0, func(r *refresher.Row) { r.Expiry = time.Time{} })
	add("codex", "unused", is(refresher.SignInNeeded, refresher.WasRefused, 0), -h, func(r *refresher.Row) { r.Unused = true })
	add("claude", "repaired", is(refresher.Fresh, refresher.NotDue, 7*h), 8*h, func(r *refresher.Row) {
		r.Reconnect, r.How = []credfiles.Process{claude}, "/mcp > Reconnect"
		r.Profile = "work"
	})
	add("claude", "repaired too", is(refresher.Fresh, refresher.NotDue, 7*h), 8*h, func(r *refresher.Row) {
		r.Reconnect, r.How = []credfiles.Process{claude}, "/mcp > Reconnect"
	})
	add("claude", "слово, 日本語 and a name so long that it needs a line of its own", is(refresher.Fresh, refresher.NotDue, 7*h), 8*h)

	for _, k := range []credfiles.ProblemKind{
		credfiles.Empty, credfiles.Torn, credfiles.NotJSON, credfiles.NotUTF8, credfiles.TooDeep, credfiles.TooLarge, credfiles.OddShape,
		credfiles.NotRegular, credfiles.Dangling, credfiles.Denied, credfiles.Mount, credfiles.ReadOnly, credfiles.Folder, credfiles.Owner,
		credfiles.Space, credfiles.BadConfig, credfiles.Cache, credfiles.Failed,
		credfiles.Locked, credfiles.NoKeyring, credfiles.Slow, credfiles.NotAllowed, credfiles.Full, credfiles.Double, credfiles.StaleCopy,
		credfiles.PlainState,
	} {
		p := credfiles.Problem{Store: "/home/ada/.codex/.credentials.json", Client: "codex", Kind: k}
		if k == credfiles.Double || k == credfiles.StaleCopy {
			p.Entry = "linear"
		}
		if k == credfiles.NotJSON {
			p.Line = 12
		}
		if k == credfiles.Failed || k == credfiles.Cache {
			p.Err = errors.New("input/output error")
		}
		snap.Problems = append(snap.Problems, p)
	}
	snap.Problems = append(snap.Problems,
		credfiles.Problem{Store: "/home/ada/.codex/.credentials.json", Client: "codex", Kind: credfiles.OddShape, Entry: "odd"},
		credfiles.Problem{Store: "/home/ada/.claude/.credentials.json", Client: "claude", Kind: credfiles.OddShape, Entry: "mcpOAuth"})
	return snap
}

func TestStatusOfEverything(t *testing.T) {
	t.Setenv("TZ", "UTC")
	v := view{os: "linux", home: "/home/ada"}
	for _, width := range []int{0, 80, 40} {
		var b bytes.Buffer
		tab := table{w: &b, width: width, now: v.model(everything(), errors.New("/home/ada/.config/lamplighter/config.toml:3: lead.most: is no time"))}
		tab.all(true)
		golden(t, fmt.Sprintf("status-%d.txt", width), b.Bytes())
		if strings.Contains(b.String(), "\n\n\n") || strings.HasSuffix(b.String(), "\n\n") || strings.Contains(b.String(), " \n") {
			t.Errorf("width %d: a blank line or a blank too many", width)
		}
		for _, line := range strings.Split(b.String(), "\n") {
			text := strings.TrimSpace(line)
			if width > 0 && runewidth.StringWidth(line) > width && !strings.HasPrefix(text, "->") && strings.Contains(text[2:], " ") && !strings.Contains(text, "of its own") {
				t.Errorf("width %d: %q is too long", width, line)
			}
		}
	}
	text, err := json.MarshalIndent(jsonOf(v.model(everything(), nil)), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "status.json", append(text, '\n'))
}

// A reason without words would show its internal name.
func TestEveryReasonHasWords(t *testing.T) {
	var seen []refresher.Why
	for _, keeper := range []bool{false, true} {
		for _, v := range []view{{os: "linux", home: "/home/ada", keeper: keeper}, {os: "windows", home: `C:\Users\ada`, keeper: keeper}} {
			for i, r := range v.model(everything(), nil).Rows {
				row := everything().Rows[i]
				seen = append(seen, row.Why)
				if r.Reason == "" || r.Reason == string(row.Why) || r.Reason == string(row.WatchOnly) {
					t.Errorf("%s (%s): no words", r.ID, row.Why)
				}
				if strings.Contains(r.Reason+r.Do, "tcp") {
					t.Errorf("%s: the network's own words: %s", r.ID, r.Reason)
				}
			}
		}
	}
	for _, w := range whys {
		if !slices.Contains(seen, w) {
			t.Errorf("no row for %q", w)
		}
	}
}

var whys = []refresher.Why{
	refresher.NotDue, refresher.DueNow, refresher.InFlight, refresher.Unfinished, refresher.Waiting, refresher.WentBack, refresher.Fights,
	refresher.LiteralSays, refresher.UserSays, refresher.AllPaused, refresher.WasBlanked, refresher.WasWiped, refresher.NoRefreshToken, refresher.WasRefused,
	refresher.WasSpent, refresher.Forked, refresher.OldCopy, refresher.OtherOwner, refresher.BadSetup, refresher.Held, refresher.ClientDoes,
	refresher.TroubleUnsent, refresher.TroubleAsked, refresher.TroubleUnclear, refresher.TroubleStore, refresher.PolicySays, refresher.NoEnd,
}
