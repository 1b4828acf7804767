package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"lamplighter/app/model"
	"lamplighter/app/settings"
	"lamplighter/credfiles"
	"lamplighter/refresher"
)

// model is everything there is to see now.
func (d *desk) model() model.Model {
	snap := d.snap
	snap.At = time.Now()
	v := d.view(true)
	v.waits = d.x.waits()
	m := v.model(d.x.withDeliveries(snap), d.x.trouble())
	s := d.x.current()
	m.Version, m.Begun = d.version, v.waits == ""
	if s.PausedUntil.After(m.At) {
		m.Paused = s.PausedUntil
		m.Rests = fmt.Sprintf(wordRests, pausedUntil(m))
	}
	for i := range m.Rows {
		r := &m.Rows[i]
		if p, ok := d.plans[r.Key]; ok {
			r.Plan, r.Kept = p.text, p.kept
		}
	}
	inOrder(m.Rows)
	switch {
	case d.snap.At.IsZero():
		m.Summary = wordLooking
	case len(m.Rows)+len(m.Problems) == 0:
		m.Summary = wordNothingYet
	case m.Begun && m.Rests != "":
		m.Summary = needs(m) + wordResting
	case !m.Begun && len(m.Rows) > 0:
		m.Summary = plural(len(m.Rows), wordFoundOne, wordFound)
	}
	for _, about := range slices.Sorted(maps.Keys(d.notes)) {
		m.Notes = append(m.Notes, d.notes[about])
	}
	if d.login != nil {
		m.SignIn = d.login.shown()
	}
	m.Icon = iconOf(m)
	m.AtLogin, _ = d.atLogin().Enabled()
	if d.child != nil {
		m.Settings = d.settings(s)
		m.History = d.history.read(d, v)
		for i := range m.Rows {
			m.Rows[i].Facts = v.facts(m.Rows[i], m.At)
		}
	}
	return m
}

// inOrder sorts the rows of each client by name, its login last: the order of
// a store says nothing to anybody. Clients stay as they come.
func inOrder(rows []model.Row) {
	at := map[string]int{}
	for _, r := range rows {
		if _, ok := at[r.Client]; !ok {
			at[r.Client] = len(at)
		}
	}
	slices.SortStableFunc(rows, func(a, b model.Row) int {
		named := func(r model.Row) int {
			if r.Name == "" {
				return 1
			}
			return 0
		}
		return cmp.Or(at[a.Client]-at[b.Client], strings.Compare(a.Profile, b.Profile), named(a)-named(b),
			strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)))
	})
}

// A plan is what will be done with a credential once the user has begun.
type plan struct {
	text string
	kept bool
}

// plan finds out what will be done once the user has begun.
func (d *desk) plan(ctx context.Context) map[string]plan {
	if d.x.waits() == "" {
		return nil
	}
	would := refresher.Refresher{
		Stores: d.x.refresher.Stores, Ledger: d.x.ledger, Finder: d.x.refresher.Finder,
		Policy: func() refresher.Policy {
			p := policyOf(d.x.current())
			p.Mode, p.PausedUntil = "keep", time.Time{}
			return p
		},
	}
	plans := map[string]plan{}
	snap := would.Scan(ctx)
	for _, row := range snap.Rows {
		plans[keyOf(row)] = plan{d.view(true).plan(row, snap.At), kept(row)}
	}
	return plans
}

// settings are what the window can set.
func (d *desk) settings(s settings.Settings) *model.Settings {
	m := &model.Settings{
		File: shortPath(d.host.Home, d.x.configFile), Mode: s.Mode,
		LeadLeast: written(s.Lead.Least), LeadMost: written(s.Lead.Most), LeadShare: s.Lead.Share,
		Clients: credfiles.ClientNames(), Notifications: s.Notifications,
	}
	if _, err := d.atLogin().Enabled(); err != nil {
		m.LoginFault = d.view(true).tilde(err.Error())
	}
	if fault := d.x.trouble(); fault != nil {
		m.Fault = d.view(true).tilde(fault.Error())
	}
	for _, h := range s.Homes {
		m.Homes = append(m.Homes, model.Home{Client: h.Client, Path: h.Path, Name: h.Name})
	}
	return m
}

// written is a duration as one writes it in the config.
func written(t time.Duration) string {
	switch {
	case t%time.Hour == 0 && t != 0:
		return strconv.Itoa(int(t/time.Hour)) + "h"
	case t%time.Minute == 0:
		return strconv.Itoa(int(t/time.Minute)) + "m"
	}
	return t.String()
}

// A history is the log as the window shows it, read anew when it has grown.
type history struct {
	file   string // its signature
	events []model.Event
}

// shownEvents is how much of the log the window gets.
const shownEvents = 2000

func (h *history) read(d *desk, v view) []model.Event {
	now := signature(filepath.Join(d.x.ledger.Dir(), "log.jsonl"))
	if now == h.file {
		return h.events
	}
	events, err := d.x.ledger.Events(d.x.policy().LogKeep)
	if err != nil {
		return h.events
	}
	h.file, h.events = now, nil
	keyed := map[string]string{}
	for _, row := range d.snap.Rows {
		keyed[row.ID] = keyOf(row)
	}
	for _, e := range slices.Backward(events) {
		if len(h.events) == shownEvents {
			break
		}
		old, fresh := e.Old, e.New
		id := e.ID
		e.ID = ""
		h.events = append(h.events, model.Event{At: e.At, Key: keyed[id], ID: id, When: e.At.Local().Format(dateAndSecond), What: upper(v.event(e, false)), Old: old, New: fresh})
	}
	return h.events
}
