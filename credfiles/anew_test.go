package credfiles

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// makers are the clients whose entries a sign-in of ours makes anew.
var makers = []*client{&gemini, &qwen, &mcpRemote}

// anewLab is a client that erased its entry for lab.
func anewLab(t *testing.T, c *client, all bool) (l *lab, was, gone Credential) {
	t.Helper()
	l = realLab(t, c)
	was = l.one("lab")
	switch {
	case c == &mcpRemote:
		l.must(os.Remove(l.storeOf(was).Path()))
	case all:
		l.must(os.Remove(l.path(l.file())))
	default:
		l.put(l.file(), l.entries(func(all map[string]map[string]any) { delete(all, longKey("lab")) }))
	}
	for _, c := range l.scan() {
		if c.Key == was.Key {
			return l, was, c
		}
	}
	t.Fatal("nobody tells that it is gone")
	return nil, was, gone
}

func anewLogin(gone Credential) Login {
	l := Login{
		Token:  Token{Access: NewSecret("at_anew_EXAMPLE"), Refresh: NewSecret("rt_anew_EXAMPLE"), Expiry: time.UnixMilli(1_900_000_000_000), Scope: "read"},
		Issuer: gone.Issuer, TokenURL: "http://127.0.0.1:18700/oauth/token", ClientID: gone.ClientID,
	}
	if l.ClientID == "" {
		l.ClientID = "client-anew"
	}
	return l
}

// signInAnew holds the entry as it is, and writes the sign-in.
func (l *lab) signInAnew(gone Credential, login Login) (Result, error) {
	l.t.Helper()
	h, err := l.storeOf(gone).Hold(context.Background(), gone)
	l.must(err)
	defer func() { l.must(h.Close()) }()
	if _, err := h.Read(context.Background()); !errors.Is(err, ErrGone) {
		l.t.Errorf("it reads %v", err)
	}
	l.must(h.Ready())
	return h.WriteLogin(context.Background(), gone, login, noImage)
}

// memberNames are those of what an entry holds.
func memberNames(t *testing.T, text string) []string {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	all := slices.Collect(maps.Keys(e))
	if token, ok := e["token"].(map[string]any); ok {
		for name := range token {
			all = append(all, "token."+name)
		}
	}
	slices.Sort(all)
	return all
}

func TestASignInOfOursMakesAnErasedEntryAnew(t *testing.T) {
	for _, c := range makers {
		for _, all := range []bool{false, true} {
			l, was, gone := anewLab(t, c, all)
			if !gone.Erased || !gone.Anew || gone.ServerURL != was.ServerURL {
				t.Fatalf("%s: %+v", c.name, gone)
			}
			before := ""
			if other := l.one("notes"); !all || c == &mcpRemote {
				before = l.describe([]Credential{other}, nil)
			}
			login := anewLogin(gone)
			if result, err := l.signInAnew(gone, login); err != nil || result != Written {
				t.Fatalf("%s: %v, %v", c.name, result, err)
			}
			now := l.one("lab")
			if !login.in(now) || now.Expiry != login.Expiry || now.WatchOnly != "" || now.Blanked || now.ServerURL != was.ServerURL || c != &mcpRemote && now.Endpoint != login.TokenURL {
				t.Errorf("%s: %+v", c.name, now)
			}
			if before != "" {
				equal(t, c.name+": the other entry", l.describe([]Credential{l.one("notes")}, nil), before)
			}
			if info, err := os.Stat(l.storeOf(now).Path()); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", c.name, info, err)
			}
			if c == &mcpRemote {
				continue
			}
			want := memberNames(t, was.Text.Reveal())
			equal(t, c.name+": its members", memberNames(t, now.Text.Reveal()), want)
		}
	}
}

func TestAnEntryThatIsMadeAnewHasNoTimeOrRefreshTokenThatDidNotCome(t *testing.T) {
	for _, c := range makers {
		l, _, gone := anewLab(t, c, true)
		login := anewLogin(gone)
		login.Token = Token{Access: NewSecret("at_anew_EXAMPLE")}
		if result, err := l.signInAnew(gone, login); err != nil || result != Written {
			t.Fatalf("%s: %v, %v", c.name, result, err)
		}
		text, err := os.ReadFile(l.storeOf(l.one("lab")).Path())
		l.must(err)
		for _, name := range []string{"expiresAt", "expires_at", "expires_in", "refresh", "scope"} {
			if strings.Contains(string(text), `"`+name) {
				t.Errorf("%s: it has %s:\n%s", c.name, name, text)
			}
		}
	}
}

// Whoever signed in meanwhile stays, and what was logged out since stays away.
func TestASignInOfOursTakesNobodysPlace(t *testing.T) {
	for _, c := range makers {
		l, was, gone := anewLab(t, c, true)
		store := l.storeOf(was)
		theirs := strings.ReplaceAll(realText(t, l, was), was.Refresh.Reveal(), "rt_theirs_EXAMPLE")
		h, err := store.Hold(context.Background(), gone)
		l.must(err)
		l.must(h.Ready())
		l.must(os.WriteFile(store.Path(), []byte(theirs), 0o600))
		if result, err := h.WriteLogin(context.Background(), gone, anewLogin(gone), noImage); err != nil || result == Written {
			t.Errorf("%s: %v, %v", c.name, result, err)
		}
		l.must(h.Close())
		text, err := os.ReadFile(store.Path())
		l.must(err)
		equal(t, c.name, string(text), theirs)

		l.must(os.Remove(store.Path()))
		h, err = store.Hold(context.Background(), gone)
		l.must(err)
		if result, err := h.WriteLogin(context.Background(), was, anewLogin(was), noImage); err != nil || result != Gone {
			t.Errorf("%s, which had a token when it began: %v, %v", c.name, result, err)
		}
		l.must(h.Close())
	}
}

// realText is a store of the lab's as the real client wrote it.
func realText(t *testing.T, l *lab, c Credential) string {
	t.Helper()
	rel, err := filepath.Rel(l.dir, l.storeOf(c).Path())
	l.must(err)
	text, err := os.ReadFile(filepath.Join("testdata/real", real[l.client], rel))
	l.must(err)
	return string(text)
}

// Before the code is exchanged it is known whether the entry can be made.
func TestAFolderThatTakesNoFileIsKnownBefore(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	for _, c := range makers {
		l, _, gone := anewLab(t, c, true)
		store := l.storeOf(gone)
		l.must(os.Chmod(filepath.Dir(store.Path()), 0o500))
		h, err := store.Hold(context.Background(), gone)
		l.must(err)
		var p *Problem
		if err := h.Ready(); !errors.As(err, &p) {
			t.Errorf("%s: %v", c.name, err)
		}
		h.Close()
		l.must(os.Chmod(filepath.Dir(store.Path()), 0o700))
	}
}
