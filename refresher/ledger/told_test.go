package ledger_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"lamplighter/credfiles"
	"lamplighter/refresher/ledger"
)

// Of many processes, each with a ledger of its own, one tells.
func TestADeathIsToldByOneAloneToThePersonAndToTheHooks(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	dead := credfiles.NewSecret("refresh-EXAMPLE")
	for name, first := range map[string]func(*ledger.Ledger) bool{
		"person":   func(l *ledger.Ledger) bool { return l.FirstToTell(ctx, key("a"), dead) },
		"hooks":    func(l *ledger.Ledger) bool { return l.FirstToHook(ctx, key("a"), dead) },
		"erased":   func(l *ledger.Ledger) bool { return l.FirstToHook(ctx, key("b"), credfiles.Secret{}) },
		"recovers": func(l *ledger.Ledger) bool { return l.FirstToRecover(ctx, key("c")) },
	} {
		if name == "recovers" && !open(t, dir).FirstToHook(ctx, key("c"), dead) {
			t.Fatal("nobody is told")
		}
		var told atomic.Int32
		var group sync.WaitGroup
		for range 20 {
			l := open(t, dir)
			group.Go(func() {
				if first(l) {
					told.Add(1)
				}
			})
		}
		group.Wait()
		if n := told.Load(); n != 1 {
			t.Errorf("%s: told %d times", name, n)
		}
	}
}

func TestHooksAreToldOfARecoveryOnlyAfterADeathAndThenOfTheNext(t *testing.T) {
	ctx, l := context.Background(), open(t, t.TempDir())
	one, two := credfiles.NewSecret("one-EXAMPLE"), credfiles.NewSecret("two-EXAMPLE")
	told := func(refresh credfiles.Secret) bool {
		m, err := l.Memory(key("a"))
		if err != nil {
			t.Fatal(err)
		}
		return l.ToldHooks(m, refresh)
	}
	if l.FirstToRecover(ctx, key("a")) {
		t.Error("what never died recovered")
	}
	for range 2 { // the same token can need a sign-in again
		if !l.FirstToHook(ctx, key("a"), one) || !told(one) || told(two) {
			t.Error("the first death is not told")
		}
		if !l.FirstToHook(ctx, key("a"), two) || !told(two) || told(one) {
			t.Error("nor the one of the token that came after")
		}
		if !l.FirstToRecover(ctx, key("a")) || told(two) {
			t.Error("nor that it is over")
		}
	}
}
