package app

import (
	"fmt"
	"sync"
	"time"
)

// working shows on a terminal that a command that takes over a second is at
// work. Call stop before anything else is printed.
func (p *program) working(what string) (stop func()) {
	if terminal(p.err) == 0 {
		return func() {}
	}
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		shown := false
		for n := 1; ; n++ {
			select {
			case <-done:
				if shown {
					fmt.Fprint(p.err, "\r\x1b[K")
				}
				return
			case <-time.After(time.Second):
				shown = true
				fmt.Fprintf(p.err, "\r\x1b[K%s... %d s", what, n)
			}
		}
	})
	return func() { close(done); group.Wait() }
}
