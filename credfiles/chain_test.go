package credfiles

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/keychain"
	"lamplighter/credfiles/keyring"
	"lamplighter/lab/security"
)

// macLab is a home on macOS, with a stand-in for the keychain, which nobody
// here has.
type macLab struct {
	*lab
	chain *security.Security
}

func newMacLab(t *testing.T) *macLab {
	t.Helper()
	l := &macLab{lab: newLab(t, &claude), chain: security.New(t)}
	l.host.OS = "darwin"
	l.host.Getenv = func(name string) string { return map[string]string{"USER": "ada"}[name] }
	l.host.Keychain = &Keychain{Keychain: keychain.Keychain{Program: l.chain.Program, Patience: 5 * time.Second}}
	return l
}

// later is when what was listed counts no more.
func (l *macLab) later() *macLab {
	l.host.Keychain.listed = nil
	return l
}

// inChain is what Claude Code would keep, with one entry for each name.
func inChain(refresh string, names ...string) string {
	var entries []string
	for _, name := range names {
		entries = append(entries, `"`+EntryKey(name, "https://mcp.example/mcp")+`":{"serverName":"`+name+`","serverUrl":"https://mcp.example/mcp","accessToken":"at_`+refresh+
			`","refreshToken":"`+refresh+`","expiresAt":1795209659178,"clientId":"cli_EXAMPLE","issuer":"https://auth.example"}`)
	}
	return `{"claudeAiOauth":{"accessToken":"at_login_EXAMPLE","refreshToken":"rt_login_EXAMPLE","expiresAt":1795209659178},"mcpOAuth":{` + strings.Join(entries, ",") + `}}`
}

// quietItem was not touched for a while.
func quietItem(account, text string) security.Item {
	return security.Item{Service: claudeService, Account: account, Secret: []byte(text), Modified: time.Now().Add(-time.Hour).Truncate(time.Second)}
}

// mcp are the entries for MCP servers, with why they are only watched.
func mcp(all []Credential) (found []string) {
	for _, c := range all {
		if c.Kind == "mcp" {
			text := c.Name
			if c.WatchOnly != "" {
				text += " " + string(c.WatchOnly)
			}
			found = append(found, text)
		}
	}
	return found
}

// keychainStore is the one of ada's item.
func (l *macLab) keychainStore() *Store {
	l.t.Helper()
	for _, s := range l.stores() {
		if s.chain != nil && s.chain.account == "ada" {
			return s
		}
	}
	l.t.Fatal("there is no item")
	return nil
}

func (l *macLab) held(s *Store) (*Hold, Credential) {
	l.t.Helper()
	all, problems := s.Scan(context.Background())
	i := slices.IndexFunc(all, func(c Credential) bool { return c.Kind == "mcp" })
	if i < 0 || len(problems) > 0 {
		l.t.Fatalf("%d entries, %v", len(all), problems)
	}
	h, err := s.Hold(context.Background(), all[i])
	l.must(err)
	l.t.Cleanup(func() { h.Close() })
	old, err := h.Read(context.Background())
	l.must(err)
	return h, old
}

func TestAnItemOfTheKeychainIsAStoreLikeAnyOther(t *testing.T) {
	l := newMacLab(t)
	l.chain.Set(quietItem("ada", inChain("rt_old_EXAMPLE", "slack", "notes")), quietItem("unknown", inChain("rt_2_EXAMPLE", "wiki")))
	all, problems := l.look()
	if got := mcp(all); !slices.Equal(got, []string{"slack", "notes", "wiki"}) && !slices.Equal(got, []string{"wiki", "slack", "notes"}) || len(problems) > 0 {
		t.Fatalf("%q, %v", got, problems)
	}
	h, old := l.held(l.keychainStore())
	if !old.Protected {
		t.Error("it counts as one that anybody reads who reads the disk")
	}
	l.must(h.Ready())
	result, err := h.Write(context.Background(), old, fresh("x"), noImage)
	if result != Written || err != nil {
		t.Fatalf("%v, %v", result, err)
	}
	want, err := jsonedit.Apply([]byte(inChain("rt_old_EXAMPLE", "slack", "notes")),
		jsonedit.Set([]string{"mcpOAuth", old.Key.Entry, "accessToken"}, jsonedit.Quote("at_new_x_EXAMPLE")),
		jsonedit.Set([]string{"mcpOAuth", old.Key.Entry, "refreshToken"}, jsonedit.Quote("rt_new_x_EXAMPLE")),
		jsonedit.Set([]string{"mcpOAuth", old.Key.Entry, "expiresAt"}, []byte("1900000000001")))
	l.must(err)
	items := l.chain.Items()
	if string(items[0].Secret) != string(want) || string(items[1].Secret) != inChain("rt_2_EXAMPLE", "wiki") {
		t.Errorf("got  %s\nwant %s", items[0].Secret, want)
	}
	l.must(h.Close())
	if left, _ := filepath.Glob(l.path("*.lock*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// Items for two accounts may have an entry of the same name.
func TestEntriesOfTwoAccountsHaveIDsOfTheirOwn(t *testing.T) {
	l := newMacLab(t)
	l.chain.Set(quietItem("ada", inChain("rt_1_EXAMPLE", "slack")), quietItem("unknown", inChain("rt_2_EXAMPLE", "slack")))
	ids := map[string]string{}
	for range 2 {
		all, _ := l.look()
		for _, c := range all {
			if was, ok := ids[c.ID]; ok && was != c.Key.Store {
				t.Errorf("%s is in %s and in %s", c.ID, was, c.Key.Store)
			}
			ids[c.ID] = c.Key.Store
		}
	}
	if len(ids) != 4 {
		t.Errorf("%v", ids)
	}
}

// The secret is read once for each change, and never by the look once a minute.
func TestAnItemIsReadOncePerChange(t *testing.T) {
	l := newMacLab(t)
	l.chain.Set(quietItem("ada", inChain("rt_old_EXAMPLE", "slack")))
	reads := func() (n int) {
		calls, _ := l.chain.Calls()
		for _, call := range calls {
			if strings.Contains(call, " -w ") {
				n++
			}
		}
		return n
	}
	stores := l.stores()
	for range 3 {
		for _, s := range stores {
			s.Scan(context.Background())
		}
	}
	before := l.host.Stamps(context.Background(), stores...)
	if again := l.host.Stamps(context.Background(), stores...); again != before || before == "" {
		t.Errorf("%q, then %q", before, again)
	}
	if reads() != 1 {
		t.Errorf("it was read %d times", reads())
	}
	l.chain.Set(security.Item{Service: claudeService, Account: "ada", Secret: []byte(inChain("rt_3_EXAMPLE", "slack")), Modified: time.Now().Add(-time.Minute)})
	if l.host.Stamps(context.Background(), stores...) == before {
		t.Error("a change is not seen")
	}
	if _, old := l.held(l.keychainStore()); old.Refresh.Reveal() != "rt_3_EXAMPLE" {
		t.Error("the change is not read")
	}
}

// An item whose time is now may be written again in the same second.
func TestAnItemThatJustChangedIsReadAgain(t *testing.T) {
	l := newMacLab(t)
	now := quietItem("ada", inChain("rt_1_EXAMPLE", "slack"))
	now.Modified = time.Now()
	l.chain.Set(now)
	s := l.keychainStore()
	s.Scan(context.Background())
	now.Secret = []byte(inChain("rt_2_EXAMPLE", "slack"))
	l.chain.Set(now)
	if _, old := l.held(s); old.Refresh.Reveal() != "rt_2_EXAMPLE" {
		t.Error("what was written in the same second is not seen")
	}
}

// What the keychain refused it is not asked for again until it is another.
func TestAPromptIsNotRepeated(t *testing.T) {
	l := newMacLab(t)
	l.host.Keychain.Patience = 3 * time.Second
	item := quietItem("ada", inChain("rt_1_EXAMPLE", "slack"))
	item.Mood = security.Asking
	l.chain.Set(item)
	stores := l.stores()
	for range 3 {
		for _, s := range stores {
			if all, problems := s.Scan(context.Background()); s.chain != nil && (len(all) > 0 || len(problems) != 1 || problems[0].Kind != Slow) {
				t.Errorf("%d entries, %v", len(all), problems)
			}
		}
	}
	calls, _ := l.chain.Calls()
	if n := strings.Count(strings.Join(calls, "\n"), " -w "); n != 1 {
		t.Errorf("%d prompts", n)
	}
	// Meanwhile the keychain was unlocked, of which its items say nothing.
	item.Mood = security.Willing
	l.chain.Set(item)
	for name, was := range l.host.Keychain.known {
		was.until = time.Now()
		l.host.Keychain.known[name] = was
	}
	if _, old := l.held(l.keychainStore()); old.Refresh.Reveal() != "rt_1_EXAMPLE" {
		t.Error("it is never asked for again")
	}
}

func TestALockedKeychainIsToldApartFromAnEmptyOne(t *testing.T) {
	l := newMacLab(t)
	item := quietItem("ada", inChain("rt_1_EXAMPLE", "slack"))
	item.Mood = security.Locked
	l.chain.Set(item)
	l.put(".credentials.json", inChain("rt_file_EXAMPLE", "slack"))
	all, problems := l.look()
	// The file may be an old copy: nothing of it is refreshed.
	if got := mcp(all); !slices.Equal(got, []string{"slack " + string(Fallback)}) || len(problems) != 1 || problems[0].Kind != Locked {
		t.Errorf("locked: %q, %v", got, problems)
	}
	item.Mood = security.Willing
	l.chain.Set(item) // unlocked: its time is the same
	if all, problems := l.later().look(); !slices.Equal(mcp(all), []string{"slack"}) || len(problems) > 0 {
		t.Errorf("unlocked: %q, %v", mcp(all), problems)
	}
	l.chain.Set()
	if all, problems := l.later().look(); !slices.Equal(mcp(all), []string{"slack"}) || len(problems) > 0 {
		t.Errorf("empty: %q, %v", mcp(all), problems)
	}
}

// The keychain and the file are one store: what is in both is the keychain's.
func TestTheFileIsWhatTheKeychainHasNot(t *testing.T) {
	l := newMacLab(t)
	l.chain.Set(quietItem("ada", inChain("rt_new_EXAMPLE", "slack")))
	l.put(".credentials.json", inChain("rt_old_EXAMPLE", "slack", "only here"))
	all, problems := l.look()
	if got := mcp(all); !slices.Equal(got, []string{"only here " + string(Fallback), "slack"}) || len(problems) > 0 {
		t.Errorf("%q, %v", got, problems)
	}
}

// Another home may have its item under a name that we cannot compute.
func TestTheFileOfAnotherHomeIsWatchedOnly(t *testing.T) {
	l := newMacLab(t)
	work := l.mkdir("work")
	l.put(filepath.Join("..", "work", ".credentials.json"), inChain("rt_EXAMPLE", "slack"))
	home := Home{Client: "claude", Path: work, Name: "work"}
	look := func() (all []Credential) {
		for _, s := range l.stores(home) {
			found, _ := s.Scan(context.Background())
			all = append(all, found...)
		}
		return all
	}
	if got := mcp(look()); !slices.Equal(got, []string{"slack " + string(Fallback)}) {
		t.Errorf("%q", got)
	}
	l.host.Getenv = func(name string) string {
		return map[string]string{"USER": "ada", "CLAUDE_CONFIG_DIR": work + "/"}[name]
	}
	if got := mcp(look()); !slices.Equal(got, []string{"slack"}) {
		t.Errorf("of the home that the variable names: %q", got)
	}
	item := quietItem("ada", inChain("rt_2_EXAMPLE", "slack"))
	item.Service = claudeServiceOf(work + "/") // as the variable has it, slash and all
	l.chain.Set(item)
	l.later()
	all := look()
	if got := mcp(all); !slices.Equal(got, []string{"slack"}) || all[len(all)-1].Refresh.Reveal() != "rt_2_EXAMPLE" || all[len(all)-1].Profile != "work" {
		t.Errorf("with an item: %q", got)
	}
}

// An entry without a token in the file keeps Claude Code from using the one in
// the keychain.
func TestAStubInTheFileGoesAfterAWrite(t *testing.T) {
	l := newMacLab(t)
	l.chain.Set(quietItem("ada", inChain("rt_1_EXAMPLE", "slack")))
	key := EntryKey("slack", "https://mcp.example/mcp")
	const rest = `"other|1":{"accessToken":"at","refreshToken":"rt"}`
	l.put(".credentials.json", `{"mcpOAuth":{"`+key+`":{"serverName":"slack","accessToken":"","discoveryState":{}},`+rest+`}}`)
	h, old := l.held(l.keychainStore())
	if !old.NeedsAuth {
		t.Error("nobody would know that it is not used")
	}
	l.must(h.ClearMark(old))
	if got := l.get(".credentials.json"); got != `{"mcpOAuth":{`+rest+`}}` {
		t.Errorf("the file holds %s", got)
	}
	l.must(h.Close())
	if left, _ := filepath.Glob(l.path("*.lock*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// An item that is longer than a line is written by an argument, unless the
// user forbids it: then it is only watched.
func TestALongItemNeedsLeave(t *testing.T) {
	for _, allowed := range []bool{true, false} {
		l := newMacLab(t)
		l.host.Keychain.Arguments = allowed
		long := inChain("rt_1_EXAMPLE", "slack", "notes", "wiki", "mail", "more", "and", "so", "on", "until", "it", "is", "long")
		l.chain.Set(quietItem("ada", long))
		s := l.keychainStore()
		all, _ := s.Scan(context.Background())
		want := KeychainLine
		if allowed {
			want = ""
		}
		if len(long) < 2100 || all[1].WatchOnly != want {
			t.Fatalf("%d bytes: %q, want %q", len(long), all[1].WatchOnly, want)
		}
		h, old := l.held(s)
		result, err := h.Write(context.Background(), old, fresh("x"), noImage)
		if allowed && (result != Written || err != nil) || !allowed && !errors.Is(err, keyring.ErrFull) && problemKind(err) != Full {
			t.Errorf("allowed: %v; %v, %v", allowed, result, err)
		}
		arguments, _ := l.chain.Calls()
		if leaked := strings.Contains(strings.Join(arguments, "\n"), "72745f6e6577"); leaked != allowed {
			t.Errorf("allowed: %v; in an argument: %v", allowed, leaked)
		}
	}
}

func problemKind(err error) ProblemKind {
	var p *Problem
	if errors.As(err, &p) {
		return p.Kind
	}
	return ""
}

func TestWhatClaudeWritesMeanwhileStaysInTheKeychain(t *testing.T) {
	l := newMacLab(t)
	l.chain.Set(quietItem("ada", inChain("rt_1_EXAMPLE", "slack")))
	h, old := l.held(l.keychainStore())
	changed := false
	h.pause = func(s step) {
		if s == exchanging && !changed {
			changed = true
			theirs := quietItem("ada", strings.Replace(inChain("rt_1_EXAMPLE", "slack", "notes"), "at_login", "at_newer", 1))
			theirs.Modified = time.Now()
			l.chain.Set(theirs)
		}
	}
	if result, err := h.Write(context.Background(), old, fresh("x"), noImage); result != Written || err != nil {
		t.Fatalf("%v, %v", result, err)
	}
	if got := string(l.chain.Items()[0].Secret); !strings.Contains(got, "at_newer_EXAMPLE") || !strings.Contains(got, `"notes"`) || !strings.Contains(got, "rt_new_x_EXAMPLE") {
		t.Errorf("it holds %s", got)
	}
}

func TestALogoutMeanwhileStaysALogoutInTheKeychain(t *testing.T) {
	l := newMacLab(t)
	l.chain.Set(quietItem("ada", inChain("rt_1_EXAMPLE", "slack")))
	h, old := l.held(l.keychainStore())
	l.must(h.Ready())
	l.chain.Set()
	if result, err := h.Write(context.Background(), old, fresh("x"), noImage); result != Gone || err != nil || len(l.chain.Items()) > 0 {
		t.Errorf("%v, %v, %d items", result, err, len(l.chain.Items()))
	}
}

// What is beyond ASCII would come back from the keychain as digits.
func TestOnlyASCIIIsWrittenToTheKeychain(t *testing.T) {
	l := newMacLab(t)
	l.chain.Set(quietItem("ada", inChain("rt_1_EXAMPLE", "Grüße")))
	h, old := l.held(l.keychainStore())
	if old.Name != "Grüße" {
		t.Errorf("it was read as %q", old.Name)
	}
	token := fresh("x")
	token.Refresh = NewSecret("rt_ü_EXAMPLE")
	if result, err := h.Write(context.Background(), old, token, noImage); result != Written || err != nil {
		t.Fatalf("%v, %v", result, err)
	}
	if got := l.chain.Items()[0].Secret; slices.ContainsFunc(got, func(c byte) bool { return c < ' ' || c > '~' }) || !strings.Contains(string(got), `rt_\u00fc_EXAMPLE`) {
		t.Errorf("it holds %s", got)
	}
}
