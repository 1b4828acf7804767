package signin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// Installed reports whether the program of a command is there.
func Installed(words []string) bool {
	if len(words) == 0 {
		return false
	}
	_, err := exec.LookPath(words[0])
	return err == nil
}

// Unattended is a client's command with its program found, in PATH or where
// installers put it, for [Command] to run where nobody watches. terminal means
// that it wants a terminal; ok is false where the program is not there, or there
// is no terminal to be had.
func Unattended(words []string, terminal bool, getenv func(string) string) (command []string, ok bool) {
	if len(words) == 0 || terminal && !terminals() {
		return nil, false
	}
	path := find(words[0], getenv)
	if path == "" || !safe(path, words[1:]) {
		return nil, false
	}
	return append([]string{path}, words[1:]...), true
}

// Command runs a client's own command that signs in. What it says goes to out,
// and what a person pastes comes from in. env is the environment. When ctx
// ends it is told to end too, and given a moment for it.
//
// Without out nobody watches: it gets a terminal of its own where the system
// has them, what it says is read away, since there may be codes in it, and it
// has five minutes. Whatever it runs ends with it when ctx does, but for the
// browser. There is one such command at a time.
func Command(ctx context.Context, words, env []string, in io.Reader, out io.Writer) error {
	if out == nil {
		return alone(ctx, words, env)
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, in, out, out
	cmd.Cancel = func() error { return interrupt(cmd) }
	cmd.WaitDelay = grace
	return cmd.Run()
}

const (
	grace     = 5 * time.Second // to end in, after it was told to
	unwatched = 5 * time.Minute // for a command that nobody watches
)

// busy is held by the command that nobody watches: two browsers that ask for a
// sign-in at once are nobody's wish.
var busy = make(chan struct{}, 1)

var errTooLate = errors.New("nobody signed in for five minutes")

// A client that has no such command yet (Claude Code 2.1.100), or does not know
// the server outside of its project, says so and ends within two seconds on a
// terminal too (observed), so that nothing has to be known about either before.
func alone(ctx context.Context, words, env []string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, unwatched, errTooLate)
	defer cancel()
	select {
	case busy <- struct{}{}:
		defer func() { <-busy }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	var home string
	cmd.Env, home = surroundings(words[0], env)
	cmd.Dir = home // not the folder of a project that happens to be here
	cmd.WaitDelay = grace
	err := runAlone(cmd)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", words[0], err)
	}
	return nil
}
