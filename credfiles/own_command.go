package credfiles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// commandPatience is how long a command may take to tell a secret: longer than
// a password manager needs that asks a person for a finger.
const commandPatience = 30 * time.Second

// AskCommand is what a command of the user's prints, without the end of the
// last line. It runs without a shell, with nothing on stdin, for 30 s at most;
// what it says on stderr goes nowhere, for it may repeat the secret. Errors name
// the key of our config that it stands under.
func AskCommand(ctx context.Context, key string, words []string) (Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.WaitDelay = time.Second // a child of its own may hold the pipe
	var out bytes.Buffer
	c.Stdout = &limited{&out, maxSecret}
	err := c.Run()
	secret := NewSecret(strings.TrimRight(out.String(), "\r\n"))
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return Secret{}, fmt.Errorf("%s (%s) took longer than %v", key, words[0], commandPatience)
	case errors.As(err, &exit):
		return Secret{}, fmt.Errorf("%s (%s) ended with exit code %d", key, words[0], exit.ExitCode())
	case err != nil:
		return Secret{}, fmt.Errorf("%s: %w", key, err)
	case secret.IsZero():
		return Secret{}, fmt.Errorf("%s (%s) printed nothing", key, words[0])
	}
	return secret, nil
}

// limited takes so many bytes and fails at more.
type limited struct {
	to   *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errTooLarge
	}
	return l.to.Write(p)
}
