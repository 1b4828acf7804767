//go:build !darwin || cgo

package tray

import (
	"slices"

	"lamplighter/app/model"
)

// A menu is the lines that are shown. It keeps a line through redraws as long
// as the line means the same, so that an id says for good what it does: an id
// of a line that went is never used again.
type menu struct {
	root line
	byID map[int32]*line // but for root
	last int32
}

// A line is one line of the menu as it is shown.
type line struct {
	id   int32
	name name
	look look
	sub  []*line
}

// A name is by what a line is known among those of the same submenu.
type name struct {
	kind      byte // 's'eparator, 'm'enu, 'a'ction, 'h'eading
	checkable bool
	do        model.Action // of an action; of a menu, the Key that it is about
	text      string       // of a menu that is about nothing
	nth       int          // of those that are alike
}

type look struct {
	text         string
	checked, off bool
}

// draw makes the menu show items. It reports the lines that look another way
// and those whose own lines came, went or moved; new lines are in neither.
func (m *menu) draw(items []Item) (changed, moved []*line) {
	if m.byID == nil {
		m.byID = map[int32]*line{}
	}
	return m.fill(&m.root, items, nil, nil)
}

func (m *menu) fill(l *line, items []Item, changed, moved []*line) (_, _ []*line) {
	before := map[name]*line{}
	for _, s := range l.sub {
		before[s.name] = s
	}
	var after []*line
	for i, n := range namesOf(items) {
		item, s := items[i], before[n]
		now := look{fit(item.Text), item.Checked, item.Off || n.kind == 'h'}
		if n.kind == 's' {
			now = look{}
		}
		if s == nil {
			m.last++
			s = &line{id: m.last, name: n, look: now}
			m.byID[s.id] = s
			m.fill(s, item.Items, nil, nil)
		} else {
			delete(before, n)
			if s.look != now {
				s.look = now
				changed = append(changed, s)
			}
			changed, moved = m.fill(s, item.Items, changed, moved)
		}
		after = append(after, s)
	}
	for _, s := range before {
		m.forget(s)
	}
	if !slices.Equal(l.sub, after) {
		l.sub = after
		moved = append(moved, l)
	}
	return changed, moved
}

func (m *menu) forget(l *line) {
	delete(m.byID, l.id)
	for _, s := range l.sub {
		m.forget(s)
	}
}

// action is what a click on an id means.
func (m *menu) action(id int32) (model.Action, bool) {
	l := m.byID[id]
	if l == nil || l.name.kind != 'a' || l.look.off {
		return model.Action{}, false
	}
	return l.name.do, true
}

func namesOf(items []Item) []name {
	alike := map[name]int{}
	var all []name
	for _, item := range items {
		n := nameOf(item)
		alike[n]++
		n.nth = alike[n]
		all = append(all, n)
	}
	return all
}

func nameOf(item Item) name {
	switch {
	case item.Separator:
		return name{kind: 's'}
	case len(item.Items) > 0:
		// A submenu about one thing stays that, open, while its text ages.
		key := about(item.Items)
		if key == "" {
			return name{kind: 'm', text: item.Text}
		}
		return name{kind: 'm', do: model.Action{Key: key}}
	case item.Do != model.Action{}:
		return name{kind: 'a', do: item.Do, checkable: item.Checkable}
	}
	return name{kind: 'h', checkable: item.Checkable}
}

// about is the one Key that the lines of a submenu act on, "" where they act
// on several or have submenus of their own.
func about(items []Item) string {
	key := ""
	for _, item := range items {
		switch k := item.Do.Key; {
		case len(item.Items) > 0:
			return ""
		case k == "" || k == key:
		case key != "":
			return ""
		default:
			key = k
		}
	}
	return key
}
