package app

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"
)

// agreed asks on a terminal whether something may be done, and does not wait for
// the answer when it is interrupted.
func (p *program) agreed(ctx context.Context, question string) (bool, error) {
	io.WriteString(p.err, question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		p.errorf(saidInterrupted)
		return false, exit{exitLater}
	case said := <-answer:
		return said == "y" || said == "yes", nil
	}
}
