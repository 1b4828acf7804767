package app

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
)

// A live view shows the demo's credentials on a terminal, drawn anew in place
// every second, with what was said last below.
type live struct {
	out   *stream
	v     view
	pen   pen
	began time.Time

	mu    sync.Mutex
	snap  snapshot
	lines []string // what was said
	drawn int      // lines on the terminal
}

const liveLines = 6 // of what was said

// newLive returns nil where stdout is no terminal, or too small a one.
func newLive(p *program, v view) *live {
	width, height := p.out.size()
	if !p.out.canMove() || width < 72 || height < liveLines+10 {
		return nil
	}
	return &live{out: p.out, v: v, pen: pen{p.out.canColour()}, began: time.Now()}
}

func (l *live) say(text string) {
	l.mu.Lock()
	at := time.Since(l.began)
	l.lines = append(l.lines, fmt.Sprintf("%d:%02d  %s", int(at.Minutes()), int(at.Seconds())%60, text))
	l.mu.Unlock()
	l.draw()
}

func (l *live) seen(snap snapshot) {
	l.mu.Lock()
	l.snap = snap
	l.mu.Unlock()
	l.draw()
}

// run draws until ctx ends; the caller waits for the last drawing by calling
// stop.
func (l *live) run(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		for {
			l.draw()
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
			}
		}
	})
	return func() { cancel(); group.Wait() }
}

func (l *live) draw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	width, _ := l.out.size()
	at := time.Since(l.began)
	lines := []string{
		fmt.Sprintf(saidLive, demoLife/time.Second) + fmt.Sprintf("  %d:%02d", int(at.Minutes()), int(at.Seconds())%60),
		"",
	}
	l.snap.At = time.Now()
	m := l.v.model(l.snap, nil)
	id := 0
	for _, r := range m.Rows {
		id = max(id, len(r.ID))
	}
	for _, r := range m.Rows {
		lines = append(lines, fmt.Sprintf("%s %s  %s  %s", l.pen.mark(r.State), pad(r.ID, id), bar(r.Expires.Sub(m.At)), l.pen.state(r.State, string(r.State))))
	}
	lines = append(lines, "")
	for i := max(0, len(l.lines)-liveLines); i < len(l.lines); i++ {
		lines = append(lines, runewidth.Truncate(l.lines[i], width-1, "…"))
	}
	var b bytes.Buffer
	if l.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", l.drawn)
	}
	for _, line := range lines {
		b.WriteString("\r\x1b[K" + line + "\n")
	}
	b.WriteString("\x1b[J")
	l.drawn = len(lines)
	l.out.Write(b.Bytes())
}

// bar shows what is left of a token's life.
func bar(left time.Duration) string {
	const width = 20
	left = max(0, min(left, demoLife))
	full := int((left*width + demoLife/2) / demoLife)
	return fmt.Sprintf("[%s%s] %2d s", strings.Repeat("=", full), strings.Repeat(" ", width-full), int(left.Seconds()))
}
