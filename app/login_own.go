package app

import (
	"context"
	"errors"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/signin"
)

// own signs in to a credential of the user's own: by what he hands over, or by
// a browser.
func (l *login) own(ctx context.Context) int {
	var secret, refresh credfiles.Secret
	var err error
	in := l.handed()
	if l.row.WatchOnly == credfiles.KeyGone { // nobody will ever read what is there
		out := l.x.refresher.Entrust(ctx, l.row, secret, refresh)
		if err := l.v.untaken(out); err != nil {
			return l.codeOfError(err)
		}
		l.row = out.Row
	}
	switch l.row.GrantType {
	case credfiles.ByBrowser, credfiles.ByDevice:
		if l.row, err = l.x.refresher.WithSecret(ctx, l.row); err != nil {
			return l.codeOfError(err)
		}
		if l.row.GrantType == credfiles.ByDevice {
			return l.device(ctx)
		}
		return l.flow(ctx)
	case credfiles.ByRefreshToken:
		refresh, err = in.take(ctx, handRefreshToken)
	default:
		if l.row.SecretFrom != "" {
			l.warnf(saidSecretThere, l.row.SecretFrom)
			return l.ask(ctx)
		}
		secret, err = in.take(ctx, handSecret)
	}
	if err == nil {
		err = in.over()
	}
	if err != nil {
		return l.codeOfError(err)
	}
	if !secret.IsZero() && !l.row.ClientSecret.IsZero() {
		return l.replace(ctx, secret)
	}
	out := l.x.refresher.Entrust(ctx, l.row, secret, refresh)
	if err := l.v.untaken(out); err != nil {
		return l.codeOfError(err)
	}
	l.row = out.Row
	return l.ask(ctx)
}

// replace puts another secret in the place of the one that there is, if the
// server takes it.
func (l *login) replace(ctx context.Context, secret credfiles.Secret) int {
	stop := l.working(workSigningIn)
	out := l.x.refresher.Replace(ctx, l.row, secret)
	stop()
	if out.Did == refresher.Refreshed {
		l.printOutcome(l.v, out)
		return exitDone
	}
	why := ""
	if out.Answer.Kind != 0 {
		why = noToken(out)
	} else {
		why = l.v.whyNot(out).Error()
	}
	l.errorf(saidNotReplaced, out.ID, why)
	switch out.Answer.Kind {
	case exchange.ClientGone, exchange.NeedsUser:
		return exitSignIn
	case exchange.Later, exchange.Ambiguous:
		return exitLater
	}
	return exitFailed
}

// device signs in by a code that a person enters wherever there is a browser.
func (l *login) device(ctx context.Context) int {
	stop := l.working(workSigningIn)
	d, err := signin.BeginDevice(ctx, l.x.refresher.Finder, l.row.Credential)
	stop()
	if err != nil {
		return l.failed(ctx, err)
	}
	l.warnf(saidEnterCode, d.URL, d.UserCode)
	if d.Complete != "" {
		l.warnf(saidOrComplete, d.Complete)
	}
	defer l.finishing(ctx)()
	out, err := d.Wait(ctx, func(s refresher.SignIn) refresher.Outcome { return l.x.refresher.SignIn(ctx, l.row, s) })
	if err != nil {
		return l.failed(ctx, err)
	}
	return l.end(out)
}

// ask asks for a token now, and says what came.
func (l *login) ask(ctx context.Context) int {
	w := wish{ids: []string{l.row.ID}, Options: refresher.Options{Force: true, Word: true, Began: l.began}}
	out := l.refreshAll(ctx, l.x.refresher, []refresher.Row{l.row}, w.Options)[0]
	if ctx.Err() != nil && errors.Is(out.Err, context.Cause(ctx)) {
		l.printf(saidNotDone, out.ID)
		return exitLater
	}
	l.printOutcome(l.v, out)
	return w.code(out)
}
