package watch

import (
	"sync"
	"time"
)

// A lull calls a function once after a burst of events: when quiet has passed
// without one, or most since the first.
type lull struct {
	quiet, most time.Duration

	mu      sync.Mutex
	timer   *time.Timer
	first   time.Time // of the burst; zero between bursts
	stopped bool
	over    func()
}

func newLull(quiet, most time.Duration, over func()) *lull {
	return &lull{quiet: quiet, most: most, over: over}
}

func (l *lull) event() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return
	}
	now := time.Now()
	if l.first.IsZero() {
		l.first = now
	}
	wait := min(l.quiet, l.first.Add(l.most).Sub(now))
	if l.timer == nil {
		l.timer = time.AfterFunc(wait, l.fire)
		return
	}
	l.timer.Reset(wait)
}

func (l *lull) fire() {
	l.mu.Lock()
	// An event may have set the timer anew while this call was on its way.
	over := !l.first.IsZero() && !l.stopped
	l.first = time.Time{}
	l.mu.Unlock()
	if over {
		l.over()
	}
}

func (l *lull) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	if l.timer != nil {
		l.timer.Stop()
	}
}
