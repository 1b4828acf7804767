package settings

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lamplighter/credfiles"
)

// A draft is settings on the way, with the element of a list that is read.
type draft struct {
	Settings
	clients  []string
	home     Home
	client   credfiles.Definition
	id       string
	override Override
	own      credfiles.Own
	delivery Delivery
	hook     Hook

	doc    *document
	faults []Fault
}

// parse reads a config's text. Either the faults are empty or the settings
// mean nothing.
func parse(text []byte, clients []string) (Settings, []Fault) {
	d := &draft{Settings: Defaults(), clients: clients}
	doc, fault := parseDocument(text)
	if fault != nil {
		return Settings{}, []Fault{*fault}
	}
	d.doc = doc

	top := under("")
	for name, value := range doc.values {
		switch {
		case slices.Contains(tables(), name):
			d.table(name, value)
		default:
			d.key(top, "", name, value)
		}
	}
	if d.Lead.Least > d.Lead.Most && len(d.faults) == 0 {
		at := "lead.least"
		if doc.lineOf(at) == 0 {
			at = "lead.most"
		}
		d.fault(at, fmt.Sprintf("lead.least (%v) is longer than lead.most (%v)", d.Lead.Least, d.Lead.Most))
	}
	slices.SortStableFunc(d.faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	})
	return d.Settings, d.faults
}

func (d *draft) fault(path, what string) {
	d.faults = append(d.faults, Fault{Line: d.doc.lineOf(path), Key: display(path), What: what})
}

// table reads a table or a list of tables.
func (d *draft) table(name string, value any) {
	if _, ok := lists[name]; !ok {
		if members, ok := value.(map[string]any); ok {
			d.members(name, name, members)
		} else {
			d.fault(name, fmt.Sprintf("is a table: write [%s] and its keys below it", name))
		}
		return
	}
	list, ok := value.([]any)
	for i, e := range list {
		members, isTable := e.(map[string]any)
		if !isTable {
			ok = false
			break
		}
		d.element(name, i, members)
	}
	if !ok {
		d.fault(name, fmt.Sprintf("is a list of tables: write [[%s]] for each, and its keys below it", name))
	}
}

func (d *draft) element(name string, i int, members map[string]any) {
	at := element(name, i)
	d.home, d.client, d.id, d.override, d.own, d.delivery = Home{}, credfiles.Definition{}, "", Override{}, credfiles.Own{}, Delivery{}
	d.hook = Hook{Timeout: hookTimeout}
	before := len(d.faults)
	d.members(at, name, members)
	for _, required := range lists[name] {
		if _, ok := members[required]; !ok {
			d.fault(at, required+" is missing")
		}
	}
	if len(d.faults) > before {
		return
	}
	switch name {
	case "home":
		twin := func(h Home) bool { return h.Name != "" && h.Name == d.home.Name && h.Client == d.home.Client }
		if slices.ContainsFunc(d.Homes, twin) {
			d.fault(join(at, "name"), "is the name of another home of this client")
		}
		d.Homes = append(d.Homes, d.home)
	case "client":
		d.define(at)
	case "own":
		d.checkOwn(at)
	case "hook":
		d.Hooks = append(d.Hooks, d.hook)
	case "deliver":
		d.checkDelivery(at)
	case "credential":
		if _, ok := d.Overrides[d.id]; ok {
			d.fault(join(at, "id"), "has a [[credential]] already")
		}
		if d.Overrides == nil {
			d.Overrides = map[string]Override{}
		}
		d.Overrides[d.id] = d.override
	}
}

// members reads the keys of one table.
func (d *draft) members(at, table string, members map[string]any) {
	known := under(table)
	for name, value := range members {
		d.key(known, at, name, value)
	}
}

// key reads one key; at is the path of its table.
func (d *draft) key(known map[string]key, at, name string, value any) {
	path := join(at, name)
	if k, ok := known[name]; ok {
		if what := k.set(d, value); what != "" {
			d.fault(path, what)
		}
		return
	}
	names := slices.Collect(maps.Keys(known))
	if at == "" {
		names = append(names, tables()...)
	}
	slices.Sort(names)
	what := "unknown key"
	if place := belongs(name); place != "" {
		what += " here; " + place
	} else if near := nearest(name, names); near != "" {
		what += "; did you mean " + near + "?"
	}
	d.fault(path, what)
}

// belongs says where a key of this name has its place.
func belongs(name string) string {
	for _, k := range keys {
		switch table, own := splitKey(k.Name); {
		case own != name:
		case table == "":
			return name + " stands above the first table"
		case lists[table] != nil:
			return name + " stands below [[" + table + "]]"
		default:
			return name + " stands below [" + table + "]"
		}
	}
	return ""
}

// enumeration is `a, b or c`.
func enumeration(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}
