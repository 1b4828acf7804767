package app

import (
	"math"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// A rest is what a keeper does between two looks at the stores, and a tray app
// between two at its menu or window: it gives back the memory that the look
// took, and lets the collector sleep. Go's would run every two minutes for
// nothing, which is a dozen wakeups of its threads.
type rest struct {
	percent int // GOGC

	mu      sync.Mutex
	resting bool
	stopped bool
	timer   *time.Timer
}

const (
	restAfter = 5 * time.Second
	// restRoom is what the keeper may take while it rests. Past it the collector
	// runs all the same, however much is in use.
	restRoom = 4 << 20
)

func newRest() *rest {
	r := &rest{percent: debug.SetGCPercent(-1)}
	debug.SetGCPercent(r.percent)
	r.timer = time.AfterFunc(restAfter, r.begin)
	return r
}

// looked puts the rest off: there is work.
func (r *rest) looked() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	r.end()
	r.timer.Reset(restAfter)
}

func (r *rest) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	used := int64(m.Sys - m.HeapReleased)
	debug.SetMemoryLimit(used + used/4 + restRoom)
	debug.SetGCPercent(-1)
	r.resting = true
}

func (r *rest) end() {
	if r.resting {
		r.resting = false
		debug.SetGCPercent(r.percent)
		debug.SetMemoryLimit(math.MaxInt64)
	}
}

// stop leaves the collector as it was.
func (r *rest) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timer.Stop()
	r.stopped = true
	r.end()
}
