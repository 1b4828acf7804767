package credfiles

import (
	"cmp"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/processes"
)

// A Definition is a client that is not in the table, as a user describes it:
// what a literal declares, and nothing that needs code. Places in an entry are
// names of members, joined by dots; empty where there is none.
type Definition struct {
	Name, Title string
	Folder      string // its home, below the user's, with slashes
	Variable    string // of the environment, that names another; empty: none
	File        string // in the home, with slashes; * for a file for each entry
	// Entries is the place of the object whose members are the entries, "." for
	// the whole file; empty where the file is the one entry.
	Entries string

	Access, Refresh, ClientID, ClientSecret string
	Server, Issuer, TokenEndpoint, Scope    string
	Expires, Unit                           string // Unit is one of Units
	Lifetime                                string // in seconds; counted from the file's time without Expires

	Lock      string // a file in the home; * for the entry's name. Empty: none is known
	LockKind  string // one of LockKinds
	Rereads   string // one of RereadsWords
	Threshold time.Duration
	Programs  []string // the names that it runs under
	SignIn    []string // a command, with {name} for the entry's
}

// Units are how a moment may be written, the first if nothing is said.
var Units = []string{"milliseconds", "seconds", "float-seconds", "text-seconds", "date"}

// LockKinds are flock(2) on a file that stays, and a directory that is made and
// removed; the first if nothing is said.
var LockKinds = []string{"flock", "directory"}

// RereadsWords say when a running client reads its file again, the first if
// nothing is said.
var RereadsWords = []string{"at-start", "near-expiry", "each-use"}

var unitOf = map[string]unit{"seconds": wholeSeconds, "float-seconds": seconds, "text-seconds": secondsText, "date": dateText}

var rereadsOf = map[string]Rereads{"near-expiry": NearExpiry, "each-use": EachUse}

// defined are the user's own clients.
var defined atomic.Pointer[[]*client]

// Define puts the user's own clients into the table, in the place of those
// that were defined before. Stores that were listed keep theirs.
func Define(all []Definition) {
	var own []*client
	for _, d := range all {
		own = append(own, d.client())
	}
	defined.Store(&own)
}

func ownClients() []*client {
	if own := defined.Load(); own != nil {
		return *own
	}
	return nil
}

// client is the literal of a definition.
func (d Definition) client() *client {
	where := func(place string) []string {
		if place == "" || place == "." {
			return nil
		}
		return strings.Split(place, ".")
	}
	many := strings.Contains(d.File, "*")
	k := kind{
		name: "mcp", at: where(d.Entries), single: d.Entries == "", keyed: d.Entries != "",
		fields: fields{
			access: where(d.Access), refresh: where(d.Refresh), scope: where(d.Scope),
			clientID: where(d.ClientID), clientSecret: where(d.ClientSecret),
			server: where(d.Server), issuer: where(d.Issuer), tokenURL: where(d.TokenEndpoint),
			expiry: where(d.Expires), unit: unitOf[d.Unit], expiryGone: asMissing,
			lifetime: where(d.Lifetime), sinceFile: d.Lifetime != "",
		},
	}
	k.required = [][]string{k.fields.access}
	k.adopt = func(c *Credential, _ jsonedit.Value, _ joined) {
		if many {
			c.Name = path.Base(c.Key.Entry)
		}
		switch {
		case c.ServerURL == "" && c.Issuer == "" && c.Endpoint == "":
			c.WatchOnly = NoServer
		case c.ClientID == "":
			c.WatchOnly = NoClient
		}
	}
	c := &client{
		name: d.Name, title: cmp.Or(d.Title, d.Name), dir: d.Folder, env: d.Variable,
		files:     []file{{name: d.File, many: many, kinds: []kind{k}}},
		threshold: cmp.Or(d.Threshold, time.Minute), patience: 30 * time.Second,
		programs:  d.Programs,
		version:   func(processes.Process) string { return "" },
		lockless:  func(string) bool { return d.Lock == "" },
		reconnect: "restart it",
		signIn: func(c Credential) []string {
			cmd := slices.Clone(d.SignIn)
			for i := range cmd {
				cmd[i] = strings.ReplaceAll(cmd[i], "{name}", c.Name)
			}
			return cmd
		},
		callback: "http://127.0.0.1/callback",
	}
	if len(d.Programs) == 0 {
		c.programs = []string{d.Name}
	}
	// Beside a client that takes no lock we would send what it is sending.
	c.rereads = func(string) Rereads {
		if r, ok := rereadsOf[d.Rereads]; ok && d.Lock != "" {
			return r
		}
		return AtStart
	}
	if d.Lock != "" {
		c.grantLock = func(_ *Store, of Credential) clientLock {
			l := clientLock{path: filepath.FromSlash(strings.ReplaceAll(d.Lock, "*", path.Base(of.Key.Entry)))}
			if l.dir = d.LockKind == "directory"; l.dir {
				// How old its own may become it does not say.
				l.stale, l.heartbeat = time.Minute, 2*time.Second
			}
			return l
		}
	}
	return c
}
