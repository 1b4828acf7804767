package deliver_test

import (
	"errors"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/keyring"
	"lamplighter/credfiles/secretservice"
	"lamplighter/deliver"
	"lamplighter/lab/desktop"
)

// On GNOME Keyring: another program reads the token by the names that the user
// chose, a locked or absent keyring is a state, and an item of somebody else's
// stays what it is.
func TestAnItemOfTheKeyring(t *testing.T) {
	b := desktop.NewBus(t)
	k := b.NewKeyring()
	s := secretservice.New(func() (string, error) { return b.Address(), nil })
	t.Cleanup(func() { s.Close() })
	k.Put("label", "theirs EXAMPLE", "service", "Codex MCP Credentials", "username", "linear")
	var last credfiles.Secret
	ours := func(there credfiles.Secret) bool { return there.Equal(last) }
	item := deliver.Item{Service: "graph", Account: "me", Keyring: s}
	for _, access := range []string{"one EXAMPLE", "two EXAMPLE"} {
		tok := deliver.Token{ID: "own/graph", Access: credfiles.NewSecret(access), Expiry: time.Now().Add(time.Hour)}
		if err := item.Put(t.Context(), tok, ours); err != nil {
			t.Fatal(err)
		}
		if got, _ := k.Get("service", "graph", "username", "me"); got != access {
			t.Errorf("secret-tool reads %q", got)
		}
		last = tok.Access
	}
	tok := deliver.Token{Access: credfiles.NewSecret("three EXAMPLE")}
	foreign := deliver.Item{Service: "Codex MCP Credentials", Account: "linear", Keyring: s}
	if err := foreign.Put(t.Context(), tok, ours); !errors.Is(err, deliver.ErrForeign) {
		t.Errorf("an item of Codex': %v", err)
	}
	if err := foreign.Erase(t.Context(), ours); !errors.Is(err, deliver.ErrForeign) {
		t.Errorf("an item of Codex': %v", err)
	}
	if got, _ := k.Get("service", "Codex MCP Credentials"); got != "theirs EXAMPLE" {
		t.Errorf("it holds %q", got)
	}
	k.Lock()
	if err := item.Put(t.Context(), tok, ours); !errors.Is(err, keyring.ErrLocked) {
		t.Errorf("locked: %v", err)
	}
	k.Unlock()
	if err := item.Erase(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	if got, there := k.Get("service", "graph", "username", "me"); there {
		t.Errorf("it is still there: %q", got)
	}
	if err := item.Erase(t.Context(), ours); err != nil {
		t.Errorf("erased twice: %v", err)
	}
	nobody := deliver.Item{Service: "graph", Account: "me", Keyring: secretservice.New(func() (string, error) { return "", errors.New("no bus") })}
	if err := nobody.Put(t.Context(), tok, ours); !errors.Is(err, keyring.ErrAbsent) {
		t.Errorf("without a bus: %v", err)
	}
}
