package secretservice_test

import (
	"context"
	"strings"
	"testing"

	"lamplighter/lab/desktop"
)

// Where a service wants no plain secrets on the bus they travel encrypted, and
// arrive as they are.
func TestSecretsTravelEncryptedWhereTheServiceInsists(t *testing.T) {
	b := desktop.NewBus(t)
	k := b.NewKeyring()
	attributes := []string{"service", "one", "username", "lab"}
	k.Put("a", "first EXAMPLE", attributes...)
	s := at(t, b)
	ctx := context.Background()
	if err := s.Exchange(ctx); err != nil {
		t.Fatal(err)
	}
	key := s.Key()
	if len(key) != 16 {
		t.Fatalf("a key of %d bytes", len(key))
	}
	for _, text := range []string{"", "sixteen bytes it", "EXAMPLE " + strings.Repeat("x", 5000)} {
		if err := s.Write(ctx, "one", "lab", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Read(ctx, "one", "lab"); err != nil || string(got) != text {
			t.Errorf("%d bytes came back as %d, %v", len(text), len(got), err)
		}
		if got, _ := k.Get(attributes...); got != text {
			t.Errorf("secret-tool reads %d bytes of %d", len(got), len(text))
		}
	}
	if string(s.Key()) != string(key) {
		t.Error("the session was another one")
	}
}
