package app

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
)

// A keeper that rests does without a collector that runs by the clock, not
// without one.
func TestTheCollectorStillWorksWhileAKeeperRests(t *testing.T) {
	r := newRest()
	defer r.stop()
	r.begin()
	if p := debug.SetGCPercent(-1); p != -1 {
		t.Errorf("GOGC is %d at rest", p)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 200 {
		waste = make([]byte, 1<<20)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.Sys-after.HeapReleased) - int64(before.Sys-before.HeapReleased); grown > 64<<20 {
		t.Errorf("%d bytes more are in use", grown)
	}
	r.looked()
	if p := debug.SetGCPercent(r.percent); p != r.percent || p <= 0 {
		t.Errorf("GOGC is %d at work, and was %d", p, r.percent)
	}
	if l := debug.SetMemoryLimit(-1); l != math.MaxInt64 {
		t.Errorf("the limit is %d at work", l)
	}
}

var waste []byte
