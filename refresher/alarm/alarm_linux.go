package alarm

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// An Alarm is one of the kernel's timers (timerfd_create(2)).
type Alarm struct {
	file  *os.File
	rings chan time.Time
}

// New makes an alarm that is not set. The caller must Close it.
func New() (*Alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	a := &Alarm{os.NewFile(uintptr(fd), "timerfd"), make(chan time.Time, 1)}
	go a.listen()
	return a, nil
}

// Set makes it ring once at that time, or at once if that is past, in place of
// any time that was set before. It also rings when the clock is set. What comes
// due while the computer sleeps rings when it wakes.
func (a *Alarm) Set(at time.Time) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, at.UnixNano()))} // zero would switch it off
	var err error
	conn, closed := a.file.SyscallConn()
	if closed == nil {
		closed = conn.Control(func(fd uintptr) {
			err = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &spec, nil)
		})
	}
	switch {
	case closed != nil, err == nil:
	case errors.Is(err, unix.ECANCELED): // the clock was set meanwhile
		a.ring()
	default: // not known to happen; nobody must wait for ever
		time.AfterFunc(time.Minute, a.ring)
	}
}

// Rings is sent the time when it rings. It holds one; one that came late belongs
// to an earlier time.
func (a *Alarm) Rings() <-chan time.Time { return a.rings }

// Close ends it.
func (a *Alarm) Close() error { return a.file.Close() }

// listen waits for the kernel without a thread of its own.
func (a *Alarm) listen() {
	count := make([]byte, 8)
	for {
		if _, err := a.file.Read(count); err != nil && !errors.Is(err, unix.ECANCELED) {
			return
		}
		a.ring()
	}
}

func (a *Alarm) ring() {
	select {
	case a.rings <- time.Now():
	default:
	}
}
