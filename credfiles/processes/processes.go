// Package processes finds running programs that may hold a refresh token in
// memory, and the versions of the packages that they came from.
package processes

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// A Process is a program that was running when it was listed. What the
// system does not tell, because the program is another user's or gone by
// now, is empty.
type Process struct {
	PID  int
	Name string
	// Exe is the path of the program file, links resolved. On Linux it ends
	// in " (deleted)" if the file was replaced since, as updates do.
	Exe  string
	Args []string // with the program's own name first
	// Started is when it began, to about a second. Zero means unknown.
	Started time.Time
	// Owner is whom it runs for: the number of the user, on Windows
	// DOMAIN\name, as os/user has them in Uid and Username.
	Owner string
	// Env is the value of a variable in the environment that the program was
	// started with, empty where it is not set. The second result is false if
	// the environment is unknown: FreeBSD and OpenBSD never tell, macOS not
	// for programs that it protects, and no system for another user's
	// program. Then nothing follows from the empty value, not even that the
	// program uses its default home. List always sets it. A function, so
	// that printing a Process shows no variable.
	Env func(key string) (value string, known bool)
}

// List returns the running programs whose name is wanted, by rising PID.
// Names are asked of all, everything else of the wanted only. One that is
// gone before it was looked at, and one that has ended and only waits for its
// parent to notice, is left out without an error; an error means that the
// system gave no list at all, or that ctx ended.
//
// The name is the system's short one: of the program file on Windows and
// macOS, of the main thread on Linux, where a program may change it. It is
// cut at 15 bytes on Linux and 16 on macOS unless the command line has the
// rest. A script has the name of its interpreter ("node"), and its own path in
// Args, as it was typed.
func List(ctx context.Context, want func(name string) bool) ([]Process, error) {
	running, err := names(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list the running programs: %w", err)
	}
	var found []Process
	for _, r := range running {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("cannot list the running programs: %w", context.Cause(ctx))
		}
		p := &process.Process{Pid: r.pid}
		if r.name == mainThread {
			exe, err := p.ExeWithContext(ctx)
			if err != nil {
				continue
			}
			r.name = filepath.Base(exe)
		}
		if !want(r.name) {
			continue
		}
		if details, ok := describe(ctx, p, r.name); ok {
			found = append(found, details)
		}
	}
	return found, nil
}

// A named is a process of which no more is known than its name.
type named struct {
	pid  int32
	name string
}

// mainThread is what Node.js 24.21.0 calls its main thread, and with it the
// whole program, on Linux (observed; 20.20.2 is "node"). The program file's
// name says more.
const mainThread = "MainThread"

// describe asks for the rest. It reports false for what is only a name any
// more: an ended program has neither file nor arguments.
func describe(ctx context.Context, p *process.Process, name string) (Process, bool) {
	d := Process{PID: int(p.Pid), Name: name, Owner: owner(ctx, p)}
	d.Exe, _ = p.ExeWithContext(ctx)
	d.Args, _ = p.CmdlineSliceWithContext(ctx)
	if d.Exe == "" && len(d.Args) == 0 {
		return Process{}, false
	}
	if ms, err := p.CreateTimeWithContext(ctx); err == nil {
		d.Started = time.UnixMilli(ms)
	}
	env, _ := p.EnvironWithContext(ctx)
	if none(env) { // as of a program that is just starting
		env, _ = p.EnvironWithContext(ctx)
	}
	if none(env) && d.Exe != "" {
		if exe, _ := p.ExeWithContext(ctx); exe == "" {
			return Process{}, false // it ended since: nobody of whom nothing is known
		}
	}
	d.Env = environment(env)
	return d, true
}

// none reports an environment without anything in it, also as one empty text.
func none(list []string) bool {
	return !slices.ContainsFunc(list, func(v string) bool { return v != "" })
}

// environment looks up in a list of NAME=value. The empty list means unknown:
// macOS shows a protected program's environment as empty, and nothing real
// runs without one.
func environment(list []string) func(key string) (string, bool) {
	known := !none(list)
	return func(key string) (string, bool) {
		for _, s := range list {
			if name, value, ok := strings.Cut(s, "="); ok && sameName(name, key) {
				return value, known
			}
		}
		return "", known
	}
}
