package app

import (
	"time"

	"lamplighter/credfiles/watch"
	"lamplighter/refresher/alarm"
)

// alarm gives the keeper the kernel's alarm. With it a look every few minutes
// is enough at files whose changes the system reports: the clock needs none.
// pause is how long it may rest at most; zero: as long as it likes.
func (x *parts) alarm(w *watch.Watcher, pause time.Duration) (stop func() error) {
	a, err := alarm.New()
	if err != nil {
		return func() error { return nil } // the runtime's timer will do
	}
	x.refresher.Alarm = a
	x.refresher.Every = func() time.Duration {
		every := 8 * time.Minute
		if w.Blind() || x.ringWatched() {
			every = time.Minute
		}
		if pause > 0 {
			every = min(every, pause)
		}
		return every
	}
	return a.Close
}
