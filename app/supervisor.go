package app

import (
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// A supervisor is whoever started the keeper and wants to know how it is: a
// service manager that listens at NOTIFY_SOCKET (sd_notify(3)). Where nobody
// does, nothing is said. It is for the goroutine that looks at the stores: a
// keeper that hangs has to fall silent.
type supervisor struct {
	patience time.Duration // it ends us after so much silence; zero: never

	ready  bool
	status string
	spoke  time.Time
}

func newSupervisor() *supervisor {
	patience, err := daemon.SdWatchdogEnabled(false)
	if err != nil { // nobody's watchdog is so
		patience = 0
	}
	return &supervisor{patience: patience}
}

// pause is how long the keeper may rest at most; zero: as long as it likes.
func (s *supervisor) pause() time.Duration { return s.patience / 2 }

// looked is called after each look at the stores: the first makes us ready.
func (s *supervisor) looked(summary string) {
	text := ""
	if !s.ready {
		text = "\n" + daemon.SdNotifyReady
		s.ready = true
	}
	if summary != s.status {
		text += "\nSTATUS=" + summary
		s.status = summary
	}
	if text == "" {
		s.turned()
		return
	}
	daemon.SdNotify(false, daemon.SdNotifyWatchdog+text)
	s.spoke = time.Now()
}

// turned is called whenever the keeper's loop goes round.
func (s *supervisor) turned() {
	if s.patience == 0 || time.Since(s.spoke) < s.patience/4 {
		return
	}
	daemon.SdNotify(false, daemon.SdNotifyWatchdog)
	s.spoke = time.Now()
}

// stopping says that what follows is the end of what is under way.
func (s *supervisor) stopping() { daemon.SdNotify(false, daemon.SdNotifyStopping) }
