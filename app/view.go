package app

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lamplighter/app/model"
	"lamplighter/app/settings"
	"lamplighter/credfiles"
	"lamplighter/refresher"
)

// A view is for whom a Model is worded.
type view struct {
	os, home string
	keeper   bool
	waits    string // why everything is only watched, although nobody said so
}

func (p *program) view(keeper bool) view {
	return view{os: p.host.OS, home: p.host.Home, keeper: keeper}
}

// model words a Snapshot. Every sentence about a credential is made here.
func (v view) model(snap refresher.Snapshot, fault error) model.Model {
	m := model.Model{At: snap.At, Keeper: v.keeper}
	restarts := map[string][]string{}
	for _, row := range snap.Rows {
		r := v.row(row, snap.At)
		m.Rows = append(m.Rows, r)
		for _, what := range r.Reconnect {
			if restarts[what] == nil {
				m.Restarts = append(m.Restarts, what)
			}
			restarts[what] = append(restarts[what], row.ID)
		}
	}
	for i, what := range m.Restarts {
		m.Restarts[i] = fmt.Sprintf(wordRestart, what, strings.Join(restarts[what], ", "))
	}
	m.Problems = v.configProblems(fault)
	for _, p := range snap.Problems {
		if slices.ContainsFunc(snap.Rows, func(r refresher.Row) bool {
			return r.WatchOnly == credfiles.OddFormat && r.Path == p.Store && r.Name == p.Entry
		}) {
			continue // its row says so
		}
		m.Problems = append(m.Problems, model.Problem{Store: p.Store, Message: v.problem(p)})
	}
	m.Summary = summary(m)
	return m
}

// configProblems are the mistakes in our config, for which the settings of
// before, or the defaults, are in force.
func (v view) configProblems(fault error) []model.Problem {
	if fault == nil {
		return nil
	}
	var store string
	var bad *settings.Error
	if errors.As(fault, &bad) {
		store = bad.File
	}
	var all []model.Problem
	for _, line := range strings.Split(fault.Error(), "\n") {
		if !strings.HasSuffix(line, "?") {
			line += ";"
		}
		all = append(all, model.Problem{Store: store, Message: fmt.Sprintf(wordOldSettings, v.tilde(line))})
	}
	return all
}

func (v view) row(row refresher.Row, now time.Time) model.Row {
	m := model.Row{
		Key: keyOf(row), ID: row.ID, Client: row.Client, Name: row.Name, Kind: row.Kind, Profile: row.Profile,
		Server: ownServer(row), Store: row.Path, State: string(row.State), Word: stateWord(row.State), Mode: mode(row), Unused: row.Unused,
		Expires: row.Expiry, Refreshed: row.Memory.Refreshed, Ends: row.RefreshExpiry,
		SignIn: v.signIn(row), Restore: v.restore(row), NeedsYou: needsYou(row, now), Kept: kept(row),
	}
	m.Reason, m.Do = v.sentence(row, now)
	switch row.State {
	case refresher.Fresh, refresher.Unknown, refresher.Retrying, refresher.Unsaved, refresher.Misconfigured:
		m.Refresh = row.At
	}
	for _, p := range row.Reconnect {
		m.Reconnect = append(m.Reconnect, fmt.Sprintf(wordReconnect, v.process(p), row.How))
	}
	return v.full(m, row, now)
}

// mode is what may be done with a credential, in the words of the command.
func mode(row refresher.Row) string {
	switch {
	case row.State == refresher.Paused:
		return "paused"
	case row.WatchOnly != "":
		return "watch-only"
	case row.Mode.Mode != "":
		return row.Mode.Mode
	}
	return row.DefaultMode()
}

// needsYou reports that only a sign-in helps, with a credential that its
// client still uses.
func needsYou(row refresher.Row, now time.Time) bool {
	ended := !row.Expiry.IsZero() && !row.Expiry.After(now)
	return !row.Unused && (row.State == refresher.SignInNeeded || row.State == refresher.CannotRefresh && ended)
}

// kept reports that a keeper keeps it fresh, or would.
func kept(row refresher.Row) bool {
	return !row.Unused && !slices.Contains([]refresher.State{refresher.WatchOnly, refresher.Paused, refresher.CannotRefresh}, row.State)
}

// keyOf names a credential by its place, as short as it is sure.
func keyOf(row refresher.Row) string {
	sum := sha256.Sum256([]byte(row.Key.Store + "\x00" + row.Key.Entry))
	return hex.EncodeToString(sum[:12])
}

func summary(m model.Model) string {
	var fresh, kept int
	var next time.Time
	for _, r := range m.Rows {
		if !r.Kept {
			continue
		}
		kept++
		switch {
		case is(r, refresher.Refreshing) && r.Expires.After(m.At):
			fresh++
		case is(r, refresher.Fresh):
			fresh++
			if next.IsZero() || r.Refresh.Before(next) {
				next = r.Refresh
			}
		}
	}
	var s string
	switch {
	case len(m.Rows) == 0 && len(m.Problems) > 0:
		return wordNothingRead
	case len(m.Rows) == 0:
		return wordNothingFound
	case kept == 0:
		s = plural(len(m.Rows), wordNoneKeptOne, wordNoneKept)
	case fresh == kept && m.Keeper && next.After(m.At):
		s = fmt.Sprintf(wordAllFreshNext, plural(kept, wordTokenOne, wordTokenMany), clock(next, m.At))
	case fresh == kept:
		s = fmt.Sprintf(wordAllFresh, plural(kept, wordTokenOne, wordTokenMany))
	default:
		s = fmt.Sprintf(wordSomeFresh, fresh, kept)
	}
	return needs(m) + s
}

// needs says how many need a person, to be followed by another sentence; empty:
// none does.
func needs(m model.Model) string {
	n := 0
	for _, r := range m.Rows {
		if r.NeedsYou {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return plural(n, wordNeedOne, wordNeedMany) + " "
}

func is(r model.Row, s refresher.State) bool { return r.State == string(s) }

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}

// clock writes a time of day for people, with the day where it is not today.
func clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return t.Format("Mon 2 Jan 15:04")
}

// span writes a duration as a person would say it.
func span(d time.Duration) string {
	if d = d.Abs().Round(time.Second); d >= time.Minute {
		d = d.Round(time.Minute)
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		h, m := int(d.Hours()), int(d.Minutes())%60
		if h >= 10 || m == 0 {
			return fmt.Sprintf("%d h", h)
		}
		return fmt.Sprintf("%d h %d min", h, m)
	case d < 2*365*24*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
	return fmt.Sprintf("%d years", int(d.Hours()/24/365))
}

// ends says when a token ends, short enough for a column.
func ends(t, now time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case t.Unix() == 0:
		return wordEnded // how a client writes that it ended long ago
	case t.After(now):
		return fmt.Sprintf(wordEndsIn, span(t.Sub(now)))
	}
	return fmt.Sprintf(wordEndedAgo, span(now.Sub(t)))
}

// in says how long until something happens.
func in(t, now time.Time) string {
	if !t.After(now) {
		return "now"
	}
	return "in " + span(t.Sub(now))
}

// tilde shortens the home folder in a text to ~.
func (v view) tilde(text string) string {
	if len(v.home) < 2 {
		return text
	}
	return strings.ReplaceAll(text, v.home, "~")
}

func (v view) process(p credfiles.Process) string {
	return fmt.Sprintf("%s %d", credfiles.Title(p.Name), p.PID)
}
