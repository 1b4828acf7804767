package app

import (
	"context"
	"slices"

	"lamplighter/credfiles"
)

// ringTells is sent to when the keyring tells that something changed. It is
// nil where it never does.
func (x *parts) ringTells() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if k, ok := x.host.Keyring.(interface{ Changed() <-chan struct{} }); ok {
		return k.Changed()
	}
	return nil
}

// ringMoved reports that something in the keyring is not as it was at the last
// look, of which the keyring may not tell.
func (x *parts) ringMoved(ctx context.Context) bool {
	x.mu.Lock()
	host, stores, before := x.host, x.stores, x.stamps
	x.mu.Unlock()
	now := host.Stamps(ctx, stores...)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stamps = now
	return now != before
}

// ringWatched reports that there is something in the keyring to look at.
func (x *parts) ringWatched() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.ContainsFunc(x.stores, (*credfiles.Store).Polled)
}
