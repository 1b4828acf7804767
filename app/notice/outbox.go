package notice

import "sync"

// An outbox passes on what comes from the desktop. Nobody who puts something
// in has to wait for who takes it out.
type outbox struct {
	answers chan Answer
	changed chan struct{}

	mu     sync.Mutex
	is     Service
	queue  []Answer
	busy   bool // a goroutine sends the queue
	closed bool
	end    chan struct{}
}

func newOutbox() *outbox {
	return &outbox{answers: make(chan Answer), changed: make(chan struct{}, 1), end: make(chan struct{})}
}

func (o *outbox) service() Service {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.is
}

func (o *outbox) publish(s Service) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s == o.is || o.closed {
		return
	}
	o.is = s
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

func (o *outbox) answer(a Answer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.queue = append(o.queue, a)
	if !o.busy {
		o.busy = true
		go o.send()
	}
}

func (o *outbox) send() {
	for {
		o.mu.Lock()
		if o.closed || len(o.queue) == 0 {
			o.busy = false
			if o.closed {
				close(o.answers)
			}
			o.mu.Unlock()
			return
		}
		a := o.queue[0]
		o.queue = o.queue[1:]
		o.mu.Unlock()
		select {
		case o.answers <- a:
		case <-o.end:
		}
	}
}

// shut closes answers. It may be called twice.
func (o *outbox) shut() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.closed = true
	close(o.end)
	if !o.busy {
		close(o.answers)
	}
}
