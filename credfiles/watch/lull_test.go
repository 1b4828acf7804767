package watch

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestABurstIsOverAfterTheQuietTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := make(chan time.Duration, 10)
		start := time.Now()
		l := newLull(200*time.Millisecond, time.Second, func() { calls <- time.Since(start) })
		for range 5 {
			l.event()
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Hour)
		if n, at := len(calls), <-calls; n != 1 || at != 600*time.Millisecond {
			t.Errorf("called %d times, first at %v; want once, at 600ms", n, at)
		}
	})
}

func TestEventsWithoutAPauseAreReportedEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := make(chan time.Duration, 10)
		start := time.Now()
		l := newLull(200*time.Millisecond, time.Second, func() { calls <- time.Since(start) })
		for time.Since(start) < 2500*time.Millisecond {
			l.event()
			time.Sleep(30 * time.Millisecond)
		}
		time.Sleep(time.Hour)
		// The burst ends with the last event, at 2490 ms.
		want := []time.Duration{1000 * time.Millisecond, 2020 * time.Millisecond, 2690 * time.Millisecond}
		if len(calls) != len(want) {
			t.Fatalf("called %d times, want %d", len(calls), len(want))
		}
		for _, at := range want {
			if got := <-calls; got != at {
				t.Errorf("called at %v, want %v", got, at)
			}
		}
	})
}

func TestNothingComesAfterStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLull(200*time.Millisecond, time.Second, func() { t.Error("called") })
		l.event()
		l.stop()
		l.event()
		time.Sleep(time.Hour)
	})
}
