package secretservice

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
	s := New(func() (string, error) { return b.Address(), nil })
	defer s.Close()
	ctx := context.Background()
	if err := s.ask(ctx, func(ctx context.Context, o owner) (err error) {
		s.session, err = session{of: o.name}.exchange(ctx, o)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	key := s.session.key
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
	if string(s.session.key) != string(key) {
		t.Error("the session was another one")
	}
}
