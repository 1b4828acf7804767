package app

import (
	"errors"
	"fmt"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/refresher"
	"lamplighter/refresher/exchange"
)

// An ending is what became of a sign-in, in words.
type ending struct {
	done bool // the text is the result, not an error
	code int
	text string
	more []string // what to know besides
	do   []string // and what to do
}

func (v view) ending(out refresher.Outcome) ending {
	now := time.Now()
	fails := func(code int, why string, do ...string) ending {
		return ending{code: code, text: fmt.Sprintf(saidNoSignIn, out.ID, why), do: do}
	}
	var store *credfiles.Problem
	var busy *clientlock.BusyError
	switch {
	case out.Did == refresher.SignedIn, out.Did == refresher.Adopted:
		e := ending{done: true, code: exitDone, text: fmt.Sprintf(saidSignedIn, out.ID, until(out.Expiry, now))}
		if out.Refresh.IsZero() && out.WatchOnly != credfiles.KeychainOwn {
			e.more = append(e.more, saidNoRefresh)
		}
		for _, what := range v.row(out.Row, now).Reconnect {
			e.do = append(e.do, fmt.Sprintf(wordRestart, what, out.ID))
		}
		return e
	case out.Did == refresher.Lost:
		return ending{done: true, code: exitFailed, text: fmt.Sprintf(saidLost, out.ID)}
	case out.State == refresher.Unsaved:
		text, do := v.outcome(out)
		e := ending{done: true, code: exitLater, text: text}
		if do != "" {
			e.do = []string{do}
		}
		return e
	case errors.As(out.Err, &busy):
		return fails(exitLater, wordBusy)
	case errors.As(out.Err, &store):
		why, do := v.trouble(*store)
		if do == "" {
			return fails(exitFailed, why)
		}
		return fails(exitFailed, why, do)
	case out.Answer.Kind == exchange.Later:
		return fails(exitLater, noToken(out))
	case out.Answer.Kind != 0:
		return fails(exitFailed, noToken(out))
	case out.Err != nil:
		return fails(exitFailed, v.tilde(plainError(out.Err.Error())))
	}
	return fails(exitFailed, wordNothingChanged)
}
