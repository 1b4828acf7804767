package credfiles

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles/agefile"
	"lamplighter/credfiles/keyring"
)

// words is a keyring that has passphrases only.
type words struct {
	by    map[string]string
	err   error
	reads int
}

func (w *words) List(context.Context, string) ([]keyring.Item, error) { return nil, nil }
func (w *words) Limit(string, string) int                             { return 0 }

func (w *words) Write(context.Context, string, string, []byte) error {
	panic("a passphrase is never written")
}

func (w *words) Read(_ context.Context, service, account string) ([]byte, error) {
	w.reads++
	word, ok := w.by[service+" "+account]
	switch {
	case w.err != nil:
		return nil, w.err
	case !ok:
		return nil, fs.ErrNotExist
	}
	return []byte(word), nil
}

const word = "c2l4IHRpbWVzIHNldmVuIG9mIHRoZW0gRVhBTVBMRQ=="

// sealedText is what Codex 0.169.0 encrypts, with the entries of two servers.
func sealedText(access, refresh string, expiry string) string {
	entry := func(name, access, refresh string) string {
		inner := `{"server_name":"` + name + `","url":"http://127.0.0.1:18700/mcp","issuer":"http://127.0.0.1:18700","client_id":"cli_EXAMPLE",` +
			`"token_response":{"access_token":"` + access + `","token_type":"bearer","expires_in":3600,"refresh_token":"` + refresh + `","scope":"read write offline_access"},"expires_at":` + expiry + `}`
		return `"` + codexSecretName(EntryKey(name, "http://127.0.0.1:18700/mcp")) + `":"` + strings.ReplaceAll(inner, `"`, `\"`) + `"`
	}
	return `{"version":1,"secrets":{` + entry("lab", access, refresh) + "," + strings.ReplaceAll(entry("notes", "at_other_EXAMPLE", "rt_other_EXAMPLE"), expiry, "1795209659179") + "}}"
}

const oldExpiry = "1795209659178"

// sealedLab has a Codex home whose tokens are in an encrypted file.
type sealedLab struct {
	*lab
	words *words
}

func newSealedLab(t *testing.T) *sealedLab {
	t.Helper()
	l := &sealedLab{lab: newLab(t, &codex), words: &words{}}
	l.words.by = map[string]string{"codex " + codexSealing.accounts(l.dir)[0]: word}
	l.host.Keyring, l.host.Opener = l.words, &Opener{}
	l.put("config.toml", "[features]\nsecret_auth_storage = true\n")
	l.must(os.Mkdir(l.path("secrets"), 0o755))
	l.seal(sealedText("at_old_EXAMPLE", "rt_old_EXAMPLE", oldExpiry))
	return l
}

// seal puts a file there as Codex does.
func (l *sealedLab) seal(text string) {
	l.t.Helper()
	file, err := agefile.Seal([]byte(text), word, 11)
	l.must(err)
	l.put(".new", string(file))
	l.must(os.Chmod(l.path(".new"), 0o644))
	l.must(os.Rename(l.path(".new"), l.path(codexSealedFile.name)))
}

// opened is what is in the file.
func (l *sealedLab) opened() string {
	l.t.Helper()
	text, err := agefile.Open([]byte(l.get(codexSealedFile.name)), word)
	l.must(err)
	return string(text)
}

func (l *sealedLab) sealedStore() *Store {
	l.t.Helper()
	for _, s := range Stores(l.host, nil) {
		if s.file.sealed != nil {
			return s
		}
	}
	l.t.Fatal("there is no encrypted store")
	return nil
}

// held is the entry called lab, held and read.
func (l *sealedLab) held(s *Store) (*Hold, Credential) {
	l.t.Helper()
	all, problems := s.Scan(context.Background())
	if len(all) != 2 || len(problems) > 0 {
		l.t.Fatalf("%d entries, %v", len(all), problems)
	}
	h, err := s.Hold(context.Background(), all[0])
	l.must(err)
	l.t.Cleanup(func() { h.Close() })
	old, err := h.Read(context.Background())
	l.must(err)
	l.must(h.Ready())
	return h, old
}

func (l *sealedLab) write(h *Hold, old Credential) (Result, error) {
	token := Token{Access: NewSecret("at_new_EXAMPLE"), Refresh: NewSecret("rt_new_EXAMPLE"), Expiry: time.UnixMilli(4_000_000_000_000)}
	return h.Write(context.Background(), old, token, func([]byte) error { l.t.Error("an image of it was kept"); return nil })
}

func TestAnEncryptedStoreIsReadLikeAnyOther(t *testing.T) {
	l := newSealedLab(t)
	_, c := l.held(l.sealedStore())
	if c.Name != "lab" || c.ServerURL != "http://127.0.0.1:18700/mcp" || c.Issuer != "http://127.0.0.1:18700" || c.ClientID != "cli_EXAMPLE" ||
		c.Refresh.Reveal() != "rt_old_EXAMPLE" || c.Expiry.UnixMilli() != 1795209659178 || c.Scope != "read write offline_access" || c.WatchOnly != "" || c.Unused {
		t.Errorf("%+v", c)
	}
}

func TestWhatTheRealCodexEncryptedIsReadAndWritten(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "sealed", "codex-0.169.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	l := newSealedLab(t)
	l.seal(string(text))
	s := l.sealedStore()
	all, problems := s.Scan(context.Background())
	if len(all) != 1 || len(problems) > 0 || all[0].Name != "lab" || all[0].Unused || all[0].WatchOnly != "" || all[0].Refresh.Reveal() != "rt-cp647gbsls6iyqrxhq76kns6he" {
		t.Fatalf("%+v, %v", all, problems)
	}
	h, err := s.Hold(context.Background(), all[0])
	l.must(err)
	if result, err := l.write(h, all[0]); result != Written || err != nil {
		t.Fatalf("%v, %v", result, err)
	}
	l.must(h.Close())
	undone := strings.NewReplacer("at_new_EXAMPLE", all[0].Access.Reveal(), "rt_new_EXAMPLE", all[0].Refresh.Reveal(), "4000000000000", "1795280878624").Replace(l.opened())
	if undone = regexp.MustCompile(`expires_in\\":\d+`).ReplaceAllString(undone, `expires_in\":3600`); undone != string(text) {
		t.Errorf("got  %s\nwant %s", undone, text)
	}
}

// Only the values of the entry change in what is encrypted; the file keeps its
// mode and the cost that its client chose.
func TestAWriteIntoAnEncryptedStoreChangesOnlyTheValuesOfItsEntry(t *testing.T) {
	l := newSealedLab(t)
	h, old := l.held(l.sealedStore())
	if result, err := l.write(h, old); result != Written || err != nil {
		t.Fatalf("%v, %v", result, err)
	}
	got := l.opened()
	_, rest, _ := strings.Cut(got, `expires_in\":`)
	lifetime, _, _ := strings.Cut(rest, ",")
	want := strings.Replace(sealedText("at_new_EXAMPLE", "rt_new_EXAMPLE", "4000000000000"), `expires_in\":3600`, `expires_in\":`+lifetime, 1)
	if got != want || lifetime == "3600" {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	info, err := os.Stat(l.path(codexSealedFile.name))
	l.must(err)
	if info.Mode().Perm() != 0o644 {
		t.Errorf("its mode is %v", info.Mode())
	}
	if n, err := agefile.WorkFactor([]byte(l.get(codexSealedFile.name))); n != 11 || err != nil {
		t.Errorf("its work factor is %d, %v", n, err)
	}
	l.must(h.Close())
	if left, _ := filepath.Glob(l.path("secrets/.*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// Opening takes seconds and up to 1 GB: once for each content is enough, and
// what we wrote ourselves is known.
func TestAnEncryptedStoreIsOpenedOncePerChange(t *testing.T) {
	l := newSealedLab(t)
	s := l.sealedStore()
	for range 3 {
		s.Scan(context.Background())
		Stores(l.host, nil, s) // as after each change of anything
	}
	if l.words.reads != 1 {
		t.Errorf("it was opened %d times", l.words.reads)
	}
	h, old := l.held(s)
	before := l.words.reads
	if result, err := l.write(h, old); result != Written || err != nil {
		t.Fatalf("%v, %v", result, err)
	}
	if all, _ := s.Scan(context.Background()); len(all) != 2 || all[0].Refresh.Reveal() != "rt_new_EXAMPLE" || l.words.reads != before {
		t.Errorf("what we wrote was opened")
	}
	l.seal(sealedText("at_3_EXAMPLE", "rt_3_EXAMPLE", oldExpiry))
	if all, _ := s.Scan(context.Background()); len(all) != 2 || all[0].Refresh.Reveal() != "rt_3_EXAMPLE" || l.words.reads != before+1 {
		t.Errorf("what its client wrote was not opened")
	}
}

// A box seals by a key, which may be away, or as good as another.
type box struct{ key byte }

func (b *box) Seal(text []byte, place string) ([]byte, error) {
	if b.key == 0 {
		return nil, nil // the system keeps nothing for us
	}
	sealed := append([]byte(place+"\x00"), text...)
	for i := range sealed {
		sealed[i] ^= b.key
	}
	return sealed, nil
}

func (b *box) Open(sealed []byte, place string) ([]byte, error) {
	text := bytes.Clone(sealed)
	for i := range text {
		text[i] ^= b.key
	}
	text, ok := bytes.CutPrefix(text, []byte(place+"\x00"))
	if !ok {
		return nil, ErrKeyGone
	}
	return text, nil
}

// Each command is a process of its own.
func TestWhatOneProcessOpenedNoOtherOpens(t *testing.T) {
	l, b, dir := newSealedLab(t), &box{key: 0x5a}, filepath.Join(t.TempDir(), "opened")
	asked := 0
	look := func(want string, opens bool) {
		t.Helper()
		l.host.Opener = &Opener{}
		l.host.Opener.Remember(dir, b)
		all, problems := l.sealedStore().Scan(context.Background())
		if len(all) != 2 || len(problems) > 0 || all[0].Refresh.Reveal() != want {
			t.Fatalf("%d entries, %v", len(all), problems)
		}
		was := asked
		if asked = l.words.reads; (asked > was) != opens {
			t.Errorf("%s: opened %d times", want, asked-was)
		}
	}
	look("rt_old_EXAMPLE", true)
	look("rt_old_EXAMPLE", false)
	l.seal(sealedText("at_2_EXAMPLE", "rt_2_EXAMPLE", oldExpiry))
	look("rt_2_EXAMPLE", true)
	h, old := l.held(l.sealedStore())
	if result, err := l.write(h, old); result != Written || err != nil {
		t.Fatalf("%v, %v", result, err)
	}
	l.must(h.Close())
	asked = l.words.reads
	look("rt_new_EXAMPLE", false) // which we put there
	names, err := os.ReadDir(dir)
	l.must(err)
	if len(names) != 1 {
		t.Errorf("%d files are remembered, of one", len(names))
	}
	text, err := os.ReadFile(filepath.Join(dir, names[0].Name()))
	l.must(err)
	if bytes.Contains(text, []byte("EXAMPLE")) {
		t.Error("it is remembered plainly")
	}
	b.key++
	look("rt_new_EXAMPLE", true) // another key
	l.must(os.WriteFile(filepath.Join(dir, names[0].Name()), []byte("torn"), 0o600))
	look("rt_new_EXAMPLE", true)
	b.key = 0
	l.seal(sealedText("at_3_EXAMPLE", "rt_3_EXAMPLE", oldExpiry))
	look("rt_3_EXAMPLE", true)
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("without a key %d files, %v", len(names), err)
	}
}

// Codex writes under its lock, but nothing hangs on that.
func TestWhatItsClientWritesMeanwhileStaysInAnEncryptedStore(t *testing.T) {
	l := newSealedLab(t)
	h, old := l.held(l.sealedStore())
	changed := false
	h.pause = func(s step) {
		if s == exchanging && !changed {
			changed = true
			l.seal(strings.Replace(sealedText("at_old_EXAMPLE", "rt_old_EXAMPLE", oldExpiry), "at_other", "at_newer", 1))
		}
	}
	if result, err := l.write(h, old); result != Written || err != nil {
		t.Fatalf("%v, %v", result, err)
	}
	if got := l.opened(); !strings.Contains(got, "rt_new_EXAMPLE") || !strings.Contains(got, "at_newer_EXAMPLE") {
		t.Errorf("it holds %s", got)
	}
}

// A file that another passphrase closes may be a new login's.
func TestWhatCannotBeOpenedStaysInItsPlace(t *testing.T) {
	l := newSealedLab(t)
	h, old := l.held(l.sealedStore())
	other, err := agefile.Seal([]byte(`{"version":1,"secrets":{}}`), "another passphrase", 11)
	l.must(err)
	h.pause = func(s step) {
		if s == exchanging {
			l.put(".new", string(other))
			l.must(os.Rename(l.path(".new"), l.path(codexSealedFile.name)))
		}
	}
	if result, err := l.write(h, old); err == nil {
		t.Errorf("%v without an error", result)
	}
	if l.get(codexSealedFile.name) != string(other) {
		t.Error("something else took its place")
	}
}

func TestAnEncryptedStoreThatCannotBeOpenedIsAProblem(t *testing.T) {
	for name, c := range map[string]struct {
		change func(l *sealedLab)
		want   ProblemKind
	}{
		"locked keyring": {func(l *sealedLab) { l.words.err = keyring.ErrLocked }, Locked},
		"slow keyring":   {func(l *sealedLab) { l.words.err = keyring.ErrSlow }, Slow},
		"no keyring":     {func(l *sealedLab) { l.host.Keyring = nil }, NoKeyring},
		"no passphrase":  {func(l *sealedLab) { l.words.by = nil }, Sealed},
		"another one":    {func(l *sealedLab) { l.words.by["codex "+codexSealing.accounts(l.dir)[0]] = "other" }, Sealed},
		"no age file":    {func(l *sealedLab) { l.put(codexSealedFile.name, "{}") }, Sealed},
		"empty":          {func(l *sealedLab) { l.put(codexSealedFile.name, "") }, Sealed},
		"no JSON in it":  {func(l *sealedLab) { l.seal("nothing") }, NotJSON},
		"entry no text":  {func(l *sealedLab) { l.seal(`{"version":1,"secrets":{"global/MCP_OAUTH_X":{}}}`) }, OddShape},
		"entry no entry": {func(l *sealedLab) { l.seal(`{"version":1,"secrets":{"global/MCP_OAUTH_X":"nothing"}}`) }, OddShape},
		"not our format": {func(l *sealedLab) { l.seal(`{"version":1,"secrets":[]}`) }, OddShape},
	} {
		l := newSealedLab(t)
		c.change(l)
		all, problems := l.sealedStore().Scan(context.Background())
		if len(all) != 0 || len(problems) != 1 || problems[0].Kind != c.want {
			t.Errorf("%s: %d entries, %v, want %s", name, len(all), problems, c.want)
		}
	}
}

// What does not open does not open by being tried again.
func TestAWrongPassphraseIsTriedOnce(t *testing.T) {
	l := newSealedLab(t)
	l.words.by["codex "+codexSealing.accounts(l.dir)[0]] = "other"
	s := l.sealedStore()
	s.Scan(context.Background())
	l.host.Opener.Process.Program = "/nonexistent/program"
	for range 2 {
		if _, problems := s.Scan(context.Background()); len(problems) != 1 || problems[0].Kind != Sealed {
			t.Errorf("%v", problems)
		}
	}
	l.words.by["codex "+codexSealing.accounts(l.dir)[0]] = word
	l.host.Opener.Process.Program = ""
	if all, problems := s.Scan(context.Background()); len(all) != 2 {
		t.Errorf("the right one does not open it: %v", problems)
	}
}

// Where memory is short the process ends each time. The computer gets a rest.
func TestAnOpeningThatWasEndedIsNotRepeatedAtOnce(t *testing.T) {
	l := newSealedLab(t)
	s := l.sealedStore()
	l.host.Opener.Process.Program = "/nonexistent/program"
	if _, problems := s.Scan(context.Background()); len(problems) != 1 || problems[0].Kind != Failed {
		t.Errorf("%v", problems)
	}
	l.host.Opener.Process.Program = ""
	if _, problems := s.Scan(context.Background()); len(problems) != 1 || problems[0].Kind != Failed {
		t.Errorf("it was tried again: %v", problems)
	}
	l.host.Opener.opened[0].until = time.Now()
	if all, problems := s.Scan(context.Background()); len(all) != 2 || len(problems) > 0 {
		t.Errorf("it was not tried again: %v", problems)
	}
	// One that a person interrupted is no failure.
	l.seal(sealedText("at_2_EXAMPLE", "rt_2_EXAMPLE", oldExpiry))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Scan(ctx)
	if all, _ := s.Scan(context.Background()); len(all) != 2 || all[0].Refresh.Reveal() != "rt_2_EXAMPLE" {
		t.Error("it was not opened after an interruption")
	}
}

func TestWhetherTheEncryptedStoreIsUsed(t *testing.T) {
	for config, want := range map[string][2]int{ // on Linux, on Windows
		"": {0, 2},
		"[features]\nsecret_auth_storage = true\n":                                            {2, 2},
		"[features]\nsecret_auth_storage = false\n":                                           {0, 0},
		"mcp_oauth_credentials_store = \"file\"\n[features]\nsecret_auth_storage = true\n":    {0, 0},
		"mcp_oauth_credentials_store = \"keyring\"\n[features]\nsecret_auth_storage = true\n": {2, 2},
	} {
		for i, os := range []string{"linux", "windows"} {
			l := newSealedLab(t)
			l.host.OS = os
			l.put("config.toml", config)
			all, problems := l.sealedStore().Scan(context.Background())
			if len(all) != want[i] || len(problems) > 0 || want[i] == 0 && l.words.reads > 0 {
				t.Errorf("%q on %s: %d entries, opened %d times, %v", config, os, len(all), l.words.reads, problems)
			}
		}
	}
}

// It looks into the plain file only for what is not in the encrypted one.
func TestAnEntryOfTheFileThatIsEncryptedTooIsAStaleCopy(t *testing.T) {
	l := newSealedLab(t)
	plain := func(name string) string {
		return `"` + EntryKey(name, "http://127.0.0.1:18700/mcp") + `":{"server_name":"` + name + `","server_url":"http://127.0.0.1:18700/mcp","client_id":"cli_EXAMPLE","access_token":"at","expires_at":` + oldExpiry + `,"refresh_token":"rt_` + name + `","scopes":[]}`
	}
	l.put(".credentials.json", "{"+plain("lab")+","+plain("third")+"}")
	store := l.store()
	all, problems := store.Scan(context.Background())
	if len(all) != 1 || all[0].Name != "third" || all[0].WatchOnly != "" || len(problems) != 1 || problems[0].Kind != StaleCopy {
		t.Errorf("%d entries, %v", len(all), problems)
	}
	l.words.err = keyring.ErrLocked
	l.host.Opener = &Opener{}
	for _, s := range Stores(l.host, nil) {
		if s.client == &codex && s.file.name == ".credentials.json" {
			if all, _ := s.Scan(context.Background()); len(all) != 2 || all[0].WatchOnly != KeyringUnread {
				t.Errorf("while the other cannot be read: %d entries, %q", len(all), all[0].WatchOnly)
			}
		}
	}
}

// What is in the file comes out of folding what was unfolded, but for how its
// strings were escaped: a second time nothing changes any more.
func FuzzFold(f *testing.F) {
	f.Add([]byte(sealedText("at", "rt", oldExpiry)))
	for _, text := range []string{`{}`, `{"secrets":{"global/MCP_OAUTH_A":"{\"a\":\"\\u0041\"}","other":"{}"}}`, `{"secrets":{"global/MCP_OAUTH_A":"no"}}`, `{"secrets":[]}`,
		`{"secrets":{"global/MCP_OAUTH_A":"{}","global/MCP_OAUTH_A":"{\"b\":1}"}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		document, err := codexUnfold(text)
		if err != nil {
			return
		}
		folded, err := codexFold(document)
		if err != nil {
			t.Fatalf("%q became %q: %v", text, document, err)
		}
		again, err := codexUnfold(folded)
		if err != nil || string(again) != string(document) {
			t.Errorf("%q became %q, then %q (%v)", text, document, again, err)
		}
		if twice, err := codexFold(again); err != nil || string(twice) != string(folded) {
			t.Errorf("%q, then %q (%v)", folded, twice, err)
		}
	})
}
