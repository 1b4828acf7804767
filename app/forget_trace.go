package app

import (
	"fmt"
	"slices"
	"strings"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

// A trace is all that is remembered under one ID: of the entry that is there, of
// others of that name that are gone, or no more than lines of the log.
type trace struct {
	id   string
	rows []refresher.Row
}

// traces are those of the entries that are there, and of the others.
func (x *parts) traces(snap snapshot) (here, gone []trace, err error) {
	lost, err := x.refresher.Remembered(snap)
	if err != nil {
		return nil, nil, err
	}
	for _, row := range snap.Rows {
		here = append(here, trace{row.ID, []refresher.Row{row}})
	}
	of := func(id string) *trace {
		for _, some := range [][]trace{here, gone} {
			if i := slices.IndexFunc(some, func(t trace) bool { return t.id == id }); i >= 0 {
				return &some[i]
			}
		}
		gone = append(gone, trace{id: id})
		return &gone[len(gone)-1]
	}
	for _, row := range lost {
		t := of(row.ID)
		t.rows = append(t.rows, row)
	}
	events, err := x.ledger.Events(x.policy().LogKeep)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range events {
		if e.ID != "" {
			of(e.ID)
		}
	}
	all, err := x.ledger.Deliveries()
	for _, d := range all {
		of(d.ID)
	}
	return here, gone, err
}

// chooseTraces are those that arguments name: of an entry that is there before
// one that is gone.
func chooseTraces(snap snapshot, here, gone []trace, args []string) (chosen []trace, err error) {
	for _, arg := range args {
		from := here
		found := credfiles.Match(namesOf(here), arg)
		if len(found) == 0 {
			from, found = gone, credfiles.Match(namesOf(gone), arg)
		}
		switch {
		case len(found) == 0 && slices.ContainsFunc(snap.Problems, unread):
			return nil, sayf(saidNotRemembered+saidUnread, arg)
		case len(found) == 0:
			return nil, usagef(saidNotRemembered, arg)
		case len(found) > 1:
			return nil, usagef(saidAmbiguousID, arg, strings.Join(found, "\n  "))
		}
		t := from[slices.Index(namesOf(from), found[0])]
		if !slices.Contains(namesOf(chosen), t.id) {
			chosen = append(chosen, t)
		}
	}
	return chosen, nil
}

func namesOf(all []trace) (ids []string) {
	for _, t := range all {
		ids = append(ids, t.id)
	}
	return ids
}

// wouldForget says of each what is remembered.
func (p *program) wouldForget(x *parts, chosen []trace) error {
	records, err := x.ledger.Pending()
	if err != nil {
		return err
	}
	for _, t := range chosen {
		var what []string
		for _, row := range t.rows {
			what = append(what, x.remembered(row, records)...)
		}
		n, err := x.ledger.EraseEvents([]string{t.id}, true)
		if err != nil {
			return err
		}
		if n > 0 {
			what = append(what, fmt.Sprintf(wordLogLines, n))
		}
		switch {
		case t.id == "":
		case len(what) == 0:
			p.printf(saidNoTraces, t.id)
		default:
			p.printf(saidWouldForget, t.id, strings.Join(slices.Compact(what), ", "))
		}
	}
	return nil
}

// remembered are words for what is remembered of one.
func (x *parts) remembered(row refresher.Row, records []ledger.Record) (what []string) {
	if slices.ContainsFunc(records, func(r ledger.Record) bool { return r.Sent.Key == row.Key }) {
		what = append(what, wordFirstJournal)
	}
	kept, err := x.ledger.Kept(row.Key)
	if kept.Good != nil || err != nil {
		what = append(what, wordKeptGood)
	}
	if kept.Orphan != nil {
		what = append(what, wordKeptLate)
	}
	if m := row.Memory; m.ID != "" {
		what = append(what, wordAttempts)
	}
	return what
}
