package desktop

import (
	"slices"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	noticesName = "org.freedesktop.Notifications" // also its interface
	noticesPath = "/org/freedesktop/Notifications"
)

// Notifications shows notifications to the test, as far as the bus can tell.
type Notifications struct {
	bus  *Bus
	conn *dbus.Conn
	can  []string

	mu    sync.Mutex
	last  uint32
	notes []*Note
}

// A Note is a notification that was shown. A second one in its place is a Note
// of its own.
type Note struct {
	ID          uint32
	App         string
	Title, Body string
	Actions     []string // names and labels, by turns
	Gone        bool     // taken back, replaced, or acted upon

	sent bool // its sender is being told the ID
}

// Notifications starts a service that can do what is named, as
// GetCapabilities names it: actions, body, persistence.
func (b *Bus) Notifications(can ...string) *Notifications {
	b.t.Helper()
	n := &Notifications{bus: b, can: can}
	conn, err := dbus.Connect(b.Address(), dbus.WithOutgoingInterceptor(n.answering))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	n.conn = conn
	if err := n.conn.Export(notices{n}, noticesPath, noticesName); err != nil {
		b.t.Fatal(err)
	}
	reply, err := n.conn.RequestName(noticesName, dbus.NameFlagDoNotQueue)
	if err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		b.t.Fatal("another service shows notifications: ", err)
	}
	return n
}

// Leave ends it, as a service that crashes.
func (n *Notifications) Leave() { n.conn.Close() }

// answering notes that an answer to Notify leaves. Nobody presses a button
// before: its sender would not know which.
func (n *Notifications) answering(m *dbus.Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if m.Type != dbus.TypeMethodReply || len(m.Body) != 1 {
		return
	}
	for _, note := range n.notes {
		note.sent = note.sent || m.Body[0] == note.ID
	}
}

// Shown is everything that was ever shown.
func (n *Notifications) Shown() (all []Note) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, note := range n.notes {
		if note.sent {
			all = append(all, *note)
		}
	}
	return all
}

// Standing is what can still be seen.
func (n *Notifications) Standing() []Note {
	return slices.DeleteFunc(n.Shown(), func(note Note) bool { return note.Gone })
}

// One waits for a notification that stands and returns the latest.
func (n *Notifications) One() Note {
	n.bus.t.Helper()
	n.bus.until("a notification", func() bool { return len(n.Standing()) > 0 })
	all := n.Standing()
	return all[len(all)-1]
}

// Press is a person who presses the button of that label, or clicks elsewhere
// on the notification where the label is "".
func (n *Notifications) Press(note Note, label string) {
	n.bus.t.Helper()
	name := ""
	for pair := range slices.Chunk(note.Actions, 2) {
		if len(pair) == 2 && (label == "" && pair[0] == "default" || label != "" && pair[1] == label && pair[0] != "default") {
			name = pair[0]
		}
	}
	if name == "" {
		n.bus.t.Fatalf("the notification %q has no %q, but %q", note.Title, label, note.Actions)
	}
	// Nobody presses before the program was told the notification's number: the
	// answer leaves after the notification can be seen here.
	time.Sleep(200 * time.Millisecond)
	n.conn.Emit(noticesPath, noticesName+".ActionInvoked", note.ID, name)
	n.end(note.ID, 2)
}

// end says that a notification is gone: 2 is by a person, 3 by its sender.
func (n *Notifications) end(id, why uint32) {
	n.mu.Lock()
	was := false
	for _, note := range n.notes {
		was = was || note.ID == id && !note.Gone
		note.Gone = note.Gone || note.ID == id
	}
	n.mu.Unlock()
	if was {
		n.conn.Emit(noticesPath, noticesName+".NotificationClosed", id, why)
	}
}

type notices struct{ n *Notifications }

// GetCapabilities is what it can do.
func (s notices) GetCapabilities() ([]string, *dbus.Error) {
	return append([]string{}, s.n.can...), nil
}

// GetServerInformation is who it is.
func (s notices) GetServerInformation() (name, vendor, version, spec string, _ *dbus.Error) {
	return "lab", "Lamplighter", "1", "1.2", nil
}

// Notify shows a notification, in place of one that is named.
func (s notices) Notify(app string, replaces uint32, icon, title, body string, actions []string, hints map[string]dbus.Variant, expires int32) (uint32, *dbus.Error) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	id := replaces
	if id == 0 {
		s.n.last++
		id = s.n.last
	}
	for _, note := range s.n.notes {
		note.Gone = note.Gone || note.ID == id
	}
	s.n.notes = append(s.n.notes, &Note{ID: id, App: app, Title: title, Body: body, Actions: actions})
	return id, nil
}

// CloseNotification takes one back.
func (s notices) CloseNotification(id uint32) *dbus.Error {
	s.n.end(id, 3)
	return nil
}
