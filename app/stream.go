package app

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"
)

// A stream is stdout or stderr. What is written to it from several goroutines
// comes out whole, and a passing note at its end gives way.
type stream struct {
	file *os.File

	mu    sync.Mutex
	err   error // the first that writing gave
	noted bool  // a note stands on the line
}

func newStream(f *os.File) *stream { return &stream{file: f} }

func (s *stream) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.write(b)
	return len(b), nil
}

// write goes on to nobody after an error: who prints cannot do anything about
// it, and run reports it.
func (s *stream) write(b []byte) {
	if s.err == nil {
		_, s.err = s.file.Write(b)
	}
}

func (s *stream) erase() {
	if s.noted {
		s.write([]byte("\r\x1b[K"))
		s.noted = false
	}
}

// failed is the error that writing gave. A reader who has gone is none.
func (s *stream) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var code syscall.Errno
	if errors.As(s.err, &code) && (code == syscall.EPIPE || runtime.GOOS == "windows" && (code == 109 || code == 232)) {
		return nil // ERROR_BROKEN_PIPE, ERROR_NO_DATA
	}
	return s.err
}

// note puts a passing text on the line; the next thing written, or an empty
// note, removes it.
func (s *stream) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	if text != "" {
		s.write([]byte(text))
		s.noted = true
	}
}

// clear empties the line that the cursor is on.
func (s *stream) clear() {
	if s.canMove() {
		s.Write([]byte("\r\x1b[K"))
	}
}

// size is that of the terminal; zeros where there is none.
func (s *stream) size() (width, height int) {
	if !term.IsTerminal(int(s.file.Fd())) {
		return 0, 0
	}
	width, height, err := term.GetSize(int(s.file.Fd()))
	if err != nil || width <= 0 {
		return 80, 24
	}
	return width, height
}

func (s *stream) isTerminal() bool {
	width, _ := s.size()
	return width > 0
}

// canMove reports a terminal on which a line can be written anew.
func (s *stream) canMove() bool { return s.isTerminal() && ansi(s.file) }

// canColour: see no-color.org.
func (s *stream) canColour() bool { return s.canMove() && os.Getenv("NO_COLOR") == "" }

// working shows on a terminal that a command that takes over a second is at
// work.
func (p *program) working(what string) (stop func()) {
	if !p.err.isTerminal() {
		return func() {}
	}
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-done:
				p.err.note("")
				return
			case <-time.After(time.Second):
			}
			if p.err.canMove() {
				p.err.note(fmt.Sprintf(saidWorking, what, n))
			} else if n == 1 {
				p.warnf(saidWorkingOn, what)
			}
		}
	})
	return sync.OnceFunc(func() { close(done); group.Wait() })
}
