package keyring

import (
	"context"
	"errors"
	"testing"
)

func TestACallEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stuck := make(chan struct{})
	defer close(stuck)
	if _, err := InTime(ctx, func() (int, error) { <-stuck; return 1, nil }); !errors.Is(err, ErrSlow) {
		t.Errorf("got %v", err)
	}
	failed := errors.New("failed")
	if n, err := InTime(t.Context(), func() (int, error) { return 2, failed }); n != 2 || err != failed {
		t.Errorf("got %d, %v", n, err)
	}
}
