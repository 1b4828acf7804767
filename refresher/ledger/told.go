package ledger

import (
	"context"

	"lamplighter/credfiles"
)

// FirstToTell reports whether nobody told a person yet that this refresh token
// of a credential is dead: no other keeper, and none before a restart. The lock
// decides who it is. A zero refresh token stands for the one that the client
// erased. Where it cannot be remembered, it is told twice rather than never.
func (l *Ledger) FirstToTell(ctx context.Context, key credfiles.Key, refresh credfiles.Secret) bool {
	lk, err := l.Lock(ctx, key)
	if err != nil {
		return ctx.Err() == nil
	}
	defer lk.Unlock()
	m, err := lk.Memory(key)
	if err != nil {
		return true
	}
	dead := l.Fingerprint(refresh)
	if dead == "" {
		dead = m.Refresh // as it was before the client erased it
	}
	if dead == "" {
		dead = erased
	}
	if m.Told == dead {
		return false
	}
	m.Told = dead
	lk.Save(m)
	return true
}

// erased stands for a refresh token that was erased before we ever saw it.
const erased = "erased"
