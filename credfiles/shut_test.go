package credfiles

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles/keychain"
	"lamplighter/lab/security"
)

const shutURL = "https://mcp.example/mcp"

// newShutLab is a home of Codex on macOS, with entries in its file and servers
// in its configuration.
func newShutLab(t *testing.T, entries, servers string) *macLab {
	t.Helper()
	l := &macLab{lab: newLab(t, &codex), chain: security.New(t)}
	l.host.OS = "darwin"
	l.host.Keychain = &Keychain{Keychain: keychain.Keychain{Program: l.chain.Program}}
	l.write(l.dir, entries, servers)
	return l
}

func (l *macLab) write(dir, entries, servers string) {
	var file, config []string
	for _, name := range strings.Fields(entries) {
		file = append(file, `"`+EntryKey(name, shutURL)+`":{"server_name":"`+name+`","server_url":"`+shutURL+`","issuer":"https://auth.example","client_id":"cli_EXAMPLE","access_token":"at_`+name+
			`_EXAMPLE","expires_at":1795209659178,"refresh_token":"rt_`+name+`_EXAMPLE","scopes":[]}`)
	}
	for _, name := range strings.Fields(servers) {
		config = append(config, "[mcp_servers."+name+"]\nurl = \""+shutURL+"\"\n")
	}
	rel, err := filepath.Rel(l.dir, dir)
	l.must(err)
	if len(file) > 0 {
		l.put(filepath.Join(rel, ".credentials.json"), "{"+strings.Join(file, ",")+"}")
	}
	l.put(filepath.Join(rel, "config.toml"), strings.Join(config, ""))
}

// shutItem is one that Codex made: whoever wants to read it is asked.
func shutItem(name string, mood security.Mood) security.Item {
	return security.Item{Service: codexRingName, Account: EntryKey(name, shutURL), Secret: []byte("{}"), Modified: written, Mood: mood}
}

// problemKinds are what is wrong, with the entries that it is wrong with.
func problemKinds(problems []Problem) (found []string) {
	for _, p := range problems {
		found = append(found, strings.TrimSpace(string(p.Kind)+" "+p.Entry))
	}
	return found
}

// runs are the looks at its items.
func (l *macLab) runs() (looks []string) {
	calls, stdin := l.chain.Calls()
	for _, call := range calls {
		if strings.Contains(call, " -w") || strings.Contains(call, " -g") || len(stdin) > 0 {
			l.t.Errorf("it ran %s", call)
		}
		if strings.Contains(call, codexRingName) {
			looks = append(looks, call)
		}
	}
	return looks
}

// Codex looks into its file only where the keychain has no item: what stands
// there besides may have been rotated away.
func TestAnEntryOfTheFileThatTheKeychainHasTooIsAStaleCopy(t *testing.T) {
	l := newShutLab(t, "both here project", "both item none")
	l.chain.Set(shutItem("both", security.Asking), shutItem("item", security.Asking), shutItem("project", security.Asking), shutItem("another", security.Asking))
	all, problems := l.look()
	slices.SortFunc(all, func(a, b Credential) int { return strings.Compare(a.Name, b.Name) })
	if got := mcp(all); !slices.Equal(got, []string{"both keychain-own", "here", "item keychain-own", "project keychain-own"}) {
		t.Errorf("%q", got)
	}
	if got := problemKinds(problems); !slices.Equal(got, []string{"stale-copy both", "stale-copy project"}) {
		t.Errorf("%q", got)
	}
	l.runs()
}

func TestAnItemThatOnlyItsClientReadsIsOnlyWatched(t *testing.T) {
	l := newShutLab(t, "", "linear")
	l.chain.Set(shutItem("linear", security.Asking))
	all, problems := l.look()
	if len(all) != 1 || len(problems) > 0 {
		t.Fatalf("%d entries, %v", len(all), problems)
	}
	c := all[0]
	if c.ID != "codex/mcp/linear" || c.WatchOnly != KeychainOwn || c.ServerURL != shutURL || !c.Expiry.IsZero() || !c.Access.IsZero() || !c.Refresh.IsZero() ||
		c.Unused || c.Blanked || !c.Protected || !slices.Equal(c.SignIn, []string{"codex", "mcp", "login", "linear"}) {
		t.Errorf("%+v", c)
	}
	for _, s := range l.stores() {
		if s.May(c.Key) {
			if _, err := s.Hold(context.Background(), c); err == nil {
				t.Error("it can be held")
			}
		}
	}
	l.runs()
}

func TestTheFileCountsWhereTheKeychainHasNoItem(t *testing.T) {
	l := newShutLab(t, "linear notes", "linear")
	if all, problems := l.look(); !slices.Equal(mcp(all), []string{"linear", "notes"}) || len(problems) > 0 {
		t.Errorf("%q, %v", mcp(all), problems)
	}
	if calls := l.runs(); len(calls) != 1 {
		t.Errorf("to see that there is none it ran %q", calls)
	}
}

// Where it is told to use the file only, nobody looks into the keychain.
func TestNothingIsLookedForWhereCodexDoesNotLook(t *testing.T) {
	l := newShutLab(t, "linear", "linear")
	l.put("config.toml", "mcp_oauth_credentials_store = \"file\"\n"+l.get("config.toml"))
	l.chain.Set(shutItem("linear", security.Asking))
	stores := l.stores()
	l.host.Stamps(context.Background(), stores...)
	if all, problems := l.look(); !slices.Equal(mcp(all), []string{"linear"}) || len(problems) > 0 {
		t.Errorf("%q, %v", mcp(all), problems)
	}
	if calls := l.runs(); len(calls) > 0 {
		t.Errorf("it ran %q", calls)
	}
}

func TestNothingOfTheFileIsRefreshedWhileTheKeychainCannotBeAsked(t *testing.T) {
	for name, what := range map[string]struct {
		spoil func(l *macLab)
		want  []string
	}{
		"locked": {func(l *macLab) { l.chain.Set(shutItem("another", security.Hidden)) }, []string{"locked"}},
		"locked, and it knows no other place": {func(l *macLab) {
			l.put("config.toml", "mcp_oauth_credentials_store = \"keyring\"\n")
			l.chain.Set(shutItem("linear", security.Hidden))
		}, []string{"locked"}},
		"slow": {func(l *macLab) {
			l.host.Keychain.Patience = time.Second
			l.chain.Set(shutItem("linear", security.Stuck))
		}, []string{"slow"}},
		"no program":  {func(l *macLab) { l.host.Keychain.Program = l.path("none") }, []string{"failed"}},
		"no keychain": {func(l *macLab) { l.host.Keychain = nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l := newShutLab(t, "linear", "")
			what.spoil(l)
			all, problems := l.look()
			if got := mcp(all); !slices.Equal(got, []string{"linear keyring-unread"}) || !slices.Equal(problemKinds(problems), what.want) {
				t.Errorf("%q, %v", got, problems)
			}
		})
	}
}

// A look is a process: there is one for each change of what there may be, and
// each minute.
func TestLooksAreRemembered(t *testing.T) {
	l := newShutLab(t, "here", "linear")
	l.chain.Set(shutItem("linear", security.Asking))
	stores := l.stores()
	ran := len(l.runs())
	before := l.host.Stamps(context.Background(), stores...)
	if len(l.runs()) != 2*ran {
		t.Errorf("the look once a minute ran %q", l.runs()[ran:])
	}
	for range 3 {
		for _, s := range Stores(l.host, nil, stores...) {
			s.Scan(context.Background())
		}
	}
	if calls := l.runs(); len(calls) != 2*ran {
		t.Errorf("three more looks at the stores ran %q", calls[2*ran:])
	}
	if again := l.host.Stamps(context.Background(), stores...); again != before || before == "" {
		t.Errorf("%q, then %q", before, again)
	}
	l.chain.Set(shutItem("linear", security.Asking), shutItem("here", security.Asking))
	if l.host.Stamps(context.Background(), stores...) == before {
		t.Error("a new item is not seen")
	}
	if all, _ := l.look(); !slices.Equal(mcp(all), []string{"here keychain-own", "linear keychain-own"}) && !slices.Equal(mcp(all), []string{"linear keychain-own", "here keychain-own"}) {
		t.Errorf("%q", mcp(all))
	}
	if !slices.ContainsFunc(stores, (*Store).Polled) {
		t.Error("nobody would look again")
	}
}

// Codex may have signed in since the last look at the keychain.
func TestARefreshLooksAgainBeforeItBegins(t *testing.T) {
	l := newShutLab(t, "linear", "linear")
	var s *Store
	for _, s = range l.stores() {
		if s.behindShut() {
			break
		}
	}
	all, _ := s.Scan(context.Background())
	if got := mcp(all); !slices.Equal(got, []string{"linear"}) {
		t.Fatalf("%q", got)
	}
	l.chain.Set(shutItem("linear", security.Asking))
	h, err := s.Hold(context.Background(), all[0])
	l.must(err)
	defer h.Close()
	if c, err := h.Read(context.Background()); !errors.Is(err, ErrGone) {
		t.Errorf("it was read: %q, %v", c.WatchOnly, err)
	}
}

// Items belong to no home.
func TestTwoHomesShareAnItem(t *testing.T) {
	l := newShutLab(t, "", "linear")
	l.write(l.mkdir("work"), "linear notes", "")
	l.chain.Set(shutItem("linear", security.Asking), shutItem("notes", security.Asking))
	home := Home{Client: "codex", Path: filepath.Join(filepath.Dir(l.dir), "work"), Name: "work"}
	var found []string
	for _, s := range l.stores(home) {
		all, _ := s.Scan(context.Background())
		for _, c := range all {
			found = append(found, c.Name+"@"+c.Profile)
		}
	}
	if slices.Sort(found); !slices.Equal(found, []string{"linear@", "notes@work"}) {
		t.Errorf("%q", found)
	}
}
