package app

import (
	"context"
	"io"
	"os"

	"golang.org/x/term"
)

// typed is a line that is typed at a prompt and not shown. The terminal shows
// nothing from before the prompt on: who pastes at once is not faster. Ctrl-C
// ends it.
func (p *program) typed(ctx context.Context, prompt string) (string, error) {
	fd := int(os.Stdin.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", sayf(saidNoStdin, err)
	}
	type line struct {
		text string
		err  error
	}
	ended := make(chan line, 1)
	go func() {
		text, err := term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{byByte{os.Stdin}, p.err}, "").ReadPassword(prompt)
		ended <- line{text, err}
	}()
	select {
	case l := <-ended:
		term.Restore(fd, before)
		if l.err == nil {
			return l.text, nil
		}
	case <-ctx.Done():
		term.Restore(fd, before)
		p.warnf("")
	}
	p.errorf(saidInterrupted)
	return "", exit{exitLater}
}

// A byByte reads no further than a line's end: what is pasted after it is for
// the next prompt.
type byByte struct{ r io.Reader }

func (b byByte) Read(p []byte) (int, error) { return b.r.Read(p[:min(1, len(p))]) }
