package ledger

import (
	"cmp"
	"context"

	"lamplighter/credfiles"
)

// FirstToTell reports whether nobody told a person yet that this refresh token
// of a credential is dead: no other keeper, and none before a restart. The lock
// decides who it is. A zero refresh token stands for the one that the client
// erased. Where it cannot be remembered, it is told twice rather than never.
func (l *Ledger) FirstToTell(ctx context.Context, key credfiles.Key, refresh credfiles.Secret) bool {
	return l.first(ctx, key, refresh, func(m *Memory) *string { return &m.Told })
}

// FirstToHook is FirstToTell for the user's hooks, which are told beside the
// person.
func (l *Ledger) FirstToHook(ctx context.Context, key credfiles.Key, refresh credfiles.Secret) bool {
	return l.first(ctx, key, refresh, func(m *Memory) *string { return &m.Hooked })
}

func (l *Ledger) first(ctx context.Context, key credfiles.Key, refresh credfiles.Secret, told func(*Memory) *string) bool {
	lk, err := l.Lock(ctx, key)
	if err != nil {
		return ctx.Err() == nil
	}
	defer lk.Unlock()
	m, err := lk.Memory(key)
	if err != nil {
		return true
	}
	dead := l.deathOf(m, refresh)
	if *told(&m) == dead {
		return false
	}
	*told(&m) = dead
	lk.Save(m)
	return true
}

// ToldHooks reports whether the hooks were told of this death, as far as it is
// remembered in m.
func (l *Ledger) ToldHooks(m Memory, refresh credfiles.Secret) bool {
	return m.Hooked == l.deathOf(m, refresh)
}

// deathOf is the fingerprint of the refresh token that is dead.
func (l *Ledger) deathOf(m Memory, refresh credfiles.Secret) string {
	// The client may have erased it; then it is the one of before.
	return cmp.Or(l.Fingerprint(refresh), m.Refresh, erased)
}

// FirstToRecover reports whether the hooks were told of a death of this
// credential and nobody yet that it is over: no other process, and none before a
// restart. Where it cannot be remembered, it is told twice rather than never.
func (l *Ledger) FirstToRecover(ctx context.Context, key credfiles.Key) bool {
	lk, err := l.Lock(ctx, key)
	if err != nil {
		return false
	}
	defer lk.Unlock()
	m, err := lk.Memory(key)
	if err != nil || m.Hooked == "" {
		return false
	}
	m.Hooked = ""
	lk.Save(m)
	return true
}

// erased stands for a refresh token that was erased before we ever saw it.
const erased = "erased"
