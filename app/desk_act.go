package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lamplighter/app/desktop"
	"lamplighter/app/model"
	"lamplighter/app/settings"
	"lamplighter/credfiles"
	"lamplighter/refresher"
)

// act does what a person asked for. token is the desktop's leave to take the
// focus: it goes to the browser of a sign-in. (The window has no use for it:
// Fyne asks for one of its own, and takes none.)
func (d *desk) act(ctx context.Context, a model.Action, token string) {
	switch a.Do {
	case model.Quit:
		d.quit()
	case model.Open:
		d.open(ctx, model.Show{Page: a.Value, Key: a.Key})
	case model.About:
		d.open(ctx, model.Show{Page: "about"})
	case model.CancelLogin:
		if s := d.signing(); s != nil {
			s.cancel()
		}
	case model.Paste:
		if s := d.signing(); s != nil {
			d.tellErr(s.paste(a.Value))
		}
	case model.Begin, model.OnlyWatch, model.Set, model.AddHome, model.RemoveHome, model.AtLogin, model.PauseAll, model.ResumeAll:
		d.tellErr(d.set(a))
	default:
		d.mu.Lock()
		row, ok := d.row(a.Key)
		d.mu.Unlock()
		if ok && slices.Contains(can(row, time.Now()), a.Do) { // it was when the menu was drawn
			d.actOn(ctx, row, a, token)
		}
	}
	d.do(func() {})
}

// actOn does what was asked for with one credential.
func (d *desk) actOn(ctx context.Context, row refresher.Row, a model.Action, token string) {
	switch a.Do {
	case model.Refresh:
		d.group.Go(func() {
			out := d.x.refresher.Refresh(ctx, row, refresher.Options{Force: true, Word: true, Began: time.Now()})
			text, do := d.view(true).outcome(out)
			d.tell(withDo(text, do))
		})
	case model.Restore:
		d.group.Go(func() {
			text, do := d.view(true).restored(d.x.refresher.Restore(ctx, row))
			d.tell(withDo(text, do))
		})
	case model.Ask:
		d.group.Go(func() { d.ask(ctx, row) })
	case model.Login:
		d.signIn(ctx, row, token)
	case model.Copy:
		d.group.Go(func() {
			text := fmt.Sprintf(saidCopied, row.ID)
			if err := desktop.Copy(ctx, d.host.Getenv, row.Access.Reveal()); err != nil {
				text = upper(err.Error()) + "."
			}
			d.tell(text)
		})
	case model.Pause:
		d.tellErr(d.mode(row, "paused", pauseEnd(a.Value)))
	case model.Resume:
		mode := row.Mode.Mode
		if mode == "" {
			mode = row.DefaultMode()
		}
		d.tellErr(d.mode(row, mode, time.Time{}))
	case model.Keep:
		d.tellErr(d.mode(row, "keep", time.Time{}))
	case model.Watch:
		d.tellErr(d.mode(row, "watch-only", time.Time{}))
	}
}

func (d *desk) mode(row refresher.Row, word string, end time.Time) error {
	if err := setMode(d.x, row, word, end, false); err != nil {
		return err
	}
	return d.x.ledger.Signal()
}

// pauseEnd is when a pause ends of itself. Zero: when told to.
func pauseEnd(value string) time.Time {
	now := time.Now()
	switch value {
	case "1h":
		return now.Add(time.Hour).Truncate(time.Second)
	case "tomorrow":
		y, m, day := now.Local().Date()
		return time.Date(y, m, day+1, 6, 0, 0, 0, time.Local) // before anybody works
	}
	return time.Time{}
}

// set changes the config, where every keeper sees it.
func (d *desk) set(a model.Action) error {
	file := d.x.configFile
	switch a.Do {
	case model.Begin:
		return settings.Set(file, []string{"mode"}, "keep")
	case model.OnlyWatch:
		return settings.Set(file, []string{"mode"}, "watch-only")
	case model.PauseAll:
		end := pauseEnd(a.Value)
		if end.IsZero() {
			end = forever()
		}
		return settings.Set(file, []string{"paused_until"}, end.UTC())
	case model.ResumeAll:
		return settings.Unset(file, "paused_until")
	case model.AddHome, model.RemoveHome:
		if a.Home == nil {
			return nil
		}
		h := settings.Home{Client: a.Home.Client, Path: a.Home.Path, Name: a.Home.Name}
		if a.Do == model.AddHome {
			return settings.AddHome(file, h, credfiles.ClientNames())
		}
		return settings.RemoveHome(file, h)
	case model.AtLogin:
		on := a.Value == "on"
		if err := d.startAtLogin(on); err != nil {
			return err
		}
		return settings.Set(file, []string{"start_at_login"}, on)
	}
	return d.setOne(a.Name, a.Value)
}

// setOne changes one key. What the config would not take is not written.
func (d *desk) setOne(name, value string) error {
	var to any = value
	switch name {
	case "mode", "lead.least", "lead.most":
	case "lead.share":
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return sayf(saidNoNumber, value)
		}
		to = n
	case "notifications":
		to = value == "true"
	default:
		return nil
	}
	return settings.Try(d.x.configFile, strings.Split(name, "."), to, credfiles.ClientNames())
}

// tell shows what came of a click where the click was made: in the window.
func (d *desk) tell(text string) {
	d.mu.Lock()
	if d.child != nil {
		d.child.send(model.Message{Said: text})
	}
	d.mu.Unlock()
	d.line("%s", text)
}

func (d *desk) tellErr(err error) {
	if err != nil {
		d.tell(upper(d.view(true).tilde(plainError(err.Error()))))
	}
}
