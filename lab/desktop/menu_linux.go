package desktop

import (
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"
)

// An Item is an icon on the panel.
type Item struct {
	Owner string // its connection's name

	bus    *Bus
	conn   *dbus.Conn
	object dbus.BusObject
}

// Property is a property of the icon: Title, Status, ToolTip.
func (i *Item) Property(name string) dbus.Variant {
	i.bus.t.Helper()
	v, err := i.object.GetProperty(itemName + "." + name)
	if err != nil {
		i.bus.t.Fatal(err)
	}
	return v
}

// A Picture is what is drawn on the panel: ARGB32, the highest byte first.
type Picture struct {
	Width, Height int32
	Pixels        []byte
}

// Pictures are the icon in its sizes.
func (i *Item) Pictures() (all []Picture) {
	i.bus.t.Helper()
	if err := i.Property("IconPixmap").Store(&all); err != nil {
		i.bus.t.Fatal(err)
	}
	return all
}

// Tooltip is the text that comes with the mouse.
func (i *Item) Tooltip() string {
	i.bus.t.Helper()
	var tip struct {
		Icon        string
		Pictures    []Picture
		Title, Text string
	}
	if err := i.Property("ToolTip").Store(&tip); err != nil {
		i.bus.t.Fatal(err)
	}
	return strings.TrimSpace(tip.Title + " " + tip.Text)
}

// Activate is a click on the icon itself.
func (i *Item) Activate(token string) {
	i.bus.t.Helper()
	if token != "" {
		i.object.Call(itemName+".ProvideXdgActivationToken", 0, token)
	}
	if err := i.object.Call(itemName+".Activate", 0, int32(0), int32(0)).Err; err != nil {
		i.bus.t.Fatal(err)
	}
}

func (i *Item) menu(method string, args ...any) *dbus.Call {
	v, err := i.object.GetProperty(itemName + ".Menu")
	if err != nil {
		return &dbus.Call{Err: err}
	}
	path, _ := v.Value().(dbus.ObjectPath)
	return i.conn.Object(i.Owner, path).Call(menuName+"."+method, 0, args...)
}

// A Line is a line of the menu as it was read.
type Line struct {
	ID        int32
	Label     string // as a person reads it
	Separator bool
	Off       bool
	Checkable bool
	Checked   bool
	Lines     []Line

	item *Item
}

type layout struct {
	ID    int32
	Facts map[string]dbus.Variant
	Lines []dbus.Variant
}

// Open is what a panel does when its user opens the menu: it says so, and reads
// it.
func (i *Item) Open() Line {
	i.bus.t.Helper()
	var again bool
	if err := i.menu("AboutToShow", int32(0)).Store(&again); err != nil {
		i.bus.t.Fatal(err)
	}
	return i.Read()
}

// Read reads the menu as it stands.
func (i *Item) Read() Line {
	i.bus.t.Helper()
	var revision uint32
	var root layout
	if err := i.menu("GetLayout", int32(0), int32(-1), []string{}).Store(&revision, &root); err != nil {
		i.bus.t.Fatal(err)
	}
	return i.line(root)
}

func (i *Item) line(l layout) Line {
	i.bus.t.Helper()
	out := Line{ID: l.ID, item: i}
	out.Label, _ = l.Facts["label"].Value().(string)
	out.Label = strings.ReplaceAll(out.Label, "__", "_")
	kind, _ := l.Facts["type"].Value().(string)
	out.Separator = kind == "separator"
	if on, ok := l.Facts["enabled"].Value().(bool); ok {
		out.Off = !on
	}
	toggle, _ := l.Facts["toggle-type"].Value().(string)
	out.Checkable = toggle != ""
	state, _ := l.Facts["toggle-state"].Value().(int32)
	out.Checked = out.Checkable && state == 1
	for _, v := range l.Lines {
		var sub layout
		if err := v.Store(&sub); err != nil {
			i.bus.t.Fatal(err)
		}
		out.Lines = append(out.Lines, i.line(sub))
	}
	return out
}

// Find is the line with these labels, from the top down. A label that ends in
// "..." stands for those that begin so.
func (l Line) Find(labels ...string) (Line, bool) {
	if len(labels) == 0 {
		return l, true
	}
	for _, s := range l.Lines {
		start, open := strings.CutSuffix(labels[0], "...")
		if s.Label == labels[0] || open && strings.HasPrefix(s.Label, start) {
			if found, ok := s.Find(labels[1:]...); ok {
				return found, true
			}
		}
	}
	return Line{}, false
}

// Click clicks this line, as it was read. It is an error if it has gone.
func (l Line) Click() error {
	return l.item.menu("Event", l.ID, "clicked", dbus.MakeVariant(int32(0)), uint32(0)).Err
}

// Click opens the menu, waits for a line and clicks it.
func (i *Item) Click(labels ...string) {
	i.bus.t.Helper()
	var line Line
	i.bus.until(strings.Join(labels, " > "), func() bool {
		found, ok := i.Open().Find(labels...)
		line = found
		return ok && !found.Off
	})
	if err := line.Click(); err != nil {
		i.bus.t.Fatal(err)
	}
}

// String is the menu as a person sees it, for a test to compare: two spaces for
// each depth, "(...)" around what is greyed.
func (l Line) String() string {
	var b strings.Builder
	for _, s := range l.Lines {
		s.write(&b, "")
	}
	return b.String()
}

func (l Line) write(b *strings.Builder, indent string) {
	text := l.Label
	switch {
	case l.Separator:
		text = "---"
	case l.Off:
		text = "(" + text + ")"
	}
	if l.Checkable {
		text = map[bool]string{true: "[x] ", false: "[ ] "}[l.Checked] + text
	}
	fmt.Fprintln(b, indent+text)
	for _, s := range l.Lines {
		s.write(b, indent+"  ")
	}
}
