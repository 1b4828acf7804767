package credfiles

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/processes"
)

// inside reports whether a path of a literal stays in the client's home.
func inside(path string) bool { return filepath.IsLocal(path) && filepath.Clean(path) == path }

func TestEveryClientIsCompleteAndConsistent(t *testing.T) {
	word := regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	versions := regexp.MustCompile(`^\d+\.\d+\.\d+ to \d+\.\d+\.\d+$`)
	names := map[string]bool{}
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			check := func(ok bool, what string) {
				t.Helper()
				if !ok {
					t.Error(what)
				}
			}
			check(word.MatchString(c.name) && !names[c.name], "its name is not a word of its own")
			names[c.name] = true
			check(c.title != "" && Title(c.name) == c.title, "it has no title")
			check(slices.Contains(ClientNames(), c.name), "the config does not know it")
			check(inside(c.dir), "its home is not below the user's")
			for _, dir := range c.dirOn {
				check(inside(filepath.FromSlash(dir)), "its home is not below the user's: "+dir)
			}
			check(c.below == "" || inside(filepath.FromSlash(c.below)), "its home is not below its variable's")
			check((c.env != "" || c.name == "amazon-q") && c.env == strings.ToUpper(c.env), "no variable moves it")
			check(versions.MatchString(c.seen), "nobody says which versions the facts are from")
			check(c.threshold >= 0 && c.threshold <= 10*time.Minute, "its threshold is not a threshold")
			check(c.patience > 0 && c.patience <= time.Minute, "its patience is not a patience")
			check(c.marks == "" || inside(c.marks) && slices.Contains(c.beside, c.marks), "its marks are not watched")
			for _, name := range c.beside {
				check(inside(name), "watched outside its home: "+name)
			}
			check(len(c.programs) > 0, "it runs under no name")
			for _, name := range c.programs {
				check(likely(name, map[*client]bool{c: true}) && likely(name+".exe", map[*client]bool{c: true}), "a program that is not looked for: "+name)
			}
			check((c.runs != nil) == (slices.Contains(c.programs, "node") || slices.Contains(c.programs, "python")), "any script that node or Python runs is taken for it")
			check(c.script == "" || strings.HasPrefix(c.script, "/") && strings.HasSuffix(c.script, "/"), "its script may be anything")
			check(c.version(processes.Process{}) == "", "a version out of nothing")
			check(c.rereads("") != AtStart || c.rereads("999.0.0") == AtStart, "an unknown version is taken for an old one")
			check(c.reconnect != "", "nobody says how to reconnect")
			check(len(c.files) > 0, "it has no store")
			kinds := map[string]bool{}
			for _, f := range c.files {
				check(inside(f.name), "a store outside its home: "+f.name)
				check(f.many == strings.Contains(f.name, "*") && f.many == (len(f.pairs) > 0), f.name+" is one store, or one for each entry")
				check(len(f.kinds) > 0, f.name+" holds nothing")
				many := 0
				for _, k := range f.kinds {
					check(word.MatchString(k.name) && (!kinds[k.name] || f.sealed != nil), "two kinds are called "+k.name)
					kinds[k.name] = true
					if !k.single {
						many++
					}
					checkKind(t, c, k)
				}
				check(many <= 1, f.name+": an entry's key does not tell its kind")
			}
		})
	}
}

func checkKind(t *testing.T, c *client, k kind) {
	f := k.fields
	paths := append(slices.Clone(f.copies), f.stamps...)
	for _, place := range f.places() {
		paths = append(paths, *place)
	}
	paths = slices.DeleteFunc(paths, func(p []string) bool { return len(p) == 0 })
	for i, p := range paths {
		for _, q := range paths[i+1:] {
			if n := min(len(p), len(q)); slices.Equal(p[:n], q[:n]) {
				t.Errorf("%s: %q and %q are one place", k.name, p, q)
			}
		}
	}
	need := [][]string{f.access, f.refresh}
	if !k.single && !k.keyed {
		need = append(need, f.name)
	}
	if !k.single && k.watchOnly != VendorLogin {
		need = append(need, f.server)
	}
	many := c.files[0].many
	if k.watchOnly == "" {
		need = append(need, append(slices.Clone(f.expiry), f.lifetime...))
	}
	if k.watchOnly == "" && !many {
		need = append(need, f.clientID)
	}
	if began := len(f.since) > 0 || f.sinceFile; len(f.lifetime) > 0 && !began && len(f.expiry) == 0 || began && len(f.lifetime) == 0 {
		t.Errorf("%s: a lifetime of which nobody knows when it began, or the other way round", k.name)
	}
	if k.list && (k.single || len(f.name) == 0) || k.double != oddDouble && !k.list || k.keyed && (k.list || k.single) {
		t.Errorf("%s: its entries have two sorts of key, or none", k.name)
	}
	if k.configured && (!k.list && !k.keyed || c.join == nil || k.adopt == nil) {
		t.Errorf("%s: nobody can tell which of its entries is gone", k.name)
	}
	for i, p := range need {
		if len(p) == 0 {
			t.Errorf("%s: needed field %d has no place", k.name, i)
		}
	}
	for _, p := range k.required {
		if !slices.ContainsFunc(paths, func(q []string) bool { return slices.Equal(p, q) }) {
			t.Errorf("%s requires %q, which it does not read", k.name, p)
		}
	}
	if f.scopeList && len(f.scope) == 0 {
		t.Errorf("%s: a list of scopes without a place", k.name)
	}
	if login := k.name == "login"; (login || many) != k.single && !(login && k.keyed) || login != (k.watchOnly == VendorLogin) {
		t.Errorf("%s: a vendor's own login is one entry, or each by its name, and only watched, anything else is neither", k.name)
	}
	if many {
		if k.watchOnly == "" {
			checkLocks(t, c)
		}
		return // its command needs more than a name
	}
	cmd := c.signIn(Credential{Kind: k.name, Name: "a name"})
	if cmd == nil {
		if c.callback == "" {
			t.Errorf("%s: nothing signs in", k.name)
		}
	} else if len(cmd) < 2 || cmd[0] != c.programs[0] || !k.single && k.watchOnly == "" && cmd[len(cmd)-1] != "a name" {
		t.Errorf("%s: signs in by %q", k.name, cmd)
	}
	if k.watchOnly == "" {
		checkLocks(t, c)
	}
}

// A store that is written has a lock of each scope: one for every grant, and
// one for the store, where it has more than one entry. Where all have one, or
// none before they write, its own sessions are left to themselves.
func checkLocks(t *testing.T, c *client) {
	s := &Store{client: c, home: "/home/x", path: "/home/x/y", host: Host{Home: "/home/x", Getenv: func(string) string { return "" }}}
	url := "https://example.com/mcp"
	var one, two clientLock
	if c.grantLock != nil {
		one = c.grantLock(s, Credential{Key: Key{Entry: EntryKey("one", url)}, Name: "one", Grant: Grant{ServerURL: url}})
		two = c.grantLock(s, Credential{Key: Key{Entry: EntryKey("two", url)}, Name: "two", Grant: Grant{ServerURL: url}})
	}
	many := c.files[0].many
	switch {
	case one.path == two.path && (c.lockless == nil || !c.lockless("")):
		t.Error("no grant has a lock of its own, and nobody says so")
	case one.path == two.path:
		if one.path != "" && c.storeLock.path != "" {
			t.Error("two locks for one thing")
		}
	case one.path == c.storeLock.path:
		t.Error("two locks are one")
	case many != (c.storeLock.path == ""):
		t.Error("a store lock, and nothing to share under it; or the other way round")
	}
	for _, l := range []clientLock{one, two, c.storeLock} {
		if l.path == "" {
			continue
		}
		if !inside(l.path) && !filepath.IsAbs(l.path) || l.lease == strings.HasSuffix(l.path, ".lock") {
			t.Errorf("a lock at %q", l.path)
		}
		kinds := 0
		for _, is := range []bool{l.dir, l.lease, l.filled != nil, l.exclusive} {
			if is {
				kinds++
			}
		}
		if kinds > 1 || l.removed && kinds > 0 {
			t.Errorf("%s is of several kinds", l.path)
		}
		ages := kinds == 1
		if ages != (l.stale > 0) || ages != (l.heartbeat > 0) || ages && l.stale < 2*l.heartbeat {
			t.Errorf("%s: stale after %v, touched every %v", l.path, l.stale, l.heartbeat)
		}
		// Nobody who waits for us may take our lock for dead.
		if ages && l.heartbeat >= c.patience {
			t.Errorf("%s: a client gives up before the first heartbeat", l.path)
		}
	}
}

func TestTheFactsOfEachClient(t *testing.T) {
	const lab = labKey
	type facts struct {
		grant, store         clientLock
		threshold, patience  time.Duration
		mcp, login           []string
		marks                string
		inPlace              bool
		gone                 absence
		request              Request
		unknownRereadsAtWork Rereads
	}
	want := map[string]facts{
		"codex": {
			grant:     clientLock{path: "mcp-oauth-locks/aa0c8b854bf95911f04cc2a4fc5c2686afe3cbf7076d79120d284e243de738cd.lock"},
			store:     clientLock{path: "mcp-oauth-locks/file-store.lock"},
			threshold: 30 * time.Second, patience: 30 * time.Second,
			mcp: []string{"codex", "mcp", "login", "lab"}, login: []string{"codex", "login"},
			inPlace: true, gone: asNull,
			request:              Request{Scope: true, ServerAsResource: true, BasicByDefault: true},
			unknownRereadsAtWork: NearExpiry,
		},
		"claude": {
			grant:     clientLock{path: "mcp-refresh-lab_cd725037a89da004.lock.lock", dir: true, stale: time.Minute, heartbeat: 5 * time.Second},
			store:     clientLock{path: ".storage-write.lock", dir: true, stale: 15 * time.Second, heartbeat: 5 * time.Second},
			threshold: 5 * time.Minute, patience: 7 * time.Second,
			mcp: []string{"claude", "mcp", "login", "lab"}, login: []string{"claude", "auth", "login"},
			marks: "mcp-needs-auth-cache.json", gone: asMissing,
			request:              Request{RawBasic: true, FirstListed: true},
			unknownRereadsAtWork: EachUse,
		},
	}
	want["mcp-remote"] = facts{
		grant:     clientLock{path: lab + "_refresh_in_progress.json", lease: true, stale: 30 * time.Second, heartbeat: 10 * time.Second},
		threshold: time.Minute, patience: 30 * time.Second,
		inPlace: true, gone: asMissing,
		request:              Request{Scope: true, RawBasic: true},
		unknownRereadsAtWork: EachUse,
	}
	want["gemini"] = facts{threshold: 5 * time.Minute, patience: 30 * time.Second, inPlace: true, gone: asMissing, unknownRereadsAtWork: NearExpiry}
	want["qwen"] = facts{threshold: 5 * time.Minute, patience: 30 * time.Second, gone: asMissing, unknownRereadsAtWork: NearExpiry}
	want["hermes"] = facts{
		grant:     clientLock{path: lab + ".json.refresh.lock"},
		threshold: time.Second, patience: time.Minute,
		gone: asMissing, unknownRereadsAtWork: EachUse,
	}
	want["crush"] = facts{
		store:     clientLock{path: "crush.json.lock"},
		threshold: 10 * time.Second, patience: 5 * time.Second,
		gone: asMissing, unknownRereadsAtWork: AtStart,
	}
	want["amazon-q"] = facts{
		threshold: time.Second, patience: 30 * time.Second,
		inPlace: true, gone: asMissing, unknownRereadsAtWork: AtStart,
	}
	want["copilot"] = facts{
		threshold: time.Minute, patience: 30 * time.Second,
		inPlace: true, gone: asMissing,
		request:              Request{Scope: true},
		unknownRereadsAtWork: AtStart,
	}
	want["opencode"] = facts{
		// SHA-1 of "mcp-auth:" and the store's path, as the real one named it.
		grant: clientLock{
			path:   "/home/x/.local/state/opencode/locks/057cfe35883e980ad288d4eeed482652ea55cead.lock",
			filled: &opencodeLock, stale: time.Minute, heartbeat: 20 * time.Second,
		},
		patience: 30 * time.Second,
		mcp:      []string{"opencode", "mcp", "auth", "lab"}, login: []string{"opencode", "auth", "login"},
		inPlace: true, gone: asMissing,
		request:              Request{RawBasic: true},
		unknownRereadsAtWork: EachUse,
	}
	want["cline"] = facts{
		store: clientLock{
			path:   "settings/cline_mcp_settings.json.lock",
			filled: &clineLock, stale: 10 * time.Second, heartbeat: 3 * time.Second,
		},
		patience: 10 * time.Second, gone: asMissing,
		request:              Request{RawBasic: true},
		unknownRereadsAtWork: AtStart,
	}
	s := &Store{path: "/home/x/.local/share/opencode/mcp-auth.json", host: Host{Home: "/home/x", Getenv: func(string) string { return "" }}}
	for _, c := range clients {
		cred := Credential{Kind: "mcp", Key: Key{Entry: lab}, Name: "lab", Grant: Grant{ServerURL: "http://127.0.0.1:18700/mcp"}}
		got := facts{
			store: c.storeLock, threshold: c.threshold, patience: c.patience,
			mcp: c.signIn(cred), login: c.signIn(Credential{Kind: "login"}), marks: c.marks,
			inPlace: c.files[0].inPlace, request: c.request, unknownRereadsAtWork: c.rereads(""),
		}
		if c.grantLock != nil {
			got.grant = c.grantLock(s, cred)
		}
		for _, k := range c.files[0].kinds {
			if k.name == "mcp" {
				got.gone = k.fields.expiryGone
			}
		}
		w, ok := want[c.name]
		if !ok {
			t.Errorf("%s: no facts to compare with", c.name)
			continue
		}
		equal(t, c.name, got, w)
	}
}

// A server that Claude Code saw and that nobody signed in to leaves an entry
// with an empty access token too (2.1.329, observed).
func TestOnlyAWipeCountsAsBlanked(t *testing.T) {
	for text, want := range map[string]bool{
		`{"accessToken":"","expiresAt":0}`:                     true,
		`{"accessToken":"","expiresAt":0,"refreshToken":""}`:   true,
		`{"accessToken":"","expiresAt":0.0}`:                   true,
		`{"accessToken":"","expiresAt":0,"refreshToken":"rt"}`: false,
		`{"accessToken":"","discoveryState":{}}`:               false,
		`{"accessToken":"","expiresAt":null}`:                  false,
		`{"accessToken":"","expiresAt":1795243625204}`:         false,
		`{"accessToken":"at","expiresAt":0}`:                   false,
		`{"accessToken":null,"expiresAt":0}`:                   false,
		`{"expiresAt":0}`:                                      false,
		`{}`:                                                   false,
	} {
		e, err := jsonedit.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if claudeBlanked(e) != want {
			t.Errorf("%s: blanked is %v", text, !want)
		}
	}
}

// As the real Claude Code 2.1.329 named them, for entries with these names.
func TestALockOfClaudeHasTheNameThatClaudeGivesIt(t *testing.T) {
	for key, want := range map[string]string{
		"plain|0a2c490c509d9694": "plain_0a2c490c509d9694",
		"日本|3b893f2ad27d7906":    "___3b893f2ad27d7906",
		"a😀b|962ea0c210dffa44":   "a__b_962ea0c210dffa44",
	} {
		if got := claudeLockName(key); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}
