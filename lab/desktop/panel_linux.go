package desktop

import (
	"slices"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"
)

const (
	watcherName = "org.kde.StatusNotifierWatcher"
	itemName    = "org.kde.StatusNotifierItem"
	menuName    = "com.canonical.dbusmenu"
	properties  = "org.freedesktop.DBus.Properties"
)

// A Panel watches for icons and shows them, as far as the bus can tell.
type Panel struct {
	bus  *Bus
	conn *dbus.Conn

	mu    sync.Mutex
	host  bool
	items []*Item // the latest last
}

// Panel starts one that shows icons.
func (b *Bus) Panel() *Panel {
	b.t.Helper()
	p := b.Watcher()
	p.Host(true)
	return p
}

// Watcher starts one that knows of icons but does not show them yet.
func (b *Bus) Watcher() *Panel {
	b.t.Helper()
	p := &Panel{bus: b, conn: b.Connect()}
	for object, of := range map[any]string{watcher{p}: watcherName, watcherFacts{p}: properties} {
		if err := p.conn.Export(object, "/StatusNotifierWatcher", of); err != nil {
			b.t.Fatal(err)
		}
	}
	reply, err := p.conn.RequestName(watcherName, dbus.NameFlagDoNotQueue)
	if err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		b.t.Fatal("another panel runs: ", err)
	}
	return p
}

// Host says whether it shows icons.
func (p *Panel) Host(shows bool) {
	p.mu.Lock()
	p.host = shows
	p.mu.Unlock()
	signal := "StatusNotifierHostRegistered"
	if !shows {
		signal = "StatusNotifierHostUnregistered"
	}
	p.conn.Emit("/StatusNotifierWatcher", watcherName+"."+signal)
}

// Leave ends it, as a panel that crashes.
func (p *Panel) Leave() { p.conn.Close() }

// Item waits for an icon and returns the latest.
func (p *Panel) Item() *Item {
	p.bus.t.Helper()
	p.bus.until("an icon", func() bool { return len(p.all()) > 0 })
	all := p.all()
	return all[len(all)-1]
}

// Items is how many icons were registered.
func (p *Panel) Items() int { return len(p.all()) }

func (p *Panel) all() []*Item {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.items)
}

type watcher struct{ p *Panel }

// RegisterStatusNotifierItem takes a path of the sender, or a bus name.
func (w watcher) RegisterStatusNotifierItem(service string, sender dbus.Sender) *dbus.Error {
	owner, path := service, dbus.ObjectPath("/StatusNotifierItem")
	if strings.HasPrefix(service, "/") {
		owner, path = string(sender), dbus.ObjectPath(service)
	}
	w.p.mu.Lock()
	w.p.items = append(w.p.items, &Item{bus: w.p.bus, Owner: owner, object: w.p.conn.Object(owner, path), conn: w.p.conn})
	w.p.mu.Unlock()
	w.p.conn.Emit("/StatusNotifierWatcher", watcherName+".StatusNotifierItemRegistered", owner+string(path))
	return nil
}

type watcherFacts struct{ p *Panel }

// Get knows what icons ask for.
func (w watcherFacts) Get(of, name string) (dbus.Variant, *dbus.Error) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	switch name {
	case "IsStatusNotifierHostRegistered":
		return dbus.MakeVariant(w.p.host), nil
	case "ProtocolVersion":
		return dbus.MakeVariant(int32(0)), nil
	}
	return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", []any{name})
}
