// Package secretservice is the keyring of desktops on Linux and BSD, as the
// Secret Service API of freedesktop.org has it: GNOME Keyring, KWallet,
// KeePassXC.
//
// It finds items by their attributes, reads them, and replaces the secret of
// one that is there, which leaves its attributes, label and collection as they
// are. It never unlocks anything and calls no prompt: what is locked is locked
// until its user opens it. It has a connection of its own, so that nothing that
// others do on a shared one is in its way.
package secretservice

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"lamplighter/credfiles/keyring"
)

const (
	busName     = "org.freedesktop.DBus"
	serviceName = "org.freedesktop.secrets"
	servicePath = "/org/freedesktop/secrets"

	serviceInterface    = "org.freedesktop.Secret.Service"
	collectionInterface = "org.freedesktop.Secret.Collection"
	itemInterface       = "org.freedesktop.Secret.Item"
	sessionInterface    = "org.freedesktop.Secret.Session"
	properties          = "org.freedesktop.DBus.Properties"
)

// rest is how long a service that did not answer is left alone.
const rest = 30 * time.Second

// A Service is the Secret Service of one session bus. Bus and service may come
// later, go, and come back. It is safe for concurrent use.
type Service struct {
	address func() (string, error)
	changed chan struct{}

	mu      sync.Mutex
	conn    *dbus.Conn
	session session
	started bool      // the service was asked to start, and was not seen since
	slow    time.Time // when it did not answer last
}

// New is the service of the bus at that address, which is asked for whenever a
// connection has to be made.
func New(address func() (string, error)) *Service {
	return &Service{address: address, changed: make(chan struct{}, 1)}
}

// Changed is sent one value when the service tells that an item or a lock
// changed, or when it comes or goes. Not every service tells everything: GNOME
// Keyring says nothing of a secret that was replaced (42.1, observed).
func (s *Service) Changed() <-chan struct{} { return s.changed }

// Limit is 0: the service takes secrets of any length.
func (s *Service) Limit(string, string) int { return 0 }

// Close ends the connection. The next call makes another.
func (s *Service) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn, s.session = nil, session{}
	return err
}

// An owner is the service as it runs now: what is asked of it goes to this
// one, and not to another that takes its name meanwhile.
type owner struct {
	conn *dbus.Conn
	name string // unique
}

// ask connects, finds the service, and asks. A bus or a service that does not
// answer in time loses the connection: a later answer must not be taken for
// another's.
func (s *Service) ask(ctx context.Context, do func(ctx context.Context, o owner) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if since := time.Since(s.slow); since >= 0 && since < rest {
		return keyring.ErrSlow
	}
	asked, cancel := context.WithTimeout(ctx, keyring.Patience)
	defer cancel()
	err := s.connect(asked)
	if err == nil {
		conn := s.conn
		stop := context.AfterFunc(asked, func() { conn.Close() })
		err = s.found(asked, do)
		stop()
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case asked.Err() != nil:
		s.slow = time.Now()
		return keyring.ErrSlow
	}
	return named(err)
}

// connect makes sure that there is a connection.
func (s *Service) connect(ctx context.Context) error {
	if s.conn != nil && s.conn.Connected() {
		return nil
	}
	s.conn, s.session, s.started = nil, session{}, false
	address, err := s.address()
	if err != nil {
		return keyring.ErrAbsent
	}
	// The connection outlives ctx, unless that ends while it is being made.
	life, end := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, end)
	conn, err := dbus.Connect(address, dbus.WithContext(life), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err == nil {
		err = s.listen(ctx, conn)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		end()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return keyring.ErrAbsent
	}
	s.conn = conn
	return nil
}

// listen passes on what the service tells. Sent by its name, matched by the
// bus: nobody else's signals come through.
func (s *Service) listen(ctx context.Context, conn *dbus.Conn) error {
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchSender(busName), dbus.WithMatchInterface(busName), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, serviceName)},
		{dbus.WithMatchSender(serviceName), dbus.WithMatchInterface(collectionInterface)},
		{dbus.WithMatchSender(serviceName), dbus.WithMatchInterface(serviceInterface)},
		{dbus.WithMatchSender(serviceName), dbus.WithMatchInterface(properties), dbus.WithMatchArg(0, collectionInterface)},
	} {
		if err := conn.AddMatchSignalContext(ctx, match...); err != nil {
			return err
		}
	}
	go func() {
		for range signals {
			s.tell()
		}
		s.tell() // the bus is gone
	}()
	return nil
}

func (s *Service) tell() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// found asks the service that runs. Where none does, the bus is asked once to
// start one: that opens nothing and shows nothing.
func (s *Service) found(ctx context.Context, do func(ctx context.Context, o owner) error) error {
	bus := s.conn.BusObject()
	o := owner{conn: s.conn}
	err := bus.CallWithContext(ctx, busName+".GetNameOwner", 0, serviceName).Store(&o.name)
	if absent(err) && !s.started {
		s.started = true
		var how uint32
		if err = bus.CallWithContext(ctx, busName+".StartServiceByName", 0, serviceName, uint32(0)).Store(&how); err == nil {
			err = bus.CallWithContext(ctx, busName+".GetNameOwner", 0, serviceName).Store(&o.name)
		}
	}
	if err != nil {
		return err
	}
	s.started = false
	return do(ctx, o)
}

// call calls a method of the service, and never starts one for it.
func (o owner) call(ctx context.Context, path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	return o.conn.Object(o.name, path).CallWithContext(ctx, method, dbus.FlagNoAutoStart, args...)
}

// absent reports that a call found nobody.
func absent(err error) bool {
	var e dbus.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Name {
	case busName + ".Error.NameHasNoOwner", busName + ".Error.ServiceUnknown", busName + ".Error.NoReply":
		return true
	}
	return len(e.Name) > len(spawn) && e.Name[:len(spawn)] == spawn
}

const spawn = busName + ".Error.Spawn."

// named are the errors that a keyring has names for. Of the others only the
// name is passed on: nobody knows what a service writes into its words.
func named(err error) error {
	var e dbus.Error
	var system net.Error
	switch {
	case absent(err), errors.Is(err, dbus.ErrClosed), errors.Is(err, io.EOF), errors.As(err, &system):
		return keyring.ErrAbsent
	case errors.As(err, &e) && e.Name == "org.freedesktop.Secret.Error.IsLocked":
		return keyring.ErrLocked
	case errors.As(err, &e):
		return errors.New("the keyring refuses: " + e.Name)
	}
	return err
}
