package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lamplighter/app/settings"
	"lamplighter/credfiles"
	"lamplighter/refresher"
)

// A Model is what there is to see at one moment, in words: for status, the
// tray and the window alike. It holds no token.
type Model struct {
	At       time.Time
	Summary  string
	Keeper   bool // one is running
	Rows     []ModelRow
	Problems []ModelProblem
	Restarts []string // what to do in running programs that cannot notice a repair
}

// A ModelRow is one credential. Zero times are unknown.
type ModelRow struct {
	ID, Client, Name, Kind, Profile   string
	Server, Store                     string
	State                             refresher.State
	Mode                              string
	Reason                            string // why it is in this state, to go on a sentence
	Do                                string // what a person should do; empty: nothing
	SignIn                            string // the command line that signs in
	Unused                            bool   // its client does not read it any more
	Expires, Refresh, Refreshed, Ends time.Time
	Reconnect                         []string // what to do in running programs that cannot notice
}

// A ModelProblem is something about a store, or about our config.
type ModelProblem struct {
	Store   string
	Message string
}

// A view is for whom a Model is worded.
type view struct {
	os, home string
	keeper   bool
}

func (p *program) view(keeper bool) view { return view{p.host.OS, p.host.Home, keeper} }

// model words a Snapshot. Every sentence about a credential is made here.
func (v view) model(snap refresher.Snapshot, fault error) Model {
	m := Model{At: snap.At, Keeper: v.keeper}
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
		m.Problems = append(m.Problems, ModelProblem{p.Store, v.problem(p)})
	}
	m.Summary = summary(m)
	return m
}

// configProblems are the mistakes in our config, for which the settings of
// before, or the defaults, are in force.
func (v view) configProblems(fault error) []ModelProblem {
	if fault == nil {
		return nil
	}
	var store string
	var bad *settings.Error
	if errors.As(fault, &bad) {
		store = bad.File
	}
	var all []ModelProblem
	for _, line := range strings.Split(fault.Error(), "\n") {
		all = append(all, ModelProblem{store, fmt.Sprintf(wordOldSettings, v.tilde(line))})
	}
	return all
}

func (v view) row(row refresher.Row, now time.Time) ModelRow {
	m := ModelRow{
		ID: row.ID, Client: row.Client, Name: row.Name, Kind: row.Kind, Profile: row.Profile,
		Server: row.ServerURL, Store: row.Path, State: row.State, Mode: mode(row), Unused: row.Unused,
		Expires: row.Expiry, Refreshed: row.Memory.Refreshed, Ends: row.RefreshExpiry,
		SignIn: v.signIn(row),
	}
	m.Reason, m.Do = v.sentence(row, now)
	switch row.State {
	case refresher.Fresh, refresher.Unknown, refresher.Retrying, refresher.Unsaved, refresher.Misconfigured:
		m.Refresh = row.At
	}
	for _, p := range row.Reconnect {
		m.Reconnect = append(m.Reconnect, fmt.Sprintf(wordReconnect, v.process(p), row.How))
	}
	return m
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
func (m ModelRow) needsYou(now time.Time) bool {
	ended := !m.Expires.IsZero() && !m.Expires.After(now)
	return !m.Unused && (m.State == refresher.SignInNeeded || m.State == refresher.CannotRefresh && ended)
}

// kept reports that a keeper keeps it fresh, or would.
func (m ModelRow) kept() bool {
	return !m.Unused && !slices.Contains([]refresher.State{refresher.WatchOnly, refresher.Paused, refresher.CannotRefresh}, m.State)
}

func summary(m Model) string {
	var fresh, need, kept int
	var next time.Time
	for _, r := range m.Rows {
		if r.needsYou(m.At) {
			need++
		}
		if !r.kept() {
			continue
		}
		kept++
		switch {
		case r.State == refresher.Refreshing && r.Expires.After(m.At):
			fresh++
		case r.State == refresher.Fresh:
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
	if need > 0 {
		s = plural(need, wordNeedOne, wordNeedMany) + " " + s
	}
	return s
}

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
