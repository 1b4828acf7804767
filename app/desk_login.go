package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"lamplighter/app/model"
	"lamplighter/refresher"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/signin"
)

// A signing is a sign-in that was asked for by a click. There is one at a time.
type signing struct {
	key    string
	title  string
	token  string // the desktop's leave for the browser to take the focus
	cancel context.CancelFunc
	flow   *signin.Flow // nil: the client's own command, or not begun
	text   string
	paste  func(string) error
}

// signInPatience is how long one waits for the person at the browser.
const signInPatience = 5 * time.Minute

func (s *signing) shown() *model.SignIn {
	m := &model.SignIn{Key: s.key, Title: s.title, Text: s.text}
	if s.flow != nil {
		m.URL, m.Paste = s.flow.URL(), true
	}
	return m
}

// signing is the sign-in under way, or nil.
func (d *desk) signing() *signing {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.login
}

// signIn begins a sign-in. The one before it ends: who clicks on another wants
// that one. A second click on the same shows the browser once more.
func (d *desk) signIn(ctx context.Context, row refresher.Row, token string) {
	if s := d.signing(); s != nil {
		if s.key == keyOf(row) {
			d.again(s, token)
			return
		}
		s.cancel()
	}
	ctx, cancel := context.WithTimeout(ctx, signInPatience)
	s := &signing{key: keyOf(row), title: titleOf(d.view(true).row(row, time.Now())), token: token, cancel: cancel, text: wordSoonInBrowser}
	s.paste = func(string) error { return errors.New(wordNothingToPaste) }
	d.do(func() { d.login = s })
	d.siblings(row)
	d.group.Go(func() {
		defer cancel()
		text := d.signInBy(ctx, s, row)
		d.do(func() {
			if d.login == s {
				d.login = nil
			}
		})
		d.tell(text)
	})
}

// signInBy signs in as well as this computer can: by the client's command, and
// where that cannot be run, or fails before it did anything, by our flow.
func (d *desk) signInBy(ctx context.Context, s *signing, row refresher.Row) string {
	if row.Own {
		return d.signInOwn(ctx, s, row)
	}
	v := d.view(true)
	own := ownSignIn(row)
	if words, ok := signin.Unattended(row.SignIn, row.SignInTerminal, d.host.Getenv); ok {
		env := os.Environ()
		if row.SignInEnv != "" {
			env = append(env, row.SignInEnv)
		}
		err := signin.Command(ctx, words, env, nil, nil)
		out := d.x.refresher.SignedInByClient(ctx, row)
		switch {
		case out.Did == refresher.SignedIn:
			return v.ended(out)
		case ctx.Err() != nil:
			return v.gaveUp(ctx, row)
		case own != "" && err != nil:
			return fmt.Sprintf(saidNoSignIn, row.ID, fmt.Sprintf(saidCommandBroken, v.signIn(row), err))
		case own != "":
			return v.ended(out)
		}
	}
	if own != "" {
		return withDo(fmt.Sprintf(saidNoSignIn, row.ID, own), v.signIn(row))
	}
	return d.flow(ctx, s, row)
}

// flow is our own sign-in, by the browser.
func (d *desk) flow(ctx context.Context, s *signing, row refresher.Row) string {
	v := d.view(true)
	failed := func(err error) string {
		if ctx.Err() != nil {
			return v.gaveUp(ctx, row)
		}
		return fmt.Sprintf(saidNoSignIn, row.ID, v.tilde(plainError(err.Error())))
	}
	gone := row.Memory.Verdict == exchange.ClientGone.String() && row.Memory.For == d.x.ledger.Fingerprint(row.Refresh)
	f, err := signin.Begin(ctx, d.x.refresher.Finder, row.Credential, signin.Options{
		ClientGone: gone, Notice: func(text string) { d.tell(upper(text) + ".") },
	})
	if err != nil {
		return failed(err)
	}
	defer f.Close()
	opened := f.Listens() && signin.Open(d.leave(s.token), f.URL()) == nil
	d.do(func() {
		s.flow, s.paste, s.text = f, f.Paste, fmt.Sprintf(wordInBrowser, f.Host())
		if !opened {
			s.text = fmt.Sprintf(wordNoBrowser, f.Host())
		}
	})
	if !opened {
		d.open(ctx, model.Show{Key: s.key}) // the address is shown there
	}
	code, err := f.Wait(ctx)
	if err != nil {
		return failed(err)
	}
	f.Close()
	return v.ended(d.x.refresher.SignIn(ctx, row, code))
}

// again shows the browser once more.
func (d *desk) again(s *signing, token string) {
	d.mu.Lock()
	f, text := s.flow, s.text
	d.mu.Unlock()
	if f != nil && signin.Open(d.leave(token), f.URL()) != nil {
		d.tell(text)
	}
}

// leave is the environment of a program that may take the focus.
func (d *desk) leave(token string) func(string) string {
	return func(name string) string {
		if name == "XDG_ACTIVATION_TOKEN" {
			return token
		}
		return d.host.Getenv(name)
	}
}

// siblings names those that the sign-in may sign out.
func (d *desk) siblings(row refresher.Row) {
	var all []string
	d.mu.Lock()
	rows := d.snap.Rows
	d.mu.Unlock()
	for _, r := range rows {
		if r.Key != row.Key && !r.Unused && sameRegistration(r.Grant, row.Grant) {
			all = append(all, r.ID)
		}
	}
	if len(all) > 0 {
		d.tell(fmt.Sprintf(saidSibling, strings.Join(all, ", "), row.ID))
	}
}

// ended is what became of a sign-in, in one text.
func (v view) ended(out refresher.Outcome) string {
	e := v.ending(out)
	return strings.Join(slices.Concat([]string{upper(e.text)}, e.more, e.do), "\n")
}

// withDo is a text with what to do about it.
func withDo(text, do string) string {
	if do == "" {
		return text
	}
	return text + "\n" + do
}

// gaveUp says why a sign-in came to nothing: nothing was changed.
func (v view) gaveUp(ctx context.Context, row refresher.Row) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Sprintf(saidTooLate, row.ID)
	}
	return fmt.Sprintf(saidCancelled, row.ID)
}
