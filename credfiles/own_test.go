package credfiles

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles/keyring"
)

// A xor is a Sealer whose texts nobody mistakes for plain ones.
type xor struct {
	err   error
	plain bool
}

func (x *xor) Seal(text []byte, place string) ([]byte, error) {
	if x.err != nil || x.plain {
		return nil, x.err
	}
	return x.flip([]byte(place + "\x00" + string(text))), nil
}

func (x *xor) Open(sealed []byte, place string) ([]byte, error) {
	if x.err != nil {
		return nil, x.err
	}
	of, text, _ := strings.Cut(string(x.flip(sealed)), "\x00")
	if of != place {
		return nil, ErrKeyGone
	}
	return []byte(text), nil
}

func (x *xor) flip(text []byte) []byte {
	out := make([]byte, len(text))
	for i, b := range text {
		out[i] = b ^ 0x5a
	}
	return out
}

func ownHost(t *testing.T, sealer Sealer, all ...Own) Host {
	t.Helper()
	home := t.TempDir()
	return Host{
		OS: "linux", Home: home, Getenv: func(name string) string { return map[string]string{"SECRET": "env-EXAMPLE"}[name] },
		Own: &Owned{Dir: filepath.Join(home, "state", "own"), All: all, Sealer: sealer},
	}
}

func ownStore(t *testing.T, h Host) *Store {
	t.Helper()
	stores := h.owned(map[string]*Store{})
	if len(stores) != len(h.Own.All) {
		t.Fatalf("%d stores", len(stores))
	}
	return stores[0]
}

var ownDocs = Own{Name: "docs", Grant: ByRefreshToken, TokenURL: "https://as.example/token", ClientID: "app"}

// hold does something with an own credential held.
func holdOwn(t *testing.T, s *Store, do func(*Hold, Credential)) {
	t.Helper()
	all, _ := s.Scan(context.Background())
	if len(all) != 1 {
		t.Fatalf("%d credentials", len(all))
	}
	h, err := s.Hold(context.Background(), all[0])
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	c, err := h.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	do(h, c)
}

func TestAnOwnCredentialIsThereAsSoonAsItIsDefined(t *testing.T) {
	h := ownHost(t, &xor{}, ownDocs)
	s := ownStore(t, h)
	all, problems := s.Scan(t.Context())
	if len(all) != 1 || len(problems) > 0 || !all[0].Access.IsZero() || !all[0].Own || all[0].WatchOnly != "" {
		t.Fatalf("%+v, %v", all, problems)
	}
	NameAll(all)
	if all[0].ID != "own/docs" {
		t.Errorf("its ID is %s", all[0].ID)
	}
	if found := Match([]string{"own/docs", "codex/mcp/linear"}, "docs"); len(found) != 1 {
		t.Errorf("docs means %v", found)
	}
	if _, err := os.Stat(h.Own.Dir); !gone(err) {
		t.Errorf("a look made %s: %v", h.Own.Dir, err)
	}
	if key := h.Own.Key("docs"); all[0].Key != key || !s.May(key) {
		t.Errorf("its key is %v, not %v", all[0].Key, key)
	}
}

func TestAnOwnTokenComesBackAsItWasWritten(t *testing.T) {
	for _, sealer := range []*xor{{}, {plain: true}} {
		h := ownHost(t, sealer, ownDocs)
		s := ownStore(t, h)
		want := Token{Access: NewSecret("at-EXAMPLE"), Refresh: NewSecret("rt-EXAMPLE"), Expiry: time.Now().Add(5 * time.Second).Truncate(time.Millisecond)}
		holdOwn(t, s, func(hold *Hold, c Credential) {
			if err := hold.Entrust(NewSecret("cs-EXAMPLE"), NewSecret("rt-0-EXAMPLE")); err != nil {
				t.Fatal(err)
			}
			c, err := hold.Read(t.Context())
			if err != nil || c.ClientSecret.Reveal() != "cs-EXAMPLE" || c.Refresh.Reveal() != "rt-0-EXAMPLE" {
				t.Fatalf("read %v", err)
			}
			if got, err := hold.Write(t.Context(), c, want, nil); err != nil || got != Written {
				t.Fatalf("%v, %v", got, err)
			}
		})
		s = ownStore(t, h) // as another process
		all, _ := s.Scan(t.Context())
		got := all[0]
		if !got.Access.Equal(want.Access) || !got.Refresh.Equal(want.Refresh) || !got.Expiry.Equal(want.Expiry) || got.ClientSecret.Reveal() != "cs-EXAMPLE" || got.Protected == sealer.plain {
			t.Errorf("sealed %v: it came back as another (%v, protected %v)", !sealer.plain, got.Expiry, got.Protected)
		}
		text, err := os.ReadFile(s.Path())
		if err != nil || strings.Contains(string(text), "EXAMPLE") != sealer.plain {
			t.Errorf("sealed %v: the file is plain or not there: %v", !sealer.plain, err)
		}
		if info, _ := os.Stat(s.Path()); info.Mode().Perm() != 0o600 {
			t.Errorf("its mode is %v", info.Mode())
		}
		if info, _ := os.Stat(h.Own.Dir); info.Mode().Perm() != 0o700 {
			t.Errorf("the folder's mode is %v", info.Mode())
		}
	}
}

func TestTokensOfAnotherClientOrServerAreNotTaken(t *testing.T) {
	for name, change := range map[string]func(*Own){
		"client": func(o *Own) { o.ClientID = "other" },
		"server": func(o *Own) { o.TokenURL = "https://elsewhere.example/token" },
		"issuer": func(o *Own) { o.Issuer = "https://elsewhere.example" },
		"grant":  func(o *Own) { o.Grant = ByBrowser },
	} {
		h := ownHost(t, &xor{}, ownDocs)
		holdOwn(t, ownStore(t, h), func(hold *Hold, c Credential) {
			if err := hold.Entrust(NewSecret("cs-EXAMPLE"), NewSecret("rt-EXAMPLE")); err != nil {
				t.Fatal(err)
			}
		})
		change(&h.Own.All[0])
		all, _ := ownStore(t, h).Scan(t.Context())
		if len(all) != 1 || !all[0].Refresh.IsZero() || !all[0].ClientSecret.IsZero() {
			t.Errorf("another %s gets the tokens and the secret of before", name)
		}
	}
	h := ownHost(t, &xor{}, ownDocs)
	holdOwn(t, ownStore(t, h), func(hold *Hold, _ Credential) {
		if err := hold.Entrust(Secret{}, NewSecret("rt-EXAMPLE")); err != nil {
			t.Fatal(err)
		}
		c, _ := hold.Read(t.Context())
		if _, err := hold.Write(t.Context(), c, Token{Access: NewSecret("at-EXAMPLE"), Expiry: time.Now().Add(time.Hour)}, nil); err != nil {
			t.Fatal(err)
		}
	})
	h.Own.All[0].Scope = "more"
	if all, _ := ownStore(t, h).Scan(t.Context()); all[0].Refresh.Reveal() != "rt-EXAMPLE" || !all[0].Access.IsZero() {
		t.Error("another scope needs another access token, by the same refresh token")
	}
}

func TestASealedOwnCredentialThatCannotBeOpenedIsOnlyWatched(t *testing.T) {
	sealer := &xor{}
	h := ownHost(t, sealer, ownDocs)
	s := ownStore(t, h)
	holdOwn(t, s, func(hold *Hold, _ Credential) {
		if err := hold.Entrust(Secret{}, NewSecret("rt-EXAMPLE")); err != nil {
			t.Fatal(err)
		}
	})
	before, _ := os.ReadFile(s.Path())
	for err, want := range map[error]Reason{
		keyring.ErrLocked: KeyringShut, keyring.ErrAbsent: KeyringShut, keyring.ErrSlow: KeyringShut, keyring.ErrDenied: KeyringShut, ErrKeyGone: KeyGone,
	} {
		sealer.err = err
		all, problems := s.Scan(t.Context())
		if len(all) != 1 || all[0].WatchOnly != want || !all[0].Unread || len(problems) != 1 {
			t.Errorf("%v: %+v, %v", err, all, problems)
			continue
		}
		if polled := s.Polled(); polled != (want == KeyringShut) {
			t.Errorf("%v: polled %v", err, polled)
		}
		hold, holdErr := s.Hold(t.Context(), all[0])
		if holdErr != nil {
			t.Fatal(holdErr)
		}
		if _, readErr := hold.Read(t.Context()); readErr == nil {
			t.Errorf("%v: it was read", err)
		}
		if readyErr := hold.Ready(); readyErr == nil {
			t.Errorf("%v: it could be written", err)
		}
		hold.Close()
	}
	if now, _ := os.ReadFile(s.Path()); string(now) != string(before) {
		t.Error("the file changed")
	}
	sealer.err = nil
	if all, _ := s.Scan(t.Context()); all[0].Refresh.Reveal() != "rt-EXAMPLE" || s.Polled() {
		t.Error("unlocked, it is another")
	}
}

func TestWhereASecretIsFoundAndWhatIsMissing(t *testing.T) {
	app := Own{Name: "app", Grant: ByClientCredentials, TokenURL: "https://as.example/token", ClientID: "app"}
	with := func(change func(*Own)) Credential {
		t.Helper()
		o := app
		change(&o)
		h := ownHost(t, &xor{}, o)
		for name, text := range map[string]string{"secret": "file-EXAMPLE\r\n", "empty": "\n"} {
			if err := os.WriteFile(filepath.Join(h.Home, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		all, _ := ownStore(t, h).Scan(t.Context())
		return all[0]
	}
	if c := with(func(o *Own) { o.SecretFile = "~/secret" }); c.ClientSecret.Reveal() != "file-EXAMPLE" || c.SecretTrouble != "" {
		t.Errorf("a file: %s", c.SecretTrouble)
	}
	if c := with(func(o *Own) { o.SecretEnv = "SECRET" }); c.ClientSecret.Reveal() != "env-EXAMPLE" {
		t.Errorf("a variable: %s", c.SecretTrouble)
	}
	if c := with(func(o *Own) { o.SecretCommand = []string{"false"} }); !c.SecretLater || !c.ClientSecret.IsZero() {
		t.Error("a command was asked before it was needed")
	}
	for name, change := range map[string]func(*Own){
		"no file": func(o *Own) { o.SecretFile = "~/nowhere" }, "an empty file": func(o *Own) { o.SecretFile = "~/empty" },
		"a folder": func(o *Own) { o.SecretFile = "~/" }, "no variable": func(o *Own) { o.SecretEnv = "NOTHING" },
	} {
		if c := with(change); c.SecretTrouble == "" || !c.ClientSecret.IsZero() {
			t.Errorf("%s: %q", name, c.SecretTrouble)
		}
	}
}

func TestASecretCommandIsAskedInShort(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  string
		wrong string
	}{
		{[]string{"printf", "cs-EXAMPLE\n"}, "cs-EXAMPLE", ""},
		{[]string{"printf", ""}, "", "printed nothing"},
		{[]string{"sh", "-c", "echo cs-EXAMPLE >&2; exit 3"}, "", "exit code 3"},
		{[]string{"no-such-program-of-ours"}, "", "not found"},
		{[]string{"sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x"}, "", ""},
	} {
		secret, err := AskCommand(t.Context(), "secret_command", c.words)
		switch {
		case c.want != "" && (err != nil || secret.Reveal() != c.want):
			t.Errorf("%v: %v", c.words, err)
		case c.want == "" && (err == nil || !strings.Contains(err.Error(), c.wrong) || strings.Contains(err.Error(), "EXAMPLE")):
			t.Errorf("%v: %v", c.words, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := AskCommand(ctx, "secret_command", []string{"sleep", "60"}); err == nil {
		t.Error("it was waited for")
	}
}

func TestEraseLeavesNothingAndRemovedStaysRemoved(t *testing.T) {
	h := ownHost(t, &xor{}, ownDocs)
	s := ownStore(t, h)
	holdOwn(t, s, func(hold *Hold, _ Credential) {
		if err := hold.Entrust(Secret{}, NewSecret("rt-EXAMPLE")); err != nil {
			t.Fatal(err)
		}
	})
	if err := errors.Join(h.Own.Erase("docs"), h.Own.Erase("docs")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(h.Own.Dir); !gone(err) {
		t.Errorf("the folder is there: %v", err)
	}
	h.Own.Still = func(string) bool { return false }
	if _, err := ownStore(t, h).Hold(t.Context(), Credential{Key: h.Own.Key("docs")}); !errors.Is(err, ErrGone) {
		t.Errorf("held: %v", err)
	}
}
