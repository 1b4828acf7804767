//go:build !linux

package app

import (
	"time"

	"lamplighter/credfiles/watch"
)

// alarm leaves the keeper the runtime's timer, which stands still while the
// computer sleeps.
func (x *parts) alarm(*watch.Watcher, time.Duration) (stop func() error) {
	return func() error { return nil }
}
