package app

import (
	"fmt"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
)

// A Model is what there is to see at one moment, in words: for status, the
// tray and the window alike. It holds no token.
type Model struct {
	At       time.Time
	Summary  string
	Rows     []ModelRow
	Problems []ModelProblem
}

// A ModelRow is one credential. Zero times are unknown.
type ModelRow struct {
	ID, Client, Title, Name, Kind, Profile string
	Server, Store                          string
	State                                  refresher.State
	Mode                                   string
	Reason                                 string // a sentence: why it is in this state
	Do                                     string // what a person should do; empty: nothing
	SignIn                                 string // the command line that signs in
	Unused                                 bool   // its client does not read it any more
	Expires, Refresh, Refreshed, Ends      time.Time
	Reconnect                              []string // what to do in running programs that cannot notice
}

// A ModelProblem is something about a store.
type ModelProblem struct {
	Store   string
	Message string
}

// modelOf words a Snapshot. Every sentence about a credential is made here.
func modelOf(snap refresher.Snapshot, home string) Model {
	m := Model{At: snap.At}
	for _, row := range snap.Rows {
		m.Rows = append(m.Rows, rowOf(row, snap.At))
	}
	for _, p := range snap.Problems {
		m.Problems = append(m.Problems, ModelProblem{p.Store, problemText(p, home)})
	}
	m.Summary = summary(m)
	return m
}

func rowOf(row refresher.Row, now time.Time) ModelRow {
	m := ModelRow{
		ID: row.ID, Client: row.Client, Title: title(row.Client), Name: row.Name, Kind: row.Kind, Profile: row.Profile,
		Server: row.ServerURL, Store: row.Path, State: row.State, Mode: mode(row), Unused: row.Unused,
		Expires: row.Expiry, Refreshed: row.Memory.Refreshed, Ends: row.RefreshExpiry,
	}
	m.SignIn = signIn(row)
	m.Reason, m.Do = sentence(row, now, m.SignIn)
	if row.State == refresher.Fresh || row.State == refresher.Unknown || row.State == refresher.Retrying || row.State == refresher.Unsaved || row.State == refresher.Misconfigured {
		m.Refresh = row.At
	}
	for _, p := range row.Reconnect {
		m.Reconnect = append(m.Reconnect, fmt.Sprintf(wordReconnect, title(p.Name), p.PID, row.How))
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

// signIn is the command line that signs in, quoted for a POSIX shell.
func signIn(row refresher.Row) string {
	if row.SignIn == nil {
		return ""
	}
	words := make([]string, len(row.SignIn))
	for i, w := range row.SignIn {
		words[i] = quote(w)
	}
	line := strings.Join(words, " ")
	if name, value, ok := strings.Cut(row.SignInEnv, "="); ok {
		line = name + "=" + quote(value) + " " + line
	}
	return line
}

// quote writes an argument as a POSIX shell reads it.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_./:@%+=,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// needsYou reports that a person has to do something about a credential that
// its client still uses.
func (m ModelRow) needsYou() bool { return m.State == refresher.SignInNeeded && !m.Unused }

func summary(m Model) string {
	var fresh, need, total int
	var next time.Time
	for _, r := range m.Rows {
		total++
		if r.State == refresher.Fresh {
			fresh++
			if next.IsZero() || r.Refresh.Before(next) {
				next = r.Refresh
			}
		}
		if r.needsYou() {
			need++
		}
	}
	switch {
	case total == 0:
		return wordNothingFound
	case need > 0:
		return plural(need, wordNeedOne, wordNeedMany)
	case fresh == total && next.After(m.At):
		return fmt.Sprintf(wordAllFresh, plural(total, wordTokenOne, wordTokenMany), clock(next, m.At))
	case fresh == total:
		return fmt.Sprintf(wordAllDue, plural(total, wordTokenOne, wordTokenMany))
	}
	return fmt.Sprintf(wordSomeFresh, fresh, total)
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
	switch d = d.Abs(); {
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
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func title(client string) string { return credfiles.Title(client) }
