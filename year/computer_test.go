package year

import (
	"flag"
	"math/rand/v2"
	"time"
)

var seed = flag.Uint64("seed", 1, "of the world: the same one brings the same troubles")

// laptop sleeps at night, most of the weekend, and whenever its lid is closed;
// it goes by train, and stays at home when its owner is away.
func laptop(w *world) {
	w.act("laptop", func(r *rand.Rand) {
		for w.wait(0) {
			now := time.Now()
			evening := time.Date(now.Year(), now.Month(), now.Day(), 17, 0, 0, 0, time.UTC).Add(between(r, 0, 5*hour))
			for time.Now().Before(evening) {
				if !w.lid(r, evening) {
					return
				}
			}
			morning := evening.Truncate(day).Add(day + 7*hour + between(r, 0, 3*hour))
			switch {
			case evening.Weekday() == time.Friday && r.IntN(3) > 0:
				morning = morning.Add(2 * day)
			case r.IntN(150) == 0:
				morning = morning.Add(between(r, 5*day, 20*day))
			case r.IntN(40) == 0:
				morning = time.Now() // it stays awake for a night
			}
			if !w.sleep(max(time.Until(morning), minute)) {
				return
			}
		}
	})
}

// lid is one stretch of work and what interrupts it.
func (w *world) lid(r *rand.Rand, evening time.Time) bool {
	if !w.wait(min(between(r, 10*minute, 5*hour), time.Until(evening))) {
		return false
	}
	switch r.IntN(4) {
	case 0:
		return w.sleep(between(r, 20*time.Second, 2*hour))
	case 1:
		w.connect("")
		ok := w.wait(between(r, 10*time.Second, 3*hour))
		w.connect([]string{"home", "office", "train", "café"}[r.IntN(4)])
		return ok
	case 2:
		w.connect([]string{"home", "office", "train", "café"}[r.IntN(4)])
	}
	return true
}
