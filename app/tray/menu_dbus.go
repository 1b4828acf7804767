//go:build !windows && !darwin

package tray

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// dbusmenu is com.canonical.dbusmenu, as libdbusmenu's dbus-menu.xml has it.
type dbusmenu struct{ s *shown }

type layout struct {
	ID    int32
	Facts map[string]dbus.Variant
	Lines []dbus.Variant // of layout
}

type lineFacts struct {
	ID    int32
	Facts map[string]dbus.Variant
}

type removedFacts struct {
	ID    int32
	Names []string
}

// facts are the properties of a line. Those that can change are always among
// them, so that none is ever taken back. only names those that are asked for;
// none: all.
func (l *line) facts(only []string) map[string]dbus.Variant {
	all := map[string]any{}
	switch l.name.kind {
	case 0: // the root
		all["children-display"] = "submenu"
	case 's':
		all["type"] = "separator"
	default:
		// An underline marks the key that stands for the line; two are one.
		all["label"] = strings.ReplaceAll(l.look.text, "_", "__")
		all["enabled"] = !l.look.off
		if l.name.kind == 'm' {
			all["children-display"] = "submenu"
		}
		if l.name.checkable {
			state := int32(0)
			if l.look.checked {
				state = 1
			}
			all["toggle-type"], all["toggle-state"] = "checkmark", state
		}
	}
	for name := range all {
		if len(only) > 0 && !slices.Contains(only, name) {
			delete(all, name)
		}
	}
	return variants(all)
}

func (l *line) layout(depth int32, only []string) layout {
	out := layout{l.id, l.facts(only), []dbus.Variant{}}
	if depth == 0 {
		return out
	}
	for _, s := range l.sub {
		out.Lines = append(out.Lines, dbus.MakeVariant(s.layout(depth-1, only)))
	}
	return out
}

// like reports whether items are the lines that are shown, in the same order.
func (l *line) like(items []Item) bool {
	if len(l.sub) != len(items) {
		return false
	}
	for i, n := range namesOf(items) {
		if l.sub[i].name != n || !l.sub[i].like(items[i].Items) {
			return false
		}
	}
	return true
}

func (m *menu) line(id int32) *line {
	if id == 0 {
		return &m.root
	}
	return m.byID[id]
}

func gone(id int32) *dbus.Error {
	return dbus.NewError(menuName+".Error", []any{fmt.Sprintf("there is no line %d any more", id)})
}

// GetLayout answers with the lines below parent, to a depth; -1 is all.
func (d dbusmenu) GetLayout(parent, depth int32, names []string) (uint32, layout, *dbus.Error) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	l := d.s.menu.line(parent)
	if l == nil {
		return 0, layout{}, gone(parent)
	}
	return d.s.revision, l.layout(depth, names), nil
}

// GetGroupProperties leaves out lines that have gone. No ids are all ids.
func (d dbusmenu) GetGroupProperties(ids []int32, names []string) ([]lineFacts, *dbus.Error) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if len(ids) == 0 {
		ids = append(ids, 0)
		for id := range d.s.menu.byID {
			ids = append(ids, id)
		}
	}
	all := []lineFacts{}
	for _, id := range ids {
		if l := d.s.menu.line(id); l != nil {
			all = append(all, lineFacts{id, l.facts(names)})
		}
	}
	return all, nil
}

// GetProperty answers with one property of one line.
func (d dbusmenu) GetProperty(id int32, name string) (dbus.Variant, *dbus.Error) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if l := d.s.menu.line(id); l != nil {
		if v, ok := l.facts(nil)[name]; ok {
			return v, nil
		}
	}
	return dbus.Variant{}, gone(id)
}

// Event is a click, or what else was done to a line.
func (d dbusmenu) Event(id int32, kind string, data dbus.Variant, at uint32) *dbus.Error {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if d.s.menu.line(id) == nil {
		return gone(id)
	}
	switch {
	case kind == "clicked":
		if do, ok := d.s.menu.action(id); ok {
			d.s.clicks.add(do, d.s.takeToken())
		}
		d.s.closed()
	case kind == "closed" && id == 0:
		d.s.closed()
	default:
		d.s.looked = time.Now()
	}
	return nil
}

type event struct {
	ID   int32
	Kind string
	Data dbus.Variant
	At   uint32
}

// EventGroup answers with the ids that were of no line.
func (d dbusmenu) EventGroup(events []event) ([]int32, *dbus.Error) {
	missed := []int32{}
	for _, e := range events {
		if d.Event(e.ID, e.Kind, e.Data, e.At) != nil {
			missed = append(missed, e.ID)
		}
	}
	return missed, nil
}

// AboutToShow brings the menu up to date before it opens, and answers whether
// it must be read again.
func (d dbusmenu) AboutToShow(id int32) (bool, *dbus.Error) {
	if id != 0 {
		return false, nil
	}
	return d.s.opens(), nil
}

// AboutToShowGroup answers with those that must be read again, and those that
// were of no line.
func (d dbusmenu) AboutToShowGroup(ids []int32) (again, missed []int32, _ *dbus.Error) {
	again, missed = []int32{}, []int32{}
	if slices.Contains(ids, 0) && d.s.opens() {
		again = append(again, 0)
	}
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	for _, id := range ids {
		if d.s.menu.line(id) == nil {
			missed = append(missed, id)
		}
	}
	return again, missed, nil
}

func (s *shown) menuFacts() map[string]dbus.Variant {
	return variants(map[string]any{"Version": uint32(3), "TextDirection": "ltr", "Status": "normal", "IconThemePath": []string{}})
}

// facts is org.freedesktop.DBus.Properties of an object with one interface, all
// of them for reading.
type facts struct {
	all func() map[string]dbus.Variant
	of  string
}

// Get answers with one property.
func (f facts) Get(of, name string) (dbus.Variant, *dbus.Error) {
	if v, ok := f.all()[name]; ok && of == f.of {
		return v, nil
	}
	return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", []any{"no such property: " + name})
}

// GetAll answers with all of them.
func (f facts) GetAll(of string) (map[string]dbus.Variant, *dbus.Error) {
	if of != f.of && of != "" {
		return map[string]dbus.Variant{}, nil
	}
	return f.all(), nil
}

// Set sets nothing.
func (f facts) Set(of, name string, value dbus.Variant) *dbus.Error {
	return dbus.NewError("org.freedesktop.DBus.Error.PropertyReadOnly", []any{"for reading only: " + name})
}

func variants(values map[string]any) map[string]dbus.Variant {
	all := make(map[string]dbus.Variant, len(values))
	for name, v := range values {
		all[name] = dbus.MakeVariant(v)
	}
	return all
}
