package desktop

import (
	"sync"

	"github.com/godbus/dbus/v5"
)

// What a person reads on the screen is found as a screen reader finds it, by
// AT-SPI 2 (https://gitlab.gnome.org/GNOME/at-spi2-core, xml/): every program
// of GTK 3 hands out its buttons with their labels and places. That holds with
// any theme and font. The registry that such programs ask for is ours, and the
// session bus is also the accessibility bus.
const (
	accessRegistry = "org.a11y.atspi.Registry"
	accessRoot     = "/org/a11y/atspi/accessible/root"
	accessObject   = "org.a11y.atspi.Accessible"
	accessPlace    = "org.a11y.atspi.Component"
	accessSocket   = "org.a11y.atspi.Socket"
)

// showing is the bit of a widget's state that says it is drawn.
const showing = 1 << 25

// A widget is what programs call their parts.
type widget struct {
	Owner string
	Path  dbus.ObjectPath
}

// access knows the programs that draw.
type access struct {
	conn *dbus.Conn

	mu       sync.Mutex
	programs []widget
}

func (b *Bus) access() *access {
	b.t.Helper()
	a := &access{conn: b.Connect()}
	if err := a.conn.Export(socket{a}, accessRoot, accessSocket); err != nil {
		b.t.Fatal(err)
	}
	reply, err := a.conn.RequestName(accessRegistry, dbus.NameFlagDoNotQueue)
	if err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		b.t.Fatal("another registry runs: ", err)
	}
	return a
}

// accessEnviron makes a program of GTK 3 come to us.
func (b *Bus) accessEnviron() string { return "AT_SPI_BUS_ADDRESS=" + b.Address() }

type socket struct{ a *access }

// Embed is how a program says that it draws.
func (s socket) Embed(program widget) (widget, *dbus.Error) {
	s.a.mu.Lock()
	defer s.a.mu.Unlock()
	s.a.programs = append(s.a.programs, program)
	return widget{s.a.conn.Names()[0], accessRoot}, nil
}

// Unembed need not be heard: who has gone does not answer.
func (s socket) Unembed(widget) *dbus.Error { return nil }

// labelled are the places of what is drawn under this label.
func (a *access) labelled(label string) (all []Frame) {
	a.mu.Lock()
	todo := append([]widget(nil), a.programs...)
	a.mu.Unlock()
	for len(todo) > 0 {
		w := a.conn.Object(todo[0].Owner, todo[0].Path)
		todo = todo[1:]
		var children []widget
		if w.Call(accessObject+".GetChildren", 0).Store(&children) != nil {
			continue
		}
		todo = append(todo, children...)
		name, err := w.GetProperty(accessObject + ".Name")
		if err != nil || name.Value() != label {
			continue
		}
		var state []uint32
		var at struct{ X, Y, Width, Height int32 }
		if w.Call(accessObject+".GetState", 0).Store(&state) != nil || len(state) == 0 || state[0]&showing == 0 {
			continue
		}
		const ofScreen = uint32(0)
		if w.Call(accessPlace+".GetExtents", 0, ofScreen).Store(&at) == nil {
			all = append(all, Frame{int(at.X), int(at.Y), int(at.Width), int(at.Height)})
		}
	}
	return all
}

// Find waits for what stands on the screen under this label, in whichever
// program.
func (s *Screen) Find(label string) (at Frame) {
	s.t.Helper()
	s.bus.until(label+" on the screen", func() bool {
		for _, f := range s.access.labelled(label) {
			at = f
		}
		return at.Width > 0
	})
	return at
}
