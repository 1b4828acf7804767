//go:build year

package year

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Fifty credentials on a laptop, for a year.
func TestAYear(t *testing.T) {
	t.Parallel()
	w := inWorld(t, *seed, 365*day, func(w *world) {
		mix{creds: 50, servers: 8, lives: common, olds: 3}.build(w)
		laptop(w)
	})
	w.report()
}

// A thousand for a week, on a computer that sleeps over the weekend only: all
// of them are due when it wakes.
func TestAThousandForAWeek(t *testing.T) {
	t.Parallel()
	w := inWorld(t, *seed, 7*day, func(w *world) {
		mix{creds: 1000, servers: 16, lives: long, olds: 3}.build(w)
		w.act("desk", func(*rand.Rand) {
			for w.wait(0) {
				friday := time.Date(2025, 1, 3, 18, 0, 0, 0, time.UTC)
				if time.Now().After(friday) || !w.wait(time.Until(friday)) || !w.sleep(62*hour) {
					return
				}
			}
		})
	})
	w.report()
}

// long is what a thousand credentials may live: the load of a week is then that
// of a year of fifty.
var long = []share{{1, hour}, {9, 8 * hour}, {15, 12 * hour}, {50, day}, {15, 7 * day}, {10, 30 * day}}
