package secretservice_test

import (
	"context"
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles/keyring"
	"lamplighter/credfiles/secretservice"
	"lamplighter/lab"
	"lamplighter/lab/desktop"
)

const service = "Codex MCP Credentials"

// rust are the attributes that the keyring crate 3.6.3 gives an item.
func rust(account string) []string {
	return []string{"application", "rust-keyring", "service", service, "username", account, "target", "default", "xdg:schema", "org.freedesktop.Secret.Generic"}
}

func label(account string) string { return account + "@" + service + ":default (keyring v3.6.3)" }

func at(t *testing.T, b *desktop.Bus) *secretservice.Service {
	s := secretservice.New(func() (string, error) { return b.Address(), nil })
	t.Cleanup(func() { s.Close() })
	return s
}

func TestASecretIsReplacedAndNothingElse(t *testing.T) {
	b := desktop.NewBus(t)
	k := b.NewKeyring()
	k.Put(label("lab|1"), "one EXAMPLE", rust("lab|1")...)
	k.Put(label("lab|2"), "two EXAMPLE", rust("lab|2")...)
	s := at(t, b)
	ctx := context.Background()
	dress := map[string]string{"service": service}
	before := k.Dress(dress)
	items, err := s.List(ctx, service)
	if err != nil || len(items) != 2 || items[0].Account != "lab|1" || items[0].Locked || items[0].Stamp == "" {
		t.Fatalf("%+v, %v", items, err)
	}
	long := strings.Repeat("é\x00EXAMPLE", 20_000)
	for _, text := range []string{"one more EXAMPLE", long, "", "last EXAMPLE"} {
		if err := s.Write(ctx, service, "lab|1", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Read(ctx, service, "lab|1"); err != nil || string(got) != text {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	if got, ok := k.Get("service", service, "username", "lab|1", "target", "default"); !ok || got != "last EXAMPLE" {
		t.Errorf("secret-tool reads %q", got)
	}
	if got, ok := k.Get("service", service, "username", "lab|2"); !ok || got != "two EXAMPLE" {
		t.Errorf("the other item holds %q", got)
	}
	if now := k.Dress(dress); !reflect.DeepEqual(now, before) || len(now) != 2 {
		t.Errorf("not only secrets changed:\n got %v\nwant %v", now, before)
	}
}

func TestNothingIsCreated(t *testing.T) {
	b := desktop.NewBus(t)
	k := b.NewKeyring()
	k.Put(label("lab|1"), "one EXAMPLE", rust("lab|1")...)
	s := at(t, b)
	if err := s.Write(context.Background(), service, "lab|2", []byte("new EXAMPLE")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if n := len(k.Dress(map[string]string{"service": service})); n != 1 {
		t.Errorf("%d items", n)
	}
}

// What Codex finds is what is written: the item with Rust's target, else the
// one without in the default collection; with two it finds none either.
func TestTheItemIsTheOneThatRustFinds(t *testing.T) {
	b := desktop.NewBus(t)
	k := b.NewKeyring()
	s := at(t, b)
	ctx := context.Background()
	k.Put("by go-keyring", "legacy EXAMPLE", "service", service, "username", "lab|1")
	if got, err := s.Read(ctx, service, "lab|1"); err != nil || string(got) != "legacy EXAMPLE" {
		t.Errorf("%q, %v", got, err)
	}
	k.Put(label("lab|1"), "right EXAMPLE", rust("lab|1")...)
	if err := s.Write(ctx, service, "lab|1", []byte("new EXAMPLE")); err != nil {
		t.Error(err)
	}
	if got, _ := k.Get(rust("lab|1")...); got != "new EXAMPLE" {
		t.Errorf("the right one holds %q", got)
	}
	if items, err := s.List(ctx, service); err != nil || len(items) != 1 {
		t.Errorf("%v, %v", items, err)
	}
	k.Put("another", "third EXAMPLE", "application", "other", "service", service, "username", "lab|1", "target", "default")
	if _, err := s.Read(ctx, service, "lab|1"); !errors.Is(err, keyring.ErrDouble) {
		t.Error(err)
	}
}

// Locked is a state: it is said, it ends by itself, and nobody is asked.
func TestALockedKeyringIsLeftAlone(t *testing.T) {
	b := desktop.NewBus(t)
	k := b.NewKeyring()
	k.Put(label("lab|1"), "one EXAMPLE", rust("lab|1")...)
	s := at(t, b)
	ctx := context.Background()
	k.Lock()
	prompts := b.Calls("org.freedesktop.Secret.Prompt")
	calls := b.Calls("org.freedesktop.Secret.Service")
	items, err := s.List(ctx, service)
	if err != nil || len(items) != 1 || !items[0].Locked {
		t.Errorf("%+v, %v", items, err)
	}
	if _, err := s.Read(ctx, service, "lab|1"); !errors.Is(err, keyring.ErrLocked) {
		t.Error(err)
	}
	if err := s.Write(ctx, service, "lab|1", []byte("new EXAMPLE")); !errors.Is(err, keyring.ErrLocked) {
		t.Error(err)
	}
	if !lab.Until(desktop.Patience, func() bool { return len(calls()) >= 3 }) {
		t.Fatal("the monitor sees nothing")
	}
	for _, name := range append(calls(), prompts()...) {
		if name == "Unlock" || name == "Prompt" || name == "CreateCollection" {
			t.Errorf("%s was called", name)
		}
	}
	drain(s)
	k.Unlock()
	select {
	case <-s.Changed():
	case <-time.After(desktop.Patience):
		t.Error("nobody tells of the unlocking")
	}
	if got, err := s.Read(ctx, service, "lab|1"); err != nil || string(got) != "one EXAMPLE" {
		t.Errorf("%q, %v", got, err)
	}
}

// An item that cannot be looked for is not one that is gone.
func TestWhatIsHiddenIsNotGone(t *testing.T) {
	b := desktop.NewBus(t)
	k := b.NewKeyring()
	s := at(t, b)
	ctx := context.Background()
	if _, err := s.Read(ctx, service, "lab|1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in an open keyring: %v", err)
	}
	// Nobody puts items into another than the default one.
	k.AddLocked("other")
	if _, err := s.Read(ctx, service, "lab|1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("with another that is locked: %v", err)
	}
	k.Lock()
	if _, err := s.Read(ctx, service, "lab|1"); !errors.Is(err, keyring.ErrLocked) {
		t.Errorf("in a locked one that shows no item: %v", err)
	}
	if items, err := s.List(ctx, service); len(items) != 0 || !errors.Is(err, keyring.ErrLocked) {
		t.Errorf("%v, %v", items, err)
	}
}

func TestServiceAndBusMayComeAndGo(t *testing.T) {
	b := desktop.NoBus(t)
	s := at(t, b)
	ctx := context.Background()
	absent := func(when string) {
		t.Helper()
		if _, err := s.List(ctx, service); !errors.Is(err, keyring.ErrAbsent) {
			t.Errorf("%s: %v", when, err)
		}
	}
	holds := func(when, want string) {
		t.Helper()
		if got, err := s.Read(ctx, service, "lab|1"); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", when, got, err)
		}
	}
	absent("without a bus")
	b.Start()
	absent("without a service")
	drain(s)
	k := b.NewKeyring()
	select {
	case <-s.Changed():
	case <-time.After(desktop.Patience):
		t.Error("nobody tells that a service came")
	}
	k.Put(label("lab|1"), "one EXAMPLE", rust("lab|1")...)
	holds("once it is there", "one EXAMPLE")
	k.Kill()
	absent("killed")
	k.Start()
	if _, err := s.Read(ctx, service, "lab|1"); !errors.Is(err, keyring.ErrLocked) {
		t.Errorf("started again: %v", err)
	}
	k.Unlock()
	holds("unlocked", "one EXAMPLE")
	k.Kill()
	b.Stop()
	absent("when the bus is gone")
	b.Start()
	k.Start()
	k.Unlock()
	holds("on another bus", "one EXAMPLE")
}

func TestAServiceThatHangsIsWaitedForOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes five seconds")
	}
	b := desktop.NewBus(t)
	k := b.NewKeyring()
	k.Put(label("lab|1"), "one EXAMPLE", rust("lab|1")...)
	s := at(t, b)
	k.Stop()
	defer k.Go()
	for range 100 { // together they take as long as one
		if _, err := s.Read(context.Background(), service, "lab|1"); !errors.Is(err, keyring.ErrSlow) {
			t.Fatal(err)
		}
	}
	short, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	other := at(t, b)
	if _, err := other.Read(short, service, "lab|1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who has no time: %v", err)
	}
}

func drain(s *secretservice.Service) {
	for lab.Until(50*time.Millisecond, func() bool { return len(s.Changed()) > 0 }) {
		<-s.Changed()
	}
}
