package app

import (
	"bufio"
	"context"
	"os"
	"sync"
)

// stdinLines hands out the lines of stdin one by one, to whoever asks next:
// who has given up waiting takes none.
type stdinLines struct {
	start sync.Once
	lines chan string
}

func newStdinLines() *stdinLines { return &stdinLines{lines: make(chan string)} }

// next is the next line; ok is false where there is none, or ctx has ended.
func (s *stdinLines) next(ctx context.Context) (line string, ok bool) {
	s.start.Do(func() {
		go func() {
			defer close(s.lines)
			in := bufio.NewScanner(os.Stdin)
			in.Buffer(nil, 1<<20)
			for in.Scan() {
				s.lines <- in.Text()
			}
		}()
	})
	select {
	case line, ok = <-s.lines:
		return line, ok
	case <-ctx.Done():
		return "", false
	}
}
