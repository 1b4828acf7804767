//go:build unix

package desktop

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// patience is how long a program may take to take the text.
const patience = 5 * time.Second

// Copy puts a secret text on the clipboard, and asks that no history keeps it
// where the desktop has a way to ask. getenv is the environment's. An error says
// what to do instead.
//
// The programs that desktops have for it get the text on stdin, never as an
// argument, which every process can read. A library cannot take their place: on
// X11 and Wayland whoever copied serves the text for as long as it is there, and
// those in Go need cgo, or run the same programs with the wish left out.
func Copy(ctx context.Context, getenv func(string) string, text string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	commands, install := copiers(getenv)
	if commands == nil {
		return errors.New(`there is no display, so no clipboard; "lamplighter token" prints a token`)
	}
	var failed error
	for _, words := range commands {
		path, err := exec.LookPath(words[0])
		if err != nil {
			continue
		}
		cmd := exec.CommandContext(ctx, path, words[1:]...)
		cmd.Stdin = strings.NewReader(text)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // it serves the text longer than we live
		if err = cmd.Run(); err == nil {
			return nil
		}
		failed = fmt.Errorf(`%s could not copy (%w); "lamplighter token" prints a token`, words[0], err)
	}
	if failed != nil {
		return failed
	}
	return fmt.Errorf(`nothing here can copy: install %s; until then "lamplighter token" prints a token`, install)
}
