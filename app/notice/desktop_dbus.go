//go:build !windows && !darwin

package notice

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/godbus/dbus/v5"

	"lamplighter/sessionbus"
)

// A desktop speaks to the notification service of the session (Desktop
// Notifications Specification 1.2). One goroutine, run, owns what stands below
// it; nothing in it waits for the service, which may hang.
//
// There is no polling: the bus tells when a service comes and goes, and a bus
// that died is looked for when there is something to show.
type desktop struct {
	*outbox
	app     App
	icon    *pixels
	address func() (string, error)
	ctx     context.Context
	cancel  func()
	todo    chan func()
	done    chan struct{}

	notes      map[string]*note // by tag
	bus        *bus             // nil: none
	connecting bool
	starting   bool   // the bus was asked to start the service
	broken     bool   // and could not
	asking     string // the owner that was asked what it can do
	can        map[string]bool
	silent     bool // it did not answer in time
}

// A note is a Notice on its way. It is kept until it is withdrawn: what the
// service calls closed may come back out of its history, with buttons that are
// pressed (dunst).
type note struct {
	Notice
	id      uint32 // of the service that runs now; 0: it does not have it
	due     bool   // it is to be shown
	sending bool
	tries   int          // that failed
	token   string       // for the next Answer
	waiting []chan error // those who want to know what became of it
}

func newDesktop(app App) *desktop {
	return newDesktopOn(app, func() (string, error) { return sessionbus.Address(os.Getenv) })
}

func newDesktopOn(app App, address func() (string, error)) *desktop {
	ctx, cancel := context.WithCancel(context.Background())
	d := &desktop{
		outbox: newOutbox(), app: app, icon: decode(app.Icon), address: address,
		ctx: ctx, cancel: cancel, todo: make(chan func()), done: make(chan struct{}),
		notes: map[string]*note{},
	}
	go d.run()
	return d
}

func (d *desktop) run() {
	defer close(d.done)
	d.connect()
	for {
		var signals chan *dbus.Signal
		if d.bus != nil {
			signals = d.bus.signals
		}
		select {
		case <-d.ctx.Done():
			return
		case f := <-d.todo:
			f()
		case s, ok := <-signals:
			if ok {
				d.signal(s)
			} else {
				d.bus = nil
				d.come("")
				d.fail(fmt.Errorf("%w: the session bus is gone", ErrNoService))
			}
		}
		d.tell()
	}
}

// do runs f where everything is owned.
func (d *desktop) do(ctx context.Context, f func()) error {
	select {
	case d.todo <- f:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-d.ctx.Done():
		return context.Canceled
	}
}

func (d *desktop) show(ctx context.Context, what Notice) error {
	answer := make(chan error, 1)
	err := d.do(ctx, func() {
		n := d.notes[what.Tag]
		if n == nil {
			n = &note{}
			d.notes[what.Tag] = n
		}
		n.Notice, n.due, n.tries = what, true, 0
		n.waiting = append(n.waiting, answer)
		d.proceed()
	})
	if err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-d.ctx.Done():
		return context.Canceled
	case <-ctx.Done():
		err := context.Cause(ctx)
		if errors.Is(err, ErrSilent) {
			go d.do(d.ctx, func() {
				n := d.notes[what.Tag]
				d.silent = d.silent || n != nil && (n.due || n.sending)
			})
		}
		return err
	}
}

func (d *desktop) withdraw(ctx context.Context, tag string) {
	d.do(ctx, func() {
		if n := d.notes[tag]; n != nil {
			delete(d.notes, tag)
			n.answer(nil)
			d.take(n.id)
		}
	})
}

func (d *desktop) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d.do(ctx, func() {
		for _, n := range d.notes {
			d.take(n.id)
		}
		d.cancel()
	})
	select {
	case <-d.done:
	case <-ctx.Done(): // a bus that takes nothing more
		d.cancel()
	}
	d.shut()
}

// proceed does the next step for what is due.
func (d *desktop) proceed() {
	switch {
	case !d.anyDue():
	case d.bus == nil:
		d.connect()
	case d.bus.owner == "":
		d.start() // only for those who wait: what ends a service must not start it again and again
	case d.can == nil:
		d.ask()
	default:
		for _, n := range d.notes {
			if n.due && !n.sending {
				d.send(n)
			}
		}
	}
}

func (d *desktop) anyDue() bool {
	return d.any(func(n *note) bool { return n.due })
}

func (d *desktop) anyWaiting() bool {
	return d.any(func(n *note) bool { return len(n.waiting) > 0 })
}

func (d *desktop) any(is func(*note) bool) bool {
	for _, n := range d.notes {
		if is(n) {
			return true
		}
	}
	return false
}

// fail tells those who wait that nothing is shown now. What is due stays due.
func (d *desktop) fail(err error) {
	for _, n := range d.notes {
		n.answer(err)
	}
}

func (n *note) answer(err error) {
	for _, w := range n.waiting {
		w <- err
	}
	n.waiting = nil
}

func (d *desktop) connect() {
	if d.connecting {
		return
	}
	address, err := d.address()
	if err != nil {
		d.fail(fmt.Errorf("%w: %w", ErrNoService, err))
		return
	}
	d.connecting = true
	go func() {
		b, err := connect(d.ctx, address)
		d.do(d.ctx, func() {
			d.connecting = false
			if err != nil {
				d.fail(fmt.Errorf("%w: %w", ErrNoService, err))
				return
			}
			d.bus = b
			d.come(b.owner)
			d.proceed()
		})
	}()
}

// come notes that another service runs, or none. What the one before showed is
// forgotten and not shown again: the person saw it once, and its ID may belong
// to another program's notification now.
func (d *desktop) come(owner string) {
	d.starting, d.broken, d.silent, d.asking, d.can = false, false, false, "", nil
	for _, n := range d.notes {
		n.id, n.token = 0, ""
		if n.sending && d.bus == nil { // no answer will come
			n.due, n.sending = true, false
		}
	}
	if owner != "" {
		d.ask()
	}
}

// start lets the bus start a service.
func (d *desktop) start() {
	if d.starting || !d.anyWaiting() {
		return
	}
	d.starting = true
	// Not StartServiceByName: dbus-daemon (1.14) answers it with an error for a
	// service that came a moment ago and is none that it could start.
	d.call(0, "GetCapabilities", func(c *dbus.Call) {
		d.starting = false
		if c.Err != nil && d.bus.owner == "" {
			d.broken = true
			d.fail(fmt.Errorf("%w: %w", ErrNoService, c.Err))
		}
	})
}

// ask asks the service what it can do.
func (d *desktop) ask() {
	owner := d.bus.owner
	if d.asking == owner {
		return
	}
	d.asking = owner
	d.call(dbus.FlagNoAutoStart, "GetCapabilities", func(c *dbus.Call) {
		if d.bus.owner != owner {
			return
		}
		var all []string
		if err := c.Store(&all); err != nil {
			d.asking = ""
			d.fail(err)
			return
		}
		d.silent, d.can = false, map[string]bool{}
		for _, name := range all {
			d.can[name] = true
		}
		d.proceed()
	})
}

// send shows n.
func (d *desktop) send(n *note) {
	n.sending, n.due = true, false
	owner := d.bus.owner
	d.call(dbus.FlagNoAutoStart, "Notify", func(c *dbus.Call) {
		n.sending = false
		var id uint32
		err := c.Store(&id)
		switch {
		case err != nil:
			n.tries++
			n.due = n.due || n.tries < 3 // one that the service cannot bear is given up
			n.answer(err)
			if d.bus.owner != owner {
				d.proceed()
			}
			return
		case d.bus.owner != owner: // it showed it and went
		case d.notes[n.Tag] != n:
			d.take(id)
			return
		default:
			n.id, d.silent = id, false
		}
		if n.due { // with other words by now
			d.proceed()
		} else {
			n.answer(nil)
		}
	}, d.message(n)...)
}

// take removes the notification with this ID, if there still is one.
func (d *desktop) take(id uint32) {
	if id != 0 && d.bus != nil && d.bus.owner != "" {
		d.bus.server.Go(serverName+".CloseNotification", dbus.FlagNoReplyExpected|dbus.FlagNoAutoStart, nil, id)
	}
}

// call calls the service without waiting; then runs when the answer is there,
// unless the bus is another by then.
func (d *desktop) call(flags dbus.Flags, method string, then func(*dbus.Call), args ...any) {
	b := d.bus
	c := b.server.Go(serverName+"."+method, flags, make(chan *dbus.Call, 1), args...)
	go func() {
		<-c.Done
		d.do(d.ctx, func() {
			if d.bus == b {
				then(c)
			}
		})
	}()
}

// signal takes what the bus and the service say. Anybody may send us anything.
func (d *desktop) signal(s *dbus.Signal) {
	if s.Sender == busName && s.Name == busName+".NameOwnerChanged" {
		var name, old, owner string
		if dbus.Store(s.Body, &name, &old, &owner) == nil && name == serverName && owner != d.bus.owner {
			d.bus.owner = owner
			d.come(owner)
			d.proceed()
		}
		return
	}
	if s.Sender != d.bus.owner || s.Path != serverPath {
		return
	}
	var id uint32
	var text string
	if dbus.Store(s.Body, &id, &text) != nil || id == 0 {
		return
	}
	for tag, n := range d.notes {
		if n.id != id {
			continue
		}
		switch s.Name {
		case serverName + ".ActivationToken": // comes first
			n.token = text
		case serverName + ".ActionInvoked":
			what := Open
			if text == Button {
				what = Button
			}
			d.answer(Answer{Tag: tag, What: what, Token: n.token})
			n.token = ""
			d.take(id) // most services do so themselves; "dunstctl action" does not
		}
	}
}

func (d *desktop) tell() {
	b := d.bus
	d.publish(Service{
		Works:   b != nil && !d.silent && (b.owner != "" && d.asking == b.owner || b.owner == "" && b.activatable && !d.broken),
		Buttons: d.can["actions"],
	})
}
