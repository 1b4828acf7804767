package app

// How we speak:
//   - results go to stdout, words to stderr; a script can rely on that;
//   - a sentence says what is the case, on what, and ends with the next step;
//   - errors begin with "lamplighter: ", in lower case, without a full stop
//     unless they are several sentences;
//   - paths below the home folder are written with ~;
//   - a state differs from another by its word; colour only underlines it;
//   - times are local for people and UTC in JSON;
//   - a token is never shown, except by the command that is asked for one.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"
)

func (p *program) printf(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }

// errorf says what failed. It is the only place that puts the name before it.
func (p *program) errorf(format string, args ...any) {
	fmt.Fprintln(p.err, "lamplighter: "+fmt.Sprintf(format, args...))
}

// warnf says what a person should know, while the command goes on.
func (p *program) warnf(format string, args ...any) { fmt.Fprintf(p.err, format+"\n", args...) }

// sayf makes an error of words for people.
func sayf(format string, args ...any) error { return errors.New(fmt.Sprintf(format, args...)) }

// usage is an error in how the command was called: exit code 2.
type usage struct{ error }

func usagef(format string, args ...any) error { return usage{sayf(format, args...)} }

// cobraUsage recognises cobra's own errors about arguments and flags, which
// have no type.
func cobraUsage(err error) bool {
	for _, begin := range []string{"unknown command", "unknown flag", "unknown shorthand", "flag needs", "invalid argument", "accepts ", "requires ", "if any flags"} {
		if strings.HasPrefix(err.Error(), begin) {
			return true
		}
	}
	return false
}

// short writes a path with ~ for the home folder.
func (p *program) short(path string) string { return shortPath(p.host.Home, path) }

func shortPath(home, path string) string {
	if home == "" {
		return path
	}
	if rel, err := filepath.Rel(home, path); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return filepath.Join("~", rel)
	}
	return path
}

// terminal tells how wide the terminal behind w is; 0 where there is none.
func terminal(w any) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// colour reports whether w may be coloured (no-color.org, and dumb terminals).
func (p *program) colour(w any) bool {
	return terminal(w) > 0 && p.host.Getenv("NO_COLOR") == "" && p.host.Getenv("TERM") != "dumb"
}
