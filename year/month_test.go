// Package year plays a year of a computer in minutes: the real planner,
// refresher, stores, journal and locks on real files, in a bubble of
// testing/synctest. What is made up is the network, the list of running
// programs, the signal that a store changed, and the world itself: people,
// clients, servers, nights and trains.
//
//	make year
package year

import "testing"

// A month of twenty credentials, for every test run.
func TestAMonth(t *testing.T) {
	w := inWorld(t, *seed, 30*day, func(w *world) {
		mix{creds: 20, servers: 8, lives: common, olds: 2}.build(w)
		laptop(w)
	})
	w.report()
}
