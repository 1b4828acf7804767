// Package daemon has the user's service manager run a program: systemd on
// Linux, launchd on macOS, Task Scheduler on Windows. Each is asked by its own
// command, as the user who asks and for that user alone.
//
// What is written down names the program by its whole path, with its arguments
// and the variables that it needs. It is replaced as a whole; where it is not
// ours it is left alone.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Job is what runs, and for whom.
type Job struct {
	OS   string // as runtime.GOOS has it
	Home string // the user's folder
	// ConfigHome is $XDG_CONFIG_HOME. Empty or relative it counts as ~/.config.
	ConfigHome string
	User       string // the user's number; on Windows DOMAIN\name
	Runtime    string // $XDG_RUNTIME_DIR, where the user's systemd is found

	Name        string // lamplighter: the unit's
	ID          string // app.lamplighter.keep: the agent's
	Title       string // Lamplighter keeper: the task's
	Description string // one line for people
	Program     string // its absolute path that lasts
	Arguments   []string
	Variables   []string // NAME=value, set for it alone
}

// A Status is how a Job is.
type Status struct {
	Installed bool
	File      string // where it is written down; empty on Windows
	Running   bool
	PID       int    // 0: unknown
	Says      string // what it says of itself; empty where the system keeps none
	Why       string // what the service manager says where it does not run
}

// ErrNone means that this system has no service manager of the user's that we
// know.
var ErrNone = errors.New("there is no service manager")

// ErrAsleep means that the user's service manager does not run: he is not logged
// in, as far as it can tell.
var ErrAsleep = errors.New("the user's service manager does not run")

// An OtherError means that what is there was not written by Install.
type OtherError struct{ File string }

func (e *OtherError) Error() string {
	return fmt.Sprintf("%s was not written by this program and is left alone; move it away first", e.File)
}

// A manager is one system's way.
type manager interface {
	install(context.Context) error
	uninstall(context.Context) (found bool, err error)
	status(context.Context) (Status, error)
}

func (j Job) manager() (manager, error) {
	switch j.OS {
	case "linux":
		return unit{j}, nil
	case "darwin":
		return agent{j}, nil
	case "windows":
		return task{j}, nil
	}
	return nil, ErrNone
}

// Install has the Job run from now on and from each login; one that runs
// already is started anew if it is not as it should be.
func (j Job) Install(ctx context.Context) error {
	m, err := j.manager()
	if err != nil {
		return err
	}
	if err := j.check(); err != nil {
		return err
	}
	return m.install(ctx)
}

// Uninstall stops the Job and leaves nothing of it. found is whether there was
// any.
func (j Job) Uninstall(ctx context.Context) (found bool, err error) {
	m, err := j.manager()
	if err != nil {
		return false, err
	}
	return m.uninstall(ctx)
}

// Status asks the service manager. Since when it runs, the process itself
// knows.
func (j Job) Status(ctx context.Context) (Status, error) {
	m, err := j.manager()
	if err != nil {
		return Status{}, err
	}
	return m.status(ctx)
}

// check refuses what cannot be written down.
func (j Job) check() error {
	if !filepath.IsAbs(j.Program) {
		return fmt.Errorf("%q cannot be a service: its whole path is needed", j.Program)
	}
	for _, word := range append(append([]string{j.Program}, j.Arguments...), j.Variables...) {
		if !utf8.ValidString(word) || strings.ContainsFunc(word, unicode.IsControl) {
			return fmt.Errorf("%q cannot stand in a service; use a name of plain text", word)
		}
	}
	return nil
}

// patience is how long a service manager may take: to stop us it waits for the
// end of a refresh.
const patience = 4 * time.Minute

// mark is in everything that we write, so that it is known again.
const mark = "Written by \"lamplighter service install\""

// ours reads what is at a file. An empty text means that there is nothing.
func ours(file string) (text string, err error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(b), mark) {
		return "", &OtherError{file}
	}
	return string(b), nil
}

// put makes text a file, whole or not at all.
func put(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".lamplighter-")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// clear removes a file, and the folders around it that nothing else is in, up
// to the home.
func (j Job) clear(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for dir := filepath.Dir(file); dir != j.Home && strings.HasPrefix(dir, j.Home+string(filepath.Separator)) && os.Remove(dir) == nil; {
		dir = filepath.Dir(dir)
	}
	return nil
}
