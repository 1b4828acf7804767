//go:build !darwin || cgo

package window

import (
	"fmt"
	"testing"
	"time"

	"lamplighter/app/model"
)

func long(n int) *model.Model {
	m := sample()
	m.History = nil
	for i := range n {
		id := []string{"codex/mcp/linear", "claude/mcp/slack"}[i%2]
		m.History = append(m.History, model.Event{At: noon.Add(-time.Duration(i) * time.Minute), Key: id, ID: id, What: fmt.Sprint("refreshed ", i)})
	}
	return m
}

func TestTheHistoryIsFilteredByEveryWord(t *testing.T) {
	w, _ := open(t, long(2000))
	w.show(pageHistory)
	p := w.pages[pageHistory].(*historyPage)
	if len(p.shown) != 2000 {
		t.Fatalf("%d events are shown", len(p.shown))
	}
	p.filter.SetText("SLACK refreshed")
	if len(p.shown) != 1000 {
		t.Errorf("%d events are of slack", len(p.shown))
	}
	p.filter.SetText("nothing of the kind")
	if !p.none.Visible() {
		t.Error("nothing is found and nothing says so")
	}
}

func TestNewEventsPushNothingAway(t *testing.T) {
	m := long(2000)
	w, _ := open(t, m)
	w.show(pageHistory)
	p := w.pages[pageHistory].(*historyPage)
	p.list.ScrollTo(1000)
	before := p.list.GetScrollOffset()
	p.list.Select(1000)
	p.list.ScrollToOffset(before)
	chosen := p.chosen
	next := long(2000)
	next.History = append([]model.Event{{At: noon.Add(time.Minute), What: "new"}, {At: noon.Add(time.Second), What: "newer"}}, next.History...)
	w.Model(next)
	if moved := p.list.GetScrollOffset() - before; moved-2*p.list.step() > 0.1 || moved-2*p.list.step() < -0.1 {
		t.Errorf("two events moved the list by %v, not by two lines of %v", moved, p.list.step())
	}
	if p.chosen != chosen {
		t.Errorf("the chosen event was %q and is %q", chosen.What, p.chosen.What)
	}
}
