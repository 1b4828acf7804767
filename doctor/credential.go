package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/discovery"
)

// Options are for the examination of one credential.
type Options struct {
	// Announce is told the host that a made-up refresh token is about to be sent
	// to; nil: nobody is told.
	Announce func(host string)
	// Refreshed is what a refresh came to that was asked for before; nil: none was.
	Refreshed *refresher.Outcome
}

// Credential examines one credential from its store to its server, and writes
// down what was seen. It spends nothing: its refresh token is not sent, and its
// access token only to the server that it is for. A recorder without a
// transport sends nothing.
func (l Local) Credential(ctx context.Context, x *Recorder, row refresher.Row, o Options) {
	l.Stores = slices.DeleteFunc(slices.Clone(l.Stores), func(s *credfiles.Store) bool { return !s.May(row.Key) || s.Client() != row.Client })
	v := &end{Local: l, Recorder: x, row: row, o: o}
	v.keepSecrets()
	v.inStore(ctx)
	v.token()
	v.kept()
	l.findRow(x, row, l.versions(row), true)
	v.resource(ctx)
	v.client(ctx)
	if v.reported(noWay...) {
		l.surroundings(x) // which may be why
	}
	v.conclude()
}

// An end is one examination of a credential, end to end.
type end struct {
	Local
	*Recorder
	row refresher.Row
	o   Options

	taken bool // the server took the access token
	knows bool // it knows the client
}

// keepSecrets keeps them out of the report, and where they do not belong.
func (v *end) keepSecrets() {
	v.Keep(Secret{Name: "REFRESH_TOKEN", Value: v.row.Refresh.Reveal(), Origins: []string{"nowhere"}})
	v.Keep(Secret{Name: "CLIENT_SECRET", Value: v.row.ClientSecret.Reveal()})
	v.Keep(Secret{Name: "TOKEN", Value: v.row.Access.Reveal()})
	v.Keep(Secret{Name: "MADE_UP_TOKEN", Value: madeUp})
}

// inStore is where the entry stands, and who else has to do with it.
func (v *end) inStore(ctx context.Context) {
	where := v.Say.Path(v.row.Path)
	if len(v.Stores) > 0 {
		where += v.modeOf(v.Stores[0])
	}
	v.Saw("store", "%s", where)
	for _, p := range v.row.Holders {
		v.Saw("store", "%s %s runs as process %d and %s", credfiles.Title(p.Name), p.Version, p.PID, rereads[p.Rereads])
	}
	l := v.Local
	l.Snapshot.Problems = slices.DeleteFunc(slices.Clone(l.Snapshot.Problems), func(p credfiles.Problem) bool {
		ours := p.Store == v.row.Path && (p.Entry == "" || p.Entry == v.row.Name)
		return !ours && (p.Kind != credfiles.BadConfig || p.Client != v.row.Client)
	})
	l.findStores(ctx, v.Recorder)
}

var rereads = map[credfiles.Rereads]string{
	credfiles.EachUse: "reads its store at each request", credfiles.NearExpiry: "reads its store when its own copy is about to end",
	credfiles.AtStart: "never looks at its store again",
}

// token is what the stored token says of itself. Nobody checks its signature.
func (v *end) token() {
	row := v.row
	switch {
	case row.WatchOnly == credfiles.KeychainOwn:
		v.Saw("token", "only %s may read it", credfiles.Title(row.Client))
		return
	case row.Access.IsZero():
		v.Saw("token", "there is no access token")
	case row.Expiry.IsZero():
		v.Saw("token", "nobody says when the access token ends")
	default:
		v.Saw("token", "the access token %s, %s", v.Say.Ends(row, v.Snapshot.At), row.Expiry.Local().Format(time.DateTime))
	}
	if c, ok := claimsOf(row.Access.Reveal()); ok && !v.shows() {
		v.Saw("token", "%s", v.Clean(c.String()))
	}
	switch {
	case row.ByClient():
		v.Saw("token", "its client's own secret brings another")
	case row.Refresh.IsZero():
		v.Saw("token", "there is no refresh token")
	default:
		until := ""
		if !row.RefreshExpiry.IsZero() {
			until = ", good until " + row.RefreshExpiry.Local().Format(time.DateTime)
		}
		v.Saw("token", "there is a refresh token%s; it is not sent", until)
	}
	if row.Scope != "" {
		v.Saw("token", "granted: %s", v.Clean(row.Scope))
	}
	who := "for a public client, " + row.ClientID
	if !row.ClientSecret.IsZero() {
		who = "for a client with a secret, " + row.ClientID
	}
	if row.Issuer != "" {
		who += ", bound to " + v.Shown(row.Issuer)
	}
	if row.ClientID != "" {
		v.Saw("token", "%s", who)
	}
}

// kept is what we know of it.
func (v *end) kept() {
	v.Saw("keeper", "%s: %s", v.row.State, v.Say.Reason(v.row))
	if m := v.row.Memory; !m.Refreshed.IsZero() {
		v.Saw("keeper", "last refreshed %s", moment(m.Refreshed))
	}
	if o := v.o.Refreshed; o != nil {
		v.Saw("refresh", "%s", v.did(*o))
	}
}

// did is what a refresh came to.
func (v *end) did(o refresher.Outcome) string {
	switch o.Did {
	case refresher.Refreshed:
		return "done: a new access token that " + v.Say.Ends(o.Row, time.Now())
	case refresher.Adopted:
		return "somebody else had stored a newer token"
	case refresher.Restored:
		return "the store had gone back, and has its newer token again"
	case refresher.Lost:
		return "the entry is gone"
	case refresher.Nothing:
		return "nothing was sent: " + v.Say.Reason(o.Row)
	}
	if o.Err != nil {
		return "failed: " + v.Clean(o.Err.Error())
	}
	return "failed: " + v.Clean(o.Answer.String())
}

// versions are those of a credential's client that are installed or run.
func (l Local) versions(row refresher.Row) (all []string) {
	add := func(client, version string) {
		if client == row.Client && version != "" && !slices.Contains(all, version) {
			all = append(all, version)
		}
	}
	for _, p := range l.Host.Programs() {
		add(p.Client, p.Version)
	}
	for _, p := range row.Holders {
		add(p.Name, p.Version)
	}
	return all
}

// resource asks the server, as nobody and with the access token.
func (v *end) resource(ctx context.Context) {
	row := v.row
	switch {
	case row.Kind == "login":
		v.Saw("resource", "not asked: your own login is its client's business")
		return
	case row.ServerURL == "":
		v.Saw("resource", "not asked: the store does not name the server")
		return
	case v.Via == nil:
		v.Saw("resource", "not asked: --offline")
		return
	}
	ask := Ask{URL: row.ServerURL, Part: true}
	if v.shows() {
		ask.Place, ask.Secret, ask.Renews = Bearer, row.Access.Reveal(), !row.Refresh.IsZero() || row.ByClient()
	}
	before := len(v.Report.Findings)
	URL(ctx, v.Recorder, ask)
	since := slices.Clone(v.Report.Findings[before:])
	v.taken = ask.Place == Bearer && !slices.ContainsFunc(since, func(f Finding) bool { return words()[f.Cause].severity > note })
	r := rowFinder{v.Local, v.Recorder, row, credfiles.Title(row.Client)}
	i := slices.IndexFunc(since, func(f Finding) bool { return slices.Contains(refusals, f.Cause) })
	if i >= 0 && (v.renewable() || row.State == refresher.SignInNeeded) {
		// What a refresh can mend is no reason to sign in; what it cannot was said.
		v.Report.Findings = slices.DeleteFunc(v.Report.Findings, func(f Finding) bool { return slices.Contains(refusals, f.Cause) })
	}
	if i >= 0 && v.renewable() {
		r.find("access-refused", since[i].Evidence, r.command("lamplighter doctor --refresh "+row.ID))
	}
	if v.renewable() && v.over() {
		r.find("due", "it "+v.Say.Ends(row, v.Snapshot.At), r.command("lamplighter refresh "+row.ID))
	}
}

// shows reports that the access token is shown to its server.
func (v *end) shows() bool {
	return v.Via != nil && v.row.Kind != "login" && v.row.ServerURL != "" && !v.row.Access.IsZero() && !v.over()
}

// over reports that the access token has ended.
func (v *end) over() bool { return !v.row.Expiry.IsZero() && !v.row.Expiry.After(time.Now()) }

// refusals are how an examination of the server alone calls an access token
// that it does not take.
var refusals = []Cause{tokenRefused, tokenExpired, refusedMute}

// renewable reports that a refresh may bring another access token.
func (v *end) renewable() bool {
	return (!v.row.Refresh.IsZero() || v.row.ByClient()) && v.row.State != refresher.SignInNeeded && v.row.WatchOnly == ""
}

// client asks the authorization server whether it knows the client.
func (v *end) client(ctx context.Context) {
	switch {
	case v.row.Kind == "login" || v.Via == nil || v.row.ClientID == "" || ctx.Err() != nil:
		return
	case v.Ledger == nil || v.Finder == nil:
		return
	case v.row.WatchOnly != "":
		v.Saw("client", "not asked: nothing of it is ever sent from here")
		return
	case v.row.ByClient() || v.row.SecretLater || v.row.KeyID != "":
		v.Saw("client", "not asked: only a refresh can tell whether the server takes it (--refresh)")
		return
	}
	if found, ok := v.endpoint(ctx); ok {
		v.ask(ctx, found)
	}
}

// endpoint looks for where the refresh token belongs, by the rules by which a
// refresh does, and asks afresh.
func (v *end) endpoint(ctx context.Context) (discovery.Endpoints, bool) {
	grant := v.row.Grant
	if grant.Issuer == "" && v.row.Memory.Client == grant.ClientID {
		grant.Issuer = v.row.Memory.Issuer
	}
	r := rowFinder{v.Local, v.Recorder, v.row, credfiles.Title(v.row.Client)}
	// A client's secret goes there too: as for a refresh, a place that somebody
	// wrote into the store since is not asked.
	if m := v.row.Memory; grant.TokenURL == "" && grant.MetadataURL == "" && m.Endpoint != "" && grant.Endpoint != "" && m.Endpoint != grant.Endpoint &&
		m.Refresh == v.Ledger.Fingerprint(v.row.Refresh) {
		if !v.reported("endpoint-changed") {
			r.find("endpoint-changed", fmt.Sprintf("%s, was %s", v.Shown(grant.Endpoint), v.Shown(m.Endpoint)))
		}
		return discovery.Endpoints{}, false
	}
	v.Step("metadata")
	f := discovery.Finder{AllowPrivate: v.Finder.AllowPrivate, Transport: once{v.Recorder}}
	found, err := f.Find(ctx, grant)
	var temporary *discovery.TemporaryError
	var issuer *discovery.IssuerError
	switch {
	case err == nil:
		v.Saw("metadata", "refreshes go to %s", v.Shown(found.TokenURL))
		return found, true
	case v.reported("discovery", "issuer-changed", badURL):
	case errors.As(err, &issuer):
		r.find("issuer-changed", v.Clean(err.Error()))
	case errors.As(err, &temporary):
		if !v.reported(noWay...) && !v.reported("unreachable") {
			r.find("unreachable", v.Clean(err.Error()))
		}
	default:
		bound := grant.Issuer
		grant.Issuer = ""
		if now, err := f.Find(ctx, grant); err == nil && bound != "" && now.Issuer != bound {
			r.find("issuer-changed", fmt.Sprintf("the server names %s; the entry is bound to %s", v.Shown(now.Issuer), v.Shown(bound)))
			break
		}
		r.find("discovery", v.Clean(err.Error()))
	}
	return found, false
}

// noWay are the causes for which no answer came.
var noWay = []Cause{
	unknownHost, noNames, refusedConnection, refusedAddress, brokenOff, silent, proxyFails, untrusted, otherName, certExpired, notTLS, metadataDown,
}

// once writes down no request that the report has already.
type once struct{ *Recorder }

func (o once) RoundTrip(r *http.Request) (*http.Response, error) {
	url := o.Shown(r.URL.String())
	if slices.ContainsFunc(o.Report.Steps, func(s Step) bool { return s.Request != nil && s.Request.Method == r.Method && s.Request.URL == url }) {
		return o.Via.RoundTrip(r)
	}
	return o.Recorder.RoundTrip(r)
}

// reported reports that one of these causes was found already.
func (v *end) reported(causes ...Cause) bool {
	return slices.ContainsFunc(v.Report.Findings, func(f Finding) bool { return slices.Contains(causes, f.Cause) })
}

// conclude says what works, where nothing is wrong.
func (v *end) conclude() {
	var seen []string
	if v.taken {
		seen = append(seen, "its server took the access token")
	}
	if v.knows {
		seen = append(seen, "its authorization server knows the client")
	}
	ends := v.Say.Ends(v.row, v.Snapshot.At)
	switch {
	case len(v.Report.Findings) > 0:
		v.Report.Fine = "" // a note says more
	case len(seen) > 0:
		v.Report.Fine = fmt.Sprintf("%s works: %s.", v.row.ID, strings.Join(seen, ", and "))
	case v.Via == nil:
		v.Report.Fine = fmt.Sprintf("Nothing is wrong with %s as far as can be told without asking its server (--offline).", v.row.ID)
	default:
		v.Report.Fine = fmt.Sprintf("Nothing is wrong with %s as far as can be seen: its access token %s.", v.row.ID, cmp.Or(ends, "has no known end"))
	}
}
