package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lamplighter/credfiles/processes"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

// own is what belongs to this program. agree means that the file system's clock
// is ours.
func (l Local) own(x *Recorder) (agree bool) {
	switch _, err := os.Stat(l.Config); {
	case l.ConfigErr != nil:
		x.Saw("settings", "%s cannot be used", l.Say.Path(l.Config))
		for _, line := range strings.Split(l.ConfigErr.Error(), "\n") {
			x.Find("settings", l.Say.Path(l.Config), l.Say.Short(line))
		}
	case err != nil:
		x.Saw("settings", "the defaults; %s is not there", l.Say.Path(l.Config))
	default:
		x.Saw("settings", "%s", l.Say.Path(l.Config))
	}
	var newer *ledger.FormatError
	switch {
	case errors.As(l.StateErr, &newer):
		x.Saw("state", "%s has format %d", l.Say.Path(l.State), newer.Found)
		x.Find("state-newer", l.Say.Path(l.State), fmt.Sprintf("format %d", newer.Found))
		return false
	case l.StateErr != nil:
		x.Saw("state", "%s cannot be used", l.Say.Path(l.State))
		x.Find("state-unusable", l.Say.Path(l.State), l.Say.Short(l.StateErr.Error()), advised(l.Say.Advice(l.StateErr), "give yourself the permission, or move the folder away"))
		return false
	}
	written, err := datedIn(l.State)
	if err != nil {
		x.Saw("state", "%s cannot be written", l.Say.Path(l.State))
		x.Find("state-unwritable", l.Say.Path(l.State), l.Say.Short(err.Error()), advised(l.Say.Advice(err), "give yourself the permission"))
		return false
	}
	x.Saw("state", "%s can be written", l.Say.Path(l.State))
	agree = true
	if apart := time.Since(written); apart.Abs() > skew {
		agree = false
		x.Find("clock-files", l.Say.Path(l.State), "a new file is dated "+written.Format(time.DateTime), l.Say.Span(apart))
	}
	records, err := l.Ledger.Pending()
	if err != nil {
		x.Find("state-unusable", l.Say.Path(l.State), l.Say.Short(err.Error()), advised(l.Say.Advice(err), "look at the disk"))
	}
	for _, r := range records {
		if r.Answer != nil && !slices.ContainsFunc(l.Snapshot.Rows, func(row refresher.Row) bool { return row.Key == r.Sent.Key }) {
			x.Find("journal-left", l.Say.Path(r.Sent.Key.Store), "refreshed "+r.Sent.At.Local().Format(time.DateTime))
		}
	}
	return agree
}

// datedIn makes a file in a folder for a moment and returns its date.
func datedIn(dir string) (written time.Time, err error) {
	f, err := os.CreateTemp(dir, ".trial-*")
	if err != nil {
		return written, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.WriteString("."); err != nil {
		return written, err
	}
	info, err := f.Stat()
	if err != nil {
		return written, err
	}
	return info.ModTime(), nil
}

// keepers are the programs of this make that run, and what starts at login.
func (l Local) keepers(ctx context.Context, x *Recorder) {
	if l.Keeper {
		x.Saw("keeper", "one runs")
	} else {
		x.Saw("keeper", "none runs: tokens are renewed by their clients alone, when those are used")
	}
	if l.AtLogin != nil {
		if gone, err := l.AtLogin(); err == nil && gone != "" {
			x.Find("autostart-gone", l.Say.Path(gone), "no program is at "+l.Say.Path(gone))
		}
	}
	var s Service
	if l.Service != nil {
		s = l.Service(ctx)
	}
	switch {
	case s.Gone != "":
		x.Find("service-gone", l.Say.Path(s.File), "no program is at "+l.Say.Path(s.Gone), Command("lamplighter service install"))
	case s.Idle != "":
		x.Find("service-idle", l.Say.Path(s.File), x.Clean(s.Idle), Command(s.Look))
	}
	if l.Host.Processes == nil {
		return
	}
	name := strings.TrimSuffix(filepath.Base(l.Self), ".exe")
	running, err := l.Host.Processes(ctx, func(n string) bool { return strings.TrimSuffix(n, ".exe") == name })
	if err != nil {
		return
	}
	var pids []string
	for _, p := range running {
		keeps := len(p.Args) == 1 || len(p.Args) > 1 && (p.Args[1] == "keep" || p.Args[1] == "--at-login")
		if p.PID == os.Getpid() || !keeps || !l.shares(p) {
			continue
		}
		pids = append(pids, fmt.Sprint(p.PID))
		if exe, replaced := strings.CutSuffix(p.Exe, " (deleted)"); replaced {
			x.Find("keeper-replaced", fmt.Sprintf("%s %d", name, p.PID), l.Say.Path(exe)+" was replaced while it runs")
		}
	}
	if len(pids) > 1 {
		x.Find("keepers", name, "processes "+strings.Join(pids, ", "), len(pids))
	}
}

// shares reports that a program of this make has the state folder that we have.
func (l Local) shares(p processes.Process) bool {
	names := []string{"HOME", "XDG_STATE_HOME"}
	if l.Host.OS == "windows" {
		names = []string{"LOCALAPPDATA", "USERPROFILE"}
	}
	for _, name := range names {
		value, known := p.Env(name)
		ours := l.Host.Getenv(name)
		if name == "HOME" {
			ours = l.Host.Home
		}
		if !known || value != ours {
			return false
		}
	}
	return l.Host.User == "" || p.Owner == l.Host.User
}
