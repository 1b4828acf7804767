package credfiles

import (
	"context"
	"sync"
	"time"
)

// turns lets the writers of one store within this process go one after the
// other. The client's lock keeps them apart as well, but who finds that one
// taken sleeps as long as a client does: with many entries in a store it would
// be free most of the time, and all of them asleep.
type turns struct {
	once sync.Once
	busy chan struct{}
}

// take waits for a turn, as long as a write may take. After that the client's
// lock has to do alone.
func (t *turns) take(ctx context.Context) (done func()) {
	t.once.Do(func() { t.busy = make(chan struct{}, 1) })
	patience := time.NewTimer(storePatience)
	defer patience.Stop()
	select {
	case t.busy <- struct{}{}:
		return func() { <-t.busy }
	case <-patience.C:
	case <-ctx.Done():
	}
	return func() {}
}
