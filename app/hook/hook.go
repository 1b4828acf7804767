// Package hook runs a command of the user's when something happened: with what
// happened on its stdin, for so long and no longer, and with nothing in its
// environment that it was not meant to have.
package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
	"unicode"
)

// grace is how long a command has to end in, after it was told to.
const grace = 2 * time.Second

// Run runs a command: an absolute path and its arguments, without a shell. text
// is its stdin, dir the folder that it begins in, where that is there. After
// timeout, and when ctx ends, it is ended with all that it started. An error
// says what went wrong, with the first lines of its stderr.
func Run(ctx context.Context, command []string, text []byte, dir string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it was ended after %v", timeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = environment(os.Environ())
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		cmd.Dir = dir
	}
	var said head
	cmd.Stdin, cmd.Stderr = bytes.NewReader(text), &said
	apart(cmd)
	// What it leaves running on purpose may hold its stderr for ever.
	cmd.WaitDelay = 2 * grace
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		err = nil
	}
	var exit *exec.ExitError
	switch words := said.String(); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return with(context.Cause(ctx), words)
	case errors.As(err, &exit):
		return with(errors.New(exit.String()), words)
	}
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err // who tells of it names the command
	}
	return err
}

func with(err error, words string) error {
	if words == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, words)
}

// A head keeps the first bytes that are written to it.
type head struct{ text []byte }

// longest is how much of stderr is kept, in bytes.
const longest = 500

func (h *head) Write(b []byte) (int, error) {
	h.text = append(h.text, b[:min(len(b), longest-len(h.text))]...)
	return len(b), nil
}

// String is what was kept in one line, without what a terminal would obey.
func (h *head) String() string {
	var lines []string
	for line := range strings.Lines(strings.ToValidUTF8(string(h.text), "")) {
		line = strings.Map(func(r rune) rune {
			switch {
			case r == '\t':
				return ' '
			case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
				return -1
			}
			return r
		}, line)
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// passed are the variables that a command gets, and the beginnings of some: what
// it needs to find programs, the network, the user's bus and files. All others
// stay here, for one may hold a secret of a credential.
var passed = []string{
	"HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "XDG_*", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY",
	"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
	// Windows has no program that starts without some of these.
	"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "USERNAME", "USERDOMAIN", "HOMEDRIVE", "HOMEPATH", "COMPUTERNAME",
	"APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432", "COMMONPROGRAMFILES", "ALLUSERSPROFILE", "PUBLIC", "OS",
	"NUMBER_OF_PROCESSORS", "PROCESSOR_*",
}

func environment(all []string) (some []string) {
	for _, v := range all {
		name, _, _ := strings.Cut(v, "=")
		name = strings.ToUpper(name)
		for _, p := range passed {
			if begin, open := strings.CutSuffix(p, "*"); name == p || open && strings.HasPrefix(name, begin) {
				some = append(some, v)
				break
			}
		}
	}
	return some
}
