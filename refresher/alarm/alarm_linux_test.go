package alarm

import (
	"testing"
	"time"
)

func rings(a *Alarm) bool {
	select {
	case <-a.Rings():
		return true
	case <-time.After(10 * time.Second):
		return false
	}
}

func TestAnAlarmRingsOnceForEachTimeThatIsSet(t *testing.T) {
	a, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, at := range []time.Time{time.Now().Add(20 * time.Millisecond), time.Now().Add(-time.Hour), time.Unix(0, 0), {}} {
		a.Set(at)
		if !rings(a) {
			t.Fatalf("%v: no ring", at)
		}
		select {
		case <-a.Rings():
			t.Errorf("%v: a second ring", at)
		case <-time.After(30 * time.Millisecond):
		}
	}
	a.Set(time.Now().Add(time.Hour))
	a.Set(time.Now().Add(time.Millisecond))
	if !rings(a) {
		t.Error("a time that was set later does not count")
	}
}

func TestAClosedAlarmIsSilent(t *testing.T) {
	a, err := New()
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	a.Set(time.Now())
	select {
	case <-a.Rings():
		t.Error("it rings")
	case <-time.After(30 * time.Millisecond):
	}
}
