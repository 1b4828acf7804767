package app

import (
	"context"
	"fmt"

	"lamplighter/app/model"
	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/signin"
)

// signInOwn signs in to a credential of the user's own, at a click: by a
// browser. What a person hands over is for a terminal.
func (d *desk) signInOwn(ctx context.Context, s *signing, row refresher.Row) string {
	v := d.view(true)
	if row.GrantType != credfiles.ByBrowser && row.GrantType != credfiles.ByDevice {
		return withDo(fmt.Sprintf(saidNoSignIn, row.ID, wordHandOver), v.newSecret(row))
	}
	row, err := d.x.refresher.WithSecret(ctx, row)
	if err != nil {
		return fmt.Sprintf(saidNoSignIn, row.ID, v.tilde(err.Error()))
	}
	if row.GrantType == credfiles.ByBrowser {
		return d.flow(ctx, s, row)
	}
	code, err := signin.BeginDevice(ctx, d.x.refresher.Finder, row.Credential)
	if err != nil {
		return fmt.Sprintf(saidNoSignIn, row.ID, v.tilde(plainError(err.Error())))
	}
	at := code.URL
	if code.Complete != "" {
		at = code.Complete
	}
	opened := signin.Open(d.leave(s.token), at) == nil
	d.do(func() { s.text = fmt.Sprintf(saidEnterCode, code.URL, code.UserCode) })
	if !opened || code.Complete == "" {
		d.open(ctx, model.Show{Key: s.key}) // the code is shown there
	}
	out, err := code.Wait(ctx, func(sign refresher.SignIn) refresher.Outcome { return d.x.refresher.SignIn(ctx, row, sign) })
	switch {
	case ctx.Err() != nil:
		return v.gaveUp(ctx, row)
	case err != nil:
		return fmt.Sprintf(saidNoSignIn, row.ID, err)
	}
	return v.ended(out)
}
