package signin

import (
	"context"
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

// Command runs a client's own command that signs in. What it says goes to out,
// and what a person pastes comes from in. env is the environment. When ctx
// ends it is told to end too, and given a moment for it.
func Command(ctx context.Context, words, env []string, in io.Reader, out io.Writer) error {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, in, out, out
	cmd.Cancel = func() error { return interrupt(cmd) }
	cmd.WaitDelay = 5 * time.Second
	return cmd.Run()
}
