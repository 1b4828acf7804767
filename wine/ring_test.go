//go:build wine

package wine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles/keyring"
	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// A manager is the Credential Manager, as the client and the lab's checks use
// it: a lab.Ring and a credfiles.Keyring.
type manager struct{ p *pc }

func newManager(p *pc) manager {
	m := manager{p}
	if _, err := output(hand(), "wipe"); err != nil {
		p.T.Fatal(err)
	}
	p.Keyring(m)
	return m
}

func names(attributes []string) (account, service string) {
	for i := 0; i < len(attributes); i += 2 {
		switch attributes[i] {
		case "username":
			account = attributes[i+1]
		case "service":
			service = attributes[i+1]
		}
	}
	return account, service
}

// account is that which the passphrase has, whatever it would be elsewhere: it
// is made of the path that Windows has for the home.
func (m manager) account(service, account string) string {
	if service != "codex" {
		return account
	}
	sum := sha256.Sum256([]byte(`C:\users\` + filepath.Base(profile) + `\.codex`))
	return "secrets|" + hex.EncodeToString(sum[:8])
}

func (m manager) Put(_, secret string, attributes ...string) {
	m.p.T.Helper()
	account, service := names(attributes)
	cmd := inside(exec.Command("wine", hand(), "put", m.account(service, account), service))
	cmd.Stdin = strings.NewReader(secret)
	if out, err := cmd.CombinedOutput(); ended(err) != nil {
		m.p.T.Fatalf("%v: %s", err, out)
	}
}

func (m manager) Get(attributes ...string) (string, bool) {
	account, service := names(attributes)
	text, err := m.Read(context.Background(), service, account)
	return string(text), err == nil
}

func (m manager) Read(_ context.Context, service, account string) ([]byte, error) {
	return output(hand(), "get", m.account(service, account), service)
}

func (m manager) List(_ context.Context, service string) (all []keyring.Item, err error) {
	out, err := output(hand(), "list", service)
	for line := range strings.Lines(string(out)) {
		all = append(all, keyring.Item{Account: strings.TrimSpace(line)})
	}
	return all, err
}

func (m manager) Write(context.Context, string, string, []byte) error { return errors.ErrUnsupported }
func (m manager) Limit(string, string) int                            { return 0 }

func (p *pc) codex(config string) {
	p.T.Helper()
	if err := os.MkdirAll(p.Path(".codex"), 0o755); err != nil {
		p.T.Fatal(err)
	}
	if err := os.WriteFile(p.Path(".codex", "config.toml"), []byte(config), 0o600); err != nil {
		p.T.Fatal(err)
	}
}

func TestAnItemOfTheCredentialManagerIsRefreshed(t *testing.T) {
	p := newPC(t)
	p.codex("[features]\nsecret_auth_storage = false\n")
	s := authtest.New(t, authtest.Options{})
	m := newManager(p)
	linear := p.CodexItem(m, "linear", s, authtest.GrantOptions{AccessLeft: time.Minute})
	notes := p.CodexItem(m, "notes", s, authtest.GrantOptions{AccessLeft: time.Hour})
	p.runs(0, "refresh")
	if a, b := s.TokenPosts(linear.Grant.ID), s.TokenPosts(notes.Grant.ID); a != 1 || b != 0 {
		t.Errorf("%d and %d requests", a, b)
	}
	p.runs(0, "refresh", "notes", "--anyway")
	if out := p.runs(0, "status"); !strings.Contains(out, "All 2 tokens are fresh") {
		t.Error(out)
	}
	for _, line := range []*lab.Line{linear, notes} {
		if wrong := p.Landed(line) + p.Whole(line); wrong != "" {
			t.Error(wrong)
		}
	}
	if wrong := p.Quiet() + p.Leaks() + strings.Join(s.Check(), "; "); wrong != "" {
		t.Error(wrong)
	}
}

// What Codex does on Windows when nobody says otherwise.
func TestAnEncryptedStoreWithItsPassphraseInTheCredentialManagerIsRefreshed(t *testing.T) {
	p := newPC(t)
	s := authtest.New(t, authtest.Options{})
	lines := p.CodexSealed(newManager(p), 12, s, authtest.GrantOptions{AccessLeft: time.Minute}, "linear", "sentry")
	p.runs(0, "refresh")
	for _, line := range lines {
		if n := s.TokenPosts(line.Grant.ID); n != 1 {
			t.Errorf("%s: %d requests", line.ID, n)
		}
		if wrong := p.Landed(line) + p.Whole(line); wrong != "" {
			t.Error(wrong)
		}
	}
	if wrong := p.Quiet() + p.Leaks() + strings.Join(s.Check(), "; "); wrong != "" {
		t.Error(wrong)
	}
}
