package app

import (
	"context"
	"sync"
	"sync/atomic"

	"lamplighter/app/model"
	"lamplighter/app/tray"
	"lamplighter/refresher"
)

// A desk is the tray app at work: it holds what is shown, and does what is
// clicked. What takes long runs beside it.
type desk struct {
	*program
	x       *parts
	quit    context.CancelFunc
	changed chan struct{} // there is something new to draw
	shown   atomic.Bool   // somebody shows the icon
	idle    *rest
	group   sync.WaitGroup

	mu      sync.Mutex // guards the rest, and is held for moments only
	snap    snapshot
	plans   map[string]plan // by Row key, until the user has begun
	history history
	child   *child
	login   *signing
	notes   map[string]string // what this desktop lacks, by what it is about
	bell    *bell

	loginSet *bool // what the config said of starting at login when it was last done
}

func newDesk(p *program, x *parts, quit context.CancelFunc) *desk {
	return &desk{program: p, x: x, quit: quit, changed: make(chan struct{}, 1), idle: newRest(), notes: map[string]string{}}
}

// do changes what there is to see, and has it drawn.
func (d *desk) do(change func()) {
	d.idle.looked()
	d.mu.Lock()
	change()
	if d.child != nil {
		m := d.model()
		d.child.send(model.Message{Model: &m})
	}
	d.mu.Unlock()
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// seen takes a keeper's Snapshot.
func (d *desk) seen(ctx context.Context) func(snapshot) {
	return func(snap snapshot) {
		plans := d.plan(ctx)
		d.do(func() {
			d.snap, d.plans = snap, plans
			d.ring(ctx)
			d.loginAsSet()
		})
	}
}

// face is what the tray shows now.
func (d *desk) face() tray.Face {
	d.idle.looked() // every menu that is opened takes memory
	d.mu.Lock()
	defer d.mu.Unlock()
	return faceOf(d.model(), d.host.OS, windowProgram() != "")
}

// row finds what an Action is about: what stood under the click, and nothing
// else.
func (d *desk) row(key string) (refresher.Row, bool) {
	for _, r := range d.snap.Rows {
		if keyOf(r) == key {
			return r, true
		}
	}
	return refresher.Row{}, false
}
