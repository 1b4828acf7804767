//go:build !darwin || cgo

package window

import (
	"sync"
	"time"

	"fyne.io/fyne/v2"

	"lamplighter/app/model"
)

// An inbox gathers Messages until the window has time for them. Of several
// Models only the last is drawn.
type inbox struct {
	mu     sync.Mutex
	model  *model.Model
	others []model.Message // shows and sayings, in order
	coming bool
	last   time.Time // when something was drawn
}

// calm is how long after one Model the next is drawn at the earliest.
const calm = 50 * time.Millisecond

// Hand takes a Message from any goroutine; it is drawn soon.
func (w *Window) Hand(m model.Message) {
	b := &w.inbox
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.Model != nil {
		b.model = m.Model
	} else {
		b.others = append(b.others, m)
	}
	if b.coming {
		return
	}
	b.coming = true
	time.AfterFunc(time.Until(b.last.Add(calm)), func() { fyne.Do(w.take) })
}

// take draws what has come in.
func (w *Window) take() {
	b := &w.inbox
	b.mu.Lock()
	m, others := b.model, b.others
	b.model, b.others, b.coming = nil, nil, false
	b.last = time.Now()
	b.mu.Unlock()
	if m != nil {
		w.Model(m)
	}
	for _, o := range others {
		w.other(o)
	}
}
