package app

import (
	"cmp"
	"context"
	"os"
	"strings"
	"time"

	"lamplighter/app/settings"
	"lamplighter/credfiles"
	"lamplighter/doctor"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

// examineLocal is the report on everything that is found here. Nothing is sent.
func (p *program) examineLocal(ctx context.Context) (doctor.Report, error) {
	local, _, err := p.local(ctx)
	if err != nil {
		return doctor.Report{}, err
	}
	x := doctor.NewRecorder("", nil)
	local.Examine(ctx, x)
	if ctx.Err() != nil {
		p.errorf(saidInterrupted)
		return *x.Report, exit{exitLater}
	}
	return *x.Report, nil
}

// local is this computer for the doctor. parts is nil where the state folder
// cannot be used: that is a finding, and nothing can be said of credentials.
func (p *program) local(ctx context.Context) (doctor.Local, *parts, error) {
	v := p.view(false)
	l := doctor.Local{
		Host: p.host,
		Say: doctor.Say{
			Short:   v.tilde,
			Path:    func(path string) string { return shortPath(p.host.Home, path) },
			SignIn:  func(row refresher.Row) string { return cmp.Or(v.signIn(row), row.SignInSession) },
			Restore: v.restore,
			Keep:    func(row refresher.Row) string { return command(v.os, "", "lamplighter", "mode", row.ID, "keep") },
			Reason: func(row refresher.Row) string {
				reason, _ := v.sentence(row, time.Now())
				return reason
			},
			Do: func(row refresher.Row) string {
				_, do := v.sentence(row, time.Now())
				return do
			},
			Store:   v.storeTrouble,
			Problem: v.trouble,
			Advice:  func(err error) string { return advice(err.Error()) },
			Ends:    func(row refresher.Row, now time.Time) string { return ends(row.Expiry, now) },
			Span:    span,
		},
		AtLogin: p.atLogin().Gone,
	}
	l.Self, _ = os.Executable()
	l.Service = p.serviceFound
	l.Snapshot.At = time.Now()
	var err error
	l.Config, l.State, err = settings.Paths(settings.Env{OS: p.host.OS, Home: p.host.Home, Getenv: p.host.Getenv})
	if err != nil {
		return l, nil, err
	}
	l.Config = cmp.Or(p.config, l.Config)
	x, err := p.openAnyway()
	if err != nil {
		if _, l.StateErr = ledger.Look(l.State); l.StateErr != nil {
			return l, nil, nil
		}
		return l, nil, err
	}
	l.ConfigErr, l.Ledger, l.Finder, l.Keeper = x.trouble(), x.ledger, x.refresher.Finder, x.keeperRuns()
	if l.Snapshot, err = p.scan(ctx, x); err != nil {
		return l, nil, err
	}
	l.Stores = x.currentStores()
	l.Host = x.computer()
	return l, x, nil
}

// serviceFound is the keeper as the system runs it. Its manager is asked with
// little patience.
func (p *program) serviceFound(ctx context.Context) doctor.Service {
	j, err := p.job()
	if err != nil {
		return doctor.Service{}
	}
	if gone := j.Gone(); gone != "" {
		return doctor.Service{File: j.Title, Gone: gone}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s, err := j.Status(ctx)
	mine := s.File == "" || strings.HasPrefix(s.File, p.host.Home) // else a package brought it, and nobody asked for it
	if err != nil || !s.Installed || s.Running || !mine {
		return doctor.Service{}
	}
	return doctor.Service{File: p.serviceWhere(j, s), Idle: cmp.Or(s.Why, "it does not run"), Look: p.serviceDoctor(j)}
}

// computer is the computer as the settings make it.
func (x *parts) computer() credfiles.Host {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.host
}
