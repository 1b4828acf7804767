//go:build unix

package app

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

// listen takes the place of a service manager. What it was told comes out of
// the function, in the order of its coming.
func listen(t *testing.T) (told func() []string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", name)
	return func() (all []string) {
		buf := make([]byte, 4096)
		for {
			conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond)) // what is sent is there
			n, err := conn.Read(buf)
			if err != nil {
				return all
			}
			all = append(all, string(buf[:n]))
		}
	}
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("told %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("told %q, want %q", got, want)
		}
	}
}

func TestASupervisorIsToldOfTheFirstLookAndOfWhatChanges(t *testing.T) {
	told := listen(t)
	s := newSupervisor()
	s.turned()
	same(t, told())
	s.looked("All is well.")
	same(t, told(), "WATCHDOG=1\nREADY=1\nSTATUS=All is well.")
	s.looked("All is well.")
	same(t, told())
	s.looked("One sign-in is needed.")
	same(t, told(), "WATCHDOG=1\nSTATUS=One sign-in is needed.")
	s.stopping()
	same(t, told(), "STOPPING=1")
}

func TestAWatchdogHearsOfEachTurnOfTheLoopButNotOfAll(t *testing.T) {
	told := listen(t)
	t.Setenv("WATCHDOG_USEC", "3600000000")
	s := newSupervisor()
	if s.pause() != 30*time.Minute {
		t.Errorf("the keeper may rest for %v", s.pause())
	}
	s.looked("")
	same(t, told(), "WATCHDOG=1\nREADY=1")
	s.turned() // it was told a moment ago
	same(t, told())
	s.spoke = time.Now().Add(-16 * time.Minute)
	s.turned()
	same(t, told(), "WATCHDOG=1")
	s.spoke = time.Now().Add(-16 * time.Minute)
	s.looked("") // a look is a turn too
	same(t, told(), "WATCHDOG=1")
}

// Another process' watchdog is not ours, and one that cannot be read is none.
func TestOnlyItsOwnWatchdogCounts(t *testing.T) {
	for name, value := range map[string]string{"WATCHDOG_PID": "1", "WATCHDOG_USEC": "soon"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("WATCHDOG_USEC", "60000000")
			t.Setenv(name, value)
			if s := newSupervisor(); s.pause() != 0 {
				t.Errorf("the keeper may rest for %v only", s.pause())
			}
		})
	}
}
