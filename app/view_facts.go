package app

import (
	"fmt"
	"strings"
	"time"

	"lamplighter/app/model"
)

// facts are what else there is to know of a credential: what nobody knows is
// left out.
func (v view) facts(r model.Row, now time.Time) (all []model.Fact) {
	add := func(name, text string, copied bool) {
		if text != "" {
			all = append(all, model.Fact{Name: name, Text: text, Copy: copied})
		}
	}
	life := ""
	if r.Life > 0 {
		life = span(r.Life)
	}
	add(factPlan, upper(r.Plan), false)
	add(factExpires, distant(r.Expires, now), false)
	add(factLife, life, false)
	add(factNext, distant(r.Refresh, now), false)
	add(factLast, distant(r.Refreshed, now), false)
	add(factEnds, distant(r.Ends, now), false)
	add(factMode, modeWords[r.Mode], false)
	add(factServer, r.Server, true)
	add(factEndpoint, r.Endpoint, false)
	add(factIssuer, r.Issuer, false)
	add(factHosts, strings.Join(r.Hosts, ", "), false)
	add(factHolders, strings.Join(r.Holders, ", "), false)
	add(factReconnect, strings.Join(r.Reconnect, "; "), false)
	add(factStore, shortPath(v.home, r.Store), true)
	add(factSignIn, r.SignIn, true)
	return all
}

// distant is when something is, and how far away.
func distant(t, now time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case t.Unix() == 0:
		return wordEnded // how a client writes that it ended long ago
	case t.After(now):
		return t.Local().Format(dateAndTime) + ", " + in(t, now)
	}
	return t.Local().Format(dateAndTime) + ", " + fmt.Sprintf(wordAgo, span(now.Sub(t)))
}

// How a date is written where there is room for all of it.
const (
	dateAndTime   = "Mon 2 Jan 2006, 15:04"
	dateAndSecond = "Mon 2 Jan 2006, 15:04:05"
)
