package app

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
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
	m := v.model(snap, d.x.trouble())
	s := d.x.current()
	m.Version, m.Begun = d.version, v.waits == ""
	if s.PausedUntil.After(m.At) {
		m.Paused = s.PausedUntil
	}
	for i := range m.Rows {
		m.Rows[i].Plan = d.plans[m.Rows[i].Key]
	}
	if !m.Begun {
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
	}
	return m
}

// plan finds out what will be done once the user has begun.
func (d *desk) plan(ctx context.Context) map[string]string {
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
	plans := map[string]string{}
	snap := would.Scan(ctx)
	for _, row := range snap.Rows {
		plans[keyOf(row)] = d.view(true).plan(row, snap.At)
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
		h.events = append(h.events, model.Event{At: e.At, Key: keyed[id], ID: id, What: v.event(e, false), Old: old, New: fresh})
	}
	return h.events
}
