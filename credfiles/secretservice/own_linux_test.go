package secretservice_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"

	"lamplighter/credfiles/keyring"
	"lamplighter/lab/desktop"
)

// What is ours is kept beside what is others', and outlives the service.
func TestASecretOfOursIsKeptBesideThoseOfOthers(t *testing.T) {
	b := desktop.NewBus(t)
	k := b.NewKeyring()
	k.Put("other", "theirs EXAMPLE", "service", "journal", "username", "Lamplighter")
	s := at(t, b)
	ctx := context.Background()
	if _, err := s.Recall(ctx, "journal"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := s.Keep(ctx, "journal", []byte("ours EXAMPLE")); err != nil {
		t.Fatal(err)
	}
	k.Kill()
	k.Start()
	if _, err := s.Recall(ctx, "journal"); !errors.Is(err, keyring.ErrLocked) {
		t.Errorf("locked: %v", err)
	}
	k.Unlock()
	if got, err := s.Recall(ctx, "journal"); err != nil || string(got) != "ours EXAMPLE" {
		t.Errorf("%q, %v", got, err)
	}
	if got, _ := k.Get("service", "journal", "username", "Lamplighter"); got != "theirs EXAMPLE" {
		t.Errorf("the other holds %q", got)
	}
}

// Where nothing is open that outlives the session nothing is kept, and nobody
// is asked to open it.
func TestNothingIsKeptWhereItWouldNotLast(t *testing.T) {
	b := desktop.NewBus(t)
	k := b.NewKeyring()
	s := at(t, b)
	prompts := b.Calls("org.freedesktop.Secret.Prompt", "org.freedesktop.Secret.Service", "org.freedesktop.Secret.Collection")
	k.Lock()
	if err := s.Keep(context.Background(), "journal", []byte("ours EXAMPLE")); !errors.Is(err, keyring.ErrLocked) {
		t.Error(err)
	}
	k.Kill()
	k.Erase()
	k.Start()
	if err := s.Keep(context.Background(), "journal", []byte("ours EXAMPLE")); !errors.Is(err, keyring.ErrVolatile) {
		t.Error(err)
	}
	for _, name := range prompts() {
		if name == "Prompt" || name == "Unlock" || name == "CreateItem" {
			t.Errorf("%s was called", name)
		}
	}
	if n := len(k.Dress(map[string]string{"service": "Lamplighter"})); n != 0 {
		t.Errorf("%d items", n)
	}
}

// What GNOME Keyring has before anybody made a lasting collection ends with the
// session, and a client's items with it.
func TestAKeyringThatEndsWithTheSessionSaysSo(t *testing.T) {
	b := desktop.NewBus(t)
	k := b.NewKeyring()
	s := at(t, b)
	if err := s.Lasts(context.Background()); err != nil {
		t.Error(err)
	}
	k.Lock()
	if err := s.Lasts(context.Background()); err != nil {
		t.Errorf("locked: %v", err)
	}
	k.Kill()
	k.Erase()
	k.Start()
	if err := s.Lasts(context.Background()); !errors.Is(err, keyring.ErrVolatile) {
		t.Error(err)
	}
}

// Another program finds it by the service and the account that its user named,
// and what others keep stays as it is.
func TestAnItemIsMadeReplacedAndRemoved(t *testing.T) {
	b := desktop.NewBus(t)
	k := b.NewKeyring()
	k.Put("other", "theirs EXAMPLE", "service", "graph", "username", "another")
	s := at(t, b)
	ctx := context.Background()
	for _, text := range []string{"one EXAMPLE", "two EXAMPLE"} {
		if err := s.Put(ctx, "graph", "me", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, _ := k.Get("service", "graph", "username", "me"); got != text {
			t.Errorf("secret-tool reads %q", got)
		}
	}
	if n := len(k.Dress(map[string]string{"service": "graph"})); n != 2 {
		t.Errorf("%d items", n)
	}
	k.Lock()
	if err := s.Put(ctx, "graph", "me", []byte("three EXAMPLE")); !errors.Is(err, keyring.ErrLocked) {
		t.Errorf("locked: %v", err)
	}
	k.Unlock()
	if err := s.Remove(ctx, "graph", "me"); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(ctx, "graph", "me"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed twice: %v", err)
	}
	if got, _ := k.Get("service", "graph", "username", "another"); got != "theirs EXAMPLE" {
		t.Errorf("the other holds %q", got)
	}
}
