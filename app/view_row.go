package app

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"lamplighter/app/model"
	"lamplighter/assets"
	"lamplighter/credfiles"
	"lamplighter/refresher"
)

// full adds to a Row what the tray and the window show besides.
func (v view) full(m model.Row, row refresher.Row, now time.Time) model.Row {
	m.ClientTitle, m.Title = credfiles.Title(row.Client), m.Name
	if m.Title == "" {
		m.Title = m.Kind
	}
	m.Left = left(row, now)
	m.Life = row.Lifetime()
	m.Endpoint = row.Memory.TokenURL
	m.Issuer = row.Issuer
	for _, address := range []string{row.Memory.TokenURL, row.Issuer, row.ServerURL} {
		if u, err := url.Parse(address); err == nil && u.Host != "" && !slices.Contains(m.Hosts, u.Host) {
			m.Hosts = append(m.Hosts, u.Host)
		}
	}
	for _, p := range row.Holders {
		m.Holders = append(m.Holders, v.process(p))
	}
	m.Can = can(row, now)
	return m
}

// left is how much of an access token's life is left, for a menu.
func left(row refresher.Row, now time.Time) string {
	switch {
	case row.Expiry.IsZero():
		return ""
	case row.Expiry.After(now):
		return fmt.Sprintf(wordLeft, span(row.Expiry.Sub(now)))
	}
	return wordEnded
}

// can are the Actions that make sense with a credential.
func can(row refresher.Row, now time.Time) (all []string) {
	add := func(do string, ok bool) {
		if ok {
			all = append(all, do)
		}
	}
	watched := row.State == refresher.WatchOnly
	rests := row.State == refresher.Paused
	add(model.Refresh, !watched && (row.Kind == "mcp" && !row.Refresh.IsZero() || row.Own) && row.State != refresher.SignInNeeded)
	add(model.Login, row.SignIn != nil || ownSignIn(row) == "")
	add(model.Restore, row.Restorable())
	add(model.Ask, row.WatchOnly == credfiles.KeychainOwn)
	add(model.Copy, !row.Access.IsZero() && (row.Expiry.IsZero() || row.Expiry.After(now)))
	add(model.Pause, row.WatchOnly == "" && !watched && !rests)
	add(model.Resume, rests && row.Mode.Paused)
	add(model.Keep, row.WatchOnly == "" && watched)
	add(model.Watch, row.WatchOnly == "" && !watched)
	return all
}

// plan says what will be done with a credential from now on. row is decided as
// if the user had begun.
func (v view) plan(row refresher.Row, now time.Time) string {
	switch {
	case row.Unused:
		return fmt.Sprintf(wordUnused, credfiles.Title(row.Client))
	case row.State == refresher.WatchOnly:
		reason, _ := v.sentence(row, now)
		return fmt.Sprintf(wordPlanWatch, reason)
	case row.State == refresher.CannotRefresh:
		return wordPlanCountdown
	case row.State == refresher.SignInNeeded:
		return wordPlanSignIn
	}
	return wordPlanKeep
}

// iconOf is the icon's state. It always tells the truth: what only a person can
// mend comes before everything.
func iconOf(m model.Model) string {
	icon := assets.Fresh
	if len(m.Problems) > 0 {
		return assets.NeedsYou
	}
	for _, r := range m.Rows {
		switch {
		case r.NeedsYou || !r.Unused && (is(r, refresher.Misconfigured) || is(r, refresher.Unsaved)):
			return assets.NeedsYou
		case r.Kept && (is(r, refresher.Refreshing) || is(r, refresher.Retrying)):
			icon = assets.Working
		}
	}
	kept := slices.ContainsFunc(m.Rows, func(r model.Row) bool { return r.Kept })
	if !m.Begun || m.Paused.After(m.At) || !kept && len(m.Rows) > 0 {
		return assets.Paused
	}
	return icon
}
