package app

import (
	"context"
	"errors"
	"os"
	"runtime"
	"time"

	"lamplighter/app/autostart"
	"lamplighter/app/desktop"
	"lamplighter/app/instance"
	"lamplighter/app/model"
	"lamplighter/app/notice"
	"lamplighter/app/tray"
	"lamplighter/assets"
	"lamplighter/refresher"
)

// appID names us on a desktop, as FyneApp.toml does.
const appID = "app.lamplighter"

// thisApp is who speaks in a notification.
func thisApp() notice.App { return notice.App{Name: "Lamplighter", ID: appID, Icon: assets.App} }

// hostPatience is how long a tray may take to come up beside us, at login say.
const hostPatience = 5 * time.Second

// face runs the tray app until the user quits. Where one runs already that one
// shows its window, and this start is over. atLogin: nobody asked for a window.
func (p *program) face(ctx context.Context, atLogin bool) error {
	x, err := p.openFace()
	if err != nil {
		return err
	}
	ask := instance.Request{Do: model.Open, Token: p.host.Getenv("XDG_ACTIVATION_TOKEN")}
	one, err := instance.Start(ctx, x.ledger.Dir(), ask)
	var running *instance.RunningError
	switch {
	case errors.As(err, &running):
		p.warnf(saidShown)
		return nil
	case err != nil:
		return err
	}
	defer one.Close()
	ctx, quit := context.WithCancel(ctx)
	defer quit()

	d := newDesk(p, x, quit)
	d.bell = &bell{Notifier: notice.New(thisApp()), rung: map[string]bool{}, late: map[string]bool{}}
	t := newTeller(p, x)
	t.seen, t.needs = d.seen(ctx), func(row refresher.Row) { d.needs(ctx, row) }
	keeping := make(chan error, 1)
	go func() {
		defer quit() // without a keeper there is nothing to show
		keeping <- p.keep(ctx, x, t, d.idle)
	}()
	if err := d.atLogin().Update(); err != nil { // the program may stand elsewhere after an update
		d.line("%s", upper(d.view(true).tilde(err.Error()))+".")
	}
	go d.answered(ctx)
	d.group.Go(func() { d.asked(ctx, one) })
	d.group.Go(func() { d.services(ctx) })
	d.group.Go(func() { d.welcome(ctx, atLogin) })
	d.icon(ctx) // it owns the main goroutine, as macOS wants it
	one.Close()
	d.group.Wait()
	d.bell.Close()
	return <-keeping
}

// icon shows the icon until ctx ends, and comes back with the session bus.
func (d *desk) icon(ctx context.Context) {
	t := tray.Tray{
		ID: appID, Face: d.face, Changed: d.changed, Do: func(a model.Action, token string) { d.act(ctx, a, token) },
		Shown: func(yes bool) { d.shown.Store(yes); go d.note("tray", wordNoTray, !yes) }, Click: model.Action{Do: model.Open},
	}
	for said := false; ctx.Err() == nil; {
		err := tray.Run(ctx, t)
		if ctx.Err() != nil {
			return
		}
		d.shown.Store(false)
		d.note("tray", wordNoTray, true)
		if !said {
			said = true
			d.line(saidNoTray, err)
			if d.x.waits() != "" {
				d.line(saidHowToBegin)
			}
		}
		if !errors.Is(err, tray.ErrNoBus) || tray.Await(ctx) != nil {
			<-ctx.Done()
		}
	}
}

// asked does what later starts, and clicks on notifications, ask for.
func (d *desk) asked(ctx context.Context, one *instance.Instance) {
	for r := range one.Requests() {
		switch r.Do {
		case model.Open:
			d.open(ctx, model.Show{Key: r.ID})
		case model.Login:
			d.act(ctx, model.Action{Do: model.Login, Key: r.ID}, r.Token)
		}
	}
}

// welcome shows the window where it is the only face, and to who has not begun.
func (d *desk) welcome(ctx context.Context, atLogin bool) {
	if atLogin || !desktop.Display(d.host.OS, d.host.Getenv) {
		return
	}
	if d.x.waits() == "" {
		select {
		case <-ctx.Done():
		case <-time.After(hostPatience):
		}
		if ctx.Err() != nil || d.shown.Load() {
			return
		}
	}
	d.open(ctx, model.Show{})
}

// atLogin is the entry by which the desktop starts us.
func (p *program) atLogin() autostart.Entry {
	self := p.host.Getenv("APPIMAGE")
	if self == "" {
		self, _ = os.Executable()
	}
	return autostart.Entry{
		OS: runtime.GOOS, Home: p.host.Home, ConfigHome: p.host.Getenv("XDG_CONFIG_HOME"),
		ID: appID, Name: "Lamplighter", Comment: wordComment, Executable: self, Arguments: []string{"--at-login"},
	}
}

func (d *desk) startAtLogin(on bool) error {
	if on {
		return d.atLogin().Enable()
	}
	return d.atLogin().Disable()
}

// loginAsSet makes the desktop's entry what the config says, when that is new.
func (d *desk) loginAsSet() {
	want := d.x.current().StartAtLogin
	if want == nil || d.loginSet != nil && *d.loginSet == *want {
		return
	}
	d.loginSet = want
	if is, err := d.atLogin().Enabled(); err != nil || is != *want {
		if err := d.startAtLogin(*want); err != nil {
			d.line("%s", upper(d.view(true).tilde(err.Error()))+".")
		}
	}
}
