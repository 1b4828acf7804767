//go:build !darwin || cgo

package tray

import (
	"context"
	"sync"

	"lamplighter/app/model"
)

// clicks is what was clicked and not yet done: whoever does it may be busy, and
// no click is lost by that.
type clicks struct {
	mu      sync.Mutex
	waiting []click
	more    chan struct{} // one place of buffer
}

type click struct {
	do    model.Action
	token string
}

func newClicks() *clicks { return &clicks{more: make(chan struct{}, 1)} }

func (c *clicks) add(a model.Action, token string) {
	c.mu.Lock()
	c.waiting = append(c.waiting, click{a, token})
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *clicks) next() (click, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return click{}, false
	}
	first := c.waiting[0]
	c.waiting = c.waiting[1:]
	return first, true
}

// handOn hands them on until ctx ends; or until last is closed and none waits.
func (c *clicks) handOn(ctx context.Context, last <-chan struct{}, do func(model.Action, string)) {
	for end := false; ; {
		for ctx.Err() == nil {
			click, ok := c.next()
			if !ok {
				break
			}
			do(click.do, click.token)
		}
		if end {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-c.more:
		case <-last:
			end = true
		}
	}
}
