package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// ask runs a service manager's command and returns what it printed. An error
// has its words.
func ask(ctx context.Context, env []string, words ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err == nil {
		return string(out), nil
	}
	failed := &askError{words: words, err: err}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		failed.said = strings.TrimSpace(string(exit.Stderr))
	}
	if failed.said == "" {
		failed.said = strings.TrimSpace(string(out))
	}
	return string(out), failed
}

// An askError is a command that failed, with what it said.
type askError struct {
	words []string
	said  string
	err   error
}

func (e *askError) Error() string {
	if e.said == "" {
		return fmt.Sprintf("%s: %v", strings.Join(e.words, " "), e.err)
	}
	return fmt.Sprintf("%s: %s", strings.Join(e.words, " "), e.said)
}

func (e *askError) Unwrap() error { return e.err }

// exited reports that the command ran and said no.
func (e *askError) exited() bool {
	var exit *exec.ExitError
	return errors.As(e.err, &exit) && exit.ExitCode() > 0
}
