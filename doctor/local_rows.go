package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// findRow writes down what is wrong with one credential, by what the refresher
// decided about it and what its client can do. asked means that a person wants
// to know about this one: then what is as it should be and still keeps it from
// being refreshed is said too.
func (l Local) findRow(x *Recorder, row refresher.Row, versions []string, asked bool) {
	f := rowFinder{l, x, row, credfiles.Title(row.Client)}
	f.state(asked)
	if asked && row.Unused {
		f.find("unused", "its configuration names other values than the entry", x.Shown(row.ServerURL))
	}
	if row.NeedsAuth {
		f.find("skipped", "it stands in "+f.client+"'s list of servers that want a sign-in", f.command("lamplighter refresh "+row.ID))
	}
	for _, p := range row.Reconnect {
		f.find("reconnect", fmt.Sprintf("it runs since %s, the token since %s", moment(p.Started), moment(row.Memory.Repaired)), f.process(p), advised(row.How, "restart it"))
	}
	if methods := f.methods(); !asked && !row.Own && row.ClientSecret.IsZero() && !row.Refresh.IsZero() && row.Memory.Refreshed.IsZero() &&
		row.State != refresher.SignInNeeded && len(methods) > 0 && !slices.Contains(methods, exchange.None) {
		f.find("secret-wanted", "token_endpoint_auth_methods_supported is "+x.Clean(strings.Join(methods, ", ")), f.command("lamplighter doctor "+row.ID))
	}
	if left := row.SecretExpires.Sub(l.Snapshot.At); !row.SecretExpires.IsZero() && left < 30*24*time.Hour {
		f.find("secret-ends", "its end was given as "+row.SecretExpires.Format(time.DateOnly), f.command(f.Say.Do(row)))
	}
	if left := row.RefreshExpiry.Sub(l.Snapshot.At); !row.RefreshExpiry.IsZero() && left < 3*24*time.Hour && left > 0 && row.State != refresher.SignInNeeded {
		f.find("sign-in-ends", "it ends "+row.RefreshExpiry.Local().Format(time.DateTime))
	}
	for _, s := range l.Stores {
		if !s.May(row.Key) || s.Client() != row.Client || row.WatchOnly == credfiles.OddFormat {
			continue
		}
		for _, h := range s.Hindrances(row.Credential, versions) {
			evidence := fmt.Sprintf("%s: no issuer", l.Say.Path(row.Path))
			if len(versions) > 0 {
				evidence += "; installed or running: " + strings.Join(versions, ", ")
			}
			if h != credfiles.Unbound {
				evidence = l.Say.Path(row.Path) + " leads to " + l.Say.Path(s.Real())
			}
			f.find(Cause(h), evidence)
		}
		break
	}
}

func moment(t time.Time) string { return t.Local().Format(time.DateTime) }

// A Command is an argument of a finding that is there to be copied: no line is
// broken within it.
type Command string

// A rowFinder writes findings about one credential.
type rowFinder struct {
	Local
	x      *Recorder
	row    refresher.Row
	client string
}

func (f rowFinder) find(c Cause, evidence string, more ...any) {
	f.x.Find(c, f.row.ID, evidence, append([]any{f.row.ID, f.client, f.command(cmp.Or(f.Say.SignIn(f.row), "in "+f.client))}, more...)...)
}

// command is one without secrets, as every other text.
func (f rowFinder) command(s string) Command {
	f.x.mu.Lock()
	defer f.x.mu.Unlock()
	return Command(f.x.redactor.scrub(s))
}

func (f rowFinder) process(p credfiles.Process) string { return fmt.Sprintf("%s %d", f.client, p.PID) }

// causes are what a decision alone says.
var causes = map[refresher.Why]Cause{
	refresher.WasBlanked: "erased", refresher.WasRefused: "grant-dead",
	refresher.TroubleAsked: "told-to-wait", refresher.TroubleUnclear: "unclear",
}

// state is what the refresher's decision comes to.
func (f rowFinder) state(asked bool) {
	row, m := f.row, f.row.Memory
	if cause, ok := causes[row.Why]; ok {
		f.find(cause, f.answered())
		return
	}
	by := ""
	if row.By != nil {
		by = f.process(*row.By)
	}
	switch row.Why {
	case refresher.WasWiped:
		f.find("wiped", f.Say.Path(row.Path)+" has no token for it any more", f.command(f.Say.Restore(row)))
	case refresher.WasSpent:
		evidence := "so it is marked in the state folder"
		if mark, ok, err := f.Ledger.Marked(f.Ledger.Fingerprint(row.Refresh)); ok && err == nil {
			evidence = "it was used " + moment(mark.At)
		}
		f.find("spent", evidence)
	case refresher.PolicySays:
		f.policy()
	case refresher.NoSecret, refresher.NotSignedIn:
		f.find(Cause(row.Why), "nothing is stored", f.command(f.Say.Do(row)))
	case refresher.NoRefreshToken:
		left := row.Expiry.Sub(f.Snapshot.At)
		switch ends := f.Say.Ends(row, f.Snapshot.At); {
		case row.Expiry.IsZero() && asked:
			f.find("will-end", "no refresh token is stored")
		case row.Expiry.IsZero():
		case left <= 0:
			f.find("ended", "it "+ends)
		case asked || left < 7*24*time.Hour:
			f.find("will-end", "it "+ends)
		}
	case refresher.Forked:
		if slices.ContainsFunc(f.x.Report.Findings, func(g Finding) bool { return g.Cause == "forked" && g.About == row.Other }) {
			return // of the other one it was said
		}
		f.find("forked", "the fingerprints are the same", row.Other, f.command(f.Say.Keep(row)))
	case refresher.Fights:
		f.find("fights", fmt.Sprintf("put right %d times since %s", len(m.Reverts), moment(earliest(m.Reverts))), f.Say.Path(row.Path))
	case refresher.BadSetup:
		f.setup()
	case refresher.Held:
		f.find("deferred", by+" reads its store only when it starts", by)
	case refresher.ClientDoes:
		if row.State == refresher.Deferred {
			evidence := by + " runs"
			if m.Slowest > 0 {
				evidence += fmt.Sprintf(", an answer took up to %v", m.Slowest.Round(time.Second))
			}
			f.find("client-first", evidence+", and the token "+f.Say.Ends(row, f.Snapshot.At), by)
		}
	case refresher.TroubleUnsent:
		f.unsent()
	case refresher.TroubleStore, refresher.Waiting:
		why, do := f.Say.Store(row)
		cause := Cause("unready")
		if row.Why == refresher.Waiting {
			cause = "unsaved"
		}
		f.find(cause, why, advised(do, "make its store writable"))
	case refresher.OldCopy, refresher.OtherOwner:
		if asked {
			f.find(map[refresher.Why]Cause{refresher.OldCopy: "old-copy", refresher.OtherOwner: "other-owner"}[row.Why], "the fingerprints are of one sign-in", row.Other)
		}
	case refresher.LiteralSays:
		f.watched(asked)
	case refresher.UserSays, refresher.AllPaused:
		if asked {
			f.find("by-you", string(row.State), f.Say.Reason(row))
		}
	}
}

// advised is what to do, as a sentence.
func advised(do, otherwise string) string {
	return upper(strings.TrimSuffix(cmp.Or(do, otherwise), ".")) + "."
}

// watched is what is to be said of what we never refresh.
func (f rowFinder) watched(asked bool) {
	row, now := f.row, f.Snapshot.At
	ended := !row.Expiry.IsZero() && !row.Expiry.After(now)
	over := !row.RefreshExpiry.IsZero() && !row.RefreshExpiry.After(now)
	switch {
	case row.WatchOnly == credfiles.LedgerUnread:
		err := f.unread()
		f.find("ledger-unread", f.Say.Short(err.Error()), advised(f.Say.Advice(err), "give yourself the permission to read "+f.Say.Path(f.State)))
	case row.WatchOnly == credfiles.KeyGone:
		f.find("key-gone", f.Say.Path(row.Path), f.command(f.Say.Do(row)))
	case row.WatchOnly == credfiles.KeyringShut:
		why, do := f.shut()
		f.find("keyring-shut", why, do)
	case row.WatchOnly == credfiles.VendorLogin && (row.Blanked || ended && (row.Refresh.IsZero() || over)):
		f.find("login-ended", cmp.Or(f.Say.Ends(row, now), "its tokens were erased"))
	case asked:
		f.find("watched", string(row.WatchOnly), f.Say.Reason(row))
	}
}

// unread is why what is remembered of a credential cannot be read.
func (f rowFinder) unread() error {
	_, err := f.Ledger.Memory(f.row.Key)
	if err == nil {
		_, err = f.Ledger.Mode(f.row.Key)
	}
	if err == nil {
		_, _, err = f.Ledger.Marked(f.Ledger.Fingerprint(f.row.Refresh))
	}
	return cmp.Or(err, errors.New("it can be read by now"))
}

// shut is why a keyring does not open what it has the key of, and what to do.
func (f rowFinder) shut() (why, do string) {
	why = "its key cannot be had"
	for _, p := range f.Snapshot.Problems {
		if p.Store == f.row.Path {
			why = strings.ReplaceAll(string(p.Kind), "-", " ")
			_, do = f.Say.Problem(p)
		}
	}
	return why, advised(do, "unlock the keyring, or start it")
}

func earliest(times []time.Time) time.Time {
	if len(times) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(times, time.Time.Compare)
}

// answered is what the server said, and when.
func (f rowFinder) answered() string {
	m := f.row.Memory
	var parts []string
	for _, p := range []string{m.Code, m.Detail} {
		if p != "" {
			parts = append(parts, strings.TrimRight(f.x.Clean(p), "."))
		}
	}
	when := m.Tried
	if m.Dead.After(when) {
		when = m.Dead
	}
	if len(parts) == 0 {
		parts = append(parts, "so it stands in the state folder")
	}
	if !when.IsZero() {
		parts = append(parts, moment(when))
	}
	return strings.Join(parts, ", ")
}

// policy tells apart what only a person can mend.
func (f rowFinder) policy() {
	m := f.row.Memory
	if m.Verdict != exchange.ClientGone.String() {
		f.find("policy", f.answered())
		return
	}
	cause, evidence := f.clientGone(m.Code, m.Detail, f.methods())
	f.findClient(cause, cmp.Or(evidence, f.answered()))
}

// findClient is for a client that its server does not take: what to do depends
// on who keeps its registration.
func (f rowFinder) findClient(cause Cause, evidence string) {
	signIn := f.command(cmp.Or(f.Say.SignIn(f.row), "in "+f.client))
	do := "Sign in again: " + string(signIn)
	switch {
	case f.row.Own && cause == "grant-not-allowed":
		do = fmt.Sprintf("Have the client registered for the grant %s.", cmp.Or(f.row.GrantType, credfiles.ByRefreshToken))
	case f.row.Own:
		do = upper(cmp.Or(f.Say.Do(f.row), "lamplighter login "+f.row.ID))
		if strings.HasPrefix(do, "Lamplighter ") {
			do = "Give another: l" + do[1:]
		}
	case cause == "grant-not-allowed":
		do = fmt.Sprintf("Register the client for the grant refresh_token, then sign in again: %s", signIn)
	case cause == "secret-missing":
		do = fmt.Sprintf("Name the client ID and its secret in %s's own configuration, then sign in again: %s", f.client, signIn)
	case cause == "secret-expired":
		do = fmt.Sprintf("Make a new secret where the client is registered, put it into %s's configuration, then sign in again: %s", f.client, signIn)
	case cause == "secret-refused":
		do = fmt.Sprintf("Compare the secret in %s's configuration with the one of the registration.", f.client)
	}
	f.find(cause, evidence, do, signIn)
}

var entraNumber = expr(`AADSTS(\d+)`)

// clientGone is why a server does not know a client: by its words, and by what
// we have to show. methods are those that it takes, nil where it does not say.
func (f rowFinder) clientGone(code, detail string, methods []string) (c Cause, evidence string) {
	number := ""
	if m := entraNumber().FindStringSubmatch(detail); m != nil {
		number = m[1]
	}
	switch {
	case number == "7000222": // Microsoft Entra: the secret has expired
		return "secret-expired", ""
	case code == "unauthorized_client" && number == "": // RFC 6749 section 5.2: it is known, and not for this
		return "grant-not-allowed", ""
	case !f.row.ClientSecret.IsZero() && number != "700016": // that one: no such application
		return "secret-refused", ""
	case len(methods) > 0 && !slices.Contains(methods, exchange.None):
		return "secret-missing", fmt.Sprintf("%s; token_endpoint_auth_methods_supported is %s", code, strings.Join(methods, ", "))
	}
	return "registration-gone", ""
}

// methods are the ways to authenticate that the server listed when its metadata
// was last looked at.
func (f rowFinder) methods() []string {
	if f.Finder == nil {
		return nil
	}
	known, _ := f.Finder.Known(f.row.Grant)
	return known.AuthMethods
}

// setup tells apart why a server cannot be asked as things are.
func (f rowFinder) setup() {
	m := f.row.Memory
	cause := Cause("request-refused")
	switch {
	case m.Code == "discovery":
		cause = "discovery"
	case m.Code == "issuer":
		cause = "issuer-changed"
	case m.Code == "endpoint":
		cause = "endpoint-changed"
	case m.Code == "request" && f.row.SecretTrouble != "":
		f.secretUnread(f.row.SecretTrouble)
		return
	case m.Code == "request":
		f.cannotAsk(m.Detail)
		return
	case m.Code == "invalid_client" || m.Code == "http-401":
		cause = "client-auth"
	case strings.HasPrefix(m.Code, "http-4"):
		cause = "no-endpoint"
	}
	f.find(cause, f.answered())
}

// cannotAsk is for a request that cannot be made: where the user's own settings
// have a part in it, a sign-in would come to the same.
func (f rowFinder) cannotAsk(why string) {
	do := fmt.Sprintf("Sign in again: %s", f.command(cmp.Or(f.Say.SignIn(f.row), "in "+f.client)))
	switch {
	case f.row.Own:
		do = "Correct its [[own]] in config.toml, or give what is missing."
	case f.row.Overridden:
		do = "Correct its [[credential]] in config.toml."
	}
	f.find("cannot-ask", f.x.Clean(why), do)
}

func (f rowFinder) secretUnread(why string) {
	f.find("secret-unread", f.x.Clean(why), f.Say.Path(f.row.SecretFrom))
}

// unsent tells apart why a server was not reached.
func (f rowFinder) unsent() {
	m := f.row.Memory
	if m.Code == refresher.SecretTrouble {
		f.secretUnread(cmp.Or(m.Detail, "its command failed"))
		return
	}
	cause := Cause("unreachable")
	for _, text := range []string{m.Code, m.Detail} {
		switch {
		case strings.Contains(text, "certificate"), strings.Contains(text, "x509:"):
			cause = "untrusted"
		case text == exchange.FailureProxy, strings.Contains(text, "proxyconnect"):
			cause = "proxy-refuses"
		}
	}
	if m.Wait == ledger.Unsent {
		f.find(cause, f.answered())
	}
}
